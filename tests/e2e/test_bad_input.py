"""Bad input gets the typed error of the schema and changes nothing."""

from typing import Any

import pytest

from tests.e2e.client import CREATE_PAYMENT, REGISTER, Client, new_customer

COUNT = "{ me { payments { nodes { id } } } }"


@pytest.fixture(scope="module")
def customer(system: Any) -> Client:
    return new_customer(f"{system.gateway_url}/graphql")[1]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"amount": {"amount": "0", "currency": "EUR"}}, ["input", "amount", "amount"]),
        ({"amount": {"amount": "-1.00", "currency": "EUR"}}, ["input", "amount", "amount"]),
        ({"amount": {"amount": "1.001", "currency": "EUR"}}, ["input", "amount", "amount"]),
        ({"amount": {"amount": "1.5", "currency": "JPY"}}, ["input", "amount", "amount"]),
        ({"amount": {"amount": "25,00", "currency": "EUR"}}, ["input", "amount", "amount"]),
        ({"amount": {"amount": "1.00", "currency": "XXZ"}}, ["input", "amount", "currency"]),
        ({"idempotencyKey": ""}, ["input", "idempotencyKey"]),
    ],
)
def test_a_payment_with_wrong_values_is_refused(
    customer: Client, given: dict[str, Any], path: list[str]
) -> None:
    result = customer.pay(**given)

    assert (result["__typename"], result["code"]) == ("ValidationError", "VALIDATION")
    assert [field["path"] for field in result["fields"]] == [path]
    assert customer.get(COUNT)["me"]["payments"]["nodes"] == []


@pytest.mark.parametrize(
    "given",
    [
        {"amount": {"amount": "10.00", "currency": "EUR"}},  # no idempotency key
        {"idempotencyKey": "k", "amount": {"amount": True, "currency": "EUR"}},
        {"idempotencyKey": "k", "amount": "10 EUR"},
        {"idempotencyKey": 7, "amount": {"amount": "10.00", "currency": "EUR"}},
        {"idempotencyKey": "k", "amount": {"amount": "10.00", "currency": "EUR"}, "colour": "red"},
    ],
)
def test_a_payment_of_the_wrong_shape_is_refused(customer: Client, given: dict[str, Any]) -> None:
    answer = customer.ask(CREATE_PAYMENT, input=given)

    assert not answer.get("data") or answer["data"] == {"createPayment": None}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert customer.get(COUNT)["me"]["payments"]["nodes"] == []


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"email": "not-an-address", "password": "a-long-enough-password"}, ["input", "email"]),
        ({"email": "weak@example.com", "password": "short"}, ["input", "password"]),
        ({"email": "weak@example.com", "password": "password1234"}, ["input", "password"]),
    ],
)
def test_a_registration_with_wrong_values_is_refused(
    anonymous: Client, given: dict[str, str], path: list[str]
) -> None:
    result = anonymous.get(REGISTER, input=given)["registerUser"]

    assert (result["__typename"], result["code"]) == ("ValidationError", "VALIDATION")
    assert [field["path"] for field in result["fields"]] == [path]


def test_more_than_was_captured_cannot_be_refunded(
    customer: Client, finance: Client, anonymous: Client
) -> None:
    payment_id = new_customer(anonymous.url)[1].pay()["payment"]["id"]

    result = finance.refund(payment_id, amount={"amount": "10.01", "currency": "EUR"})

    assert result["__typename"] == "RefundExceedsAvailableError"
    assert result["refundable"] == {"amount": "10.00", "currency": "EUR"}
