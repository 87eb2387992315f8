"""What the provider says about a payment, and what that makes of our row. Pure.

Every provider state enters through `observe_payment` and `observe_refund`, called only by `refresh.py`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from payment_subgraph.money import Money
from payment_subgraph.payment import CaptureMethod, Failure, MethodDetails, Payment, PaymentStatus
from payment_subgraph.refund import DEAD, Refund, RefundStatus

_COLLECTED: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED})


class Contradiction(Exception):
    """What the provider has cannot stand in our rows; the payment is frozen with this reason."""


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
    made: Making | None = None


@dataclass(frozen=True, slots=True)
class RefundSnapshot:
    """One reading of the provider's refund object; *refund_id* is what we wrote on it, if it is ours."""

    provider_refund_id: str
    provider_payment_id: str
    status: RefundStatus
    amount: Money | None
    refund_id: str | None = None
    failure_reason: str | None = None


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
        amount_capturable=seen.capturable.minor if seen.capturable else 0,
        amount_captured=seen.captured.minor if seen.captured else 0,
        succeeded_at=payment.succeeded_at or (now if seen.status is PaymentStatus.SUCCEEDED else None),
        canceled_at=payment.canceled_at or (now if seen.status is PaymentStatus.CANCELED else None),
    )


def _check(payment: Payment, seen: PaymentSnapshot) -> None:
    if payment.provider_payment_id not in (None, seen.provider_payment_id):
        raise Contradiction("OTHER_OBJECT")
    if seen.amount != payment.amount or seen.captured is None or seen.captured.minor > payment.amount_minor:
        raise Contradiction("OTHER_AMOUNT")
    if payment.status in _COLLECTED and seen.status is not payment.status:
        raise Contradiction("REOPENED")


def _same_failure(known: Failure, seen: Failure) -> bool:
    """The provider does not date its last error; the time we first saw it stays."""
    return (known.code, known.decline_code) == (seen.code, seen.decline_code)


def observe_refund(refund: Refund, seen: RefundSnapshot, currency: str) -> Refund:
    """*refund* as *seen* makes it. SUCCEEDED may still become FAILED or CANCELED; those two are final."""
    if refund.provider_refund_id not in (None, seen.provider_refund_id):
        raise Contradiction("OTHER_REFUND")
    if seen.amount != Money(refund.amount_minor, currency):
        raise Contradiction("OTHER_REFUND_AMOUNT")
    if refund.provider_refund_id is not None and refund.status in DEAD and seen.status not in DEAD:
        raise Contradiction("REFUND_REOPENED")
    return replace(
        refund,
        status=seen.status,
        provider_refund_id=seen.provider_refund_id,
        failure_reason=seen.failure_reason,
    )
