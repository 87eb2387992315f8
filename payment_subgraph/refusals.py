"""The typed error that a rejected operation is answered with: the same one at every replay. Pure.

And what stays of a rejected creation on the payment that was never made.
"""

from datetime import datetime
from typing import Final, Literal, assert_never

from payment_subgraph.declines import decline_message, decline_retryable
from payment_subgraph.dispute import Dispute
from payment_subgraph.errors import (
    DuplicatePayment,
    InvalidInput,
    InvalidPaymentState,
    PaymentDeclined,
    PaymentDisputed,
    ProviderRefused,
    RefundExceedsAvailable,
    Refusal,
)
from payment_subgraph.flaw import Flaw
from payment_subgraph.operation import Rejection, RejectionKind
from payment_subgraph.payment import Failure, Payment
from payment_subgraph.processor import RefusedFor


def refusal_of(
    rejection: Rejection, payment: Payment, dispute: Dispute | None = None, *, replayed: bool = False
) -> Refusal:
    """*payment*, and the worst *dispute* about it, as they stand now, read again after the refusal.

    *replayed*: it was told before. What the payment's state forbade then may be allowed now, under another key.
    """
    match rejection.kind:
        case RejectionKind.DECLINED:
            message = decline_message(rejection.code, rejection.decline_code)
            return PaymentDeclined(payment, rejection.decline_code, message, retryable=rejection.retryable)
        case RejectionKind.INVALID_INPUT:
            return InvalidInput(_flaw(rejection))
        case RejectionKind.PROVIDER:
            return ProviderRefused(rejection.request_id, retryable=rejection.retryable)
        case RejectionKind.DISPUTED:
            if dispute is None:
                return ProviderRefused(rejection.request_id, retryable=rejection.retryable)
            return PaymentDisputed(payment, dispute, replayed=replayed)
        case _:
            return _refused_by_state(rejection.kind, payment, replayed=replayed)


def _refused_by_state(
    kind: Literal[RejectionKind.INVALID_STATE, RejectionKind.DUPLICATE, RejectionKind.REFUND_EXCEEDS],
    payment: Payment,
    *,
    replayed: bool,
) -> Refusal:
    match kind:
        case RejectionKind.INVALID_STATE:
            return InvalidPaymentState(payment, replayed=replayed)
        case RejectionKind.DUPLICATE:
            return DuplicatePayment(payment, replayed=replayed)
        case RejectionKind.REFUND_EXCEEDS:
            return RefundExceedsAvailable(payment.refundable, replayed=replayed)
        case _:
            assert_never(kind)


def _flaw(rejection: Rejection) -> Flaw:
    path = ("amount", "amount") if rejection.field == "amount" else (rejection.field or "input",)
    return Flaw(path, *_told(rejection))


def failure_of(rejection: Rejection, now: datetime) -> Failure:
    """Why the provider did not make the payment, as its `last_error`."""
    if rejection.kind is RejectionKind.DECLINED:
        return Failure(rejection.code, rejection.decline_code, now)
    return Failure(_NOT_MADE if rejection.retryable else _told(rejection)[0], None, now)


def failure_message(failure: Failure) -> str:
    return _OURS.get(failure.code) or decline_message(failure.code, failure.decline_code)


def failure_retryable(failure: Failure) -> bool:
    if failure.code in _OURS:
        return failure.code == _NOT_MADE
    return decline_retryable(failure.decline_code)


def _told(rejection: Rejection) -> tuple[str, str]:
    return _TOLD.get(rejection.code, _TOLD[RefusedFor.OTHER])


_TOLD: Final[dict[str, tuple[str, str]]] = {
    RefusedFor.AMOUNT_TOO_SMALL: ("AMOUNT_TOO_SMALL", "The amount is smaller than can be charged."),
    RefusedFor.AMOUNT_TOO_LARGE: ("AMOUNT_TOO_LARGE", "The amount is larger than can be charged."),
    RefusedFor.UNKNOWN_PAYMENT_METHOD: ("UNKNOWN_PAYMENT_METHOD", "There is no such payment method."),
    "REQUIRED": ("REQUIRED", "This payment has no payment method yet."),
    RefusedFor.OTHER: ("REFUSED_BY_PROVIDER", "The payment provider does not take this."),
}

METHOD_MISSING: Final = Rejection(RejectionKind.INVALID_INPUT, "REQUIRED", field="paymentMethodId")
_NOT_MADE: Final = "NOT_MADE"
_OURS: Final = dict(_TOLD.values()) | {_NOT_MADE: "The payment could not be made. A new one may succeed."}
