"""The errors that are data: one GraphQL type per Refusal of `errors.py`."""

from collections.abc import Callable
from typing import Any, Final

import strawberry

from payment_subgraph import errors
from payment_subgraph.payment import PaymentAction, PaymentStatus, available_actions
from payment_subgraph.schema.dispute import Dispute
from payment_subgraph.schema.payment import Payment, PaymentOperation
from payment_subgraph.schema.values import Money
from payment_subgraph.viewer import Viewer


@strawberry.interface
class Error:
    message: str
    code: str


@strawberry.federation.type(shareable=True)
class FieldError:
    path: list[str]
    message: str
    code: str


@strawberry.federation.type(shareable=True)
class ValidationError(Error):
    fields: list[FieldError]


@strawberry.federation.type(shareable=True)
class NotFoundError(Error):
    id: strawberry.ID | None


@strawberry.type(description="The issuer or provider said no. Definitive: no money moved.")
class PaymentDeclinedError(Error):
    decline_code: str | None
    retryable: bool
    payment: Payment


@strawberry.type(description="Same idempotencyKey, different input.")
class IdempotencyConflictError(Error):
    original_operation: PaymentOperation


@strawberry.type(
    description="When the key was first used, another payment for this `reference` was live. It stays the key's answer."
)
class DuplicatePaymentError(Error):
    existing_payment: Payment


@strawberry.type(
    description="When the key was first used, the payment did not allow this. It stays the key's answer: another try takes a new key."
)
class InvalidPaymentStateError(Error):
    current_status: PaymentStatus
    allowed_actions: list[PaymentAction]


@strawberry.type(
    description="When the key was first used, less was left to refund. It stays the key's answer: another try takes a new key."
)
class RefundExceedsAvailableError(Error):
    refundable: Money


@strawberry.federation.type(
    shareable=True,
    description=(
        "Nothing was done. Users: too many logins failed or too many registrations came of late, or too many passwords "
        "are being checked or set at this moment. Payment methods: the user began to keep too many within an hour."
    ),
)
class RateLimitedError(Error):
    retry_after_seconds: int


@strawberry.type(
    description="The provider rejected the request for a reason the caller cannot fix, or could not be asked."
)
class PaymentProviderError(Error):
    retryable: bool
    provider_request_id: str | None


@strawberry.type(
    description="The bank decides, or has decided: while it does, nothing can be refunded. It stays the key's answer."
)
class PaymentDisputedError(Error):
    dispute: Dispute


ErrorType = (
    ValidationError
    | NotFoundError
    | PaymentDeclinedError
    | IdempotencyConflictError
    | DuplicatePaymentError
    | InvalidPaymentStateError
    | RefundExceedsAvailableError
    | PaymentDisputedError
    | RateLimitedError
    | PaymentProviderError
)


# Every mutation has one argument of this name; paths begin with it, so that they fit the variables a client sent.
_ARGUMENT: Final = "input"


def error_type(refusal: errors.Refusal, viewer: Viewer) -> ErrorType:
    """The member of a mutation's union that tells this *refusal*."""
    return _TYPES[type(refusal)](refusal, viewer)


def _validation(refusal: errors.InvalidInput, _viewer: Viewer) -> ValidationError:
    fields = [
        FieldError(path=[_ARGUMENT, *flaw.path], message=flaw.message, code=flaw.code)
        for flaw in refusal.flaws
    ]
    return ValidationError(message=str(refusal), code=refusal.code, fields=fields)


def _not_found(refusal: errors.NotFound, _viewer: Viewer) -> NotFoundError:
    return NotFoundError(message=str(refusal), code=refusal.code, id=strawberry.ID(refusal.object_id))


def _declined(refusal: errors.PaymentDeclined, viewer: Viewer) -> PaymentDeclinedError:
    return PaymentDeclinedError(
        message=str(refusal),
        code=refusal.code,
        decline_code=refusal.decline_code,
        retryable=refusal.retryable,
        payment=Payment.of(refusal.payment, viewer),
    )


def _conflict(refusal: errors.IdempotencyConflict, _viewer: Viewer) -> IdempotencyConflictError:
    original = PaymentOperation.of(refusal.original)
    return IdempotencyConflictError(message=str(refusal), code=refusal.code, original_operation=original)


def _duplicate(refusal: errors.DuplicatePayment, viewer: Viewer) -> DuplicatePaymentError:
    existing = Payment.of(refusal.existing, viewer)
    return DuplicatePaymentError(message=str(refusal), code=refusal.code, existing_payment=existing)


def _invalid_state(refusal: errors.InvalidPaymentState, _viewer: Viewer) -> InvalidPaymentStateError:
    return InvalidPaymentStateError(
        message=str(refusal),
        code=refusal.code,
        current_status=refusal.payment.status,
        allowed_actions=available_actions(refusal.payment),
    )


def _exceeds(refusal: errors.RefundExceedsAvailable, _viewer: Viewer) -> RefundExceedsAvailableError:
    refundable = Money.of(refusal.refundable)
    return RefundExceedsAvailableError(message=str(refusal), code=refusal.code, refundable=refundable)


def _disputed(refusal: errors.PaymentDisputed, _viewer: Viewer) -> PaymentDisputedError:
    dispute = Dispute.of(refusal.dispute)
    return PaymentDisputedError(message=str(refusal), code=refusal.code, dispute=dispute)


def _rate_limited(refusal: errors.RateLimited, _viewer: Viewer) -> RateLimitedError:
    return RateLimitedError(
        message=str(refusal), code=refusal.code, retry_after_seconds=refusal.retry_after_s
    )


def _provider(refusal: errors.ProviderRefused, _viewer: Viewer) -> PaymentProviderError:
    return PaymentProviderError(
        message=str(refusal),
        code=refusal.code,
        retryable=refusal.retryable,
        provider_request_id=refusal.request_id,
    )


_TYPES: Final[dict[type[errors.Refusal], Callable[[Any, Viewer], ErrorType]]] = {
    errors.InvalidInput: _validation,
    errors.NotFound: _not_found,
    errors.PaymentDeclined: _declined,
    errors.IdempotencyConflict: _conflict,
    errors.DuplicatePayment: _duplicate,
    errors.InvalidPaymentState: _invalid_state,
    errors.RefundExceedsAvailable: _exceeds,
    errors.PaymentDisputed: _disputed,
    errors.RateLimited: _rate_limited,
    errors.ProviderRefused: _provider,
}
