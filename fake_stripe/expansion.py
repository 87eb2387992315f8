"""`expand[]`: ids replaced by the objects they name.

Source: https://docs.stripe.com/expand
"""

from typing import Any

from fake_stripe import balance_transactions
from fake_stripe.api_errors import ApiError
from fake_stripe.execution import Execution
from fake_stripe.store import Store, StripeObject

_KIND_BY_FIELD = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "customer": "customer",
    "default_payment_method": "payment_method",
    "failure_balance_transaction": "balance_transaction",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
}
_SOMETIMES = (("refund", "failure_balance_transaction"),)
"""What may be expanded although not every object of its kind has it: then there is nothing to expand."""
_KIND_BY_PREFIX = {"ch": "charge", "du": "dispute", "re": "refund"}
"""What moved the money of a balance transaction: its `source` may be of several kinds."""


def expand(execution: Execution, body: StripeObject, paths: list[str]) -> StripeObject:
    """The answer with the named places filled in; at most four levels deep, as at Stripe."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > (5 if steps[0] == "data" else 4):
            raise ApiError(
                f"You cannot expand more than 4 levels of a property. Property: {path}", param="expand"
            )
        body = _expanded(execution, body, steps, path)
    return body


def _expanded(execution: Execution, value: Any, steps: list[str], path: str) -> Any:
    if value is None or not steps:
        return value
    if isinstance(value, list):
        return [_expanded(execution, item, steps, path) for item in value]
    field, rest = steps[0], steps[1:]
    if field == "refunds" and value.get("object") == "charge":
        inner: Any = _refunds_of(execution.store, value)
    elif (kind := _kind_named_by(value, field)) and isinstance(value.get(field), str):
        inner = _found(execution, kind, value[field])
    elif field in value and (field in _KIND_BY_FIELD or isinstance(value[field], dict | list)):
        inner = value[field]
    elif (value.get("object"), field) in _SOMETIMES:
        return value
    else:
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    return {**value, field: _expanded(execution, inner, rest, path)}


def _kind_named_by(value: StripeObject, field: str) -> str | None:
    if field == "source" and value.get("object") == "balance_transaction":
        return _KIND_BY_PREFIX[value["source"].partition("_")[0]]
    return _KIND_BY_FIELD.get(field)


def _found(execution: Execution, kind: str, wanted_id: str) -> StripeObject | None:
    found = execution.store.find(kind, wanted_id)
    if found and kind == "balance_transaction":
        return balance_transactions.as_of(execution.clock.now(), found)
    return found


def _refunds_of(store: Store, charge: StripeObject) -> StripeObject:
    """Charges carry their refunds only when asked (since 2022-11-15)."""
    found = store.select("object = 'refund' AND charge = ?", (charge["id"],), "ORDER BY seq DESC LIMIT 11")
    return {
        "object": "list",
        "data": found[:10],
        "has_more": len(found) > 10,
        "url": f"/v1/charges/{charge['id']}/refunds",
    }
