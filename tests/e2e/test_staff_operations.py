"""What staff do with payments: capture, read again at the provider, and look after its webhooks."""

import uuid
from typing import Any

import pytest

from tests.e2e.client import Client, eventually, new_customer

CAPTURE = """mutation ($input: CapturePaymentInput!) { capturePayment(input: $input) { __typename
  ... on PaymentSuccess { replayed payment { status financialStatus amountCaptured { amount } amountCapturable { amount } } }
  ... on Error { code message } ... on InvalidPaymentStateError { currentStatus allowedActions } } }"""
SYNC = """mutation ($id: ID!) { syncPayment(id: $id) { __typename
  ... on SyncSuccess { payment { id status } } ... on Error { code message } } }"""
EVENTS = """query ($type: String) { webhookEvents(first: 100, type: $type) { nodes { id type state attempts } } }"""
TIMELINE = "query ($id: ID!) { payment(id: $id) { events { nodes { id type source amount { amount } } } } }"
TIMELINE_OF_STAFF = TIMELINE.replace("source", "actorId")
OUTBOX = "query ($id: ID!) { outboxMessages(paymentId: $id) { nodes { id state } } }"
REPLAY = """mutation ($id: ID!) { replayWebhookEvent(id: $id) { __typename
  ... on ReplaySuccess { webhookEvent { id state } } ... on Error { code } } }"""


@pytest.fixture
def admin(anonymous: Client) -> Client:
    return anonymous.logged_in("admin@example.com")


def capture(staff: Client, payment_id: str, amount: str, key: str | None = None) -> dict[str, Any]:
    given = {"paymentId": payment_id, "amount": {"amount": amount, "currency": "EUR"}}
    answer = staff.get(CAPTURE, input=given | {"idempotencyKey": key or uuid.uuid4().hex})
    result: dict[str, Any] = answer["capturePayment"]
    return result


def test_a_part_of_what_was_authorized_is_captured_once(anonymous: Client, finance: Client) -> None:
    _, customer = new_customer(anonymous.url)
    authorized = customer.pay(captureMethod="MANUAL")["payment"]

    too_much = capture(finance, authorized["id"], "10.01")
    captured = capture(finance, authorized["id"], "4.00", key="once")
    replayed = capture(finance, authorized["id"], "4.00", key="once")
    rest = capture(finance, authorized["id"], "6.00")

    assert (authorized["status"], authorized["financialStatus"]) == ("REQUIRES_CAPTURE", "AUTHORIZED")
    assert too_much["code"] == "VALIDATION"
    assert captured == {
        "__typename": "PaymentSuccess",
        "replayed": False,
        "payment": {
            "status": "SUCCEEDED",
            "financialStatus": "PAID",
            "amountCaptured": {"amount": "4.00"},
            "amountCapturable": {"amount": "0.00"},
        },
    }
    assert replayed == captured | {"replayed": True}
    assert (rest["currentStatus"], rest["allowedActions"]) == ("SUCCEEDED", ["REFUND"])
    assert finance.refund(authorized["id"])["refund"]["amount"] == {"amount": "4.00"}


def test_customers_do_none_of_it(anonymous: Client) -> None:
    _, customer = new_customer(anonymous.url)
    payment_id = customer.pay(captureMethod="MANUAL")["payment"]["id"]

    for query, variables in [
        (CAPTURE, {"input": {"idempotencyKey": "k", "paymentId": payment_id}}),
        (SYNC, {"id": payment_id}),
        (EVENTS, {}),
        (REPLAY, {"id": "whe_1"}),
    ]:
        answer = customer.ask(query, **variables)
        assert set(answer["data"].values()) == {None}
        assert [one["extensions"]["code"] for one in answer["errors"]] == ["UNAUTHORIZED_FIELD_OR_TYPE"]


def test_a_payment_is_read_at_the_provider(anonymous: Client, finance: Client) -> None:
    _, customer = new_customer(anonymous.url)
    payment_id = customer.pay()["payment"]["id"]

    synced = finance.get(SYNC, id=payment_id)["syncPayment"]

    assert synced == {"__typename": "SyncSuccess", "payment": {"id": payment_id, "status": "SUCCEEDED"}}


def test_a_webhook_is_worked_on_again(anonymous: Client, admin: Client) -> None:
    _, customer = new_customer(anonymous.url)
    customer.pay(captureMethod="MANUAL")
    kind = "payment_intent.amount_capturable_updated"

    def processed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = admin.get(EVENTS, type=kind)["webhookEvents"]["nodes"]
        return [one for one in found if one["state"] == "PROCESSED"]

    done = eventually(processed, bool)[0]
    replayed = admin.get(REPLAY, id=done["id"])["replayWebhookEvent"]
    again = eventually(processed, lambda found: done["id"] in {one["id"] for one in found})

    assert done["type"] == kind
    assert replayed == {
        "__typename": "ReplaySuccess",
        "webhookEvent": {"id": done["id"], "state": "RECEIVED"},
    }
    assert done | {"attempts": 1} in again


def test_the_timeline_tells_customers_what_happened_and_staff_who_did_it(
    anonymous: Client, finance: Client, admin: Client
) -> None:
    _, customer = new_customer(anonymous.url)
    payment_id = customer.pay()["payment"]["id"]
    finance.refund(payment_id)

    mine = customer.get(TIMELINE, id=payment_id)["payment"]["events"]["nodes"]
    answer = customer.ask(TIMELINE_OF_STAFF, id=payment_id)
    theirs = finance.get(TIMELINE_OF_STAFF, id=payment_id)["payment"]["events"]["nodes"]
    waiting = admin.get(OUTBOX, id=payment_id)["outboxMessages"]["nodes"]

    told = ["refund.succeeded", "refund.created", "payment.succeeded", "payment.created"]
    assert [one["type"] for one in mine] == [one["type"] for one in theirs] == told
    assert {one["actorId"] for one in answer["data"]["payment"]["events"]["nodes"]} == {None}
    assert all(one["actorId"] for one in theirs)
    assert [(one["id"], one["state"]) for one in waiting] == [(one["id"], "PENDING") for one in theirs]
