"""One attempt to take the money of a payment intent: authentication, the bank's answer, the events.

Source: https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from dataclasses import dataclass

from fake_stripe import cardholder, charges, due_work, events, payment_methods
from fake_stripe.api_errors import ApiError, CardError, doc_url
from fake_stripe.execution import Execution
from fake_stripe.ids import new_id
from fake_stripe.parameters import Parameters
from fake_stripe.store import StripeObject
from fake_stripe.test_cards import Decline

_NEEDS_AUTHENTICATION = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


@dataclass(frozen=True)
class Circumstances:
    """What a confirmation says about the moment of payment."""

    return_url: str | None = None
    off_session: bool = False
    use_stripe_sdk: bool = False
    error_on_requires_action: bool = False


def attempt(
    execution: Execution, intent: StripeObject, method: StripeObject, circumstances: Circumstances
) -> StripeObject:
    """Take the money, ask for 3-D Secure, or raise CardError; the intent's new state is kept in each case."""
    refuse_without_return_url(intent, circumstances)
    intent = {**intent, "payment_method": method["id"], "last_payment_error": None, "next_action": None}
    if payment_methods.card_behind(execution, method["id"]).authentication == "always":
        if circumstances.off_session:
            intent = _declined(execution, intent, method, _NEEDS_AUTHENTICATION)
            raise card_error(intent)
        if circumstances.error_on_requires_action:
            raise _authentication_refused(execution, intent, method)
        return ask_for_authentication(execution, intent, circumstances)
    intent = charge(execution, intent, method)
    if intent["last_payment_error"]:
        raise card_error(intent)
    return intent


def charge(
    execution: Execution, intent: StripeObject, method: StripeObject, authenticated: str | None = None
) -> StripeObject:
    """Ask the bank. The intent tells how it ended; a decline stands in its `last_payment_error`."""
    decline = payment_methods.card_behind(execution, method["id"]).decline
    if decline:
        return _declined(execution, intent, method, decline, authenticated)
    taken = execution.store.insert(charges.new(execution, intent, method, None, authenticated))
    intent = {**intent, "latest_charge": taken["id"], "next_action": None}
    if intent["setup_future_usage"] and intent["customer"] and not method["customer"]:
        payment_methods.save(execution, method, intent["customer"])
    if intent["capture_method"] == "manual":
        return _authorized(execution, intent, taken)
    asynchronously = intent["capture_method"] == "automatic_async"
    taken = charges.settle(execution, taken, asynchronously=asynchronously)
    return _succeeded(execution, intent, taken)


def ask_for_authentication(
    execution: Execution, intent: StripeObject, circumstances: Circumstances
) -> StripeObject:
    """The customer has to show up at the bank's page first."""
    action = authentication_action(execution, intent, circumstances)
    intent = execution.store.update({**intent, "status": "requires_action", "next_action": action})
    events.record(execution, "payment_intent.requires_action", intent)
    return intent


def authentication_action(
    execution: Execution, intent: StripeObject, circumstances: Circumstances
) -> StripeObject:
    """The `next_action` that leads to the bank's page."""
    page = f"{execution.account.public_url}/_fake/3ds/{intent['id']}"
    if circumstances.return_url and not circumstances.use_stripe_sdk:
        return {
            "redirect_to_url": {"return_url": circumstances.return_url, "url": page},
            "type": "redirect_to_url",
        }
    sdk = {"source": new_id("src"), "stripe_js": page, "type": "three_d_secure_redirect"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}


def authentication_failure(code: str, message: str, method: StripeObject) -> StripeObject:
    """The error of an intent whose customer did not pass 3-D Secure."""
    return {
        "code": code,
        "doc_url": doc_url(code),
        "message": message,
        "payment_method": method,
        "type": "invalid_request_error",
    }


def decline_error(decline: Decline, method: StripeObject) -> StripeObject:
    """The error of an intent whose card was declined."""
    return {
        "advice_code": decline.advice_code,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": doc_url(decline.code),
        "message": decline.message,
        "network_decline_code": "01",
        "payment_method": method,
        "type": "card_error",
    }


