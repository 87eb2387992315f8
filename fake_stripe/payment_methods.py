"""Payment methods: cards, made from a test name, a token or a test card's number.

Source: https://docs.stripe.com/api/payment_methods
"""

from fake_stripe import addresses, events, test_cards
from fake_stripe.api_errors import ApiError, CardError, missing
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.ids import new_id
from fake_stripe.parameters import Anything, Fields, Hash, Integer, Metadata, OneOf, Parameters, Text
from fake_stripe.store import StripeObject
from fake_stripe.test_cards import TestCard

CARD_FIELDS: Fields = {
    "number": Text(),
    "exp_month": Integer(minimum=1, maximum=12),
    "exp_year": Integer(minimum=0),
    "cvc": Text(longest=4),
    "token": Text(),
}
DATA_FIELDS: Fields = {
    "type": OneOf(("card",)),
    "card": Hash(CARD_FIELDS),
    "billing_details": Anything(),
    "metadata": Metadata(),
    "allow_redisplay": OneOf(("always", "limited", "unspecified")),
}

_DISPLAY_BRANDS = {"amex": "american_express"}
"""Where the brand to show has another name than the card's brand."""


def create(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/payment_methods"""
    return from_data(execution, request.parameters)


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/payment_methods/{id}; a test name gives a fresh payment method each time, as at Stripe."""
    return find(execution, request.object_id, param="payment_method", status=404)


def find(
    execution: Execution, wanted_id: str, param: str = "payment_method", status: int = 400
) -> StripeObject:
    """The payment method with this id, or a new one for a test name like `pm_card_visa`."""
    card = test_cards.named(wanted_id)
    if card is not None:
        return execution.store.insert(_new(execution, card, {}))
    method = execution.store.find("payment_method", wanted_id)
    if method is None:
        raise missing("PaymentMethod", wanted_id, param=param, status=status)
    return method


def chosen(execution: Execution, wanted: Parameters) -> StripeObject | None:
    """The method an intent's request names or describes, if it does."""
    if wanted.get("payment_method"):
        return find(execution, wanted["payment_method"])
    if "payment_method_data" in wanted:
        return from_data(execution, wanted["payment_method_data"])
    return None


def from_data(execution: Execution, data: Parameters) -> StripeObject:
    """A payment method from `payment_method_data`."""
    return execution.store.insert(_new(execution, _card(data.get("card", {})), data))


def attach(execution: Execution, method: StripeObject, customer_id: str) -> StripeObject:
    """Keep a method with a customer, if it is still good for that."""
    if method["customer"] == customer_id:
        return method
    if method["customer"]:
        raise ApiError("The payment method you provided has already been attached to a customer.")
    if was_detached(execution, method) or _has_paid(execution, method):
        raise no_longer_usable()
    return save(execution, method, customer_id)


def save(execution: Execution, method: StripeObject, customer_id: str) -> StripeObject:
    """Keep a method with a customer that has just used it."""
    method = execution.store.update({**method, "customer": customer_id})
    events.record(execution, "payment_method.attached", method)
    return method


def detach(execution: Execution, method: StripeObject) -> StripeObject:
    """Take a method from its customer, for ever."""
    if not method["customer"]:
        raise ApiError(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    detached = execution.store.update({**method, "customer": None})
    execution.store.remember(f"detached {method['id']}", "1")
    before = {"customer": method["customer"]}
    events.record(execution, "payment_method.detached", detached, previous=before)
    return detached


def detach_all(execution: Execution, customer_id: str) -> None:
    """Take all methods from a customer."""
    for method in execution.store.select("object = 'payment_method' AND customer = ?", (customer_id,)):
        detach(execution, method)


def refuse_unless_owned(method: StripeObject, customer_id: str) -> None:
    """Raise unless the method is kept with this customer."""
    if method["customer"] != customer_id:
        raise ApiError(
            f"The customer does not have a payment method with the ID {method['id']}. The payment method must be "
            "attached to the customer.",
            param="payment_method",
        )


def refuse_unless_usable(
    execution: Execution, method: StripeObject, customer_id: str | None, for_what: str
) -> None:
    """Raise if the method is no longer good, or another customer's."""
    if was_detached(execution, method):
        raise no_longer_usable()
    if method["customer"] and customer_id is None:
        raise ApiError(
            f"The `payment_method` parameter supplied {method['id']} belongs to the Customer {method['customer']}. "
            f"Please include the Customer in the `customer` parameter on the {for_what}.",
            code="parameter_missing",
            param="payment_method",
        )
    if method["customer"] and customer_id:
        refuse_unless_owned(method, customer_id)


def was_detached(execution: Execution, method: StripeObject) -> bool:
    """Whether a customer has given the method up."""
    return execution.store.recall(f"detached {method['id']}") is not None


def no_longer_usable() -> ApiError:
    """The refusal of a method that was detached, or spent before anyone kept it."""
    return ApiError(
        "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, "
        "and may not be used again."
    )


def _has_paid(execution: Execution, method: StripeObject) -> bool:
    condition = "object = 'charge' AND json_extract(body, '$.payment_method') = ?"
    return bool(execution.store.select(condition, (method["id"],), "LIMIT 1"))


def card_behind(execution: Execution, payment_method_id: str) -> TestCard:
    """How payments with a stored payment method behave."""
    method = execution.store.find("payment_method", payment_method_id)
    if method is None:
        raise LookupError(payment_method_id)
    return test_cards.with_fingerprint(method["card"]["fingerprint"])


def _card(sent: Parameters) -> TestCard:
    if sent.get("token"):
        return test_cards.named(sent["token"]) or _no_such_token(sent["token"])
    if not sent.get("number"):
        raise ApiError(
            "Missing required param: card[number].", code="parameter_missing", param="card[number]"
        )
    card = test_cards.numbered(sent["number"])
    if card is None:
        # Stripe takes any number with a right check digit in live mode; here only its test cards exist.
        message = "Your card number is incorrect."
        raise CardError(message, code="incorrect_number", decline_code=None, param="number")
    return card


def _no_such_token(token: str) -> TestCard:
    raise missing("token", token, param="card[token]", status=400)


def _new(execution: Execution, card: TestCard, data: Parameters) -> StripeObject:
    sent_card = data.get("card", {})
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": data.get("allow_redisplay", "unspecified"),
        "billing_details": addresses.billing_details(data.get("billing_details")),
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass" if sent_card.get("cvc") else None,
            },
            "country": "US",
            "display_brand": _DISPLAY_BRANDS.get(card.brand, card.brand),
            "exp_month": sent_card.get("exp_month", 12),
            "exp_year": _four_digits(sent_card.get("exp_year", 2034)),
            "fingerprint": card.fingerprint,
            "funding": "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": execution.clock.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": data.get("metadata") or {},
        "radar_options": {},
        "type": "card",
    }


def _four_digits(year: int) -> int:
    return year if year >= 100 else 2000 + year
