"""What is done in Stripe's dashboard appears: payments of nobody here, and changes of those that were made here."""

from typing import Any

import pytest

from tests.e2e.client import Client, eventually, new_customer
from tests.e2e.dashboard import Dashboard
from tests.e2e.running_system import RunningSystem

EXTERNAL = """{ payments(first: 100) { nodes {
  id source description user { id email } financialStatus amountRefunded { amount } providerPaymentId } } }"""
OWN = """query ($id: ID!) { payment(id: $id) {
  status providerPaymentId amountCaptured { amount } amountRefunded { amount } } }"""


@pytest.fixture
def dashboard(system: RunningSystem) -> Dashboard:
    return Dashboard(system)


def made_from(intent: str, staff: Client) -> list[dict[str, Any]]:
    return [one for one in staff.get(EXTERNAL)["payments"]["nodes"] if one["providerPaymentId"] == intent]


def test_a_payment_made_in_the_dashboard_is_seen_and_refunded_by_staff(
    dashboard: Dashboard, finance: Client, ada: Client
) -> None:
    intent = dashboard.pay(2500, description="By telephone")["id"]
    [payment] = eventually(
        lambda: made_from(intent, finance),
        lambda found: [one["financialStatus"] for one in found] == ["PAID"],
    )
    dashboard.refund(intent, 500)
    eventually(
        lambda: made_from(intent, finance), lambda found: found[0]["amountRefunded"]["amount"] == "5.00"
    )
    refunded = finance.refund(payment["id"])

    assert payment | {"id": "", "amountRefunded": None} == {
        "id": "",
        "source": "EXTERNAL",
        "description": "By telephone",
        "user": None,
        "financialStatus": "PAID",
        "amountRefunded": None,
        "providerPaymentId": intent,
    }
    assert refunded["payment"]["financialStatus"] == "REFUNDED"
    assert ada.get("query ($id: ID!) { payment(id: $id) { id } }", id=payment["id"]) == {"payment": None}
    assert len(made_from(intent, finance)) == 1


def test_one_with_the_mark_of_another_environment_stays_away(dashboard: Dashboard, finance: Client) -> None:
    foreign = dashboard.pay(100, **{"metadata[env]": "staging", "metadata[payment_id]": "pay_1"})["id"]
    later = dashboard.pay(200)["id"]

    eventually(lambda: made_from(later, finance), bool)

    assert made_from(foreign, finance) == []


def test_captures_and_cancellations_of_the_dashboard_appear(
    dashboard: Dashboard, finance: Client, anonymous: Client
) -> None:
    _, customer = new_customer(anonymous.url)
    captured, canceled = (customer.pay(captureMethod="MANUAL")["payment"]["id"] for _ in range(2))
    intents = [finance.get(OWN, id=one)["payment"]["providerPaymentId"] for one in (captured, canceled)]

    dashboard.capture(intents[0], 700)
    dashboard.cancel(intents[1])

    done = eventually(
        lambda: finance.get(OWN, id=captured)["payment"], lambda seen: seen["status"] == "SUCCEEDED"
    )
    assert done["amountCaptured"] == {"amount": "7.00"}
    eventually(lambda: finance.get(OWN, id=canceled)["payment"]["status"], lambda seen: seen == "CANCELED")
