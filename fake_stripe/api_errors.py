"""What the fake answers when it refuses, in Stripe's words and shape.

ApiError                      the request is refused; a status and an error object
├── ValidationError           refused before the endpoint began: never kept under an idempotency key
│   ├── AuthenticationFailed  401
│   ├── KeyInUse              409, the first request with this key is still running
│   ├── KeyMismatch           400, the key was first used with other parameters
│   └── RateLimited           429
└── CardError                 402, the card was declined: unlike every other refusal, what happened stays

Sources: https://docs.stripe.com/api/errors, https://docs.stripe.com/error-codes,
https://docs.stripe.com/api/idempotent_requests
"""

from typing import Any, Literal

ErrorType = Literal["api_error", "card_error", "idempotency_error", "invalid_request_error"]


class ApiError(Exception):
    """A refusal by an endpoint that had begun: its changes are undone, the answer is kept under the key."""

    status = 400
    should_retry: bool | None = None
    """The `Stripe-Should-Retry` header; None leaves the choice to the client."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        error_type: ErrorType = "invalid_request_error",
        status: int | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.status = status or self.status
        self.message, self.code, self.param, self.error_type = message, code, param, error_type
        self.details = details

    def body(self, request_id: str) -> dict[str, Any]:
        """`{"error": {...}}` as Stripe writes it: fields without a value are left out."""
        error = {
            "code": self.code,
            "doc_url": doc_url(self.code),
            "message": self.message,
            "param": self.param,
            "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}",
            "type": self.error_type,
            **self.details,
        }
        return {"error": {name: value for name, value in sorted(error.items()) if value is not None}}


class ValidationError(ApiError):
    """A refusal of the request as such: raised before the endpoint begins, so no key keeps it."""


class AuthenticationFailed(ValidationError):
    """No key, a wrong key, or a publishable key where a secret one is needed."""

    status = 401


class KeyInUse(ValidationError):
    """Another request with this idempotency key is still running."""

    status = 409
    should_retry = True

    def __init__(self, key: str) -> None:
        super().__init__(
            "There is currently another in-progress request using this Idempotent Key (that probably means you "
            f"submitted twice, and the other request is still going through): {key}. Please try again later.",
            code="idempotency_key_in_use",
            error_type="idempotency_error",
        )


class KeyMismatch(ValidationError):
    """The idempotency key belongs to another request."""

    def __init__(self, key: str, difference: str) -> None:
        super().__init__(
            f"Keys for idempotent requests can only be used {difference}. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
            error_type="idempotency_error",
        )


class RateLimited(ValidationError):
    """Too many requests; nothing was done."""

    status = 429

    def __init__(self) -> None:
        super().__init__(
            "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
            code="rate_limit",
        )


class CardError(ApiError):
    """The bank said no. The charge and the payment intent's new state stay."""

    status = 402

    def __init__(self, message: str, *, code: str, decline_code: str | None, **details: Any) -> None:
        super().__init__(message, code=code, error_type="card_error", decline_code=decline_code, **details)


def missing(kind: str, wanted_id: str, param: str = "id", status: int = 404) -> ApiError:
    """No object with this id: 404 when the address names it, else 400 with the parameter that does."""
    return ApiError(f"No such {kind}: '{wanted_id}'", code="resource_missing", param=param, status=status)


def server_error_body(request_id: str) -> dict[str, Any]:
    """The body of a 500."""
    message = "An unknown error occurred; if it keeps occurring, please contact support."
    return ApiError(message, error_type="api_error", status=500).body(request_id)


def doc_url(code: str | None) -> str | None:
    """The page Stripe has about an error code."""
    return f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}" if code else None
