"""Clients that ask without a pause, over kept and over fresh connections, and note every answer."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.gateway.patience import LONG_S

Address = tuple[str, int]


@dataclass
class Load:
    """What came of it: how often each answer, and what went wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    is_over: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, count: int) -> None:
        """Return when *count* more answers have come, or something has failed."""
        wanted = self.answers.total() + count
        async with asyncio.timeout(LONG_S):
            while self.answers.total() < wanted and not self.failures:
                self._changed.clear()
                await self._changed.wait()

    def note_answer(self, data: Any) -> None:
        self.answers[json.dumps(data)] += 1
        self._changed.set()

    def note_failure(self, what: str) -> None:
        self.failures.append(what)
        self._changed.set()


@asynccontextmanager
async def loading(url: str, query: str, *, kept: int = 4, fresh: int = 2) -> AsyncIterator[Load]:
    """So many clients of each kind ask inside the context, and have all got their answers on leaving."""
    load = Load()
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    address = (parts.hostname, parts.port)
    body = json.dumps({"query": query}).encode()
    tasks = [
        asyncio.create_task(_ask_on(load, address, body, is_kept=number < kept))
        for number in range(kept + fresh)
    ]
    try:
        yield load
    finally:
        load.is_over = True
        await asyncio.gather(*tasks)


async def _ask_on(load: Load, address: Address, body: bytes, *, is_kept: bool) -> None:
    while not load.is_over:
        try:
            await _ask_over_one_connection(load, address, body, is_kept=is_kept)
        except (OSError, EOFError) as error:
            load.note_failure(f"{'kept' if is_kept else 'fresh'} connection: {error!r}")


async def _ask_over_one_connection(load: Load, address: Address, body: bytes, *, is_kept: bool) -> None:
    """As long as both sides keep it."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        while not load.is_over:
            writer.write(_request(body, is_kept=is_kept))
            headers, answer = await _response(reader)
            _note(load, headers, answer)
            if not is_kept or b"connection: close" in headers:
                return
    finally:
        writer.close()


def _request(body: bytes, *, is_kept: bool) -> bytes:
    lines = (
        b"POST /graphql HTTP/1.1",
        b"host: gateway",
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"connection: %s" % (b"keep-alive" if is_kept else b"close"),
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def _response(reader: asyncio.StreamReader) -> tuple[list[bytes], bytes]:
    """(status line and header lines in lower case, body)"""
    head = await reader.readuntil(b"\r\n\r\n")
    headers = head.lower().rstrip().split(b"\r\n")
    length = next(int(line.partition(b":")[2]) for line in headers if line.startswith(b"content-length:"))
    return headers, await reader.readexactly(length)


def _note(load: Load, headers: list[bytes], answer: bytes) -> None:
    content: Any = json.loads(answer)
    if b" 200 " in headers[0] and "errors" not in content:
        load.note_answer(content["data"])
    else:
        load.note_failure(f"{headers[0]!r}: {content}")
