"""Addresses as Stripe returns them: with every line, also those nobody sent.

Source: https://docs.stripe.com/api/charges/object (`billing_details`, `shipping`)
"""

from typing import Any

from fake_stripe.api_errors import ApiError

_LINES = ("city", "country", "line1", "line2", "postal_code", "state")
_EMPTY: dict[str, Any] = dict.fromkeys(_LINES)
_UNSENT_SHIPPING: dict[str, Any] = dict.fromkeys(("carrier", "phone", "tracking_number"))
_EMPTY_BILLING_DETAILS: dict[str, Any] = dict.fromkeys(("email", "name", "phone", "tax_id"))


def address(sent: Any) -> dict[str, Any] | None:
    """An address; None where nothing, or an empty text, was sent."""
    if sent and not isinstance(sent, dict):
        raise ApiError("Invalid object", param="address")
    return {**_EMPTY, **sent} if sent else None


def shipping(sent: Any) -> dict[str, Any] | None:
    """Where goods go, and how."""
    if not sent:
        return None
    place = {"address": address(sent["address"]) or dict(_EMPTY)} if "address" in sent else {}
    return {**_UNSENT_SHIPPING, **sent, **place}


def billing_details(sent: Any) -> dict[str, Any]:
    """Who pays; there are always some, if only empty ones."""
    sent = sent or {}
    return {**_EMPTY_BILLING_DETAILS, **sent, "address": address(sent.get("address")) or dict(_EMPTY)}
