"""The object that the address of an admin call names: by Stripe's id, or by ours, which stands in its metadata.

People who try the system see our ids only: those of payments and refunds in GraphQL.
"""

from typing import NoReturn

from fake_stripe.api_errors import ApiError
from fake_stripe.execution import Execution
from fake_stripe.store import StripeObject


def refund(execution: Execution, wanted_id: str) -> StripeObject:
    """By the id of the refund at Stripe (`re_…`) or of ours."""
    found = execution.store.find("refund", wanted_id) or _ours(execution, "refund", wanted_id)
    return found or _raise_unknown(
        "refund", wanted_id, "Stripe's id (re_…) or ours, `refunds { nodes { id } }`"
    )


def charge(execution: Execution, wanted_id: str) -> StripeObject:
    """By its own id, or the latest one of a payment."""
    intent = _intent(execution, wanted_id) or {}
    found = execution.store.find("charge", intent.get("latest_charge") or wanted_id)
    return found or _raise_unknown(
        "charge", wanted_id, f"its id (ch_…), or that of its payment: {_OF_PAYMENT}"
    )


def dispute(execution: Execution, wanted_id: str) -> StripeObject:
    """By its own id, or the latest one about a payment."""
    found = execution.store.find("dispute", wanted_id) or _latest_about(execution, wanted_id)
    return found or _raise_unknown(
        "dispute", wanted_id, f"its id (dp_…), or that of its payment: {_OF_PAYMENT}"
    )


_OF_PAYMENT = "Stripe's (pi_…) or ours, `payment { id }`"
_OUR_NAMES = {"payment_intent": "payment_id", "refund": "refund_id"}


def _intent(execution: Execution, wanted_id: str) -> StripeObject | None:
    return execution.store.find("payment_intent", wanted_id) or _ours(execution, "payment_intent", wanted_id)


def _latest_about(execution: Execution, payment_id: str) -> StripeObject | None:
    intent = _intent(execution, payment_id) or {}
    about = ("object = 'dispute' AND payment_intent = ?", (intent.get("id"),))
    return next(iter(execution.store.select(*about, "ORDER BY seq DESC LIMIT 1")), None)


def _ours(execution: Execution, kind: str, wanted_id: str) -> StripeObject | None:
    where = f"object = ? AND json_extract(body, '$.metadata.{_OUR_NAMES[kind]}') = ?"
    return next(iter(execution.store.select(where, (kind, wanted_id), "ORDER BY seq DESC LIMIT 1")), None)


def _raise_unknown(kind: str, wanted_id: str, send: str) -> NoReturn:
    message = f"No such {kind}: '{wanted_id}'. Send {send}."
    raise ApiError(message, code="resource_missing", param="id", status=404)
