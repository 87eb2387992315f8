"""`expand[]`: ids replaced by the objects they name.

Source: https://docs.stripe.com/expand
"""

from typing import Any

from fake_stripe.api_errors import ApiError
from fake_stripe.store import Store, StripeObject

_KIND_BY_FIELD = {
    "charge": "charge",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
}


def expand(store: Store, body: StripeObject, paths: list[str]) -> StripeObject:
    """The answer with the named places filled in; at most four levels deep, as at Stripe."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > (5 if steps[0] == "data" else 4):
            raise ApiError(
                f"You cannot expand more than 4 levels of a property. Property: {path}", param="expand"
            )
        body = _expanded(store, body, steps, path)
    return body


def _expanded(store: Store, value: Any, steps: list[str], path: str) -> Any:
    if value is None or not steps:
        return value
    if isinstance(value, list):
        return [_expanded(store, item, steps, path) for item in value]
    field, rest = steps[0], steps[1:]
    if field == "refunds" and value.get("object") == "charge":
        inner: Any = _refunds_of(store, value)
    elif field in _KIND_BY_FIELD and isinstance(value.get(field), str):
        inner = store.find(_KIND_BY_FIELD[field], value[field])
    elif field in value and (field in _KIND_BY_FIELD or isinstance(value[field], dict | list)):
        inner = value[field]
    else:
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    return {**value, field: _expanded(store, inner, rest, path)}


def _refunds_of(store: Store, charge: StripeObject) -> StripeObject:
    """Charges carry their refunds only when asked (since 2022-11-15)."""
    found = store.select("object = 'refund' AND charge = ?", (charge["id"],), "ORDER BY seq DESC LIMIT 11")
    return {
        "object": "list",
        "data": found[:10],
        "has_more": len(found) > 10,
        "url": f"/v1/charges/{charge['id']}/refunds",
    }
