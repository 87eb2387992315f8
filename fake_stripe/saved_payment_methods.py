"""Payment methods kept with a customer, to be used again.

Source: https://docs.stripe.com/api/payment_methods (attach, detach, list)
"""

from fake_stripe import customers, lists, payment_methods
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.parameters import Fields, OneOf, Text
from fake_stripe.store import StripeObject

ATTACH_FIELDS: Fields = {"customer": Text(may_be_empty=False)}
LIST_OF_CUSTOMER_FIELDS: Fields = {**lists.FIELDS, "type": OneOf(("card",))}
LIST_FIELDS: Fields = {**LIST_OF_CUSTOMER_FIELDS, "customer": Text()}


def attach(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/payment_methods/{id}/attach"""
    customer = customers.find(execution, request.parameters["customer"])
    method = payment_methods.find(execution, request.object_id, status=404)
    return payment_methods.attach(execution, method, customer["id"])


def detach(execution: Execution, request: ApiRequest) -> StripeObject:
    """POST /v1/payment_methods/{id}/detach: it can never be used again."""
    method = payment_methods.find(execution, request.object_id, status=404)
    return payment_methods.detach(execution, method)


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/payment_methods: those that are attached to a customer"""
    conditions = [("customer IS NOT NULL", ()), *lists.equal_to(request.parameters, "customer", "type")]
    return lists.page(execution.store, "payment_method", request, conditions)


def list_of_customer(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/customers/{id}/payment_methods"""
    customer = customers.find(execution, request.object_id, status=404)
    conditions = [("customer = ?", (customer["id"],)), *lists.equal_to(request.parameters, "type")]
    return lists.page(execution.store, "payment_method", request, conditions)
