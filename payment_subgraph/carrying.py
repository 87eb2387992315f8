"""Carrying an operation out while its caller waits: try, or wait for whoever tries, until it is settled or time is up.

A try that was begun goes on when the time is up or the caller leaves.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Protocol, TypeVar

from payment_subgraph.operation import OperationState

log = logging.getLogger(__name__)

_FIRST_WATCH_S: Final = 0.05
_SLOWEST_WATCH_S: Final = 0.5
_DRAIN_S: Final = 10


class Carried(Protocol):
    @property
    def state(self) -> OperationState: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def resolved(self) -> bool: ...


Kind = TypeVar("Kind", bound=Carried)


@dataclass(frozen=True, slots=True)
class Carrying(Generic[Kind]):
    """*advance* is one try; False if the operation was not to be had. *read* gives it as it stands."""

    advance: Callable[[str], Coroutine[Any, Any, bool]]
    read: Callable[[str], Awaitable[Kind]]
    clock: Callable[[], datetime]
    running: set[asyncio.Task[bool]] = field(default_factory=set)

    async def answer(self, operation_id: str, within: timedelta) -> Kind:
        """The operation as it stands when it is settled, has to wait for its next try, or time is up."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._carry_out(operation_id)
        except TimeoutError:
            log.warning("operation %s: no answer in time", operation_id)
        return await self.read(operation_id)

    async def _carry_out(self, operation_id: str) -> None:
        pause = _FIRST_WATCH_S
        while True:
            mine = await asyncio.shield(self._begin(operation_id))
            operation = await self.read(operation_id)
            if operation.resolved:
                return
            if operation.due_at <= self.clock():
                continue
            if mine or operation.state is not OperationState.IN_FLIGHT:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _SLOWEST_WATCH_S)

    def _begin(self, operation_id: str) -> asyncio.Task[bool]:
        task = asyncio.create_task(self.advance(operation_id))
        self.running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[bool]) -> None:
        self.running.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("an operation's try broke off; its lease will run out", exc_info=fault)

    async def drain(self) -> None:
        """Let the tries under way end; whatever does not is taken up after its lease."""
        if self.running:
            await asyncio.wait(self.running, timeout=_DRAIN_S)
