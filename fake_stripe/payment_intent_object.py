"""The payment intent as a JSON object: how it begins, and how a request's words change it.

Source: https://docs.stripe.com/api/payment_intents/object
"""

from typing import Any

from fake_stripe import addresses
from fake_stripe.authorization import automatic_payment_methods
from fake_stripe.execution import Execution
from fake_stripe.ids import client_secret, new_id
from fake_stripe.parameters import Parameters, merged_metadata
from fake_stripe.payment_intent_fields import DESCRIPTIVE_FIELDS
from fake_stripe.store import StripeObject


def new(execution: Execution, wanted: Parameters, method: StripeObject | None) -> StripeObject:
    """A payment intent nobody has confirmed yet."""
    intent_id = new_id("pi")
    empty: StripeObject = {
        "id": intent_id,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": wanted["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic_payment_methods(wanted),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": wanted.get("capture_method", "automatic_async"),
        "client_secret": client_secret(intent_id),
        "confirmation_method": "automatic",
        "created": execution.clock.now(),
        "currency": wanted["currency"].lower(),
        "customer": wanted.get("customer"),
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": method["id"] if method else None,
        "payment_method_configuration_details": None,
        "payment_method_options": _payment_method_options(wanted),
        "payment_method_types": wanted.get("payment_method_types") or ["card"],
        "payment_record": None,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": wanted.get("setup_future_usage"),
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_confirmation" if method else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    return described(empty, wanted)


def described(intent: StripeObject, wanted: Parameters) -> StripeObject:
    """The intent with the words a request brings for it."""
    changed = {**intent, **{name: wanted[name] for name in DESCRIPTIVE_FIELDS if name in wanted}}
    changed["shipping"] = addresses.shipping(changed["shipping"])
    if "metadata" in wanted:
        changed["metadata"] = merged_metadata(intent["metadata"], wanted["metadata"])
    return changed


def _payment_method_options(wanted: Parameters) -> dict[str, Any]:
    card = {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    }
    return {"card": card | (wanted.get("payment_method_options", {}).get("card") or {})}
