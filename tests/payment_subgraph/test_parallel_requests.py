"""Many at once: each intention once, never more given back than there is. On both databases."""

import asyncio
import os
from typing import Any

import pytest

from payment_subgraph.tables import payment_operations, payments, refunds
from tests.payment_subgraph.world import ADA, STAFF, World

pytestmark = pytest.mark.anyio

KEYS = int(os.environ.get("PARALLEL_KEYS", "8"))
"""PARALLEL_KEYS=200 for the whole: minutes on one core, all of them spent on answering."""
REQUESTS = 50
CREATE = """mutation($input: CreatePaymentInput!) { createPayment(input: $input) { __typename
  ... on PaymentSuccess { replayed operation { id state } payment { id status amountCaptured { amountMinor } } } } }"""


async def test_many_keys_by_fifty_requests_each_are_as_many_charges(world: World) -> None:

    async def ask(key: str) -> dict[str, Any]:
        money = {"amount": "10.00", "currency": "EUR"}
        asked = {"idempotencyKey": key, "amount": money, "confirm": True, "paymentMethodId": "pm_card_visa"}
        body = {"query": CREATE, "variables": {"input": asked}}
        # A token of its own: all of them take longer than one is valid.
        headers = {"authorization": f"Bearer {ADA.token()}"}
        response = await world.http.post("/graphql", json=body, headers=headers)
        member: dict[str, Any] = response.json()["data"]["createPayment"]
        return member

    first: list[dict[str, Any]] = []
    for number in range(KEYS):
        answers = await asyncio.gather(*(ask(f"key-{number}") for _ in range(REQUESTS)))
        assert sorted(answer.pop("replayed") for answer in answers) == [False] + [True] * (REQUESTS - 1)
        assert all(answer == answers[0] for answer in answers)
        first.append(answers[0])

    assert len({answer["payment"]["id"] for answer in first}) == KEYS
    assert len(world.wire.intents) == len(world.wire.posts) == KEYS
    assert await world.count(payments) == await world.count(payment_operations) == KEYS
    assert sum(intent["amount_received"] for intent in world.wire.intents.values()) == KEYS * 1000


async def test_fifty_refunds_at_once_give_back_no_more_than_was_captured(world: World) -> None:
    payment = await world.pay("100.00")
    asked = {"paymentId": payment["id"], "amount": {"amount": "7.00", "currency": "EUR"}}

    members = await asyncio.gather(*(world.mutate("refundPayment", STAFF, **asked) for _ in range(50)))

    kinds = sorted(member["__typename"] for member in members)
    assert kinds == ["RefundExceedsAvailableError"] * 36 + ["RefundSuccess"] * 14
    assert [one["amount"] for one in world.wire.refunds.values()] == [700] * 14
    assert await world.count(refunds) == 14
    (row,) = await world.rows(payments)
    assert (row["amount_refunded"], row["amount_refund_pending"]) == (9800, 0)
