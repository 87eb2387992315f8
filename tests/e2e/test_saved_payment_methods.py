"""Keep a card, pay with it when its holder is away, and read it beside the user who keeps it."""

from typing import Any

import httpx

from tests.e2e.client import Client, eventually, new_customer
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.running_system import RunningSystem

SET_UP = """mutation { setupPaymentMethod { __typename
  ... on SetupSuccess { clientSecret } ... on Error { code message } } }"""
REMOVE = """mutation ($id: ID!) { removePaymentMethod(id: $id) { __typename
  ... on PaymentMethodSuccess { paymentMethods { id } } ... on Error { code message } } }"""
MINE = """{ me { id email paymentMethods { id type brand last4 isDefault reusable }
  payments(first: 5) { nodes { status paymentMethod { id } } } } }"""


def give_card(system: RunningSystem, secret: str, card: str) -> None:
    """What the payer's browser does with the secret, at Stripe and not at us."""
    setup = secret.partition("_secret_")[0]
    answer = httpx.post(
        f"{system.fake_stripe_url}/v1/setup_intents/{setup}/confirm",
        headers={"authorization": "Bearer pk_test_browser"},
        data={
            "client_secret": secret,
            "payment_method": card,
            "return_url": "https://shop.example/thanks",
        },
        trust_env=False,
        timeout=60,
    )
    assert answer.json()["status"] == "succeeded", answer.text


def keep_card(system: RunningSystem, customer: Client, card: str = "pm_card_visa") -> dict[str, Any]:
    """The user with the card, once the webhook has come."""
    give_card(system, customer.get(SET_UP)["setupPaymentMethod"]["clientSecret"], card)
    user: dict[str, Any] = eventually(
        lambda: customer.get(MINE)["me"], lambda user: bool(user["paymentMethods"])
    )
    return user


def test_a_kept_card_pays_without_its_holder_and_is_read_with_the_user(
    anonymous: Client,
    finance: Client,
    system: RunningSystem,
    users_proxy: RecordingProxy,
    payments_proxy: RecordingProxy,
) -> None:
    email, customer = new_customer(anonymous.url)
    user = keep_card(system, customer)
    (method,) = user["paymentMethods"]

    paid = finance.pay(userId=user["id"], paymentMethodId=method["id"])
    users_proxy.requests.clear()
    payments_proxy.requests.clear()
    seen = customer.get(MINE)["me"]

    assert method == {
        "id": method["id"],
        "type": "CARD",
        "brand": "visa",
        "last4": "4242",
        "isDefault": True,
        "reusable": True,
    }
    assert (paid["__typename"], paid["payment"]["status"]) == ("PaymentSuccess", "SUCCEEDED")
    assert seen == {
        "id": user["id"],
        "email": email,
        "paymentMethods": [method],
        "payments": {"nodes": [{"status": "SUCCEEDED", "paymentMethod": {"id": method["id"]}}]},
    }
    assert (len(users_proxy.requests), len(payments_proxy.requests)) == (1, 1)


def test_nobody_pays_with_the_card_of_another(anonymous: Client, system: RunningSystem) -> None:
    _, customer = new_customer(anonymous.url)
    _, other = new_customer(anonymous.url)
    (method,) = keep_card(system, customer)["paymentMethods"]

    refused = other.pay(paymentMethodId=method["id"])
    removed = other.get(REMOVE, id=method["id"])["removePaymentMethod"]

    assert [flaw["code"] for flaw in refused["fields"]] == ["UNKNOWN_PAYMENT_METHOD"]
    assert removed["code"] == "NOT_FOUND"
    assert customer.get(REMOVE, id=method["id"])["removePaymentMethod"]["paymentMethods"] == []


def test_the_card_that_pays_is_kept_if_that_is_wanted(anonymous: Client, system: RunningSystem) -> None:
    _, customer = new_customer(anonymous.url)

    customer.pay(savePaymentMethod=True)

    user = eventually(lambda: customer.get(MINE)["me"], lambda user: bool(user["paymentMethods"]))
    again = customer.pay(paymentMethodId=user["paymentMethods"][0]["id"])
    assert again["payment"]["status"] == "SUCCEEDED"
