"""A payment service or worker that lives as tasks of this process, and can die at any step."""

import asyncio
import contextvars
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from payment_subgraph.app import Parts
from payment_subgraph.crash_points import CrashPoint

_PROCESS: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)


class Died(BaseException):
    """The process is no more. No `except Exception` holds it up, as none holds up `kill -9`."""


@dataclass(slots=True, eq=False)
class Process:
    """*tasks*: all that run in it, in the order they began: that in which they are cancelled belongs to the schedule.

    Once it is dead nothing of it reaches the database or Stripe any more.
    """

    name: str
    alive: bool = True
    suspended: asyncio.Event | None = None
    tasks: dict["asyncio.Task[Any]", None] = field(default_factory=dict)
    parts: Parts | None = None

    def begin(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        context = contextvars.copy_context()
        context.run(_PROCESS.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def serve(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What *work* gives or raises; Died if the process does not live to tell."""
        task = self.begin(work)
        await asyncio.wait({task})
        if not self.alive:
            task.cancelled() or task.exception()
            raise Died
        return task.result()

    async def go_on(self) -> None:
        """At each step that others can see: wait while suspended, end if dead."""
        while self.alive and self.suspended is not None:
            await self.suspended.wait()
        if not self.alive:
            raise Died

    def kill(self) -> None:
        self.alive = False
        if self.suspended is not None:
            self.suspended.set()
        for task in list(self.tasks):
            task.cancel()

    def suspend(self) -> None:
        self.suspended = self.suspended or asyncio.Event()

    def wake(self) -> None:
        if self.suspended is not None:
            self.suspended.set()
            self.suspended = None


def keep_count_of_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """So that a process knows all tasks that were begun in it."""

    def make(loop: asyncio.AbstractEventLoop, work: Any, **how: Any) -> "asyncio.Task[Any]":
        context = how.get("context")
        process = context.get(_PROCESS) if context is not None else _PROCESS.get()
        task = asyncio.Task(work, loop=loop, **how)
        if process is not None:
            process.tasks[task] = None
            task.add_done_callback(process.tasks.pop)
        return task

    loop.set_task_factory(make)


@dataclass(slots=True)
class Fatal:
    """For `crash_points.watch`: the process that comes to a point dies there if *strikes* says so."""

    strikes: Callable[[CrashPoint, str], bool]
    deaths: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __call__(self, point: CrashPoint, under_way: str) -> None:
        process = _PROCESS.get()
        if process is not None and process.alive and self.strikes(point, under_way):
            self.deaths[point, under_way] += 1
            process.kill()
            raise Died


Work = Callable[[Parts], Awaitable[Any]]
