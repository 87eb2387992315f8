"""What a payment and its refunds should be by the log of observations alone. Pure.

The log has every reading that changed a row or settled an operation, so folding it must end where the rows are. Three
things are not in it, and are taken from where they are: what was asked for (the payment's and the refunds' own
amounts; of a payment made elsewhere its object), that the provider never made an object (the rejected operation says
it), and that a reference had gone to another payment (then the row is frozen for it). Not compared is what the log does
not tell: client secrets, counts of versions and readings, and times, but whether there is one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any, Final

from payment_subgraph.dispute import Dispute, DisputeStatus, amount_disputed, worst
from payment_subgraph.logged_snapshots import dispute_snapshot, payment_snapshot, refund_snapshot
from payment_subgraph.observation import (
    REFERENCE_TAKEN,
    THAW,
    Contradiction,
    known_movements,
    observe_dispute,
    observe_payment,
    observe_refund,
)
from payment_subgraph.operation import Operation, OperationKind, RejectionKind
from payment_subgraph.payment import Payment, PaymentSource, PaymentStatus
from payment_subgraph.refund import Refund, RefundStatus, refund_totals

_PAYMENT_FIELDS: Final = (
    "status",
    "provider_payment_id",
    "redirect_url",
    "payment_method",
    "amount_capturable",
    "amount_captured",
    "amount_refunded",
    "amount_refund_pending",
    "amount_disputed",
    "dispute_standing",
    "risk_level",
    "frozen_reason",
)
_REFUND_FIELDS: Final = ("status", "provider_refund_id", "failure_reason")
_DISPUTE_FIELDS: Final = (
    "status",
    "amount_minor",
    "currency",
    "reason",
    "funds_withdrawn",
    "held_minor",
    "held_currency",
    "evidence_due_by",
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of `observations`."""

    seq: int
    object_type: str
    object_id: str
    source: str
    cause_id: str
    snapshot: Mapping[str, Any]
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """A payment as the tables have it, and all that the log has of it, oldest first."""

    payment: Payment
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]
    rejected: Sequence[Operation]
    observations: Sequence[Observation]


@dataclass(frozen=True, slots=True)
class _Folded:
    """*refunds* and *disputes* by id."""

    payment: Payment
    refunds: Mapping[str, Refund]
    disputes: Mapping[str, Dispute]


@dataclass(frozen=True, slots=True)
class Deviation:
    """*row* is what the table has, *log* what follows from the log."""

    object_id: str
    field: str
    row: object
    log: object

    def __str__(self) -> str:
        return f"{self.object_id}: {self.field} is {_words(self.row)}, by the log it is {_words(self.log)}"


def deviations(history: History) -> list[Deviation]:
    """Between the rows and what the log makes of them."""
    log = _folded(history)
    return [
        *_payment_deviations(history.payment, log.payment),
        *(one for row in history.refunds for one in _deviations(row, log.refunds[row.id], _REFUND_FIELDS)),
        *(one for row in history.disputes for one in _deviations(row, log.disputes[row.id], _DISPUTE_FIELDS)),
    ]


def _deviations(row: Payment | Refund | Dispute, log: object, names: Iterable[str]) -> Iterator[Deviation]:
    for name in names:
        if getattr(row, name) != getattr(log, name):
            yield Deviation(row.id, name, getattr(row, name), getattr(log, name))


def _payment_deviations(row: Payment, log: Payment) -> Iterator[Deviation]:
    yield from _deviations(row, log, _PAYMENT_FIELDS)
    for name in ("succeeded_at", "canceled_at"):
        if (getattr(row, name) is None) != (getattr(log, name) is None):
            yield Deviation(row.id, name, getattr(row, name), getattr(log, name))
    if _failed(row) != _failed(log):
        yield Deviation(row.id, "last_error", row.last_error, log.last_error)


def _failed(payment: Payment) -> tuple[str, str | None] | None:
    """Of a payment that was never made the log has no reason."""
    failure = payment.last_error
    if failure is None or payment.status is PaymentStatus.FAILED:
        return None
    return failure.code, failure.decline_code


