"""Mails that are written while the system runs are shown, each once, with the link in it."""

import asyncio
import os
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from launcher.mails import MailFolder, mails_shown

LINK = "http://127.0.0.1:8000/account/verify-email#token=nUv-3_kd0s2cHyZbZrHkV0l2Z8Xk1m9q7o5eX-_tQ4A"
TEXT = f"Somebody, probably you, …\n\nOpen this link:\n\n  {LINK}\n\nIf it was not you, do nothing.\n"


def write(folder: Path, name: str, text: str = TEXT, recipient: str = "ada@example.com", at: int = 1) -> None:
    """As the user subgraph does, at second *at* of some day."""
    message = EmailMessage(policy=SMTP)
    message["To"] = recipient
    message["Subject"] = "Confirm your e-mail address"
    message.set_content(text)
    folder.mkdir(exist_ok=True)
    unfinished = folder / f"{name}.unfinished"
    unfinished.write_bytes(message.as_bytes())
    os.utime(unfinished, (at, at))
    unfinished.replace(folder / f"{name}.eml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mails"


def new_mails(folder: MailFolder) -> list[str]:
    return [str(mail) for mail in folder.new_mails()]


def test_a_new_mail_is_told_once_with_its_link(folder: Path) -> None:
    mails = MailFolder(folder)
    write(folder, "mail_1")

    assert new_mails(mails) == [f"Mail to ada@example.com: Confirm your e-mail address\n  {LINK}"]
    assert new_mails(mails) == []


def test_mails_of_earlier_runs_are_not_told(folder: Path) -> None:
    write(folder, "mail_1")

    assert new_mails(MailFolder(folder)) == []


def test_several_come_in_the_order_they_were_written_in(folder: Path) -> None:
    mails = MailFolder(folder)
    for name, second in (("mail_b", 1), ("mail_a", 3), ("mail_c", 2)):
        write(folder, name, recipient=f"{name}@example.com", at=second)

    assert [mail.recipient[:6] for mail in mails.new_mails()] == ["mail_b", "mail_c", "mail_a"]


def test_a_mail_that_is_sent_again_is_told_again(folder: Path) -> None:
    mails = MailFolder(folder)
    write(folder, "mail_1")
    mails.new_mails()
    write(folder, "mail_1", TEXT.replace("nUv", "abc"), at=2)

    [again] = mails.new_mails()

    assert again.link == LINK.replace("nUv", "abc")


def test_a_mail_without_a_link_is_told_too(folder: Path) -> None:
    mails = MailFolder(folder)
    write(
        folder,
        "mail_1",
        "Somebody tried to register. See http://example.com for more.\n",
        "žofie@example.com",
    )

    assert new_mails(mails) == ["Mail to žofie@example.com: Confirm your e-mail address"]


def test_an_unfinished_mail_and_a_folder_that_goes_are_borne_with(folder: Path) -> None:
    mails = MailFolder(folder)
    write(folder, "mail_1")
    (folder / "mail_2.unfinished").write_bytes(b"To: ada")

    assert len(mails.new_mails()) == 1
    (folder / "mail_1.eml").unlink()
    (folder / "mail_2.unfinished").unlink()
    folder.rmdir()
    assert mails.new_mails() == []


def test_they_are_printed_as_they_come_until_the_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def watch() -> str:
        async with mails_shown(MailFolder(folder)):
            write(folder, "mail_1")
            while not (printed := capsys.readouterr().out):  # noqa: ASYNC110 - what is printed rings no bell
                await asyncio.sleep(0.01)
        return printed

    assert asyncio.run(asyncio.wait_for(watch(), 60)) == (
        f"Mail to ada@example.com: Confirm your e-mail address\n  {LINK}\n"
    )
