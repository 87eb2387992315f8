"""The errors that are data: one GraphQL type per Refusal of `errors.py`."""

import strawberry

from payment_subgraph import errors
from payment_subgraph.payment import PaymentAction, PaymentStatus, available_actions
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
    payment: Payment | None


@strawberry.type(description="Same idempotencyKey, different input.")
class IdempotencyConflictError(Error):
    original_operation: PaymentOperation


@strawberry.type(description="There is already a live payment for this `reference`.")
class DuplicatePaymentError(Error):
    existing_payment: Payment


@strawberry.type
class InvalidPaymentStateError(Error):
    current_status: PaymentStatus
    allowed_actions: list[PaymentAction]


@strawberry.type
class RefundExceedsAvailableError(Error):
    refundable: Money


@strawberry.type(description="The provider rejected the request for a reason the caller cannot fix.")
class PaymentProviderError(Error):
    retryable: bool
    provider_request_id: str | None


ErrorType = (
    ValidationError
    | NotFoundError
    | PaymentDeclinedError
    | IdempotencyConflictError
    | DuplicatePaymentError
    | InvalidPaymentStateError
    | RefundExceedsAvailableError
    | PaymentProviderError
)


def error_type(refusal: errors.Refusal, viewer: Viewer) -> ErrorType:
    """The member of a mutation's union that tells this *refusal*."""
    message, code = str(refusal), refusal.code
    match refusal:
        case errors.InvalidInput():
            fields = [FieldError(path=list(f.path), message=f.message, code=f.code) for f in refusal.flaws]
            return ValidationError(message=message, code=code, fields=fields)
        case errors.NotFound():
            return NotFoundError(message=message, code=code, id=strawberry.ID(refusal.object_id))
        case errors.PaymentDeclined():
            return PaymentDeclinedError(
                message=message,
                code=code,
                decline_code=refusal.decline_code,
                retryable=refusal.retryable,
                payment=Payment.of(refusal.payment, viewer),
            )
        case errors.IdempotencyConflict():
            original = PaymentOperation.of(refusal.original)
            return IdempotencyConflictError(message=message, code=code, original_operation=original)
        case errors.DuplicatePayment():
            existing = Payment.of(refusal.existing, viewer)
            return DuplicatePaymentError(message=message, code=code, existing_payment=existing)
        case errors.InvalidPaymentState():
            return InvalidPaymentStateError(
                message=message,
                code=code,
                current_status=refusal.payment.status,
                allowed_actions=available_actions(refusal.payment),
            )
        case errors.RefundExceedsAvailable():
            refundable = Money.of(refusal.refundable)
            return RefundExceedsAvailableError(message=message, code=code, refundable=refundable)
        case errors.ProviderRefused():
            return PaymentProviderError(
                message=message,
                code=code,
                retryable=refusal.retryable,
                provider_request_id=refusal.request_id,
            )
        case _:
            raise refusal
