"""The one routine by which every operation reaches the provider: claim, send or look, record.

The row was written before (use_cases.py). From here on every step may happen twice, in any process:
a crash anywhere is healed by whoever claims the operation next. Design: part 5.3 of the domain notes,
kept in docs/; the same words T2–T5 and LOOK are used there.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from payment_subgraph.declines import decline_retryable
from payment_subgraph.observation import RefundSnapshot
from payment_subgraph.operation import (
    Operation,
    OperationKind,
    OperationState,
    Patience,
    Rejection,
    RejectionKind,
    Step,
    absence_is_final,
    next_step,
)
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.processor import (
    Answer,
    Busy,
    Declined,
    KeyMisused,
    NotAuthorized,
    OutcomeUnknown,
    PaymentProcessor,
    ProcessorError,
    Refused,
)
from payment_subgraph.refresh import Reading, Refresh
from payment_subgraph.refund import RefundStatus, refund_totals
from payment_subgraph.repository import Cause, Repository, Transaction
from payment_subgraph.verdicts import (
    Judge,
    Verdict,
    done,
    judge_after_refusal,
    judge_of,
    refund_known,
    rejection_of,
)

log = logging.getLogger(__name__)

ANSWER_WITHIN: Final = timedelta(seconds=25)
_FIRST_WATCH_S: Final = 0.05
_SLOWEST_WATCH_S: Final = 0.5
_DRAIN_S: Final = 10
_CLOCK_SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Operations:
    """*answer_within*: how long a caller waits before it is told "pending"."""

    repository: Repository
    processor: PaymentProcessor
    refresh: Refresh
    clock: Callable[[], datetime]
    patience: Patience = Patience()
    answer_within: timedelta = ANSWER_WITHIN
    running: set[asyncio.Task[bool]] = field(default_factory=set)

    async def answer(self, operation_id: str) -> Operation:
        """T5: carry it out, or wait for whoever does; the operation as it stands when the time is up.

        A try that was begun goes on when the time is up or the caller leaves.
        """
        pause = _FIRST_WATCH_S
        try:
            async with asyncio.timeout(self.answer_within.total_seconds()):
                while not await asyncio.shield(self._begin(operation_id)):
                    if (await self._operation(operation_id)).state is not OperationState.IN_FLIGHT:
                        break
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _SLOWEST_WATCH_S)
        except TimeoutError:
            log.warning("operation %s: no answer in time", operation_id)
        return await self._operation(operation_id)

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
        now = self.clock()
        operation = await self._operation(operation_id)
        if operation.resolved or operation.due_at > now:
            return False
        step = next_step(operation, now, self.patience)
        claimed = await self._claim(operation, step, now)
        if claimed is None:
            return False
        match step:
            case Step.SEND:
                await self._send(claimed)
            case Step.LOOK:
                await self._look(claimed)
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
        async with self.repository.writing() as rows:
            return await rows.change_operation(
                operation,
                state=OperationState.IN_FLIGHT,
                due_at=now + self.patience.lease,
                attempts=operation.attempts + 1,
                **sent,
            )

    async def _send(self, operation: Operation) -> None:
        """T3. Only a 2xx and a clear no end the operation; everything else leaves it open."""
        basis = await self.refresh.basis(operation.payment_id)
        payment = await self._payment(operation.payment_id)
        try:
            answer = await self.processor.send(operation, payment.provider_payment_id)
        except Declined as said:
            seen = Reading(basis, said.payment) if said.payment else None
            await self._declined(operation, said, None if said.replayed else seen)
        except Refused as said:
            await self._refused(operation, rejection_of(operation, said))
        except NotAuthorized as said:
            await self._not_authorized(operation, said)
        except KeyMisused as said:
            log.error("ALERT operation %s: %s (request %s)", operation.id, said, said.request_id)
            await self._leave_open(operation, must_look=True)
        except (Busy, OutcomeUnknown) as said:
            log.warning("operation %s stays open: %s (request %s)", operation.id, said, said.request_id)
            await self._stay(operation, said)
        else:
            await self._record(operation, answer, Reading(basis, answer.payment, _listed(answer)))

    async def _record(self, operation: Operation, answer: Answer, reading: Reading) -> None:
        """T4. A repeated answer is an old one: its state is not believed, the object is read again."""
        believed = None if answer.replayed else reading
        judge = refund_known(operation) if answer.refund else done
        await self._refresh(operation, answer.provider_payment_id, "ANSWER", judge, believed)

    async def _refresh(
        self, operation: Operation, intent: str, source: str, judge: Judge, reading: Reading | None
    ) -> Payment:
        payment = await self.refresh(
            operation.payment_id,
            intent,
            Cause(source, operation.id),
            reading=reading,
            refunds=operation.kind is OperationKind.REFUND,
            settle=(operation, judge),
        )
        if not (await self._operation(operation.id)).resolved:
            await self._leave_open(operation)
        return payment

    async def _declined(self, operation: Operation, said: Declined, reading: Reading | None) -> None:
        rejection = Rejection(
            RejectionKind.DECLINED,
            code=said.code,
            decline_code=said.decline_code,
            request_id=said.request_id,
            retryable=decline_retryable(said.decline_code),
        )
        payment = await self._payment(operation.payment_id)
        intent = said.payment.provider_payment_id if said.payment else payment.provider_payment_id
        if intent is None:
            await self._refused(operation, rejection)
            return
        await self._refresh(operation, intent, "ANSWER", lambda *_: Verdict(rejection), reading)

    async def _refused(self, operation: Operation, rejection: Rejection) -> None:
        """A refusal proves only that this request did nothing; what the object is now has to be read."""
        payment = await self._payment(operation.payment_id)
        if operation.kind is OperationKind.REFUND or payment.provider_payment_id is None:
            await self._reject(operation, rejection)
        if payment.provider_payment_id is not None:
            judge = judge_after_refusal(operation, rejection)
            try:
                await self._refresh(operation, payment.provider_payment_id, "LOOK", judge, None)
            except ProcessorError as unread:
                log.warning("operation %s was refused, but its payment not read: %s", operation.id, unread)
                await self._leave_open(operation, must_look=True)

    async def _not_authorized(self, operation: Operation, said: NotAuthorized) -> None:
        """Our key is wrong. Proof of nothing done only for a first try: an earlier one may have passed."""
        log.error("ALERT the provider does not accept our credentials (request %s)", said.request_id)
        if operation.attempts > 1:
            await self._leave_open(operation)
            return
        rejection = Rejection(RejectionKind.PROVIDER, code="not_authorized", retryable=True)
        await self._reject(operation, rejection)

    async def _reject(self, operation: Operation, rejection: Rejection) -> None:
        """Settle it as never done: release what it reserved, or end the payment it would have made."""
        now = self.clock()
        async with self.repository.writing() as rows:
            payment = await rows.payment(operation.payment_id, lock=True)
            settled = await rows.resolve_operation(
                operation.id, OperationState.REJECTED, now, result=rejection
            )
            if settled is None or payment is None:
                return
            after = await _released(rows, payment, operation, rejection, now)
            if after != payment:
                await rows.change_payment(payment, after, now)

    async def _stay(self, operation: Operation, said: Busy | OutcomeUnknown) -> None:
        match said:
            case Busy():
                await self._leave_open(operation, state=OperationState.IN_FLIGHT)
            case OutcomeUnknown():
                await self._leave_open(operation, must_look=operation.must_look or said.stored)
            case _:
                assert_never(said)

    async def _leave_open(
        self,
        operation: Operation,
        *,
        state: OperationState = OperationState.UNKNOWN,
        must_look: bool | None = None,
        looked: bool = False,
    ) -> None:
        """Back off. Does nothing to a settled operation or to one that another has claimed meanwhile."""
        async with self.repository.writing() as rows:
            await rows.change_operation(
                operation,
                state=state,
                due_at=self.patience.next_try(operation, self.clock()),
                must_look=operation.must_look if must_look is None else must_look,
                looks=operation.looks + looked,
            )

    # LOOK.

    async def _look(self, operation: Operation) -> None:
        """Find out without sending. Not finding anything is proof only after the time of grace."""
        try:
            found = await self._trace(operation)
        except ProcessorError as said:
            log.warning("looking for operation %s failed: %s", operation.id, said)
            await self._leave_open(operation)
            return
        if found:
            return
        if absence_is_final(operation, self.clock(), self.patience):
            await self._reject(operation, Rejection(RejectionKind.PROVIDER, code="not_found", retryable=True))
        else:
            await self._leave_open(operation, looked=True)

    async def _trace(self, operation: Operation) -> bool:
        """Whether the provider's state decided the operation."""
        payment = await self._payment(operation.payment_id)
        intent = payment.provider_payment_id
        if intent is None:
            intent = await self._find_intent(operation)
            if intent is None:
                return False
        await self.refresh(
            operation.payment_id,
            intent,
            Cause("LOOK", operation.id),
            refunds=operation.kind is OperationKind.REFUND,
            settle=(operation, judge_of(operation)),
        )
        return (await self._operation(operation.id)).resolved

    async def _find_intent(self, operation: Operation) -> str | None:
        first, last = operation.first_sent_at or operation.created_at, operation.last_sent_at or self.clock()
        window = first - _CLOCK_SKEW, last + self.patience.give_up_after
        seen = await self.processor.find_payment(operation.payment_id, *window)
        return seen.provider_payment_id if seen else None

    async def _operation(self, operation_id: str) -> Operation:
        async with self.repository.reading() as rows:
            found = await rows.operation(operation_id)
        if found is None:
            raise LookupError(operation_id)
        return found

    async def _payment(self, payment_id: str) -> Payment:
        async with self.repository.reading() as rows:
            found = await rows.payment(payment_id)
        if found is None:
            raise LookupError(payment_id)
        return found


async def _released(
    rows: Transaction, payment: Payment, operation: Operation, rejection: Rejection, now: datetime
) -> Payment:
    """The payment without what the rejected operation would have made of it."""
    if operation.kind is OperationKind.CREATE and payment.provider_payment_id is None:
        return replace(payment, status=PaymentStatus.FAILED)
    if operation.refund_id is None:
        return payment
    current = {refund.id: refund for refund in await rows.refunds_of(payment.id)}
    ours = current[operation.refund_id]
    if ours.provider_refund_id is None:
        failed = replace(ours, status=RefundStatus.FAILED, failure_reason=rejection.code or None)
        current[ours.id] = await rows.change_refund(ours, failed, now)
    refunded, pending = refund_totals(current.values())
    return replace(payment, amount_refunded=refunded, amount_refund_pending=pending)


def _listed(answer: Answer) -> tuple[RefundSnapshot, ...]:
    return (answer.refund,) if answer.refund else ()
