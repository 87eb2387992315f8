"""Setup intents: a payment method made ready for later payments, without a payment now.

Source: https://docs.stripe.com/api/setup_intents, https://docs.stripe.com/payments/setupintents/lifecycle
"""

from fake_stripe import authorization, customers, events, lists, payment_methods
from fake_stripe.api_errors import ApiError, ValidationError, missing
from fake_stripe.authorization import Circumstances
from fake_stripe.client_secrets import refuse_wrong_secret
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.ids import client_secret, new_id
from fake_stripe.parameters import (
    Anything,
    Fields,
    Flag,
    Hash,
    ListOf,
    Metadata,
    OneOf,
    Parameters,
    Text,
    Url,
    merged_metadata,
)
from fake_stripe.payment_methods import DATA_FIELDS
from fake_stripe.store import StripeObject

_METHOD_FIELDS: Fields = {
    "payment_method": Text(),
    "payment_method_data": Hash(DATA_FIELDS),
    "payment_method_options": Hash({"card": Anything()}),
}
_CONFIRMING_FIELDS: Fields = {"return_url": Url(), "use_stripe_sdk": Flag()}
UPDATE_FIELDS: Fields = {
    **_METHOD_FIELDS,
    "customer": Text(),
    "description": Text(),
    "metadata": Metadata(),
    "payment_method_types": ListOf(OneOf(("card",))),
}
CREATE_FIELDS: Fields = {
    **UPDATE_FIELDS,
    **_CONFIRMING_FIELDS,
    "automatic_payment_methods": Hash({"enabled": Flag(), "allow_redirects": OneOf(("always", "never"))}),
    "confirm": Flag(),
    "usage": OneOf(("off_session", "on_session")),
}
CONFIRM_FIELDS: Fields = {**_METHOD_FIELDS, **_CONFIRMING_FIELDS, "client_secret": Text()}
CANCEL_FIELDS: Fields = {"cancellation_reason": OneOf(("abandoned", "duplicate", "requested_by_customer"))}
RETRIEVE_FIELDS: Fields = {"client_secret": Text()}
LIST_FIELDS: Fields = {**lists.FIELDS, "customer": Text(), "payment_method": Text()}

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_AUTHENTICATION_FAILED = (
    "The latest attempt to set up the payment method has failed because authentication failed."
)


