"""What a payment and its refunds should be by the log of observations alone. Pure.

The log has every reading that changed a row or settled an operation, so folding it must end where the rows are. Three
things are not in it, and are taken from where they are: what was asked for (the payment's and the refunds' own
amounts), that the provider never made an object (the rejected operation says it), and that a reference had gone to
another payment (then the row is frozen for it). Not compared is what the log does not tell: client secrets, counts of
versions and readings, and times, but whether there is one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from payment_subgraph.money import Money
from payment_subgraph.observation import (
    Contradiction,
    PaymentSnapshot,
    RefundSnapshot,
    observe_payment,
    observe_refund,
)
from payment_subgraph.operation import Operation, OperationKind
from payment_subgraph.payment import Failure, MethodDetails, MethodType, Payment, PaymentStatus
from payment_subgraph.refund import Refund, RefundStatus, refund_totals

REFERENCE_TAKEN: Final = "REFERENCE_TAKEN"

_PAYMENT_FIELDS: Final = (
    "status",
    "provider_payment_id",
    "redirect_url",
    "payment_method",
    "amount_capturable",
    "amount_captured",
    "amount_refunded",
    "amount_refund_pending",
    "frozen_reason",
)
_REFUND_FIELDS: Final = ("status", "provider_refund_id", "failure_reason")


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
    rejected: Sequence[Operation]
    observations: Sequence[Observation]


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
    payment, refunds = _folded(history)
    return [
        *_payment_deviations(history.payment, payment),
        *(
            Deviation(row.id, name, getattr(row, name), getattr(refunds[row.id], name))
            for row in history.refunds
            for name in _REFUND_FIELDS
            if getattr(row, name) != getattr(refunds[row.id], name)
        ),
    ]


def _payment_deviations(row: Payment, log: Payment) -> Iterator[Deviation]:
    for name in _PAYMENT_FIELDS:
        if getattr(row, name) != getattr(log, name):
            yield Deviation(row.id, name, getattr(row, name), getattr(log, name))
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


def _folded(history: History) -> tuple[Payment, dict[str, Refund]]:
    payment = _as_asked_for(history.payment, history.rejected)
    refunds = {one.id: _refund_as_asked_for(one, history.rejected) for one in history.refunds}
    for group in _readings(history):
        try:
            payment, refunds = _taken_in(payment, refunds, group)
        except Contradiction as reason:
            payment = replace(payment, frozen_reason=str(reason))
            break
    refunded, pending = refund_totals(refunds.values())
    return replace(payment, amount_refunded=refunded, amount_refund_pending=pending), refunds


def _readings(history: History) -> Iterator[list[Observation]]:
    """What was observed together is taken in together, or not at all."""
    groups = [
        list(group)
        for _, group in groupby(history.observations, lambda one: (one.source, one.cause_id, one.observed_at))
    ]
    yield from groups[:-1] if history.payment.frozen_reason == REFERENCE_TAKEN else groups


def _taken_in(
    payment: Payment, refunds: dict[str, Refund], group: Iterable[Observation]
) -> tuple[Payment, dict[str, Refund]]:
    after = dict(refunds)
    for one in group:
        if one.object_type == "payment":
            payment = observe_payment(payment, payment_snapshot(one.snapshot), one.observed_at)
        elif one.object_type == "refund" and one.object_id in after:
            seen = refund_snapshot(one.snapshot)
            after[one.object_id] = observe_refund(after[one.object_id], seen, payment.currency)
    return payment, after


def _as_asked_for(row: Payment, rejected: Sequence[Operation]) -> Payment:
    never_made = any(one.kind is OperationKind.CREATE for one in rejected)
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
        status=PaymentStatus.FAILED if never_made else PaymentStatus.CREATED,
        frozen_reason=frozen,
    )


def _refund_as_asked_for(row: Refund, rejected: Sequence[Operation]) -> Refund:
    refusal = next((one for one in rejected if one.refund_id == row.id), None)
    reason = (refusal.result.code or None) if refusal and refusal.result else None
    status = RefundStatus.FAILED if refusal else RefundStatus.PENDING
    return replace(row, status=status, provider_refund_id=None, failure_reason=reason)


# Snapshots back from JSON. What an older release did not write yet has its default.


def payment_snapshot(content: Mapping[str, Any]) -> PaymentSnapshot:
    known = _known(PaymentSnapshot, content)
    return PaymentSnapshot(
        **{
            **known,
            "status": PaymentStatus(known["status"]),
            **{name: _money(known.get(name)) for name in ("amount", "captured", "capturable")},
            "payment_method": _method(known.get("payment_method")),
            "last_error": _failure(known.get("last_error")),
        }
    )


def refund_snapshot(content: Mapping[str, Any]) -> RefundSnapshot:
    known = _known(RefundSnapshot, content)
    return RefundSnapshot(
        **{**known, "status": RefundStatus(known["status"]), "amount": _money(known.get("amount"))}
    )


def _known(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in content.items() if name in names}


def _money(content: Mapping[str, Any] | None) -> Money | None:
    return None if content is None else Money(content["minor"], content["currency"])


def _method(content: Mapping[str, Any] | None) -> MethodDetails | None:
    if content is None:
        return None
    return MethodDetails(**{**_known(MethodDetails, content), "type": MethodType(content["type"])})


def _failure(content: Mapping[str, Any] | None) -> Failure | None:
    if content is None:
        return None
    return Failure(content["code"], content["decline_code"], datetime.fromisoformat(content["occurred_at"]))


def _words(value: object) -> str:
    if value is None:
        return "nothing"
    return value.isoformat() if isinstance(value, datetime) else str(value)
