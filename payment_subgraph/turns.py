"""Requests that cost more than others do, one at a time; between two of them everybody else has the event loop."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_MAX_PAUSE_S: Final = 0.02


class Turns:
    """First come, first served. A pause as long as half the work follows each turn, at most 20 ms."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        await self._lock.acquire()
        began = time.perf_counter()
        try:
            yield
        finally:
            pause_s = min((time.perf_counter() - began) / 2, _MAX_PAUSE_S)
            # Whose turn it was need not wait for the pause.
            asyncio.get_running_loop().call_later(pause_s, self._lock.release)
