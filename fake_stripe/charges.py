"""Charges: the attempts to take money for a payment intent, and what became of the money.

Source: https://docs.stripe.com/api/charges
"""

from fake_stripe import balance_transactions, due_work, events, lists
from fake_stripe.api_errors import ApiError, missing
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.ids import new_id
from fake_stripe.parameters import Fields, Text
from fake_stripe.store import StripeObject
from fake_stripe.test_cards import Decline

AUTHORIZATION_LASTS_S = 7 * 86_400
LIST_FIELDS: Fields = {**lists.FIELDS, "payment_intent": Text(), "customer": Text()}
_UNUSED: StripeObject = dict.fromkeys(
    (
        "application",
        "application_fee",
        "application_fee_amount",
        "balance_transaction",
        "failure_balance_transaction",
        "on_behalf_of",
        "receipt_number",
        "receipt_url",
        "review",
        "source",
        "source_transfer",
        "transfer_data",
    )
)
"""Null at the beginning, and most of them for ever."""


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/charges/{id}"""
    return find(execution, request.object_id, status=404)


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/charges"""
    conditions = lists.equal_to(request.parameters, "payment_intent", "customer")
    return lists.page(execution.store, "charge", request, conditions)


def find(execution: Execution, wanted_id: str, param: str = "charge", status: int = 400) -> StripeObject:
    """The charge with this id."""
    charge = execution.store.find("charge", wanted_id)
    if charge is None:
        raise missing("charge", wanted_id, param=param, status=status)
    return charge


def refundable(charge: StripeObject) -> int:
    """What can still be given back."""
    taken: int = charge["amount_captured"]
    return taken - int(charge["amount_refunded"])


def refuse_refund_if_charged_back(execution: Execution, charge: StripeObject) -> None:
    """Raise while a bank holds the money of a dispute, and after it has been lost."""
    disputes = execution.store.select("object = 'dispute' AND charge = ?", (charge["id"],))
    if not all(dispute["is_charge_refundable"] for dispute in disputes):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise ApiError(message, code="charge_disputed")


def settle(execution: Execution, charge: StripeObject, *, asynchronously: bool) -> StripeObject:
    """Bring captured money into the balance: now, or a moment later where the account is set so.

    Source: https://docs.stripe.com/payments/payment-intents/asynchronous-capture
    """
    delay_s = execution.account.async_capture_s
    if asynchronously and delay_s > 0:
        due_at = execution.clock.time() + delay_s
        due_work.schedule(execution.store, due_at, "settle_charge", {"charge": charge["id"]})
        return charge
    transaction = balance_transactions.add_charge(execution, charge)
    return execution.store.update({**charge, "balance_transaction": transaction["id"]})


def settle_late(execution: Execution, details: StripeObject) -> None:
    """The money of an asynchronous capture reaches the balance."""
    charge = settle(execution, find(execution, details["charge"]), asynchronously=False)
    events.record(execution, "charge.updated", charge, previous={"balance_transaction": None})


def new(
    execution: Execution,
    intent: StripeObject,
    method: StripeObject,
    decline: Decline | None,
    authenticated: str | None,
) -> StripeObject:
    """A charge for the whole amount of an intent; *authenticated* tells how 3-D Secure ended, if it ran."""
    captured = decline is None and intent["capture_method"] != "manual"
    method_details = _payment_method_details(intent, method, authenticated)
    if decline is None and not captured:
        method_details["card"]["capture_before"] = execution.clock.now() + AUTHORIZATION_LASTS_S
    return {
        "id": new_id("ch"),
        "object": "charge",
        **_of_intent(intent),
        **_UNUSED,
        "amount_captured": intent["amount"] if captured else 0,
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "FAKE STRIPE",
        "captured": captured,
        "created": execution.clock.now(),
        "disputed": False,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "outcome": _outcome(decline),
        "paid": decline is None,
        "payment_method": method["id"],
        "payment_method_details": method_details,
        "radar_options": {},
        "refunded": False,
        "status": "failed" if decline else "succeeded",
    }


def _of_intent(intent: StripeObject) -> StripeObject:
    """What a charge repeats of its payment intent."""
    repeated = (
        "amount",
        "currency",
        "customer",
        "description",
        "metadata",
        "receipt_email",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    )
    return {"payment_intent": intent["id"], **{name: intent[name] for name in repeated}}


def _outcome(decline: Decline | None) -> StripeObject:
    return {
        "advice_code": decline.advice_code if decline else None,
        "network_advice_code": None,
        "network_decline_code": "01" if decline else None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline.decline_code if decline else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank declined the payment." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def _payment_method_details(
    intent: StripeObject, method: StripeObject, authenticated: str | None
) -> StripeObject:
    card = method["card"]
    return {
        "card": {
            "amount_authorized": intent["amount"],
            "authorization_code": None,
            "brand": card["brand"],
            "checks": card["checks"],
            "country": card["country"],
            "electronic_commerce_indicator": None,
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": card["fingerprint"],
            "funding": card["funding"],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card["last4"],
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": None,
            "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
            "regulated_status": card["regulated_status"],
            "three_d_secure": _three_d_secure(authenticated),
            "transaction_link_id": None,
            "wallet": None,
        },
        "type": "card",
    }


def _three_d_secure(authenticated: str | None) -> StripeObject | None:
    if authenticated is None:
        return None
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": authenticated,
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