def automatic_payment_methods(wanted: Parameters) -> StripeObject | None:
    """Since 2023-08-16 automatic payment methods are the default where no types are named."""
    sent = wanted.get("automatic_payment_methods", {})
    if wanted.get("payment_method_types") or sent.get("enabled") is False:
        return None
    return {"allow_redirects": sent.get("allow_redirects", "always"), "enabled": True}


def back_to_payment_method(execution: Execution, intent: StripeObject, error: StripeObject) -> StripeObject:
    """The attempt failed; another payment method may be tried."""
    intent = execution.store.update(
        {
            **intent,
            "status": "requires_payment_method",
            "payment_method": None,
            "next_action": None,
            "last_payment_error": error,
        }
    )
    events.record(execution, "payment_intent.payment_failed", intent)
    return intent


def expire(execution: Execution, details: StripeObject) -> None:
    """An authorization nobody captured in time is released by Stripe itself.

    Source: https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow
    """
    intent = execution.store.find("payment_intent", details["payment_intent"])
    if (
        intent is None
        or intent["status"] != "requires_capture"
        or intent["latest_charge"] != details["charge"]
    ):
        return
    events.record(execution, "charge.expired", charges.find(execution, details["charge"]))
    intent = execution.store.update(
        {
            **intent,
            "status": "canceled",
            "amount_capturable": 0,
            "canceled_at": execution.clock.now(),
            "cancellation_reason": "expired",
        }
    )
    events.record(execution, "payment_intent.canceled", intent)


def card_error(intent: StripeObject) -> CardError:
    """The 402 for a payment or setup intent whose last attempt was declined."""
    error = intent.get("last_payment_error") or intent["last_setup_error"]
    return CardError(
        error["message"],
        code=error["code"],
        decline_code=error["decline_code"],
        advice_code=error.get("advice_code"),
        network_decline_code=error.get("network_decline_code"),
        charge=error.get("charge"),
        payment_method=error["payment_method"],
        **{intent["object"]: intent},
    )


def refuse_without_return_url(intent: StripeObject, circumstances: Circumstances) -> None:
    methods = intent["automatic_payment_methods"] or {"allow_redirects": "never"}
    excused = circumstances.return_url or circumstances.use_stripe_sdk or circumstances.off_session
    if methods["allow_redirects"] == "always" and not excused:
        raise ApiError(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. If "
            "you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents."
        )


def _authorized(execution: Execution, intent: StripeObject, taken: StripeObject) -> StripeObject:
    intent = execution.store.update(
        {**intent, "status": "requires_capture", "amount_capturable": intent["amount"]}
    )
    events.record(execution, "charge.succeeded", taken)
    events.record(execution, "payment_intent.amount_capturable_updated", intent)
    due_work.schedule(
        execution.store,
        execution.clock.time() + charges.AUTHORIZATION_LASTS_S,
        "expire_authorization",
        {"payment_intent": intent["id"], "charge": taken["id"]},
    )
    return intent


def _succeeded(execution: Execution, intent: StripeObject, taken: StripeObject) -> StripeObject:
    intent = execution.store.update(
        {**intent, "status": "succeeded", "amount_received": taken["amount_captured"]}
    )
    events.record(execution, "charge.succeeded", taken)
    cardholder.react(execution, taken)
    events.record(execution, "payment_intent.succeeded", intent)
    return intent


def _declined(
    execution: Execution,
    intent: StripeObject,
    method: StripeObject,
    decline: Decline,
    authenticated: str | None = None,
) -> StripeObject:
    failed = execution.store.insert(charges.new(execution, intent, method, decline, authenticated))
    events.record(execution, "charge.failed", failed)
    error = {**decline_error(decline, method), "charge": failed["id"]}
    return back_to_payment_method(execution, {**intent, "latest_charge": failed["id"]}, error)


def _authentication_refused(execution: Execution, intent: StripeObject, method: StripeObject) -> CardError:
    message = (
        "This payment required an authentication action to complete, but `error_on_requires_action` was set."
    )
    error = {
        "code": "authentication_required",
        "decline_code": "authentication_required",
        "doc_url": doc_url("authentication_required"),
        "message": message,
        "payment_method": method,
        "type": "card_error",
    }
    return card_error(back_to_payment_method(execution, intent, error))
