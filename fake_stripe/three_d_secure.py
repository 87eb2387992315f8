"""How 3-D Secure ends: the customer proves who they are, or does not.

Source: https://docs.stripe.com/payments/3d-secure, https://docs.stripe.com/payments/payment-intents/verifying-status
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fake_stripe import authorization, payment_intents, payment_methods, setup_intents
from fake_stripe.execution import Execution
from fake_stripe.store import StripeObject

_FAILED_MESSAGE = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this PaymentIntent again."
)


def complete(execution: Execution, intent_id: str) -> StripeObject:
    """The customer passed; now the bank is asked, and may still decline."""
    intent = waiting(execution, intent_id)
    if intent["object"] == "setup_intent":
        return setup_intents.authenticated(execution, intent)
    method = payment_methods.find(execution, intent["payment_method"])
    return authorization.charge(
        execution, {**intent, "next_action": None}, method, authenticated="authenticated"
    )


def fail(execution: Execution, intent_id: str) -> StripeObject:
    """The customer did not pass; no charge was tried."""
    intent = waiting(execution, intent_id)
    if intent["object"] == "setup_intent":
        return setup_intents.not_authenticated(execution, intent)
    method = payment_methods.find(execution, intent["payment_method"])
    error = authorization.authentication_failure(
        "payment_intent_authentication_failure", _FAILED_MESSAGE, method
    )
    return authorization.back_to_payment_method(execution, intent, error)


def waiting(execution: Execution, intent_id: str) -> StripeObject:
    """The payment intent or setup intent, if it waits for authentication."""
    if intent_id.startswith("seti_"):
        return setup_intents.waiting(execution, intent_id)
    intent = payment_intents.find(execution, intent_id)
    if intent["status"] != "requires_action":
        raise payment_intents.unexpected_state(intent, "be authenticated", ("requires_action",))
    return intent


def return_address(waiting_intent: StripeObject, intent: StripeObject) -> str | None:
    """Where the browser goes next, with what Stripe adds to the address; None when nobody named a return_url."""
    return_url: str | None = waiting_intent["next_action"].get("redirect_to_url", {}).get("return_url")
    if not return_url:
        return None
    address = urlsplit(return_url)
    failed = intent.get("last_payment_error") or intent.get("last_setup_error")
    query = [
        *parse_qsl(address.query, keep_blank_values=True),
        (intent["object"], intent["id"]),
        (f"{intent['object']}_client_secret", intent["client_secret"]),
        ("redirect_status", "failed" if failed else "succeeded"),
    ]
    return urlunsplit((address.scheme, address.netloc, address.path, urlencode(query), address.fragment))
