"""Answers to one operation as server-sent events, for as long as it has any.

Sources: https://html.spec.whatwg.org/multipage/server-sent-events.html and the "distinct connections mode" of
https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Receive, Scope, Send

EVENT_STREAM: Final = "text/event-stream"
KEEP_ALIVE_S: Final = 15.0
TAKEN_WITHIN_S: Final = 30.0
"""A client that takes nothing for so long is given up."""

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # else nginx keeps events until it has many
]
_NEXT: Final = b"event: next\ndata: %s\n\n"
_COMPLETE: Final = b"event: complete\ndata: \n\n"
_COMMENT: Final = b":\n\n"
"""Nothing happened, and the connection is alive."""


@dataclass(frozen=True, slots=True)
class EventStream:
    """An ASGI response. *encode* writes an answer without line breaks.

    When *expires_at* (seconds since the epoch) has come the last answer is *expired*, when *stopping* is set it is
    *stopped*; whoever hangs up is told nothing more.
    """

    answers: AsyncGenerator[Mapping[str, Any], None]
    encode: Callable[[Mapping[str, Any]], bytes]
    stopping: asyncio.Event
    stopped: Mapping[str, Any]
    expires_at: float | None
    expired: Mapping[str, Any]
    keep_alive_s: float = KEEP_ALIVE_S
    taken_within_s: float = TAKEN_WITHIN_S

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        writing = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(leaving)
            await _ended(writing)
        if not writing.cancelled():
            writing.result()

    async def _write(self, send: Send) -> None:
        await self._put(send, _COMMENT)  # so that the client knows it is open
        async with aclosing(self._answers_and_pauses()) as answers:
            async for answer in answers:
                await self._put(send, _COMMENT if answer is None else _NEXT % self.encode(answer))
        await self._put(send, _COMPLETE, more=False)

    async def _answers_and_pauses(self) -> AsyncGenerator[Mapping[str, Any] | None, None]:
        """None when nothing came for a while."""
        stopping = asyncio.create_task(self.stopping.wait())
        coming = asyncio.ensure_future(anext(self.answers, None))
        try:
            while True:
                wait_s = min(self.keep_alive_s, self._left_s())
                await asyncio.wait({coming, stopping}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                if self._left_s() == 0:
                    yield self.expired
                    return
                if coming.done():
                    if (answer := coming.result()) is None:
                        return
                    yield answer
                    coming = asyncio.ensure_future(anext(self.answers, None))
                elif stopping.done():
                    yield self.stopped
                    return
                else:
                    yield None
        finally:
            await _ended(stopping)
            await _ended(coming)
            await self.answers.aclose()

    async def _put(self, send: Send, content: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self.taken_within_s):
            await send({"type": "http.response.body", "body": content, "more_body": more})

    def _left_s(self) -> float:
        return math.inf if self.expires_at is None else max(0.0, self.expires_at - time.time())


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(task: "asyncio.Future[Any]") -> None:
    task.cancel()
    await asyncio.wait({task})
