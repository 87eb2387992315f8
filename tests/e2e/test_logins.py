"""Whom each demo login may do what for: the README's table, tried out."""

from typing import Any

import pytest

from tests.e2e.client import Client, new_customer
from tests.e2e.readme import logins

CANCEL = """mutation ($input: CancelPaymentInput!) { cancelPayment(input: $input) { __typename } }"""
REFUND = """mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) { __typename } }"""
UPDATE_PROFILE = """mutation { updateProfile(input: {displayName: "A Name"}) { __typename } }"""
UPDATE_USER = """mutation ($id: ID!) { updateUser(id: $id, input: {displayName: "A Name"}) { __typename } }"""
PAY = """mutation ($input: CreatePaymentInput!) { createPayment(input: $input) {
  ... on PaymentSuccess { payment { id } } } }"""
PAYMENT = "query ($id: ID!) { payment(id: $id) { id user { id email } } }"
USER = "query ($id: ID!) { user(id: $id) { email } }"


@pytest.mark.parametrize("told", logins(), ids=lambda told: told["login"])
def test_a_login_may_do_what_the_readme_says(anonymous: Client, told: dict[str, str]) -> None:
    login, (_, customer) = anonymous.logged_in(told["login"]), new_customer(anonymous.url)

    themselves, others = rights(login, login), rights(login, customer)

    found = {what: whom(themselves[what], others[what]) for what in themselves}
    assert {"login": told["login"], **found} == told


def test_finance_sees_of_others_only_the_id_and_gets_no_error(anonymous: Client, finance: Client) -> None:
    _, customer = new_customer(anonymous.url)
    payment_id, customer_id = customer.pay()["payment"]["id"], id_of(customer)

    seen = finance.get(PAYMENT, id=payment_id)["payment"]

    assert seen["user"] == {"id": customer_id, "email": None}


def rights(login: Client, owner: Client) -> dict[str, bool]:
    """What *login* may do with the payments and the account of *owner*."""
    owner_id, paid_id = id_of(owner), owner.pay()["payment"]["id"]
    change = (UPDATE_PROFILE, {}) if login is owner else (UPDATE_USER, {"id": owner_id})
    return {
        "pay, cancel": may_pay_and_cancel(login, owner_id, f"{paid_id}-cancel"),
        "see payments": login.ask(PAYMENT, id=paid_id)["data"]["payment"] is not None,
        "refund": succeeds(login, REFUND, input={"idempotencyKey": paid_id, "paymentId": paid_id}),
        "see users": login.ask(USER, id=owner_id)["data"]["user"] is not None,
        "change users": succeeds(login, change[0], **change[1]),
    }


def whom(themselves: bool, others: bool) -> str:  # noqa: FBT001 - two answers of one kind
    return {(False, False): "nobody", (True, False): "themselves", (True, True): "everybody"}[
        themselves, others
    ]


def id_of(client: Client) -> str:
    found: str = client.get("{ me { id } }")["me"]["id"]
    return found


def may_pay_and_cancel(login: Client, owner_id: str, key: str) -> bool:
    order = {
        "idempotencyKey": key,
        "amount": {"amount": "3.00", "currency": "EUR"},
        "userId": owner_id,
    }
    created = login.ask(PAY, input=order)["data"]["createPayment"]
    return created is not None and succeeds(
        login, CANCEL, input={"idempotencyKey": f"{key}-2", "paymentId": created["payment"]["id"]}
    )


def succeeds(client: Client, mutation: str, **variables: Any) -> bool:
    (result,) = client.ask(mutation, **variables)["data"].values()
    return result is not None and result["__typename"].endswith("Success")
