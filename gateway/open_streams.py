"""What is held open for clients: how much of it there may be, and how it ends when the gateway stops."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import TooManySubscriptions


class OpenStreams:
    """Counts the open event streams and WebSockets, and the subscriptions in them."""

    def __init__(self, subscription_limit: int) -> None:
        self._limit = subscription_limit
        self._subscriptions = 0
        self._streams = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self.closing = asyncio.Event()
        """Set once when the gateway stops: everything open is to end, nothing new to begin."""

    @property
    def subscriptions(self) -> int:
        return self._subscriptions

    @contextmanager
    def subscription(self) -> Iterator[None]:
        """Raises TooManySubscriptions."""
        if self._subscriptions >= self._limit:
            raise TooManySubscriptions(self._limit)
        self._subscriptions += 1
        try:
            yield
        finally:
            self._subscriptions -= 1

    @contextmanager
    def stream(self) -> Iterator[None]:
        self._streams += 1
        self._is_empty.clear()
        try:
            yield
        finally:
            self._streams -= 1
            if not self._streams:
                self._is_empty.set()

    async def close(self, within_s: float) -> None:
        """Have everything end; come back when it has, or after *within_s*: a client may have stopped reading."""
        self.closing.set()
        try:
            async with asyncio.timeout(within_s):
                await self._is_empty.wait()
        except TimeoutError:
            return
