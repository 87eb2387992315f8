"""Mails as they are written, on the terminal: in development nobody else gets them, and a link is there to be opened."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

LOOKED_FOR_EVERY_S = 0.3
LINK = re.compile(r"^\s*(https?://\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Mail:
    recipient: str
    subject: str
    link: str | None

    @classmethod
    def read(cls, content: bytes) -> "Mail":
        message = message_from_bytes(content, _class=EmailMessage, policy=default)
        link = LINK.search(message.get_content())
        return cls(message["To"], message["Subject"], link[1] if link else None)

    def __str__(self) -> str:
        said = f"Mail to {self.recipient}: {self.subject}"
        return f"{said}\n  {self.link}" if self.link else said


class MailFolder:
    """Tells each mail once, the oldest first; not those that were there before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = self._written()

    def new_mails(self) -> list[Mail]:
        written = self._written()
        new = (
            written.items() - self._known.items()
        )  # one that is sent again takes its own place, with another link
        self._known = written
        contents = (_content(file) for file, _ in sorted(new, key=lambda item: item[1]))
        return [Mail.read(content) for content in contents if content]

    def _written(self) -> dict[Path, int]:
        """When each mail was. Until it is whole, its file has another name."""
        times = ((file, _written_at(file)) for file in self._folder.glob("*.eml"))
        return {file: at for file, at in times if at is not None}


# Somebody may tidy up at any moment.


def _written_at(file: Path) -> int | None:
    with suppress(FileNotFoundError):
        return file.stat().st_mtime_ns
    return None


def _content(file: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return file.read_bytes()
    return None


@asynccontextmanager
async def mails_shown(folder: MailFolder) -> AsyncIterator[None]:
    """Print every mail that comes into *folder* during the block."""
    showing = asyncio.create_task(_show(folder))
    try:
        yield
    finally:
        showing.cancel()
        with suppress(asyncio.CancelledError):
            await showing


async def _show(folder: MailFolder) -> None:
    while True:
        for mail in folder.new_mails():
            print(mail, flush=True)
        await asyncio.sleep(LOOKED_FOR_EVERY_S)
