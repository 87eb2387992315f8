"""An event loop on which nobody waits: when all are asleep, the time is set to when the first of them wakes."""

import asyncio
import heapq
from typing import Any


class Stuck(Exception):
    """Everybody waits for somebody else, for ever."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its time begins at 0 and passes only while nothing is left to do; without threads or sockets all is determined."""

    _ready: Any
    _scheduled: Any

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
        if not self._ready:
            if not self._scheduled:
                raise Stuck
            self._now = max(self._now, self._scheduled[0]._when)
        while self._scheduled and self._scheduled[0]._when <= self._now:
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False
            self._ready.append(timer)
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle._cancelled:
                handle._run()
