"""Any order and any repetition of the same hints ends in the same rows."""

import itertools
import random
from typing import Any

import pytest

from payment_subgraph.refresh import Errand
from payment_subgraph.repository import Cause
from payment_subgraph.tables import observations, payments, refunds
from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio


def story(world: World) -> list[dict[str, Any]]:
    """The events of one payment's life; their payloads are as old as their events."""
    wire, intent = world.wire, world.wire.intents["pi_1"]
    events = [wire.event("payment_intent.created", intent)]
    intent["status"] = "requires_action"
    events.append(wire.event("payment_intent.requires_action", intent))
    wire.succeed("pi_1")
    events.append(wire.event("payment_intent.succeeded", intent))
    events.append(wire.event("charge.succeeded", {"object": "charge", "payment_intent": "pi_1"}))
    refund = wire.add_refund("pi_1", 300)
    events.append(wire.event("refund.created", refund))
    events.append(wire.event("charge.refunded", {"object": "charge", "payment_intent": "pi_1"}))
    return events


async def outcome(world: World) -> tuple[object, ...]:
    (payment,) = await world.rows(payments)
    amounts = (payment["amount_captured"], payment["amount_refunded"], payment["amount_refund_pending"])
    found = sorted((row["amount_minor"], row["status"], row["source"]) for row in await world.rows(refunds))
    return payment["status"], amounts, payment["frozen_reason"], found


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_repetition_ends_the_same(world: World, seed: int) -> None:
    await world.create("10.00")
    events = story(world)
    chance = random.Random(seed)
    shuffled = chance.choices(events, k=4) + chance.sample(events, k=len(events))

    for event in shuffled:
        await world.deliver(event)
        if seed % 2:
            await world.work()
    await world.work()

    assert await outcome(world) == ("SUCCEEDED", (1000, 300, 0), None, [(300, "SUCCEEDED", "EXTERNAL")])


async def test_an_old_payload_does_not_turn_a_payment_back(world: World) -> None:
    payment = (await world.create())["payment"]
    old = world.wire.event("payment_intent.created", world.wire.intents["pi_1"])
    world.wire.succeed("pi_1")
    await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))
    await world.work()
    version = (await world.payment(payment["id"]))["version"]

    await world.deliver(old)
    await world.work()

    seen = await world.payment(payment["id"])
    assert (seen["status"], seen["version"]) == ("SUCCEEDED", version)


async def test_two_events_for_one_change_make_one_change(world: World) -> None:
    await world.create()
    world.wire.succeed("pi_1")
    written = await world.count(observations)
    for kind in ("payment_intent.succeeded", "payment_intent.processing", "payment_intent.succeeded"):
        await world.deliver(world.wire.event(kind, world.wire.intents["pi_1"]))
    await world.work()

    (payment,) = await world.rows(payments)
    assert payment["version"] == 3
    assert await world.count(observations) == written + 1


async def test_a_refund_that_fails_later_is_refundable_again(world: World) -> None:
    payment = await world.pay("10.00")
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"])
    world.wire.refunds["re_1"] |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}

    await world.deliver(world.wire.event("refund.failed", world.wire.refunds["re_1"]))
    await world.work()

    seen = await world.payment(payment["id"])
    assert seen["financialStatus"] == "PAID"
    assert seen["amountRefundable"]["amount"] == "10.00"
    (refund,) = seen["refunds"]["nodes"]
    assert (refund["status"], refund["failureReason"]) == ("FAILED", "expired_or_canceled_card")


@pytest.mark.parametrize("status", ["pending", "requires_action"])
async def test_a_refund_that_succeeded_does_not_become_open_again(
    world: World, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    payment = await world.pay("10.00")
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"])
    world.wire.refunds["re_1"]["status"] = status

    await world.deliver(world.wire.event("refund.updated", world.wire.refunds["re_1"]))
    await world.work()

    (row,) = await world.rows(payments)
    (refund,) = await world.rows(refunds)
    assert (refund["status"], row["frozen_reason"]) == ("SUCCEEDED", "REFUND_REOPENED")
    assert "ALERT" in caplog.text


async def test_a_review_flags_the_payment_also_when_it_is_over(world: World) -> None:
    await world.pay("10.00")
    review = {"id": "prv_1", "object": "review", "payment_intent": "pi_1"}
    seen = []
    for kind, name in (("review.opened", "prv_1"), ("review.closed", None)):
        world.wire.intents["pi_1"]["review"] = name
        await world.deliver(world.wire.event(kind, review))
        await world.work()
        (row,) = await world.rows(payments)
        seen.append(row["risk_level"])

    assert seen == ["REVIEW", "REVIEW"]


async def test_a_collected_payment_that_reopens_is_frozen(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    payment = await world.pay()
    world.wire.intents["pi_1"] |= {"status": "requires_payment_method", "amount_received": 0}

    await world.deliver(world.wire.event("payment_intent.payment_failed", world.wire.intents["pi_1"]))
    await world.work()

    seen = await world.payment(payment["id"])
    assert (seen["status"], seen["availableActions"]) == ("SUCCEEDED", [])
    assert "ALERT" in caplog.text
    refused = await world.mutate("refundPayment", STAFF, paymentId=payment["id"])
    assert refused["__typename"] == "InvalidPaymentStateError"


async def test_webhooks_and_answers_at_once_agree(world: World) -> None:
    """One reads, another reads and writes, then the first writes: the newest reading wins, in either order.

    Also when the newer reading found nothing new: the state had changed and changed back in between.
    """
    payment = (await world.create())["payment"]
    refresh = world.parts.reconciler.refresh

    for status, slow_first in itertools.product(("processing", "requires_action"), (True, False)):
        world.wire.intents["pi_1"]["status"] = status
        slow = await refresh.read(Errand(payment["id"], "pi_1", Cause("RECONCILER", "slow")))
        world.wire.intents["pi_1"]["status"] = "requires_confirmation"
        if not slow_first:
            await refresh(Errand(payment["id"], "pi_1", Cause("WEBHOOK", "evt_fast")))
        await refresh(Errand(payment["id"], "pi_1", Cause("RECONCILER", "slow")), slow)
        if slow_first:
            await refresh(Errand(payment["id"], "pi_1", Cause("WEBHOOK", "evt_fast")))

        assert (await world.payment(payment["id"]))["status"] == "REQUIRES_CONFIRMATION"
