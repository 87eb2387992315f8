"""A receiver of the outbox's messages on loopback, which checks signatures by the specification's own library."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from tests.payment_subgraph.tcp_server import tcp_server

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@dataclass(frozen=True)
class Answer:
    """*held*: the answer comes only when this is set."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    held: asyncio.Event | None = None


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content

    @property
    def type(self) -> str:
        return str(self.content["type"])

    def verify(self, secret: str = SECRET) -> None:
        """Raises, if it is not signed with *secret*, now."""
        Webhook(secret).verify(self.body, self.headers)

    def signed_at(self, secret: str = SECRET) -> datetime:
        """For a turned clock: when it was signed, if it is signed with *secret*."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        assert Webhook(secret).sign(self.id, at, self.body) in self.headers["webhook-signature"].split(" ")
        return at


@dataclass
class Receiver:
    """*answers* are used up, one for each message; after them *usual* is the answer. *decide* goes before both."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    usual: Answer = field(default_factory=Answer)
    decide: Callable[[Received], Answer | None] | None = None
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.received]

    async def until(self, wanted: str) -> None:
        while wanted not in self.types:
            await self._came.wait()
            self._came.clear()

    async def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # the sender has given up, or is done
            while await self._exchange(reader, writer):
                pass

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(":", 1) for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        message = Received(headers, body.decode())
        self.received.append(message)
        self._came.set()
        answer = self._answer(message)
        if answer.held is not None:
            await answer.held.wait()
        told = {"content-length": str(len(answer.body)), **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} Told", *(f"{name}: {value}" for name, value in told.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body)
        await writer.drain()
        return True

    def _answer(self, message: Received) -> Answer:
        decided = self.decide(message) if self.decide else None
        return decided or (self.answers.pop(0) if self.answers else self.usual)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with tcp_server(receiver.respond) as port:
        receiver.url = f"http://127.0.0.1:{port}/payments"
        yield receiver
