"""What happened to a payment: what follows from the difference between a row before and after a change. Pure.

`Transaction` in `repository.py` asks here at every change of a row, so that no change is without its transitions.
They make the timeline of the payment (`timeline.py`) and the messages of the outbox (`outbox.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from payment_subgraph.dispute import Dispute
from payment_subgraph.money import Money
from payment_subgraph.payment import FLAGGED, Failure, Payment, PaymentStatus, financial_status
from payment_subgraph.refund import Refund, RefundStatus


class TransitionType(StrEnum):
    """As timeline and outbox name it. The first word is the row they are about."""

    PAYMENT_CREATED = "payment.created"
    PAYMENT_REQUIRES_ACTION = "payment.requires_action"
    PAYMENT_PROCESSING = "payment.processing"
    PAYMENT_AUTHORIZED = "payment.authorized"
    PAYMENT_ATTEMPT_FAILED = "payment.attempt_failed"
    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_CANCELED = "payment.canceled"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_REOPENED = "payment.reopened"
    PAYMENT_FROZEN = "payment.frozen"
    PAYMENT_THAWED = "payment.thawed"
    PAYMENT_FLAGGED = "payment.flagged"
    REFUND_CREATED = "refund.created"
    REFUND_REQUIRES_ACTION = "refund.requires_action"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    REFUND_CANCELED = "refund.canceled"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_FUNDS_WITHDRAWN = "dispute.funds_withdrawn"
    DISPUTE_FUNDS_REINSTATED = "dispute.funds_reinstated"
    DISPUTE_CLOSED = "dispute.closed"


FOR_STAFF: Final = frozenset(
    {TransitionType.PAYMENT_FROZEN, TransitionType.PAYMENT_THAWED, TransitionType.PAYMENT_FLAGGED}
)
"""What the payer is not told."""


@dataclass(frozen=True, slots=True)
class Transition:
    """*subject_id* and *subject_version*: the row that changed, and the version the change gave it.

    A row gets each version once, so these and *type* name a transition for ever. *amount* is what moved, or is to
    move. *reason* is a code: of the failed attempt, of the cancellation. *details* is told by the outbox beside
    the payment: one object of ids, statuses and amounts by its name.
    """

    type: TransitionType
    payment_id: str
    subject_id: str
    subject_version: int
    amount: Money | None = None
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def payment_transitions(before: Payment | None, after: Payment) -> Iterator[Transition]:
    """*before* is None for a new payment. The versions are those of the rows as written."""
    if before is not None and before.frozen_reason is not None and after.frozen_reason is None:
        yield _of_payment(TransitionType.PAYMENT_THAWED, after, None, before.frozen_reason)
    if before is None:
        yield _of_payment(TransitionType.PAYMENT_CREATED, after, after.amount)
    if before is not None and _attempt_failed(before, after):
        reason = _code(after.last_error)
        yield _of_payment(TransitionType.PAYMENT_ATTEMPT_FAILED, after, after.amount, reason)
    if before is not None and before.status is not after.status:
        yield from _new_status(before, after)
    if after.frozen_reason is not None and (before is None or before.frozen_reason is None):
        yield _of_payment(TransitionType.PAYMENT_FROZEN, after, None, after.frozen_reason)
    if after.risk_level in FLAGGED and (before is None or before.risk_level is not after.risk_level):
        yield _of_payment(TransitionType.PAYMENT_FLAGGED, after, None, after.risk_level)


_FAILED_WITHOUT_A_CHARGE: Final = frozenset({PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING})


def _attempt_failed(before: Payment, after: Payment) -> bool:
    """Of two attempts that failed between two readings only the last one is seen."""
    if after.last_error is None or after.status is PaymentStatus.FAILED:
        return False
    if after.last_error != before.last_error:
        return True
    # The payer failed to prove who he is, once more: of such an attempt the error has no name of its own.
    back = after.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    return back and before.status in _FAILED_WITHOUT_A_CHARGE


_UNDER_WAY: Final = {
    PaymentStatus.REQUIRES_ACTION: TransitionType.PAYMENT_REQUIRES_ACTION,
    PaymentStatus.PROCESSING: TransitionType.PAYMENT_PROCESSING,
}


def _new_status(before: Payment, after: Payment) -> Iterator[Transition]:
    if before.status is PaymentStatus.FAILED and not after.settled:
        yield _of_payment(TransitionType.PAYMENT_REOPENED, after, after.amount)
    if after.status in _UNDER_WAY:
        yield _of_payment(_UNDER_WAY[after.status], after, after.amount)
    match after.status:
        case PaymentStatus.REQUIRES_CAPTURE:
            yield _of_payment(TransitionType.PAYMENT_AUTHORIZED, after, after.money(after.amount_capturable))
        case PaymentStatus.SUCCEEDED:
            yield _of_payment(TransitionType.PAYMENT_SUCCEEDED, after, after.money(after.amount_captured))
        case PaymentStatus.CANCELED:
            yield _of_payment(TransitionType.PAYMENT_CANCELED, after, None, after.cancellation_reason)
        case PaymentStatus.FAILED:
            yield _of_payment(TransitionType.PAYMENT_FAILED, after, None, _code(after.last_error))


def _code(failure: Failure | None) -> str | None:
    return (failure.decline_code or failure.code) if failure else None


def _of_payment(
    kind: TransitionType, payment: Payment, amount: Money | None, reason: str | None = None
) -> Transition:
    return Transition(kind, payment.id, payment.id, payment.version, amount, reason)


_REFUND_TYPES: Final = {
    RefundStatus.REQUIRES_ACTION: TransitionType.REFUND_REQUIRES_ACTION,
    RefundStatus.SUCCEEDED: TransitionType.REFUND_SUCCEEDED,
    RefundStatus.FAILED: TransitionType.REFUND_FAILED,
    RefundStatus.CANCELED: TransitionType.REFUND_CANCELED,
}


def refund_transitions(currency: str, before: Refund | None, after: Refund) -> Iterator[Transition]:
    """*before* is None for a new refund; one that was made elsewhere may be new and settled at once."""
    if before is None:
        yield _of_refund(TransitionType.REFUND_CREATED, currency, after)
    if after.status in _REFUND_TYPES and (before is None or before.status is not after.status):
        yield _of_refund(_REFUND_TYPES[after.status], currency, after, after.failure_reason)


def _of_refund(kind: TransitionType, currency: str, refund: Refund, reason: str | None = None) -> Transition:
    amount = Money(refund.amount_minor, currency)
    told = {"refund": {"id": refund.id, "status": refund.status, "amount": _money(amount)}}
    return Transition(kind, refund.payment_id, refund.id, refund.version, amount, reason, told)


def dispute_transitions(before: Dispute | None, after: Dispute) -> Iterator[Transition]:
    """*before* is None for a new dispute; one that was first seen late may be withdrawn and closed at once."""
    if before is None:
        yield _of_dispute(TransitionType.DISPUTE_OPENED, after, after.reason)
    withdrawn = before is not None and before.funds_withdrawn
    if after.funds_withdrawn and not withdrawn:
        yield _of_dispute(TransitionType.DISPUTE_FUNDS_WITHDRAWN, after)
    if withdrawn and not after.funds_withdrawn:
        yield _of_dispute(TransitionType.DISPUTE_FUNDS_REINSTATED, after)
    if after.decided and not (before is not None and before.decided):
        yield _of_dispute(TransitionType.DISPUTE_CLOSED, after)


def _of_dispute(kind: TransitionType, dispute: Dispute, reason: str | None = None) -> Transition:
    told = {"dispute": {"id": dispute.id, "status": dispute.status, "amount": _money(dispute.amount)}}
    return Transition(kind, dispute.payment_id, dispute.id, dispute.version, dispute.amount, reason, told)


def payload(transition: Transition, payment: Payment, sequence: int, occurred_at: str) -> dict[str, Any]:
    """The body of the message. *payment* as it stands when the transaction that changed it has ended.

    Ids, statuses and amounts, and nothing personal: what else is to be known is asked for by who may know it.
    """
    told = {"payment": _payment(payment), **transition.details}
    if transition.reason is not None:
        told["reason"] = transition.reason
    return {"type": transition.type, "timestamp": occurred_at, "data": {"sequence": sequence, **told}}


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "reference": payment.reference,
        "source": payment.source,
        "status": payment.status,
        "financialStatus": financial_status(payment),
        "amount": _money(payment.amount),
        "amountCapturable": _money(payment.capturable),
        "amountCaptured": _money(payment.money(payment.amount_captured)),
        "amountRefunded": _money(payment.money(payment.amount_refunded)),
        "amountRefundPending": _money(payment.money(payment.amount_refund_pending)),
        "version": payment.version,
    }


def _money(value: Money) -> dict[str, str]:
    """As in the API: decimals that need no table of currencies, and minor units that fit no 32 bits."""
    return {
        "amount": format(value.amount, "f"),
        "amountMinor": str(value.minor),
        "currency": value.currency,
    }
