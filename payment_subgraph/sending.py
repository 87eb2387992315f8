"""T3 and T4: the request goes out, and what came back is written."""

import logging
from dataclasses import dataclass

from payment_subgraph.closing import Closing
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.declines import decline_retryable
from payment_subgraph.observation import RefundSnapshot
from payment_subgraph.operation import (
    PAYING,
    Operation,
    OperationKind,
    OperationState,
    Rejection,
    RejectionKind,
)
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
from payment_subgraph.reading import Basis, Reading
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause
from payment_subgraph.verdicts import (
    Judge,
    Verdict,
    done,
    judge_after_refusal,
    refund_known,
    rejection_of,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sending:
    processor: PaymentProcessor
    refresh: Refresh
    closing: Closing

    async def send(self, operation: Operation) -> None:
        """Only a 2xx and a clear no end the operation; everything else leaves it open."""
        basis = await self.refresh.basis(operation.payment_id)
        payment = await self.closing.payment(operation.payment_id)
        try:
            answer = await self.processor.send(operation, payment.provider_payment_id)
        except ProcessorError as said:
            crash_point(CrashPoint.T3_UNANSWERED, operation.kind)
            log.warning("operation %s: %s (request %s)", operation.id, said, said.request_id)
            await self._not_done(operation, said, basis)
        else:
            crash_point(CrashPoint.T3_ANSWERED, operation.kind)
            await self._done(operation, answer, Reading(basis, answer.payment, _listed(answer)))

    async def _not_done(self, operation: Operation, said: ProcessorError, basis: Basis) -> None:
        match said:
            case Declined():
                await self._declined(operation, said, basis)
            case Refused():
                await self._refused(operation, rejection_of(operation, said))
            case NotAuthorized():
                await self._not_authorized(operation)
            case Busy():
                await self.closing.leave_open(operation, state=OperationState.IN_FLIGHT)
            case OutcomeUnknown():
                must_look = operation.must_look or said.stored
                soon = await self._has_news(operation, basis)
                await self.closing.leave_open(operation, must_look=must_look, soon=soon)
            case KeyMisused():
                log.error("ALERT the key of operation %s was used with other parameters", operation.id)
                await self.closing.leave_open(operation, must_look=True)
            case _:
                raise said

    async def _has_news(self, operation: Operation, basis: Basis) -> bool:
        """Whether the payment was read while we waited: a webhook came, so the provider has acted."""
        return (await self.refresh.basis(operation.payment_id)).readings != basis.readings

    async def _done(self, operation: Operation, answer: Answer, reading: Reading) -> None:
        """T4. A repeated answer is an old one: its state is not believed, the object is read again."""
        judge = refund_known(operation) if answer.refund else done
        believed = None if answer.replayed else reading
        await self._write(operation, answer.provider_payment_id, judge, believed)

    async def _declined(self, operation: Operation, said: Declined, basis: Basis) -> None:
        """Only an attempt to pay is told as declined: no other mutation's answer knows that error."""
        rejection = Rejection(
            RejectionKind.DECLINED if operation.kind in PAYING else RejectionKind.PROVIDER,
            code=said.code,
            decline_code=said.decline_code,
            request_id=said.request_id,
            retryable=decline_retryable(said.decline_code),
        )
        if said.payment is None or operation.kind is OperationKind.REFUND:
            await self._refused(operation, rejection)
            return
        reading = None if said.replayed else Reading(basis, said.payment)
        intent = said.payment.provider_payment_id
        await self._write(operation, intent, lambda *_: Verdict(rejection), reading)

    async def _refused(self, operation: Operation, rejection: Rejection) -> None:
        """A refusal proves only that this request did nothing; what the object is now has to be read."""
        payment = await self.closing.payment(operation.payment_id)
        if operation.kind is OperationKind.REFUND or payment.provider_payment_id is None:
            await self.closing.reject(operation, rejection, "ANSWER")
        if payment.provider_payment_id is not None:
            judge = judge_after_refusal(operation, rejection)
            await self._write(operation, payment.provider_payment_id, judge, None)

    async def _not_authorized(self, operation: Operation) -> None:
        """Our key is wrong. Proof of nothing done only for a first try: an earlier one may have passed."""
        log.error("ALERT the provider does not accept our credentials")
        if operation.attempts > 1:
            await self.closing.leave_open(operation)
            return
        rejection = Rejection(RejectionKind.PROVIDER, code="not_authorized", retryable=True)
        await self.closing.reject(operation, rejection, "ANSWER")

    async def _write(self, operation: Operation, intent: str, judge: Judge, reading: Reading | None) -> None:
        """By the one door, which settles the operation too; if it cannot now, a later try will."""
        errand = Errand(
            operation.payment_id,
            intent,
            Cause("ANSWER", operation.id),
            refunds=operation.kind is OperationKind.REFUND,
            settle=(operation, judge),
        )
        try:
            await self.refresh(errand, reading)
        except ProcessorError as unread:
            log.warning("operation %s was answered, but its payment not read: %s", operation.id, unread)
        if not (await self.closing.operation(operation.id)).resolved:
            await self.closing.leave_open(operation)


def _listed(answer: Answer) -> tuple[RefundSnapshot, ...]:
    return (answer.refund,) if answer.refund else ()
