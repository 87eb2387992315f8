"""Recorded events by the thousand, in order and as a bad network brings them: the same rows, the same ledger."""

import asyncio
import os
import random
from collections import Counter
from typing import Any

import pytest

from payment_subgraph.payment import Payment
from payment_subgraph.repository import Cause
from payment_subgraph.tables import ledger_entries, payments, provider_events, refunds
from tests.payment_subgraph.world import ADA, World

pytestmark = pytest.mark.anyio

EVENTS = int(os.environ.get("RECORDED_EVENTS", "300"))
"""RECORDED_EVENTS=10000 for the whole, which takes minutes: each is read, fetched again, compared and written."""
KINDS = ("created", "requires_action", "processing", "succeeded", "charge.succeeded", "refund.created", "refund.updated", "charge.refunded", "charge.updated", "refund.failed")  # fmt: skip
DUPLICATED, MOVED, LOST = 0.3, 0.2, 0.05


def record(world: World, number: int) -> None:
    """The events of one payment's life, as Stripe had them; every third payment was partly refunded, some in vain."""
    wire = world.wire
    params = {"amount": "1000", "currency": "eur", "metadata[payment_id]": f"pay_{number:05}"}
    intent = wire._create(params)[1]
    intent_id = str(intent["id"])
    about = {"object": "charge", "payment_intent": intent_id, "metadata": intent["metadata"]}
    wire.event("payment_intent.created", wire.intents[intent_id])
    for status in KINDS[1:3]:
        wire.intents[intent_id]["status"] = status
        wire.event(f"payment_intent.{status}", wire.intents[intent_id])
    wire.succeed(intent_id)
    wire.event("payment_intent.succeeded", wire.intents[intent_id])
    wire.event("charge.succeeded", about)
    refund = wire.add_refund(intent_id, 100 + number % 7)
    wire.event("refund.created", refund)
    wire.event("refund.updated", refund)
    wire.event("charge.refunded", about)
    wire.event("charge.updated", about)
    if number % 3 == 0:
        refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    wire.event("refund.failed", refund)


def badly_delivered(events: list[dict[str, Any]], luck: random.Random) -> list[dict[str, Any]]:
    arriving = [event for event in events if luck.random() >= LOST]
    places = [(float(place), event) for place, event in enumerate(arriving)]
    places += [(luck.uniform(0, len(arriving)), event) for event in arriving if luck.random() < DUPLICATED]
    moved = [
        (luck.uniform(0, len(arriving)), event) if luck.random() < MOVED else (place, event)
        for place, event in places
    ]
    return [event for _, event in sorted(moved, key=lambda one: one[0])]


async def store(world: World, events: list[dict[str, Any]]) -> None:
    """Through the inbox, a hundred a time, the worker at work meanwhile."""
    processor, inbox = world.parts.processor, world.parts.inbox
    for at in range(0, len(events), 100):
        await inbox.store([processor.read_event(event) for event in events[at : at + 100]], world.clock())
        await asyncio.gather(*(world.parts.reconciler.work_inbox() for _ in range(3)))
    while await world.parts.reconciler.work_inbox():
        pass


async def outcome(world: World) -> tuple[object, ...]:
    """Rows and ledger without what tells the way they came about: times, versions, ids of our own."""
    rows = sorted(
        (row["id"], row["status"], row["amount_captured"], row["amount_refunded"], row["frozen_reason"])
        for row in await world.rows(payments)
    )
    given = sorted((row["provider_refund_id"], row["status"]) for row in await world.rows(refunds))
    held: Counter[tuple[str, str]] = Counter()
    for entry in await world.rows(ledger_entries):
        held[entry["payment_id"], entry["account"]] += entry["amount_minor"]
    return rows, given, {key: total for key, total in held.items() if total}


async def test_recorded_events_in_any_order_twice_or_lost_end_as_in_order(world: World) -> None:
    count = EVENTS // len(KINDS)
    await world.parts.reconciler.backfill_events()  # from here on
    async with world.parts.repository.writing() as rows:
        for number in range(count):
            now = world.clock()
            payment = Payment(f"pay_{number:05}", ADA.id, 1000, "EUR", now, now)
            await rows.add_payment(payment, Cause("ANSWER", "op_recorded"))
    for number in range(count):
        record(world, number)
    assert len(world.wire.events) == EVENTS

    arrived = badly_delivered(world.wire.events, random.Random(1))
    await store(world, arrived)
    lost = EVENTS - await world.count(provider_events)
    world.clock.turn(minutes=11)
    await world.parts.reconciler.backfill_events()
    while await world.parts.reconciler.work_inbox():
        pass

    assert lost > EVENTS * LOST / 2
    assert await world.count(provider_events) == EVENTS
    refunded = {number: 0 if number % 3 == 0 else 100 + number % 7 for number in range(count)}
    paid, given, held = await outcome(world)
    assert paid == [(f"pay_{n:05}", "SUCCEEDED", 1000, refunded[n], None) for n in range(count)]
    assert Counter(status for _, status in given) == Counter(
        "FAILED" if n % 3 == 0 else "SUCCEEDED" for n in range(count)
    )
    assert held == {
        (f"pay_{n:05}", account): sign * (1000 - refunded[n])
        for n in range(count)
        for account, sign in (("stripe_clearing", 1), ("payments_received", -1))
    }
