"""`paymentUpdated` through the gateway: by server-sent events and by WebSocket, completed from the other subgraph."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import websocket

from tests.e2e.client import Client, new_customer

WATCH = """subscription ($id: ID!) { paymentUpdated(paymentId: $id) {
  id status financialStatus user { id email } pendingOperations { kind } } }"""

Payment = dict[str, Any]


@contextmanager
def by_events(client: Client, payment_id: str) -> Iterator[Iterator[Payment]]:
    """What the subscription brings; a refusal fails."""
    for_events = {"accept": "text/event-stream", "authorization": f"Bearer {client.token}"}
    body = {"query": WATCH, "variables": {"id": payment_id}}
    with (
        httpx.Client(trust_env=False, timeout=60) as http,
        http.stream("POST", client.url, json=body, headers=for_events) as response,
    ):
        told = (line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data: "))
        yield (payment_in(json.loads(answer)) for answer in told if answer)


@contextmanager
def by_websocket(client: Client, payment_id: str) -> Iterator[Iterator[Payment]]:
    url = client.url.replace("http:", "ws:")
    payload = {"query": WATCH, "variables": {"id": payment_id}}
    opening = {"type": "connection_init", "payload": {"authorization": f"Bearer {client.token}"}}
    connection = websocket.create_connection(url, timeout=60, subprotocols=["graphql-transport-ws"])
    with closing(connection):
        connection.send(json.dumps(opening))
        assert json.loads(connection.recv())["type"] == "connection_ack"
        connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield (payment_in(each["payload"]) for each in messages(connection))


def messages(connection: websocket.WebSocket) -> Iterator[dict[str, Any]]:
    while True:
        message = json.loads(connection.recv())
        if message["type"] == "ping":
            connection.send(json.dumps({"type": "pong"}))
        else:
            assert message["type"] == "next", message
            yield message


def payment_in(answer: dict[str, Any]) -> Payment:
    assert "errors" not in answer, answer
    payment: Payment = answer["data"]["paymentUpdated"]
    return payment


def until(payments: Iterator[Payment], **expected: Any) -> Payment:
    return next(payment for payment in payments if payment.items() >= expected.items())


def test_a_payment_is_watched_while_it_is_paid_and_refunded(anonymous: Client, finance: Client) -> None:
    email, customer = new_customer(anonymous.url)
    for watching in (by_events, by_websocket):
        payment = customer.pay(confirm=False, paymentMethodId=None)["payment"]
        with watching(customer, payment["id"]) as payments:
            first = next(payments)
            customer.confirm(payment["id"])
            paid = until(payments, status="SUCCEEDED", pendingOperations=[])
            finance.refund(payment["id"])
            refunded = until(payments, financialStatus="REFUNDED", pendingOperations=[])

        assert first["status"] == "REQUIRES_PAYMENT_METHOD"
        assert [each["user"]["email"] for each in (first, paid, refunded)] == [email] * 3


def test_what_the_worker_learns_by_webhook_is_told(anonymous: Client) -> None:
    _, customer = new_customer(anonymous.url)
    waiting = customer.pay(
        paymentMethodId="pm_card_threeDSecure2Required", returnUrl="https://shop.example/thanks"
    )["payment"]
    with by_events(customer, waiting["id"]) as payments:
        first = next(payments)
        httpx.post(
            waiting["nextAction"]["redirectUrl"], data={"outcome": "complete"}, trust_env=False, timeout=60
        )
        paid = until(payments, status="SUCCEEDED")

    assert first["status"] == "REQUIRES_ACTION"
    assert paid["financialStatus"] == "PAID"


def test_another_s_payment_is_refused_in_words(ada: Client, grace: Client) -> None:
    payment = ada.pay()["payment"]
    refusals = []
    for client, headers in ((grace, {"authorization": f"Bearer {grace.token}"}), (grace, {})):
        body = {"query": WATCH, "variables": {"id": payment["id"]}}
        answer = httpx.post(
            client.url,
            json=body,
            headers={"accept": "text/event-stream"} | headers,
            trust_env=False,
            timeout=60,
        )
        assert answer.text.rstrip().endswith("event: complete\ndata:")
        told = next(line for line in answer.text.split("\n") if line.startswith("data: {"))
        refusals.append(json.loads(told.removeprefix("data: "))["errors"][0]["extensions"]["code"])

    assert refusals == ["NOT_FOUND", "UNAUTHORIZED_FIELD_OR_TYPE"]
