"""What a publishable key may see of an intent: enough to confirm it, nothing of the merchant's own.

Source: https://docs.stripe.com/api/payment_intents/object and
https://docs.stripe.com/api/setup_intents/object (fields marked "Retrievable with publishable key")
"""

from typing import Any

_VISIBLE = {
    "payment_intent": frozenset({
        "id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at", "cancellation_reason",
        "capture_method", "client_secret", "confirmation_method", "created", "currency", "description",
        "last_payment_error", "livemode", "next_action", "payment_method", "payment_method_configuration_details",
        "payment_method_types", "processing", "receipt_email", "setup_future_usage", "shipping", "source", "status",
    }),
    "setup_intent": frozenset({
        "id", "object", "automatic_payment_methods", "cancellation_reason", "client_secret", "created", "description",
        "last_setup_error", "livemode", "next_action", "payment_method", "payment_method_configuration_details",
        "payment_method_types", "status", "usage",
    }),
}  # fmt: skip


def browser_view(value: Any) -> Any:
    """The answer with every intent in it cut down to what a browser may see."""
    if isinstance(value, list):
        return [browser_view(item) for item in value]
    if not isinstance(value, dict):
        return value
    visible = _VISIBLE.get(str(value.get("object")), value.keys())
    return {name: browser_view(inner) for name, inner in value.items() if name in visible}