def _folded(history: History) -> _Folded:
    log = _Folded(
        _as_asked_for(history.payment, history.rejected),
        {one.id: _refund_as_asked_for(one, history.rejected) for one in history.refunds},
        {one.id: _dispute_before_it_was_read(one) for one in history.disputes},
    )
    for group in _readings(history):
        try:
            log = _taken_in(log, group)
        except Contradiction as reason:
            log = replace(log, payment=replace(log.payment, frozen_reason=str(reason)))
            break
    return replace(log, payment=_summed_up(log))


def _summed_up(log: _Folded) -> Payment:
    """What refunds and disputes make of their payment."""
    refunded, pending = refund_totals(log.refunds.values())
    decisive, payment = worst(log.disputes.values()), log.payment
    return replace(
        payment,
        amount_refunded=refunded,
        amount_refund_pending=pending,
        amount_disputed=amount_disputed(log.disputes.values(), payment.money(payment.amount_captured)),
        dispute_standing=decisive.standing if decisive else None,
    )


def _readings(history: History) -> Iterator[list[Observation]]:
    """What was observed together is taken in together, or not at all."""
    groups = [
        list(group)
        for _, group in groupby(history.observations, lambda one: (one.source, one.cause_id, one.observed_at))
    ]
    # What froze a payment was not taken in; by itself it may contradict nothing (REFERENCE_TAKEN).
    taken_in = [one for one, next_one in pairwise(groups) if not _thaws(next_one)] + groups[-1:]
    yield from taken_in[:-1] if history.payment.frozen_reason == REFERENCE_TAKEN else taken_in


def _thaws(group: Sequence[Observation]) -> bool:
    """Nothing of a frozen payment is recorded until it is thawed, so what is before that is what froze it."""
    return group[0].source == THAW


def _taken_in(log: _Folded, group: Iterable[Observation]) -> _Folded:
    """Raises Contradiction."""
    payment, refunds, disputes = log.payment, dict(log.refunds), dict(log.disputes)
    for one in group:
        match one.object_type:
            case "payment":
                read = payment_snapshot(one.snapshot)
                known_movements(read.charge.movements if read.charge else ())
                payment = observe_payment(payment, read, one.observed_at)
            case "refund" if one.object_id in refunds:
                back = refund_snapshot(one.snapshot)
                known_movements(back.movements)
                refunds[one.object_id] = observe_refund(refunds[one.object_id], back, payment.currency)
            case "dispute" if one.object_id in disputes:
                seen = dispute_snapshot(one.snapshot)
                disputes[one.object_id] = observe_dispute(disputes[one.object_id], seen)
    return _Folded(payment, refunds, disputes)


def _as_asked_for(row: Payment, rejected: Sequence[Operation]) -> Payment:
    never_made = any(_was_to_make_it(one) for one in rejected)
    frozen = REFERENCE_TAKEN if row.frozen_reason == REFERENCE_TAKEN else None
    return Payment(
        id=row.id,
        owner_id=row.owner_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        created_at=row.created_at,
        updated_at=row.created_at,
        capture_method=row.capture_method,
        reference=row.reference,
        provider_payment_id=row.provider_payment_id if row.source is PaymentSource.EXTERNAL else None,
        status=PaymentStatus.FAILED if never_made else PaymentStatus.CREATED,
        frozen_reason=frozen,
    )


def _was_to_make_it(operation: Operation) -> bool:
    """One that was told of a duplicate would have made another payment."""
    duplicate = operation.result is not None and operation.result.kind is RejectionKind.DUPLICATE
    return operation.kind is OperationKind.CREATE and not duplicate


def _refund_as_asked_for(row: Refund, rejected: Sequence[Operation]) -> Refund:
    refusal = next((one for one in rejected if one.refund_id == row.id), None)
    reason = (refusal.result.code or None) if refusal and refusal.result else None
    status = RefundStatus.FAILED if refusal else RefundStatus.PENDING
    return replace(row, status=status, provider_refund_id=None, failure_reason=reason)


def _dispute_before_it_was_read(row: Dispute) -> Dispute:
    """All that a row has comes from readings, so nothing of it is kept."""
    return Dispute(
        id=row.id,
        payment_id=row.payment_id,
        provider_dispute_id=row.provider_dispute_id,
        amount_minor=0,
        currency="",
        status=DisputeStatus.NEEDS_RESPONSE,
        reason="",
        created_at=row.created_at,
        updated_at=row.created_at,
    )


def _words(value: object) -> str:
    if value is None:
        return "nothing"
    return value.isoformat() if isinstance(value, datetime) else str(value)
