"""Events about one payment, answered together: none takes another with it, and none leads the others astray."""

import asyncio
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest

from payment_subgraph.processor import NotAuthorized
from payment_subgraph.tables import payments, provider_events
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.test_external_payments import made_elsewhere
from tests.payment_subgraph.world import World

pytestmark = pytest.mark.anyio

FOREIGN = [
    {},
    {"customer_id": "c17"},
    {"payment_id": "17"},
    {"env": "prod"},
    {"payment_id": "17", "env": "development"},
]


async def states(world: World) -> dict[str, str]:
    return {row["type"]: row["state"] for row in await world.rows(provider_events)}


async def paid_and(world: World, kind: str, subject: dict[str, Any]) -> None:
    """Both events wait for the worker."""
    await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))
    await world.deliver(world.wire.event(kind, subject))


async def work_for_a_day(world: World) -> None:
    for _ in range(12):
        await world.parts.reconciler.work_inbox()
        world.clock.turn(hours=2)


async def test_a_refund_that_cannot_be_read_does_not_keep_the_payment_from_being_read(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    await paid_and(world, "refund.created", world.wire.add_refund("pi_1", 100) | {"status": "brand_new_word"})
    world.wire.refunds["re_1"]["status"] = "brand_new_word"

    await work_for_a_day(world)

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    assert await states(world) == {"payment_intent.succeeded": "PROCESSED", "refund.created": "DEAD"}


async def test_a_warning_that_may_not_be_read_does_not_keep_the_payment_from_being_read(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    warning = {"object": "radar.early_fraud_warning", "id": "issfr_1", "payment_intent": "pi_1"}
    await paid_and(world, "radar.early_fraud_warning.created", warning)

    async def refuse(*_: object) -> bool:
        raise NotAuthorized("not with this key", None)

    with patch.object(type(world.parts.processor), "warned_of_fraud", refuse):
        await world.parts.reconciler.work_inbox()

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    assert await states(world) == {
        "payment_intent.succeeded": "PROCESSED",
        "radar.early_fraud_warning.created": "RECEIVED",
    }


@pytest.mark.parametrize("written", FOREIGN, ids=str)
async def test_what_others_wrote_on_a_refund_does_not_hide_a_payment_made_elsewhere(
    world: World, written: dict[str, str]
) -> None:
    intent = made_elsewhere(world)
    world.wire.succeed(intent["id"])
    await paid_and(world, "refund.created", world.wire.add_refund(intent["id"], 300, written))

    await world.parts.reconciler.work_inbox()

    (payment,) = await world.rows(payments)
    assert (payment["status"], payment["amount_refunded"]) == ("SUCCEEDED", 300)
    assert set((await states(world)).values()) == {"PROCESSED"}


@pytest.mark.parametrize("written", FOREIGN, ids=str)
async def test_what_others_wrote_on_a_refund_does_not_hide_a_payment_whose_answer_is_lost(
    world: World, written: dict[str, str]
) -> None:
    world.wire.faults.append(Fault.LOST_ANSWER)
    await world.create()
    world.wire.succeed("pi_1")
    await paid_and(world, "refund.created", world.wire.add_refund("pi_1", 300, written))

    await world.parts.reconciler.work_inbox()

    (payment,) = await world.rows(payments)
    assert (payment["status"], payment["amount_refunded"]) == ("SUCCEEDED", 300)


async def test_an_event_that_nothing_follows_from_is_ignored_among_others(world: World) -> None:
    await world.create()
    world.wire.succeed("pi_1")
    await paid_and(world, "invoice.paid", {"object": "invoice", "payment_intent": "pi_1"})

    await world.parts.reconciler.work_inbox()

    assert await states(world) == {"payment_intent.succeeded": "PROCESSED", "invoice.paid": "IGNORED"}


async def test_one_that_is_parked_says_why(world: World) -> None:
    intent = made_elsewhere(world) | {"metadata": {"payment_id": "pay_gone", "env": "development"}}
    world.wire.intents[intent["id"]] = intent
    await world.deliver(world.wire.event("payment_intent.succeeded", intent))

    await world.parts.reconciler.work_inbox()

    (row,) = await world.rows(provider_events)
    assert (row["state"], row["last_error"]) == ("PARKED", "what it is about is not here")


@pytest.mark.parametrize(
    "subject",
    [
        {"object": "x", "payment_intent": {"id": "pi_1"}},
        {"object": "x", "customer": ""},
        {"object": "x", "payment_intent": 17},
    ],
    ids=str,
)
async def test_an_event_of_an_odd_form_is_stored_and_ignored(world: World, subject: dict[str, Any]) -> None:
    answer = await world.deliver(world.wire.event("some.thing", subject))

    await world.parts.reconciler.work_inbox()

    assert answer.status_code == 200
    assert await states(world) == {"some.thing": "IGNORED"}


async def test_two_workers_share_what_waits(world: World) -> None:
    for _ in range(30):
        await world.deliver(world.wire.event("payment_intent.created", made_elsewhere(world)))
    now = world.clock()

    claims: Sequence[Sequence[object]] = await asyncio.gather(
        *(world.parts.inbox.claim(now, 10) for _ in range(3))
    )

    assert sorted(len(claim) for claim in claims) == [10, 10, 10]
