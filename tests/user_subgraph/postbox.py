"""A real SMTP server on loopback, and what it was sent."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.held_ports import held_port

USER, SECRET = "sender", "mail-secret"


@dataclass
class Postbox:
    """`refuses`: the server answers "try later" after it has read the whole mail."""

    port: int = 0
    refuses: bool = False
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [mail.get_content() for mail in self.mails]

    @property
    def token(self) -> str:
        """That of the newest mail, as its reader finds it."""
        (line,) = [line for line in self.texts[-1].splitlines() if line.startswith("  ")]
        return line.strip().rpartition("#token=")[2]


@dataclass
class _Handler:
    """Apart from the postbox: aiosmtpd looks at every attribute of a handler."""

    box: Postbox

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.box.mails.append(message)
        return "451 later, said to ada@example.com" if self.box.refuses else "250 taken"


@contextmanager
def postbox(tls: ssl.SSLContext | None = None) -> Iterator[Postbox]:
    """With *tls* it wants STARTTLS and then the password."""
    box = Postbox(held_port())
    options = {"require_starttls": True, "auth_required": True, "authenticator": _judged} if tls else {}
    server = Controller(
        _Handler(box), hostname="127.0.0.1", port=box.port, tls_context=tls, ready_timeout=60, **options
    )
    server.start()
    try:
        yield box
    finally:
        server.stop()


def _judged(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER.encode(), SECRET.encode()), handled=False)
