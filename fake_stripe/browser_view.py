"""What a publishable key may see of a payment intent: enough to pay it, nothing of the merchant's own.

Source: https://docs.stripe.com/api/payment_intents/object (fields marked "Retrievable with publishable key")
"""

from typing import Any

_VISIBLE = frozenset(
    {
        "id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at", "cancellation_reason",
        "capture_method", "client_secret", "confirmation_method", "created", "currency", "description",
        "last_payment_error", "livemode", "next_action", "payment_method", "payment_method_configuration_details",
        "payment_method_types", "processing", "receipt_email", "setup_future_usage", "shipping", "source", "status",
    }
)  # fmt: skip


def browser_view(value: Any) -> Any:
    """The answer with every payment intent in it cut down to what a browser may see."""
    if isinstance(value, list):
        return [browser_view(item) for item in value]
    if not isinstance(value, dict):
        return value
    secretive = value.get("object") == "payment_intent"
    return {name: browser_view(inner) for name, inner in value.items() if not secretive or name in _VISIBLE}
