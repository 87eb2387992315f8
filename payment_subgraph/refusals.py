"""The typed error that a rejected operation is answered with: the same one at every replay. Pure."""

from typing import assert_never

from payment_subgraph.declines import decline_message
from payment_subgraph.errors import (
    Flaw,
    InvalidInput,
    InvalidPaymentState,
    PaymentDeclined,
    ProviderRefused,
    RefundExceedsAvailable,
    Refusal,
)
from payment_subgraph.operation import Rejection, RejectionKind
from payment_subgraph.payment import Payment


def refusal_of(rejection: Rejection, payment: Payment) -> Refusal:
    """*payment* as it stands now, read again after the provider's refusal."""
    match rejection.kind:
        case RejectionKind.DECLINED:
            message = decline_message(rejection.code, rejection.decline_code)
            return PaymentDeclined(payment, rejection.decline_code, message, retryable=rejection.retryable)
        case RejectionKind.INVALID_STATE:
            return InvalidPaymentState(payment)
        case RejectionKind.REFUND_EXCEEDS:
            return RefundExceedsAvailable(payment.refundable)
        case RejectionKind.INVALID_INPUT:
            field = rejection.field or "input"
            return InvalidInput(
                Flaw((field,), "REFUSED_BY_PROVIDER", "The payment provider does not take this.")
            )
        case RejectionKind.PROVIDER:
            return ProviderRefused(rejection.request_id, retryable=rejection.retryable)
        case _:
            assert_never(rejection.kind)
