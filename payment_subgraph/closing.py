"""How a try ends in our rows: the operation left open, or rejected and what it reserved released."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.operation import Operation, OperationKind, OperationState, Patience, Rejection
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.refund import Refund, RefundStatus, refund_totals
from payment_subgraph.refusals import failure_of
from payment_subgraph.repository import Cause, Repository, Transaction
from payment_subgraph.verdicts import Verdict, judge_of


@dataclass(frozen=True, slots=True)
class Closing:
    """What sending and looking have in common."""

    repository: Repository
    patience: Patience
    clock: Callable[[], datetime]

    async def leave_open(
        self,
        operation: Operation,
        *,
        state: OperationState = OperationState.UNKNOWN,
        must_look: bool | None = None,
        looked: bool = False,
        soon: bool = False,
    ) -> None:
        """Back off, or with *soon* try again at once.

        Does nothing to a settled operation or to one that another has claimed meanwhile.
        """
        now = self.clock()
        async with self.repository.writing() as rows:
            await rows.change_operation(
                operation,
                state=state,
                due_at=now if soon else self.patience.next_try(operation, now),
                must_look=operation.must_look if must_look is None else must_look,
                looks=operation.looks + looked,
            )

    async def reject(self, operation: Operation, rejection: Rejection, source: str) -> None:
        """Settle it as never done: release what it reserved, or end the payment it would have made.

        Unless a webhook has shown in the meantime that it was done: then our rows, locked, know better
        than whoever looked before. Does nothing if another try was begun: that one will tell.
        *source* is the `Cause`'s.
        """
        now = self.clock()
        async with self.repository.writing() as rows:
            payment = await rows.payment(operation.payment_id, lock=True)
            if payment is None:
                raise LookupError(operation.payment_id)
            refunds = {refund.id: refund for refund in await rows.refunds_of(payment.id)}
            verdict = judge_of(operation)(payment, refunds) or Verdict(rejection)
            settled = await rows.change_operation(
                operation, state=verdict.state, resolved_at=now, result=verdict.rejection
            )
            if settled is None or verdict.rejection is None:
                return
            cause = Cause(source, operation.id)
            after = await _released(rows, payment, refunds, settled, cause, now)
            if after != payment:
                await rows.change_payment(payment, after, cause, now)
            crash_point(CrashPoint.T4_REJECTED, operation.kind)

    async def operation(self, operation_id: str) -> Operation:
        async with self.repository.reading() as rows:
            found = await rows.operation(operation_id)
        if found is None:
            raise LookupError(operation_id)
        return found

    async def payment(self, payment_id: str) -> Payment:
        async with self.repository.reading() as rows:
            found = await rows.payment(payment_id)
        if found is None:
            raise LookupError(payment_id)
        return found


async def _released(  # noqa: PLR0913, PLR0917 - all of one transaction
    rows: Transaction,
    payment: Payment,
    refunds: dict[str, Refund],
    rejected: Operation,
    cause: Cause,
    now: datetime,
) -> Payment:
    """*payment* without what the *rejected* operation would have made of it."""
    if rejected.kind is OperationKind.CREATE:
        failure = failure_of(rejected.result, now) if rejected.result else None
        return replace(payment, status=PaymentStatus.FAILED, last_error=failure)
    if rejected.refund_id is None:
        return payment
    ours = refunds[rejected.refund_id]
    reason = rejected.result.code if rejected.result else None
    failed = replace(ours, status=RefundStatus.FAILED, failure_reason=reason or None)
    await rows.change_refund(ours, failed, cause, now)
    refunded, pending = refund_totals((refunds | {ours.id: failed}).values())
    return replace(payment, amount_refunded=refunded, amount_refund_pending=pending)
