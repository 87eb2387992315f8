"""A proxy between the service and Stripe that loses, delays and cuts what goes through. It knows HTTP only so far."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from tests.payment_subgraph.tcp_server import tcp_server

HOST = "127.0.0.1"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>"
_WHAT = ("pass",) * 12 + (
    "lose the request",
    "lose the answer",
    "lose the answer",
    "cut the answer in half",
    "502 instead of asking",
    "502 instead of the answer",
    "be slow",
)


@dataclass(slots=True)
class FaultyProxy:
    port: int
    upstream: int
    luck: Random
    calmed: bool = False
    done: Counter[str] = field(default_factory=Counter)

    def calm(self) -> None:
        self.calmed = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, until one goes wrong."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _message(reader)
        what = "pass" if self.calmed else self.luck.choice(_WHAT)
        if what != "pass":
            self.done[f"proxy: {what}"] += 1
        if what == "lose the request":
            return False
        if what == "502 instead of asking":
            writer.write(_BAD_GATEWAY)
            return False
        if what == "be slow":
            await asyncio.sleep(self.luck.uniform(0.2, 2))
        answer = await self._asked(request)
        if what == "lose the answer":
            return False
        if what == "502 instead of the answer":
            writer.write(_BAD_GATEWAY)
            return False
        writer.write(answer[: len(answer) // 2] if what == "cut the answer in half" else answer)
        await writer.drain()
        return what != "cut the answer in half"

    async def _asked(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, self.upstream)
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Head and body; all that is sent here has a content-length, or no body."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
    return head


@asynccontextmanager
async def proxy(port: int, upstream: int, luck: Random) -> AsyncIterator[FaultyProxy]:
    made = FaultyProxy(port, upstream, luck)
    async with tcp_server(made.serve, HOST, port):
        yield made
