"""Who carries a mail away: an SMTP server, or in development a folder or the console. One setting chooses."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from user_subgraph.errors import MailNotCarried, StartRefused

# For each step of the conversation.
SMTP_TIMEOUT_S = 10


class MailCarrier(Protocol):
    def carry(self, message: EmailMessage) -> None:
        """Returns once somebody else answers for the mail; raises `MailNotCarried`."""


@dataclass(frozen=True)
class SmtpCarrier:
    """`encryption`: `implicit` TLS, `starttls` (which a server that lacks it does not get around), or `none`."""

    host: str
    port: int
    encryption: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def carry(self, message: EmailMessage) -> None:
        try:
            with self._connected() as server:
                if self.encryption == "starttls":
                    server.starttls(context=self.tls())
                if self.user is not None:
                    server.login(self.user, self.password or "")
                server.send_message(message)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:  # the last: an address it cannot say
            # Only the kind of it: what servers say repeats addresses.
            raise MailNotCarried(_told(error)) from None

    def _connected(self) -> smtplib.SMTP:
        if self.encryption == "implicit":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SMTP_TIMEOUT_S, context=self.tls())
        return smtplib.SMTP(self.host, self.port, timeout=SMTP_TIMEOUT_S)


def _told(error: Exception) -> str:
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"


@dataclass(frozen=True)
class FolderCarrier:
    """One file a mail, named by its Message-ID: a repeated one takes its own place."""

    folder: Path

    def carry(self, message: EmailMessage) -> None:
        path = self.folder / f"{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
        unfinished = path.with_suffix(".unfinished")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.write_bytes(message.as_bytes())
            unfinished.replace(path)
        except (OSError, UnicodeError) as error:
            raise MailNotCarried(_told(error)) from None


@dataclass(frozen=True)
class ConsoleCarrier:
    """Standard output, where nothing is logged."""

    def carry(self, message: EmailMessage) -> None:
        print(f"To: {message['To']}\nSubject: {message['Subject']}\n\n{message.get_content()}", flush=True)


def carrier_of(name: str, url: str) -> MailCarrier:
    """Of the setting *name*; raises `StartRefused`. The URL may hold a password: never shown."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise StartRefused(f"{name} is not an address such as smtp://user:password@host:587.") from error
    match parts.scheme:
        case "console":
            return ConsoleCarrier()
        case "file" if parts.path and not parts.netloc:
            return FolderCarrier(Path(unquote(parts.path)))
        case "smtp" | "smtps" if parts.hostname:
            return _smtp_carrier(name, url, port)
    raise StartRefused(f"{name} must be like smtp://user:password@host:587, smtps://…, file:… or console:.")


def _smtp_carrier(name: str, url: str, port: int | None) -> SmtpCarrier:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    encryption = "implicit" if parts.scheme == "smtps" else options.pop("tls", "starttls")
    if options or parts.path not in {"", "/"} or encryption not in {"implicit", "starttls", "none"}:
        raise StartRefused(f"{name}: behind the host there can only be ?tls=none, with smtp://.")
    if encryption == "none" and parts.username is not None:
        raise StartRefused(f"{name}: a password is not sent without encryption; leave ?tls=none away.")
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    default = 465 if parts.scheme == "smtps" else 587
    return SmtpCarrier(parts.hostname or "", port or default, encryption, user, password)
