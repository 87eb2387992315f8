"""The answers to one request as `text/event-stream`, by the distinct connections mode of GraphQL over SSE."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from functools import partial
from typing import Any

from gateway.clients.exchange import ClientGone, Exchange
from gateway.event_stream import COMPLETE, EVENT_STREAM, NEXT, PAUSE, written
from gateway.operations.answer import Answer

log = logging.getLogger("gateway")

HEADERS = (
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-accel-buffering", b"no"),  # nginx would collect events before it passes them on
)


class ClientStalledError(Exception):
    """The client is there, but takes nothing any more."""


class EventStreamResponse:
    """Streams answers to one client."""

    def __init__(self, exchange: Exchange, *, keep_alive_s: float, taken_within_s: float) -> None:
        self._exchange = exchange
        self._keep_alive_s = keep_alive_s
        self._taken_within_s = taken_within_s

    async def stream(self, answers: AsyncGenerator[Answer, None], closing: asyncio.Event) -> None:
        """Send each answer, then `complete`.

        Ends early, and without `complete`, when the client leaves or stalls, and when the gateway is *closing*: a
        stream that just ends is one that clients open anew, elsewhere perhaps.
        """
        gone = asyncio.get_running_loop().create_future()
        ending: set[asyncio.Future[Any]] = {gone, asyncio.ensure_future(closing.wait())}
        self._exchange.when_gone(partial(gone.set_result, None))
        try:
            await self._taken(self._exchange.begin(200, HEADERS))
            async with aclosing(self._parts(answers, ending)) as parts:
                async for part in parts:
                    await self._taken(self._exchange.write(part))
            await self._taken(self._exchange.end())
        except ClientStalledError:
            log.warning("request %s: the client takes no events any more", self._exchange.request_id)
        except ClientGone:
            log.debug("request %s: the client has left", self._exchange.request_id)
        finally:
            self._exchange.when_gone(None)
            await _cancelled(ending)

    async def _parts(
        self, answers: AsyncGenerator[Answer, None], ending: set[asyncio.Future[Any]]
    ) -> AsyncGenerator[bytes, None]:
        """What to write. It begins with a pause: some proxies hold the headers back until there is something to read."""
        coming = asyncio.ensure_future(_next(answers))
        try:
            while not any(each.done() for each in ending):
                if not coming.done():
                    yield PAUSE
                elif (answer := coming.result()) is None:
                    yield written(COMPLETE)
                    return
                else:
                    yield written(NEXT, answer.encoded())
                    coming = asyncio.ensure_future(_next(answers))
                await asyncio.wait(
                    {coming, *ending}, timeout=self._keep_alive_s, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            await _cancelled({coming})

    async def _taken(self, sending: Awaitable[None]) -> None:
        """Raises ClientStalledError, ClientGone."""
        try:
            async with asyncio.timeout(self._taken_within_s):
                await sending
        except TimeoutError as error:
            raise ClientStalledError from error


async def _next(answers: AsyncGenerator[Answer, None]) -> Answer | None:
    """None when there are no more."""
    return await anext(answers, None)


async def _cancelled(futures: set[asyncio.Future[Any]]) -> None:
    for each in futures:
        each.cancel()
    await asyncio.wait(futures)
