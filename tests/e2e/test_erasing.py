"""Somebody leaves: through the gateway, in both databases, and at the payment provider."""

import sqlite3
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.e2e.client import Client, eventually, new_customer
from tests.e2e.running_system import RunningSystem
from tests.e2e.test_saved_payment_methods import keep_card

PASSWORD = "a-long-enough-password"
PROFILE = """mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { __typename
  ... on Error { code message } } }"""
LEAVE = """mutation ($password: String!) { deleteMyAccount(currentPassword: $password) { __typename
  ... on DeleteUserSuccess { deletedUserId mode retainedPaymentRecords } ... on Error { code message } } }"""
PAYMENT = (
    """query ($id: ID!) { payment(id: $id) { id financialStatus description metadata { key value } } }"""
)
NAMES = {
    "firstName": "Augusta-Ada",
    "lastName": "Noel-Byron",
    "displayName": "Enchantress",
    "phone": "+4915112345678",
}
SAID = {
    "description": "A cradle for Annabella",
    "metadata": [{"key": "ship_to", "value": "12 Saint James Square"}],
    "returnUrl": "https://shop.example/thanks?for=enchantress",
}
TRACES = ["augusta-ada", "noel-byron", "enchantress", "+4915112345678", "annabella", "12 saint james"]


def stored(system: RunningSystem) -> str:
    """Every column of every table of both databases."""
    tables: list[Any] = []
    for name in ("users", "payments"):
        with closing(sqlite3.connect(system.data_dir / f"{name}.sqlite3")) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            tables += [database.execute(f'SELECT * FROM "{table}"').fetchall() for (table,) in names]  # noqa: S608
    return str(tables).lower()


def traces(system: RunningSystem, *more: str) -> list[str]:
    everything = stored(system)
    return [trace for trace in (*TRACES, *more) if trace in everything]


def customers_at_stripe(system: RunningSystem, user_id: str) -> list[Any]:
    key = (system.data_dir / "keys" / "fake_stripe_key").read_text()
    answer = httpx.get(
        f"{system.fake_stripe_url}/v1/customers",
        headers={"authorization": f"Bearer {key}"},
        params={"limit": 100},
        trust_env=False,
        timeout=60,
    )
    return [one for one in answer.json()["data"] if one["metadata"].get("user_id") == user_id]


def test_who_leaves_leaves_no_trace_and_their_payments_go_on(
    anonymous: Client, finance: Client, system: RunningSystem
) -> None:
    email, customer = new_customer(anonymous.url)
    assert customer.get(PROFILE, input=NAMES)["updateProfile"]["__typename"] == "UserSuccess"
    user = keep_card(system, customer)
    paid = customer.pay(**SAID)["payment"]
    finance.refund(paid["id"], amount={"amount": "1.00", "currency": "EUR"}, note="Noel-Byron phoned")
    assert (traces(system, email), len(customers_at_stripe(system, user["id"]))) == ([*TRACES, email], 1)

    left = customer.get(LEAVE, password=PASSWORD)["deleteMyAccount"]

    assert left == {
        "__typename": "DeleteUserSuccess",
        "deletedUserId": user["id"],
        "mode": "ERASE",
        "retainedPaymentRecords": True,
    }
    eventually(lambda: traces(system, email), lambda found: found == [])
    eventually(lambda: customers_at_stripe(system, user["id"]), lambda found: found == [])
    refunded = finance.refund(paid["id"])
    assert (refunded["__typename"], refunded["refund"]["amount"]) == ("RefundSuccess", {"amount": "9.00"})
    seen = eventually(
        lambda: finance.get(PAYMENT, id=paid["id"])["payment"],
        lambda payment: payment["financialStatus"] == "REFUNDED",
    )
    assert (seen["description"], seen["metadata"]) == (None, [])
    assert traces(system, email) == []


def test_the_account_is_closed_to_its_old_token_and_password(anonymous: Client) -> None:
    email, customer = new_customer(anonymous.url)
    wrong = customer.get(LEAVE, password="not the password")["deleteMyAccount"]
    customer.get(LEAVE, password=PASSWORD)

    again = customer.ask(LEAVE, password=PASSWORD)

    assert (wrong["__typename"], wrong["code"]) == ("InvalidCredentialsError", "INVALID_CREDENTIALS")
    assert again["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    with pytest.raises(AssertionError, match="INVALID_CREDENTIALS"):
        anonymous.logged_in(email, PASSWORD)
