"""Work that would keep others waiting, done beside the event loop: one thing at a time, small ones before large ones.

Python gives one thread the word after another, many times a second; so while a large operation is read and planned
here, requests that need nothing of that kind are answered as ever.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

from gateway.errors import PlanningDelayed

SMALL = 1_000
"""Up to this size, what came first is done first: else who sends the very smallest would keep all others waiting."""

T = TypeVar("T")
V = TypeVar("V")


def _future() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()


@dataclass(order=True, slots=True)
class Task:
    """Something to be done, and everyone who waits for it."""

    size: int
    number: int
    key: Hashable = field(compare=False)
    work: Callable[[], Any] = field(compare=False)
    keep: Callable[[Any], Any] = field(compare=False)
    result: "asyncio.Future[Any]" = field(compare=False, default_factory=_future)
    waiting: int = field(default=0, compare=False)
    begun: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class SideThread:
    """One thread, and the queue before it."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="planning")
        self._queue: list[Task] = []
        self._tasks: dict[Hashable, Task] = {}
        self._numbers = count()
        self._is_busy = False

    async def do(
        self, key: Hashable, size: int, work: Callable[[], T], keep: Callable[[T], V], until: float
    ) -> V:
        """What *keep* makes, on the event loop, of what *work* returns; both happen once for all who ask with the same
        *key* meanwhile.

        *until*, on the event loop's clock: what has not begun by then raises PlanningDelayed. What has begun goes on to
        its end, however slow the machine, and is kept; work that nobody waits for any more does not begin.
        """
        task = self._tasks.get(key) or self._queued(
            Task(max(size, SMALL), next(self._numbers), key, work, keep)
        )
        task.waiting += 1
        self._begin()
        try:
            await _begun(task, until)
            # Shielded, since it is everyone's.
            return await asyncio.shield(task.result)
        finally:
            task.waiting -= 1

    def _queued(self, task: Task) -> Task:
        self._tasks[task.key] = task
        heappush(self._queue, task)
        return task

    def _begin(self) -> None:
        while self._queue and not self._is_busy:
            task = heappop(self._queue)
            if task.waiting:
                self._is_busy = True
                task.begun.set()
                running = asyncio.get_running_loop().run_in_executor(self._executor, task.work)
                running.add_done_callback(partial(self._end, task))
            else:
                del self._tasks[task.key]
                task.result.cancel()

    def _end(self, task: Task, running: "asyncio.Future[Any]") -> None:
        self._is_busy = False
        del self._tasks[task.key]
        if running.cancelled():
            task.result.cancel()
        else:
            _settle(task.result, lambda: task.keep(running.result()))
        self._begin()


async def _begun(task: Task, until: float) -> None:
    """Return when the work has begun, or has ended. Raises PlanningDelayed."""
    try:
        async with asyncio.timeout_at(until):
            await task.begun.wait()
    except TimeoutError as error:
        # When the machine has stood still, the turn of this work and the time limit come at the same moment.
        if not task.begun.is_set():
            raise PlanningDelayed from error


def _settle(result: "asyncio.Future[Any]", make: Callable[[], Any]) -> None:
    try:
        result.set_result(make())
    except Exception as error:  # noqa: BLE001 — it is raised where somebody waits for it
        result.set_exception(error)
        # Perhaps nobody waits any more; then there is nobody to tell.
        result.exception()
