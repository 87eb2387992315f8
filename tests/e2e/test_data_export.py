"""Somebody asks for a copy of their data: through the gateway, made of both services, fetched from the user service."""

from typing import Any

import httpx

from tests.e2e.client import Client, eventually, new_customer
from tests.e2e.running_system import RunningSystem
from tests.e2e.test_saved_payment_methods import keep_card

REQUEST = """mutation { requestDataExport { __typename ... on Error { code }
  ... on DataExportSuccess { dataExport { id status } } ... on RateLimitedError { retryAfterSeconds } } }"""
NEWEST = "{ dataExport { id status downloadUrl expiresAt } }"


def ready(customer: Client) -> dict[str, Any]:
    export: dict[str, Any] = eventually(
        lambda: customer.get(NEWEST)["dataExport"], lambda export: export["status"] == "READY"
    )
    return export


def download(url: str, client: Client) -> httpx.Response:
    headers = {"authorization": f"Bearer {client.token}"} if client.token else {}
    return httpx.get(url, headers=headers, trust_env=False, timeout=60)


def test_a_copy_of_ones_data_holds_what_both_services_have_and_is_for_nobody_else(
    anonymous: Client, finance: Client, system: RunningSystem
) -> None:
    admin = anonymous.logged_in("admin@example.com")
    email, customer = new_customer(anonymous.url)
    user = keep_card(system, customer)
    paid = customer.pay(description="A cradle", metadata=[{"key": "size", "value": "small"}])["payment"]
    finance.refund(paid["id"], amount={"amount": "1.00", "currency": "EUR"})
    other = new_customer(anonymous.url)[1].pay()["payment"]

    asked = customer.get(REQUEST)["requestDataExport"]
    export = ready(customer)
    answer = download(export["downloadUrl"], customer)

    assert (asked["__typename"], asked["dataExport"]["id"]) == ("DataExportSuccess", export["id"])
    assert export["downloadUrl"].startswith(f"{system.users_url}/data-exports/")
    document = answer.json()
    assert (document["profile"]["id"], document["profile"]["email"]) == (user["id"], email)
    assert "login.succeeded" in [event["action"] for event in document["events"]]
    (payment,) = document["payments"]
    assert (payment["id"], payment["description"]) == (paid["id"], "A cradle")
    assert payment["metadata"] == [{"key": "size", "value": "small"}]
    assert [refund["amount"]["amount"] for refund in payment["refunds"]] == ["1.00"]
    assert [method["last4"] for method in document["paymentMethods"]] == ["4242"]
    assert other["id"] not in answer.text
    assert "providerPaymentId" not in answer.text
    assert download(export["downloadUrl"], admin).status_code == 404
    assert download(export["downloadUrl"], anonymous).status_code == 401
    again = customer.get(REQUEST)["requestDataExport"]
    assert (again["code"], again["retryAfterSeconds"] > 80_000) == ("RATE_LIMITED", True)


def test_staff_get_their_own_payments_and_not_those_they_may_see(anonymous: Client, finance: Client) -> None:
    admin = anonymous.logged_in("admin@example.com")
    finance.pay()
    admin.get(REQUEST)

    document = download(ready(admin)["downloadUrl"], admin).json()

    assert document["payments"] == []
    assert document["profile"]["email"] == "admin@example.com"
