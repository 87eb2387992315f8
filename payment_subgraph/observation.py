"""What the provider says about a payment, and what that makes of our row. Pure.

Every provider state enters through `observe_payment`, `observe_refund` and `observe_dispute`, called only by
`refresh.py`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from payment_subgraph.balance import BalanceSums, BalanceTransaction
from payment_subgraph.dispute import Dispute, DisputeStatus
from payment_subgraph.money import Money
from payment_subgraph.payment import (
    FLAGGED,
    CaptureMethod,
    Failure,
    MethodDetails,
    Payment,
    PaymentStatus,
    RiskLevel,
)
from payment_subgraph.refund import DEAD, OPEN, Refund, RefundStatus

_COLLECTED: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED})


class Contradiction(Exception):
    """What the provider has cannot stand in our rows; the payment is frozen with this reason."""


REFERENCE_TAKEN: Final = "REFERENCE_TAKEN"
"""The reason why a payment that was given up may not come to life: another one has its reference."""

OTHER_OBJECT: Final = "OTHER_OBJECT"
"""A second object of the provider's carries the payment's id."""

THAW: Final = "THAW"
"""The cause of a reading by which a frozen payment goes on; the log has it right after the one that froze it."""

Movements = tuple[BalanceTransaction | None, ...]
"""None stands for one that our minor units cannot express."""


@dataclass(frozen=True, slots=True)
class ChargeSnapshot:
    """The latest attempt to take the money. *unsettled*: what it took is not in the balance, or not known to be."""

    provider_charge_id: str
    disputed: bool = False
    risk_level: RiskLevel | None = None
    movements: Movements = ()
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class Making:
    """What only the provider knows of an object that was not made here."""

    at: datetime
    capture_method: CaptureMethod
    description: str | None


@dataclass(frozen=True, slots=True)
class PaymentSnapshot:
    """One reading of the provider's payment object, in our words.

    *amount*, *captured* and *capturable* are None where the provider names a sum that our minor units
    cannot express. *payment_id* and *environment* are what we wrote on the object when we made it.
    """

    provider_payment_id: str
    status: PaymentStatus
    amount: Money | None
    captured: Money | None
    capturable: Money | None
    payment_id: str | None = None
    environment: str | None = None
    client_secret: str | None = None
    redirect_url: str | None = None
    payment_method: MethodDetails | None = None
    last_error: Failure | None = None
    cancellation_reason: str | None = None
    charge: ChargeSnapshot | None = None
    under_review: bool = False
    fraud_warned: bool = False
    made: Making | None = None


@dataclass(frozen=True, slots=True)
class RefundSnapshot:
    """One reading of the provider's refund object; *refund_id* is what we wrote on it, if it is ours.

    *unsettled*: it ended, and the balance transaction that has to tell so is not there yet.
    """

    provider_refund_id: str
    provider_payment_id: str
    status: RefundStatus
    amount: Money | None
    refund_id: str | None = None
    failure_reason: str | None = None
    movements: Movements = ()
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class DisputeSnapshot:
    """One reading of the provider's dispute object, with all that it has moved."""

    provider_dispute_id: str
    provider_payment_id: str
    status: DisputeStatus
    amount: Money | None
    reason: str
    opened_at: datetime
    evidence_due_by: datetime | None = None
    movements: Movements = ()


@dataclass(frozen=True, slots=True)
class MovementSnapshot:
    """A balance transaction in the provider's own list; *sums* is None where our minor units cannot express them."""

    provider_transaction_id: str
    provider_payment_id: str
    sums: BalanceSums | None


def observe_payment(payment: Payment, seen: PaymentSnapshot, now: datetime) -> Payment:
    """*payment* as *seen* makes it; equal to *payment* when nothing changed.

    Raises Contradiction for another object, another sum, or a collected payment that would reopen.
    """
    _check(payment, seen)
    if payment.last_error and seen.last_error and _same_failure(payment.last_error, seen.last_error):
        seen = replace(seen, last_error=payment.last_error)
    return replace(
        payment,
        status=seen.status,
        provider_payment_id=seen.provider_payment_id,
        client_secret=None if seen.status in _COLLECTED else seen.client_secret or payment.client_secret,
        redirect_url=seen.redirect_url,
        payment_method=seen.payment_method or payment.payment_method,
        last_error=seen.last_error,
        risk_level=_risk_level(payment, seen),
        amount_capturable=seen.capturable.minor if seen.capturable else 0,
        amount_captured=seen.captured.minor if seen.captured else 0,
        succeeded_at=payment.succeeded_at or (now if seen.status is PaymentStatus.SUCCEEDED else None),
        canceled_at=payment.canceled_at or (now if seen.status is PaymentStatus.CANCELED else None),
        cancellation_reason=seen.cancellation_reason or payment.cancellation_reason,
    )


