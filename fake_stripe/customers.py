"""Customers: who pays, and with which saved payment methods.

Source: https://docs.stripe.com/api/customers
"""

from typing import Any

from fake_stripe import addresses, events, lists, payment_methods
from fake_stripe.api_errors import missing
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.ids import random_text
from fake_stripe.parameters import Anything, Fields, Hash, Metadata, Parameters, Text, merged_metadata
from fake_stripe.store import StripeObject

_PLAIN_FIELDS: Fields = {
    "address": Anything(),
    "description": Text(),
    "email": Text(longest=512),
    "name": Text(longest=256),
    "phone": Text(longest=20),
    "shipping": Anything(),
}
UPDATE_FIELDS: Fields = {
    **_PLAIN_FIELDS,
    "invoice_settings": Hash({"default_payment_method": Text()}),
    "metadata": Metadata(),
}
CREATE_FIELDS: Fields = {**UPDATE_FIELDS, "payment_method": Text()}
LIST_FIELDS: Fields = {**lists.FIELDS, "email": Text(longest=512)}


def create(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/customers, also with a payment method to attach"""
    wanted = request.parameters
    customer = execution.store.insert(_new(execution))
    if wanted.get("payment_method"):
        method = payment_methods.find(execution, wanted["payment_method"])
        payment_methods.attach(execution, method, customer["id"])
    customer = execution.store.update(_described(execution, customer, wanted))
    events.record(execution, "customer.created", customer)
    return customer


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/customers/{id}; of a deleted one only that much."""
    customer = execution.store.find("customer", request.object_id)
    return customer or find(execution, request.object_id, param="id", status=404)


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/customers"""
    existing = ("json_extract(body, '$.deleted') IS NULL", ())
    conditions = [existing, *lists.equal_inside(request.parameters, "email")]
    return lists.page(execution.store, "customer", request, conditions)


def update(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/customers/{id}"""
    before = find(execution, request.object_id, param="id", status=404)
    after = _described(execution, before, request.parameters)
    if before != after:
        execution.store.update(after)
        events.record(execution, "customer.updated", after, previous=_differences(before, after))
    return after


def delete(execution: Execution, request: ApiRequest) -> StripeObject:
    """DELETE /v1/customers/{id}: for good, and its payment methods with it."""
    customer = find(execution, request.object_id, param="id", status=404)
    payment_methods.detach_all(execution, customer["id"])
    events.record(execution, "customer.deleted", customer)
    return execution.store.update({"id": customer["id"], "object": "customer", "deleted": True})


def find(execution: Execution, wanted_id: str, param: str = "customer", status: int = 400) -> StripeObject:
    """The customer with this id, unless it has been deleted."""
    customer = execution.store.find("customer", wanted_id)
    if customer is None or customer.get("deleted"):
        raise missing("customer", wanted_id, param=param, status=status)
    return customer


def _described(execution: Execution, customer: StripeObject, wanted: Parameters) -> StripeObject:
    """The customer with the words of a request."""
    changed = {**customer, **{name: wanted[name] for name in _PLAIN_FIELDS if name in wanted}}
    changed["address"] = addresses.address(changed["address"])
    changed["shipping"] = addresses.shipping(changed["shipping"])
    if "metadata" in wanted:
        changed["metadata"] = merged_metadata(customer["metadata"], wanted["metadata"])
    default_method = wanted.get("invoice_settings", {}).get("default_payment_method")
    if default_method:
        method = payment_methods.find(execution, default_method)
        payment_methods.refuse_unless_owned(method, customer["id"])
        changed["invoice_settings"] = {
            **customer["invoice_settings"],
            "default_payment_method": method["id"],
        }
    return changed


def _new(execution: Execution) -> StripeObject:
    return {
        "id": f"cus_{random_text(14)}",
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": execution.clock.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": random_text(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def _differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: before[name] for name in before if before[name] != after[name]}
