"""The look for secrets finds each kind, tells where it is and not what, and takes nothing else for one."""

import base64
import json
import logging
import secrets
from pathlib import Path

import pytest

from tests.contract.overheard import Listener, secrets_of_errors
from tests.contract.told_secrets import PASSWORDS, findings_in, findings_in_files, refuse, secrets_in

JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"ES256"}', b'{"sub":"x"}', b"xyz")
)
TOKEN = "iVn3_2JSsVbC5GmQX-BX0XVKoV9Xa3Nk8FG1mHrXz5c"
PLANTED = [
    ("a JSON Web Token", JWT),
    ("a token of ours", TOKEN),
    ("a token of ours", f"mfa_{TOKEN}"),
    *(("a password", password) for password in PASSWORDS),
    ("a hash of a password", "$argon2id$v=19$m=65536,t=3,p=4$IMXTySk81raoC0Lyx8cRgg$RoDN+FkywU3l8/"),
    ("a key of Stripe's API", "sk_test_4eC39HqLyjWDarjtT1zdp7dc"),
    ("a key of Stripe's API", "rk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    ("a secret of a webhook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("a client secret", "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH"),
    ("a private key", "-----BEGIN EC PRIVATE KEY-----"),
    ("a private key", "-----BEGIN PRIVATE KEY-----"),
    ("a password in an address", "postgresql://payments:tr0mbone@db.internal/payments"),
    ("a card number", "4242424242424242"),
    ("a card number", "4000 0027 6000 3184"),
    ("a card number", "3782-822463-10005"),
    ("an e-mail address", "ada@example.com"),
    ("an e-mail address", "ada.b+c@mail.example.co.uk"),
    ("a secret of an authenticator", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
    ("a secret of an authenticator", "otpauth://totp/shop?secret=x"),
    ("a recovery code", "4k7w-9xq2-m3pz-t0ab"),
]
HARMLESS = [
    "usr_01m8m6s261h0059h0pb5sjxrj9 and req_01m8m6s261h0059h0pb5sjxrj9",
    "5f0c9a52-6a0d-4c46-9d4e-cc3a14a0a1d1",
    "1764438612345 1764438612345678901 4242424242424241",
    "pi_4242424242424242 evt_4242424242424242 4242424242424242.5",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "STRIPE_SECRET_KEY must begin with sk_test_ or sk_live_, and each secret with whsec_ …",
    "/home/someone/payments/tests/test_a_long_name_of_a_test_with_43_letters",
    "graphql@16.12.0 postgresql://127.0.0.1:5432/users http://127.0.0.1:8000/graphql",
    "some-such-word-than",
    "If this problem persists, let us know at support@stripe.com.",
]


@pytest.mark.parametrize(("kind", "secret"), PLANTED)
@pytest.mark.parametrize("around", ["{}", "before {} after", '"{}"', "x={}&", "[{}],", "({})"])
def test_each_kind_is_found_wherever_it_stands(kind: str, secret: str, around: str) -> None:
    assert kind in {one.kind for one in secrets_in(around.format(secret))}


@pytest.mark.parametrize(("kind", "secret"), PLANTED)
def test_each_kind_is_found_in_a_traceback_within_a_json_line(kind: str, secret: str) -> None:
    line = json.dumps({"exception": f'Traceback\nValueError: \n{secret}\n"{secret}"\n'})

    assert [one.kind for one in secrets_in(line)].count(kind) == 2


@pytest.mark.parametrize("text", HARMLESS)
def test_nothing_else_is_taken_for_one(text: str) -> None:
    assert list(secrets_in(text)) == []


def test_tokens_as_they_are_made_are_found() -> None:
    found = sum(bool(list(secrets_in(f"token {secrets.token_urlsafe(32)}."))) for _ in range(1000))

    assert found > 980  # one in a thousand has no digit


@pytest.mark.parametrize(("kind", "secret"), PLANTED)
def test_a_finding_fails_the_run_and_keeps_the_secret(tmp_path: Path, kind: str, secret: str) -> None:
    (log := tmp_path / "gateway.log").write_text(f"all is well\nbut {secret}\n")

    with pytest.raises(pytest.fail.Exception) as failed:
        refuse(findings_in_files([log]))

    assert f"gateway.log, line 2: {kind}" in str(failed.value)
    assert secret not in str(failed.value)


def test_nothing_found_is_nothing_said(tmp_path: Path) -> None:
    (log := tmp_path / "gateway.log").write_text("all is well\n")

    refuse(findings_in_files([log]))


def test_a_log_that_is_not_there_is_no_clean_log(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        findings_in_files([tmp_path / "gateway.log"])


def test_what_is_logged_is_overheard_with_its_traceback() -> None:
    logger, listener = logging.getLogger("service"), Listener()
    logger.addHandler(listener)
    logger.error("failed for %s", "ada@example.com", exc_info=ValueError(TOKEN))
    logger.removeHandler(listener)

    assert [finding.partition(": ")[2] for finding in listener.findings] == [
        "an e-mail address",
        "a token of ours",
    ]


def test_libraries_that_services_keep_quiet_are_heard_from_warnings_on() -> None:
    listener = Listener()
    for level in (logging.INFO, logging.WARNING):
        listener.handle(logging.LogRecord("httpx", level, "", 0, "GET http://a:b@host/", (), None))

    assert len(listener.findings) == 1


def test_errors_of_an_answer_are_looked_through_and_its_data_is_not() -> None:
    errors = {"errors": [{"message": "no", "extensions": {"detail": TOKEN}}]}
    refused = {"data": {"login": {"code": "X", "message": "ada@example.com has no account"}}}
    tokens = {"data": {"login": {"tokens": {"accessToken": JWT}, "user": {"email": "ada@example.com"}}}}

    assert secrets_of_errors("", errors) == ["an error that was answered: a token of ours"]
    assert secrets_of_errors("", refused) == ["an error that was answered: an e-mail address"]
    assert secrets_of_errors("", tokens) == []
    assert findings_in("answer", json.dumps(tokens)) != []


def test_what_the_sender_wrote_may_come_back_to_them() -> None:
    answer = {
        "errors": [{"message": "Variable got invalid value 'ada@example.com'; not 'grace@example.com'."}]
    }

    assert secrets_of_errors('{"variables": {"email": "ada@example.com"}}', answer) == [
        "an error that was answered: an e-mail address"
    ]
