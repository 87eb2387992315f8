"""Payment intents: from the wish to collect an amount to the money.

Source: https://docs.stripe.com/api/payment_intents, https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from fake_stripe import (
    authorization,
    cardholder,
    charges,
    currencies,
    customers,
    events,
    lists,
    payment_methods,
)
from fake_stripe.api_errors import ApiError, ValidationError, missing
from fake_stripe.authorization import Circumstances
from fake_stripe.client_secrets import refuse_wrong_secret
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.parameters import Parameters
from fake_stripe.payment_intent_fields import DESCRIPTIVE_FIELDS
from fake_stripe.payment_intent_object import described, new
from fake_stripe.store import StripeObject

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)


def create(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/payment_intents"""
    wanted = request.parameters
    if wanted.get("customer"):
        customers.find(execution, wanted["customer"])
    method = _chosen_method(execution, wanted, wanted.get("customer"))
    intent = execution.store.insert(new(execution, wanted, method))
    events.record(execution, "payment_intent.created", intent)
    if not wanted.get("confirm"):
        return intent
    if method is None:
        raise _missing_payment_method(intent)
    return authorization.attempt(execution, intent, method, _circumstances(wanted))


def check_create(wanted: Parameters) -> None:
    """Refuse amounts and currencies Stripe does not take, and confirmation parameters without `confirm`."""
    currencies.check_currency(wanted["currency"])
    currencies.check_amount(wanted["amount"], wanted["currency"].lower())
    for name in ("off_session", "error_on_requires_action", "return_url"):
        if wanted.get(name) and not wanted.get("confirm"):
            message = f"The parameter `{name}` cannot be passed when creating a PaymentIntent unless `confirm` is set to true."
            raise ValidationError(message, param=name)
    if wanted.get("automatic_payment_methods", {}).get("enabled") and wanted.get("payment_method_types"):
        raise ValidationError(
            "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
        )


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/payment_intents/{id}; with a publishable key only together with the client secret."""
    return _addressed(execution, request)


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/payment_intents"""
    return lists.page(
        execution.store, "payment_intent", request, lists.equal_to(request.parameters, "customer")
    )


def update(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/payment_intents/{id}"""
    intent, wanted = _addressed(execution, request), request.parameters
    if set(wanted) - set(DESCRIPTIVE_FIELDS) and intent["status"] not in _OPEN:
        raise unexpected_state(intent, "be updated", _OPEN)
    changed = described(intent, wanted)
    if wanted.get("customer"):
        changed["customer"] = customers.find(execution, wanted["customer"])["id"]
    for name in ("amount", "currency", "setup_future_usage", "payment_method_types"):
        if name in wanted:
            changed[name] = wanted[name]
    currencies.check_currency(changed["currency"])
    changed["currency"] = changed["currency"].lower()
    currencies.check_amount(changed["amount"], changed["currency"])
    method = _chosen_method(execution, wanted, changed["customer"])
    if method is not None:
        changed |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    return execution.store.update(changed)


def confirm(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/payment_intents/{id}/confirm, by our server or by the customer's browser"""
    intent, wanted = _addressed(execution, request), request.parameters
    if intent["status"] == "succeeded":
        raise _state_error(
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
            intent,
        )
    if intent["status"] not in _OPEN:
        raise unexpected_state(intent, "be confirmed", _OPEN)
    method = _chosen_method(execution, wanted, intent["customer"])
    if method is None and intent["payment_method"]:
        method = payment_methods.find(execution, intent["payment_method"])
        payment_methods.refuse_unless_usable(execution, method, intent["customer"], "PaymentIntent")
    if method is None:
        raise _missing_payment_method(intent)
    changed = described(intent, wanted)
    for name in ("capture_method", "setup_future_usage"):
        if wanted.get(name):
            changed[name] = wanted[name]
    return authorization.attempt(execution, changed, method, _circumstances(wanted))


def capture(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/payment_intents/{id}/capture: all or a part, once; the rest is released."""
    intent, wanted = _addressed(execution, request), request.parameters
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "be captured", ("requires_capture",))
    amount = wanted.get("amount_to_capture", intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        most = currencies.written(intent["amount_capturable"], intent["currency"])
        message = f"The amount to capture must be less than or equal to the capturable amount ({most})."
        raise ApiError(message, code="amount_too_large", param="amount_to_capture")
    charge = charges.find(execution, intent["latest_charge"])
    charge = execution.store.update({**charge, "captured": True, "amount_captured": amount})
    charge = charges.settle(execution, charge, asynchronously=False)
    before = {"amount_captured": 0, "balance_transaction": None, "captured": False}
    events.record(execution, "charge.captured", charge, previous=before)
    cardholder.react(execution, charge)
    intent = execution.store.update(
        {
            **described(intent, wanted),
            "status": "succeeded",
            "amount_capturable": 0,
            "amount_received": amount,
        }
    )
    events.record(execution, "payment_intent.succeeded", intent)
    return intent


def cancel(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/payment_intents/{id}/cancel; what was authorized is released, without a refund (since 2025-03-31)."""
    intent = _addressed(execution, request)
    if intent["status"] not in _CANCELABLE:
        raise _state_error(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(_CANCELABLE)}.",
            intent,
        )
    intent = execution.store.update(
        {
            **intent,
            "status": "canceled",
            "amount_capturable": 0,
            "canceled_at": execution.clock.now(),
            "cancellation_reason": request.parameters.get("cancellation_reason"),
            "next_action": None,
        }
    )
    events.record(execution, "payment_intent.canceled", intent)
    return intent


def find(execution: Execution, wanted_id: str, param: str = "intent", status: int = 404) -> StripeObject:
    """The payment intent with this id."""
    intent = execution.store.find("payment_intent", wanted_id)
    if intent is None:
        raise missing("payment_intent", wanted_id, param=param, status=status)
    return intent


def unexpected_state(intent: StripeObject, what: str, allowed: tuple[str, ...]) -> ApiError:
    """The refusal of a step the intent's status does not allow; the intent travels with it."""
    return _state_error(
        f"This PaymentIntent could not {what} because it has a status of {intent['status']}. Only a PaymentIntent "
        f"with one of the following statuses may {what}: {', '.join(allowed)}.",
        intent,
    )


def _state_error(message: str, intent: StripeObject) -> ApiError:
    return ApiError(message, code="payment_intent_unexpected_state", payment_intent=intent)


def _missing_payment_method(intent: StripeObject) -> ApiError:
    return _state_error(
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
        "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment "
        "method or ConfirmationToken.",
        intent,
    )


def _addressed(execution: Execution, request: ApiRequest) -> StripeObject:
    """The intent in the path. A browser must also know its client secret."""
    intent = find(execution, request.object_id)
    refuse_wrong_secret(intent, request, "PaymentIntent")
    return intent


def _chosen_method(execution: Execution, wanted: Parameters, customer_id: str | None) -> StripeObject | None:
    method = payment_methods.chosen(execution, wanted)
    if method is not None:
        payment_methods.refuse_unless_usable(execution, method, customer_id, "PaymentIntent")
    return method


def _circumstances(wanted: Parameters) -> Circumstances:
    return Circumstances(
        return_url=wanted.get("return_url"),
        off_session=wanted.get("off_session", False),
        use_stripe_sdk=wanted.get("use_stripe_sdk", False),
        error_on_requires_action=wanted.get("error_on_requires_action", False),
    )