def _check(payment: Payment, seen: PaymentSnapshot) -> None:
    if payment.provider_payment_id not in (None, seen.provider_payment_id):
        raise Contradiction(OTHER_OBJECT)
    if seen.amount != payment.amount or seen.captured is None or seen.captured.minor > payment.amount_minor:
        raise Contradiction("OTHER_AMOUNT")
    if payment.status in _COLLECTED and seen.status is not payment.status:
        raise Contradiction("REOPENED")


def _risk_level(payment: Payment, seen: PaymentSnapshot) -> RiskLevel | None:
    """What the provider rates may fall again, with another attempt; a flag stays."""
    if seen.fraud_warned or payment.risk_level is RiskLevel.FRAUD_WARNING:
        return RiskLevel.FRAUD_WARNING
    if seen.under_review or payment.risk_level in FLAGGED:
        return RiskLevel.REVIEW
    return (seen.charge.risk_level if seen.charge else None) or payment.risk_level


def _same_failure(known: Failure, seen: Failure) -> bool:
    """The provider does not date its last error; the time we first saw it stays."""
    same_attempt = known.attempt_id in (None, seen.attempt_id)
    return same_attempt and (known.code, known.decline_code) == (seen.code, seen.decline_code)


def observe_refund(refund: Refund, seen: RefundSnapshot, currency: str) -> Refund:
    """*refund* as *seen* makes it. SUCCEEDED may still become FAILED or CANCELED; those two are final.

    Source: https://docs.stripe.com/refunds#failed-refunds, …/api/refunds/cancel (what can be canceled)
    """
    if refund.provider_refund_id not in (None, seen.provider_refund_id):
        raise Contradiction("OTHER_REFUND")
    if seen.amount != Money(refund.amount_minor, currency):
        raise Contradiction("OTHER_REFUND_AMOUNT")
    if refund.provider_refund_id is not None and _reopens(refund.status, seen.status):
        raise Contradiction("REFUND_REOPENED")
    return replace(
        refund,
        status=seen.status,
        provider_refund_id=seen.provider_refund_id,
        failure_reason=seen.failure_reason,
    )


def _reopens(known: RefundStatus, seen: RefundStatus) -> bool:
    return (known in DEAD and seen not in DEAD) or (known is RefundStatus.SUCCEEDED and seen in OPEN)


def observe_dispute(dispute: Dispute, seen: DisputeSnapshot) -> Dispute:
    """*dispute* as *seen* makes it. Its status is the provider's, wherever it comes from.

    Whether the money is away is told by its balance transactions alone: events about it come in any order, and
    for a lost dispute, too (hyperswitch#11653). Raises Contradiction.
    """
    if seen.amount is None:
        raise Contradiction("OTHER_DISPUTE_AMOUNT")
    moved = known_movements(seen.movements)
    currencies = {one.currency for one in moved}
    if len(currencies) > 1:
        raise Contradiction("DISPUTE_CURRENCIES")
    return replace(
        dispute,
        status=seen.status,
        amount_minor=seen.amount.minor,
        currency=seen.amount.currency,
        reason=seen.reason,
        evidence_due_by=seen.evidence_due_by,
        funds_withdrawn=sum((one.amount_minor < 0) - (one.amount_minor > 0) for one in moved) > 0,
        held_minor=-sum(one.amount_minor for one in moved),
        held_currency=next(iter(currencies), None),
    )


def known_movements(movements: Movements) -> list[BalanceTransaction]:
    """Raises Contradiction for one that our minor units cannot express."""
    known = [one for one in movements if one is not None]
    if len(known) != len(movements):
        raise Contradiction("OTHER_BALANCE_AMOUNT")
    return known
