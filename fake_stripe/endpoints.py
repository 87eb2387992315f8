"""Every call of the API: its address, what it takes, and what answers it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fake_stripe import (
    balance_transactions,
    charges,
    customers,
    disputes,
    early_fraud_warnings,
    events,
    payment_intent_fields,
    payment_intents,
    payment_methods,
    refunds,
    saved_payment_methods,
    setup_intents,
)
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.parameters import Fields, ListOf, Parameters, Text
from fake_stripe.store import StripeObject


def _nothing_more(_: Parameters) -> None:
    """Names and types are all there is to check."""


@dataclass(frozen=True)
class Endpoint:
    """One call."""

    method: str
    path: str
    run: Callable[[Execution, ApiRequest], StripeObject]
    fields: Fields = field(default_factory=dict)
    required: tuple[str, ...] = ()
    check: Callable[[Parameters], None] = _nothing_more
    """Refuses parameters that are wrong whatever the state; the answer is then not kept under a key."""
    publishable: bool = False
    """Whether a browser may call it with a publishable key."""

    @property
    def name(self) -> str:
        """`POST /v1/refunds`"""
        return f"{self.method} {self.path}"

    @property
    def all_fields(self) -> Fields:
        """The declared fields, and `expand`, which every call takes."""
        return {**self.fields, "expand": ListOf(Text(may_be_empty=False))}


_INTENTS, _INTENT = "/v1/payment_intents", "/v1/payment_intents/{id}"
_CUSTOMER = "/v1/customers/{id}"
_SETUP_INTENT = "/v1/setup_intents/{id}"
_FRAUD_WARNINGS = "/v1/radar/early_fraud_warnings"

ENDPOINTS = (
    Endpoint(
        "POST", _INTENTS, payment_intents.create, payment_intent_fields.CREATE_FIELDS,
        required=("amount", "currency"), check=payment_intents.check_create,
    ),
    Endpoint("GET", _INTENTS, payment_intents.list_, payment_intent_fields.LIST_FIELDS),
    Endpoint("GET", _INTENT, payment_intents.retrieve, payment_intent_fields.RETRIEVE_FIELDS, publishable=True),
    Endpoint("POST", _INTENT, payment_intents.update, payment_intent_fields.UPDATE_FIELDS),
    Endpoint(
        "POST", f"{_INTENT}/confirm", payment_intents.confirm, payment_intent_fields.CONFIRM_FIELDS, publishable=True
    ),
    Endpoint("POST", f"{_INTENT}/capture", payment_intents.capture, payment_intent_fields.CAPTURE_FIELDS),
    Endpoint("POST", f"{_INTENT}/cancel", payment_intents.cancel, payment_intent_fields.CANCEL_FIELDS),
    Endpoint("POST", "/v1/refunds", refunds.create, refunds.CREATE_FIELDS, check=refunds.check_create),
    Endpoint("GET", "/v1/refunds", refunds.list_, refunds.LIST_FIELDS),
    Endpoint("GET", "/v1/refunds/{id}", refunds.retrieve),
    Endpoint("POST", "/v1/refunds/{id}", refunds.update, refunds.UPDATE_FIELDS),
    Endpoint("GET", "/v1/charges", charges.list_, charges.LIST_FIELDS),
    Endpoint("GET", "/v1/charges/{id}", charges.retrieve),
    Endpoint("GET", "/v1/disputes", disputes.list_, disputes.LIST_FIELDS),
    Endpoint("GET", "/v1/disputes/{id}", disputes.retrieve),
    Endpoint("POST", "/v1/disputes/{id}", disputes.update, disputes.UPDATE_FIELDS),
    Endpoint("POST", "/v1/disputes/{id}/close", disputes.close),
    Endpoint("GET", _FRAUD_WARNINGS, early_fraud_warnings.list_, early_fraud_warnings.LIST_FIELDS),
    Endpoint("GET", f"{_FRAUD_WARNINGS}/{{id}}", early_fraud_warnings.retrieve),
    Endpoint("GET", "/v1/balance_transactions", balance_transactions.list_, balance_transactions.LIST_FIELDS),
    Endpoint("GET", "/v1/balance_transactions/{id}", balance_transactions.retrieve),
    Endpoint(
        "POST", "/v1/payment_methods", payment_methods.create, payment_methods.DATA_FIELDS,
        required=("type",), publishable=True,
    ),
    Endpoint(
        "GET", "/v1/payment_methods", saved_payment_methods.list_, saved_payment_methods.LIST_FIELDS
    ),
    Endpoint("GET", "/v1/payment_methods/{id}", payment_methods.retrieve),
    Endpoint(
        "POST", "/v1/payment_methods/{id}/attach", saved_payment_methods.attach, saved_payment_methods.ATTACH_FIELDS,
        required=("customer",),
    ),
    Endpoint("POST", "/v1/payment_methods/{id}/detach", saved_payment_methods.detach),
    Endpoint("POST", "/v1/customers", customers.create, customers.CREATE_FIELDS),
    Endpoint("GET", "/v1/customers", customers.list_, customers.LIST_FIELDS),
    Endpoint("GET", _CUSTOMER, customers.retrieve),
    Endpoint("POST", _CUSTOMER, customers.update, customers.UPDATE_FIELDS),
    Endpoint("DELETE", _CUSTOMER, customers.delete),
    Endpoint(
        "GET", f"{_CUSTOMER}/payment_methods", saved_payment_methods.list_of_customer,
        saved_payment_methods.LIST_OF_CUSTOMER_FIELDS,
    ),
    Endpoint(
        "POST", "/v1/setup_intents", setup_intents.create, setup_intents.CREATE_FIELDS,
        check=setup_intents.check_create,
    ),
    Endpoint("GET", "/v1/setup_intents", setup_intents.list_, setup_intents.LIST_FIELDS),
    Endpoint("GET", _SETUP_INTENT, setup_intents.retrieve, setup_intents.RETRIEVE_FIELDS, publishable=True),
    Endpoint("POST", _SETUP_INTENT, setup_intents.update, setup_intents.UPDATE_FIELDS),
    Endpoint(
        "POST", f"{_SETUP_INTENT}/confirm", setup_intents.confirm, setup_intents.CONFIRM_FIELDS, publishable=True
    ),
    Endpoint("POST", f"{_SETUP_INTENT}/cancel", setup_intents.cancel, setup_intents.CANCEL_FIELDS),
    Endpoint("GET", "/v1/events", events.list_, events.LIST_FIELDS),
    Endpoint("GET", "/v1/events/{id}", events.retrieve),
)  # fmt: skip

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
