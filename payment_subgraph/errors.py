"""What this service says no with.

    ServiceError
    ├── SettingError                     a bad environment variable; stops the start
    ├── RequestError                     top-level `errors`, with `extensions.code`
    │   ├── Unauthenticated              UNAUTHENTICATED
    │   ├── Forbidden                    FORBIDDEN (+ requiredScopes)
    │   ├── BadUserInput                 BAD_USER_INPUT
    │   ├── BadRequest                   BAD_REQUEST
    │   ├── QueryTooComplex              QUERY_TOO_COMPLEX
    │   ├── NothingToWatch               NOT_FOUND
    │   ├── TooManySubscriptions         TOO_MANY_SUBSCRIPTIONS
    │   ├── ServiceStopping              SUBGRAPH_UNAVAILABLE
    │   └── KeySetUnavailable            SUBGRAPH_UNAVAILABLE
    └── Refusal                          data: a member of the mutation's union
        ├── InvalidInput                 VALIDATION
        ├── NotFound                     NOT_FOUND
        ├── PaymentDeclined              PAYMENT_DECLINED
        ├── IdempotencyConflict          IDEMPOTENCY_CONFLICT
        ├── RefusedByState               kept under its key
        │   ├── DuplicatePayment         DUPLICATE_PAYMENT
        │   ├── InvalidPaymentState      INVALID_PAYMENT_STATE
        │   ├── RefundExceedsAvailable   REFUND_EXCEEDS_AVAILABLE
        │   └── PaymentDisputed          PAYMENT_DISPUTED
        ├── RateLimited                  RATE_LIMITED
        └── ProviderRefused              PAYMENT_PROVIDER

Every code is explained in `schema/error_codes.json`. What the payment processor says is told by
the smaller tree in `processor.py`; `sending.py` makes a Rejection of it, `refusals.py` one of these.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from payment_subgraph.dispute import Dispute
from payment_subgraph.flaw import Flaw
from payment_subgraph.money import Money
from payment_subgraph.operation import Operation
from payment_subgraph.payment import Payment

Scopes = Sequence[Sequence[str]]


class ServiceError(Exception):
    """Root of everything this service raises on purpose."""


class SettingError(ServiceError):
    """One sentence that names the variable and says what to set."""


class RequestError(ServiceError):
    """Answered as a top-level GraphQL error; the message is written for the caller."""

    code: ClassVar[str]
    http_status: ClassVar[int] = 400

    @property
    def extensions(self) -> Mapping[str, object]:
        return {}


class Unauthenticated(RequestError):
    code = "UNAUTHENTICATED"
    http_status = 401

    def __init__(self, message: str = "Send a valid access token.") -> None:
        super().__init__(message)


class Forbidden(RequestError):
    code = "FORBIDDEN"
    http_status = 403

    def __init__(self, required_scopes: Scopes) -> None:
        self.required_scopes = required_scopes
        super().__init__("The access token lacks a scope for this.")

    @property
    def extensions(self) -> Mapping[str, object]:
        return {"requiredScopes": [list(scopes) for scopes in self.required_scopes]}


class BadUserInput(RequestError):
    code = "BAD_USER_INPUT"


class BadRequest(RequestError):
    code = "BAD_REQUEST"

    def __init__(self, message: str, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


class QueryTooComplex(RequestError):
    code = "QUERY_TOO_COMPLEX"


class NothingToWatch(RequestError):
    """No such payment, or not the viewer's: the two are not told apart."""

    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such payment.")


class TooManySubscriptions(RequestError):
    code = "TOO_MANY_SUBSCRIPTIONS"

    def __init__(self) -> None:
        super().__init__("Too many subscriptions are open: end one, or try again later.")


class ServiceStopping(RequestError):
    """The last word of streams that were open when the process was told to stop."""

    code = "SUBGRAPH_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("The payment service is being restarted: subscribe again.")


class KeySetUnavailable(RequestError):
    """The user service has not yet told us its keys, so no token can be believed or refused."""

    code = "SUBGRAPH_UNAVAILABLE"
    http_status = 503

    def __init__(self) -> None:
        super().__init__("Access tokens cannot be checked at the moment.")


class Refusal(ServiceError):
    """Answered as data: one class per error type of the mutations' unions."""

    code: ClassVar[str]


class RefusedByState(Refusal):
    """What the payment's state forbids. It stays the answer under its key, also when the state allows it later."""

    def __init__(self, message: str, *, replayed: bool) -> None:
        super().__init__(_KEPT if replayed else message)


_KEPT = "This was refused before, under this idempotencyKey. To try again, use a new one."


class InvalidInput(Refusal):
    code = "VALIDATION"

    def __init__(self, *flaws: Flaw) -> None:
        self.flaws = flaws
        super().__init__("Some input is not valid.")


class NotFound(Refusal):
    """No such object, or not the viewer's: the two are not told apart."""

    code = "NOT_FOUND"

    def __init__(self, object_id: str, kind: str = "payment") -> None:
        self.object_id = object_id
        super().__init__(f"There is no such {kind}.")


class PaymentDeclined(Refusal):
    code = "PAYMENT_DECLINED"

    def __init__(self, payment: Payment, decline_code: str | None, message: str, *, retryable: bool) -> None:
        self.payment, self.decline_code, self.retryable = payment, decline_code, retryable
        super().__init__(message)


class IdempotencyConflict(Refusal):
    code = "IDEMPOTENCY_CONFLICT"

    def __init__(self, original: Operation) -> None:
        self.original = original
        super().__init__("This idempotencyKey was already used with another input.")


class DuplicatePayment(RefusedByState):
    code = "DUPLICATE_PAYMENT"

    def __init__(self, existing: Payment, *, replayed: bool = False) -> None:
        self.existing = existing
        super().__init__("There is already a live payment for this reference.", replayed=replayed)


class InvalidPaymentState(RefusedByState):
    code = "INVALID_PAYMENT_STATE"

    def __init__(self, payment: Payment, *, replayed: bool = False) -> None:
        self.payment = payment
        super().__init__(f"A payment that is {payment.status} does not allow this.", replayed=replayed)


class RefundExceedsAvailable(RefusedByState):
    code = "REFUND_EXCEEDS_AVAILABLE"

    def __init__(self, refundable: Money, *, replayed: bool = False) -> None:
        self.refundable = refundable
        super().__init__("This is more than can still be refunded.", replayed=replayed)


class PaymentDisputed(RefusedByState):
    code = "PAYMENT_DISPUTED"

    def __init__(self, payment: Payment, dispute: Dispute, *, replayed: bool = False) -> None:
        self.payment, self.dispute = payment, dispute
        told = "Nothing can be refunded because of a dispute about this payment."
        super().__init__(told, replayed=replayed)


class RateLimited(Refusal):
    code = "RATE_LIMITED"

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__("That was asked for too often.")


class ProviderRefused(Refusal):
    code = "PAYMENT_PROVIDER"

    def __init__(
        self,
        request_id: str | None,
        *,
        retryable: bool,
        message: str = "The payment provider did not accept the request.",
    ) -> None:
        self.request_id, self.retryable = request_id, retryable
        super().__init__(message)
