"""The one routine by which every operation reaches the provider: claim, send or look, record.

The row was written before (use_cases.py). From here on every step may happen twice, in any process:
a crash anywhere is healed by whoever claims the operation next. Design: part 5.3 of the domain notes;
the words T2 to T5 and LOOK are theirs.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from payment_subgraph.carrying import Carrying
from payment_subgraph.closing import Closing
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.looking import Looking
from payment_subgraph.operation import Operation, OperationState, Step, next_step
from payment_subgraph.sending import Sending


@dataclass(frozen=True, slots=True)
class Operations:
    """*answer_within*: how long a caller waits before it is told "pending"."""

    sending: Sending
    looking: Looking
    closing: Closing
    answer_within: timedelta
    running: set[asyncio.Task[bool]] = field(default_factory=set)

    async def answer(self, operation_id: str, spent: timedelta = timedelta(0)) -> Operation:
        """T5: carry it out, or wait for whoever does. *spent* of the caller's time is gone already."""
        return await self._carrying.answer(operation_id, max(self.answer_within - spent, timedelta(0)))

    async def drain(self) -> None:
        """Let the tries under way end; whatever does not is taken up after its lease."""
        await self._carrying.drain()

    @property
    def _carrying(self) -> Carrying[Operation]:
        return Carrying(self.advance, self.closing.operation, self.closing.clock, self.running)

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
