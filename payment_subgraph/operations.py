"""The one routine by which every operation reaches the provider: claim, send or look, record.

The row was written before (use_cases.py). From here on every step may happen twice, in any process:
a crash anywhere is healed by whoever claims the operation next. Design: part 5.3 of the domain notes;
the words T2 to T5 and LOOK are theirs.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never

from payment_subgraph.closing import Closing
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.looking import Looking
from payment_subgraph.operation import Operation, OperationState, Step, next_step
from payment_subgraph.sending import Sending

log = logging.getLogger(__name__)

_FIRST_WATCH_S: Final = 0.05
_SLOWEST_WATCH_S: Final = 0.5
_DRAIN_S: Final = 10


@dataclass(frozen=True, slots=True)
class Operations:
    """*answer_within*: how long a caller waits before it is told "pending"."""

    sending: Sending
    looking: Looking
    closing: Closing
    answer_within: timedelta
    running: set[asyncio.Task[bool]] = field(default_factory=set)

    async def answer(self, operation_id: str) -> Operation:
        """T5: carry it out, or wait for whoever does; the operation as it stands when the time is up.

        A try that was begun goes on when the time is up or the caller leaves.
        """
        try:
            async with asyncio.timeout(self.answer_within.total_seconds()):
                await self._carry_out(operation_id)
        except TimeoutError:
            log.warning("operation %s: no answer in time", operation_id)
        return await self.closing.operation(operation_id)

    async def _carry_out(self, operation_id: str) -> None:
        """Until it is settled, or has to wait for its next try."""
        pause = _FIRST_WATCH_S
        while True:
            mine = await asyncio.shield(self._begin(operation_id))
            operation = await self.closing.operation(operation_id)
            if operation.resolved:
                return
            if operation.due_at <= self.closing.clock():
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

    async def advance(self, operation_id: str) -> bool:
        """One try. False if the operation was not to be had: settled, held by another, or not due."""
        now = self.closing.clock()
        operation = await self.closing.operation(operation_id)
        if operation.resolved or operation.due_at > now:
            return False
        step = next_step(operation, now, self.closing.patience)
        claimed = await self._claim(operation, step, now)
        if claimed is None:
            return False
        crash_point(CrashPoint.T2_CLAIMED, claimed.kind)
        match step:
            case Step.SEND:
                await self.sending.send(claimed)
            case Step.LOOK:
                await self.looking.look(claimed)
            case _:
                assert_never(step)
        return True

    async def _claim(self, operation: Operation, step: Step, now: datetime) -> Operation | None:
        """T2. The attempt's number fences off whoever held the operation before."""
        sent = (
            {"first_sent_at": operation.first_sent_at or now, "last_sent_at": now}
            if step is Step.SEND
            else {}
        )
        async with self.closing.repository.writing() as rows:
            return await rows.change_operation(
                operation,
                state=OperationState.IN_FLIGHT,
                due_at=now + self.closing.patience.lease,
                attempts=operation.attempts + 1,
                **sent,
            )
