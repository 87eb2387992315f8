"""The carriers: SMTP with and without TLS, a folder, the console."""

import datetime as dt
import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.user_subgraph.postbox import SECRET, USER, postbox
from user_subgraph.errors import MailNotCarried
from user_subgraph.mail import Letterhead, MailKind, OutgoingMail
from user_subgraph.mail_carriers import ConsoleCarrier, FolderCarrier, SmtpCarrier, carrier_of

NOW = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)


def _message(recipient: str = "ada@example.com") -> EmailMessage:
    mail = OutgoingMail("mail_1", MailKind.RESET_PASSWORD, recipient, None, 1, NOW)
    return Letterhead("shop@example.com", None).message(mail, "the-token", NOW)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """For 127.0.0.1, signed by itself: the certificate, and its key."""
    key, folder = ec.generate_private_key(ec.SECP256R1()), tmp_path_factory.mktemp("tls")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "postbox")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_smtp_encrypts_then_logs_in(server_tls: ssl.SSLContext, certificate: tuple[Path, Path]) -> None:
    with postbox(server_tls) as box:
        trusting = lambda: ssl.create_default_context(cafile=certificate[0])  # noqa: E731 - an argument
        SmtpCarrier("127.0.0.1", box.port, "starttls", USER, SECRET, trusting).carry(_message())

        assert [mail["To"] for mail in box.mails] == ["ada@example.com"]
        with pytest.raises(MailNotCarried, match="SMTPAuthenticationError 535"):
            SmtpCarrier("127.0.0.1", box.port, "starttls", USER, "wrong", trusting).carry(_message())


def test_a_server_without_a_trusted_certificate_gets_neither_password_nor_mail(
    server_tls: ssl.SSLContext,
) -> None:
    with postbox(server_tls) as box:
        with pytest.raises(MailNotCarried, match="SSLCertVerificationError"):
            SmtpCarrier("127.0.0.1", box.port, "starttls", USER, SECRET).carry(_message())

        assert box.mails == []


def test_a_server_without_starttls_gets_nothing() -> None:
    with postbox() as box:
        with pytest.raises(MailNotCarried, match="SMTPNotSupportedError"):
            SmtpCarrier("127.0.0.1", box.port, "starttls").carry(_message())

        assert box.mails == []


def test_nobody_at_the_port_is_told_without_addresses() -> None:
    with postbox() as gone:
        pass

    with pytest.raises(MailNotCarried, match=r"^The mail was not taken: ConnectionRefusedError\.$"):
        SmtpCarrier("127.0.0.1", gone.port, "none").carry(_message())


@pytest.mark.parametrize("recipient", ["grüße@example.com", "ada@bücher.example"])
def test_addresses_beyond_ascii_arrive(recipient: str) -> None:
    with postbox() as box:
        SmtpCarrier("127.0.0.1", box.port, "none").carry(_message(recipient))

        assert len(box.mails) == 1


def test_a_folder_keeps_one_file_a_mail_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    for _ in range(2):
        FolderCarrier(folder).carry(_message())

    (path,) = folder.iterdir()
    mail = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    assert path.name == "mail_1.eml"
    assert (mail["To"], mail["Auto-Submitted"]) == ("ada@example.com", "auto-generated")
    assert "the-token" in mail.get_content()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_link_lies_whole_in_the_file_and_arrives_whole_by_smtp(tmp_path: Path) -> None:
    link = f"https://shop.example.com/account/reset-password#token={'t' * 43}"
    mail = OutgoingMail("mail_1", MailKind.RESET_PASSWORD, "ada@example.com", None, 1, NOW)
    message = Letterhead("shop@example.com", "https://shop.example.com/account").message(mail, "t" * 43, NOW)

    FolderCarrier(tmp_path).carry(message)
    with postbox() as box:
        SmtpCarrier("127.0.0.1", box.port, "none").carry(message)

    (path,) = tmp_path.iterdir()
    lines = path.read_text().splitlines()
    assert f"  {link}" in lines
    assert f"  {link}" in box.texts[0].splitlines()
    assert box.texts[0].splitlines() == message.get_content().splitlines()


def test_a_link_longer_than_any_line_of_a_mail_arrives_all_the_same() -> None:
    base = f"https://shop.example.com/{'x' * 998}"
    mail = OutgoingMail("mail_1", MailKind.RESET_PASSWORD, "ada@example.com", None, 1, NOW)
    message = Letterhead("shop@example.com", base).message(mail, "the-token", NOW)

    with postbox() as box:
        SmtpCarrier("127.0.0.1", box.port, "none").carry(message)

    assert f"  {base}/reset-password#token=the-token" in box.texts[0].splitlines()
    assert all(len(line) <= 78 and line.isascii() for line in message.as_bytes().decode().splitlines())


def test_a_folder_that_cannot_be_made_leaves_the_mail(tmp_path: Path) -> None:
    (tmp_path / "mails").write_text("a file")

    with pytest.raises(MailNotCarried):
        FolderCarrier(tmp_path / "mails").carry(_message())


def test_the_console_shows_the_mail(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleCarrier().carry(_message())

    shown = capsys.readouterr().out
    assert shown.startswith("To: ada@example.com\nSubject: Set a new password\n")
    assert "the-token" in shown


def test_an_address_that_would_write_headers_gets_no_mail() -> None:
    with pytest.raises(MailNotCarried):
        _message("ada@example.com\r\nBcc: eve@example.com")


def test_a_setting_says_who_carries() -> None:
    carriers = [
        carrier_of("MAIL_URL", url)
        for url in (
            "smtp://sender:p%40ss@mail.example.com",
            "smtps://mail.example.com:4650",
            "smtp://127.0.0.1:25?tls=none",
            "file:/srv/mails",
            "file:///srv/my%20mails",
            "console:",
        )
    ]

    assert carriers == [
        SmtpCarrier("mail.example.com", 587, "starttls", "sender", "p@ss"),
        SmtpCarrier("mail.example.com", 4650, "implicit"),
        SmtpCarrier("127.0.0.1", 25, "none"),
        FolderCarrier(Path("/srv/mails")),
        FolderCarrier(Path("/srv/my mails")),
        ConsoleCarrier(),
    ]
    assert "p@ss" not in repr(carriers)