def create(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/setup_intents"""
    wanted = request.parameters
    intent = execution.store.insert(_described(execution, _new(execution, wanted), wanted))
    events.record(execution, "setup_intent.created", intent)
    return _confirmed(execution, intent, wanted) if wanted.get("confirm") else intent


def check_create(wanted: Parameters) -> None:
    """Refuse a return_url without `confirm`."""
    if wanted.get("return_url") and not wanted.get("confirm"):
        message = "The parameter `return_url` cannot be passed when creating a SetupIntent unless `confirm` is set to true."
        raise ValidationError(message, param="return_url")


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/setup_intents/{id}; with a publishable key only together with the client secret."""
    return _addressed(execution, request)


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/setup_intents"""
    conditions = [
        *lists.equal_to(request.parameters, "customer"),
        *lists.equal_inside(request.parameters, "payment_method"),
    ]
    return lists.page(execution.store, "setup_intent", request, conditions)


def update(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/setup_intents/{id}"""
    intent = find(execution, request.object_id)
    if intent["status"] not in _OPEN:
        raise _unexpected_state(intent, "be updated", _OPEN)
    return execution.store.update(_described(execution, intent, request.parameters))


def confirm(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/setup_intents/{id}/confirm, by our server or by the customer's browser"""
    intent = _addressed(execution, request)
    if intent["status"] not in _OPEN:
        raise _unexpected_state(intent, "be confirmed", _OPEN)
    return _confirmed(execution, _described(execution, intent, request.parameters), request.parameters)


def cancel(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/setup_intents/{id}/cancel"""
    intent = find(execution, request.object_id)
    if intent["status"] not in _OPEN:
        raise _unexpected_state(intent, "be canceled", _OPEN)
    reason = request.parameters.get("cancellation_reason")
    intent = execution.store.update(
        {**intent, "cancellation_reason": reason, "next_action": None, "status": "canceled"}
    )
    events.record(execution, "setup_intent.canceled", intent)
    return intent


def find(execution: Execution, wanted_id: str) -> StripeObject:
    """The setup intent with this id."""
    intent = execution.store.find("setup_intent", wanted_id)
    if intent is None:
        raise missing("setupintent", wanted_id, param="intent")
    return intent


def waiting(execution: Execution, wanted_id: str) -> StripeObject:
    """The setup intent, if it waits for authentication."""
    intent = find(execution, wanted_id)
    if intent["status"] != "requires_action":
        raise _unexpected_state(intent, "be authenticated", ("requires_action",))
    return intent


def authenticated(execution: Execution, intent: StripeObject) -> StripeObject:
    """The customer passed 3-D Secure; the bank may still decline. How it ended stands in the intent."""
    return _asked_bank(execution, intent, payment_methods.find(execution, intent["payment_method"]))


def not_authenticated(execution: Execution, intent: StripeObject) -> StripeObject:
    """The customer did not pass."""
    method = payment_methods.find(execution, intent["payment_method"])
    error = authorization.authentication_failure(
        "setup_intent_authentication_failure", _AUTHENTICATION_FAILED, method
    )
    return _failed(execution, intent, error)


def _confirmed(execution: Execution, intent: StripeObject, wanted: Parameters) -> StripeObject:
    if intent["payment_method"] is None:
        raise _state_error(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
            "payment method and then confirm it again.",
            intent,
        )
    method = payment_methods.find(execution, intent["payment_method"])
    circumstances = Circumstances(
        wanted.get("return_url"), use_stripe_sdk=wanted.get("use_stripe_sdk", False)
    )
    authorization.refuse_without_return_url(intent, circumstances)
    intent = {**intent, "last_setup_error": None, "next_action": None}
    if payment_methods.card_behind(execution, method["id"]).authentication == "always":
        action = authorization.authentication_action(execution, intent, circumstances)
        intent = execution.store.update({**intent, "next_action": action, "status": "requires_action"})
        events.record(execution, "setup_intent.requires_action", intent)
        return intent
    intent = _asked_bank(execution, intent, method)
    if intent["last_setup_error"]:
        raise authorization.card_error(intent)
    return intent


def _asked_bank(execution: Execution, intent: StripeObject, method: StripeObject) -> StripeObject:
    decline = payment_methods.card_behind(execution, method["id"]).decline
    if decline:
        return _failed(execution, intent, authorization.decline_error(decline, method))
    if intent["customer"] and not method["customer"]:
        payment_methods.save(execution, method, intent["customer"])
    intent = execution.store.update({**intent, "next_action": None, "status": "succeeded"})
    events.record(execution, "setup_intent.succeeded", intent)
    return intent


def _failed(execution: Execution, intent: StripeObject, error: StripeObject) -> StripeObject:
    intent = execution.store.update(
        {
            **intent,
            "last_setup_error": error,
            "next_action": None,
            "payment_method": None,
            "status": "requires_payment_method",
        }
    )
    events.record(execution, "setup_intent.setup_failed", intent)
    return intent


def _addressed(execution: Execution, request: ApiRequest) -> StripeObject:
    """The setup intent in the path. A browser must also know its client secret."""
    intent = find(execution, request.object_id)
    refuse_wrong_secret(intent, request, "SetupIntent")
    return intent


def _unexpected_state(intent: StripeObject, what: str, allowed: tuple[str, ...]) -> ApiError:
    return _state_error(
        f"This SetupIntent could not {what} because it has a status of {intent['status']}. Only a SetupIntent with one "
        f"of the following statuses may {what}: {', '.join(allowed)}.",
        intent,
    )


def _state_error(message: str, intent: StripeObject) -> ApiError:
    return ApiError(message, code="setup_intent_unexpected_state", setup_intent=intent)


def _described(execution: Execution, intent: StripeObject, wanted: Parameters) -> StripeObject:
    """The setup intent with the words of a request, its customer and its payment method among them."""
    plain = ("description", "payment_method_types")
    changed = {**intent, **{name: wanted[name] for name in plain if name in wanted}}
    if "metadata" in wanted:
        changed["metadata"] = merged_metadata(intent["metadata"], wanted["metadata"])
    if wanted.get("customer"):
        changed["customer"] = customers.find(execution, wanted["customer"])["id"]
    method = payment_methods.chosen(execution, wanted)
    if method is not None:
        payment_methods.refuse_unless_usable(execution, method, changed["customer"], "SetupIntent")
        changed |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    return changed


def _new(execution: Execution, wanted: Parameters) -> StripeObject:
    intent_id = new_id("seti")
    card = {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
    return {
        "id": intent_id,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": authorization.automatic_payment_methods(wanted),
        "cancellation_reason": None,
        "client_secret": client_secret(intent_id),
        "created": execution.clock.now(),
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "managed_payments": None,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": card | (wanted.get("payment_method_options", {}).get("card") or {})
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": wanted.get("usage", "off_session"),
    }
