"""Answers that never came and webhooks in any order: one customer, one setup, and the methods that Stripe has."""

import asyncio
import random
from typing import Any

import pytest

from payment_subgraph.customer_tables import customer_operations, customers, saved_payment_methods
from payment_subgraph.tables import provider_events
from tests.payment_subgraph.method_desk import deliver_all, kept, provider_id, remove, save_card, set_up
from tests.payment_subgraph.running_fake_stripe import FakeStripe
from tests.payment_subgraph.world import ADA, GRACE, World

pytestmark = pytest.mark.anyio

LOST = [
    ("lose_request", {}),
    ("lose_answer", {}),
    ("429", {}),
    ("409", {}),
    ("status_500", {"executed": "at_once"}),
    ("status_500", {"executed": "never"}),
    ("status_500", {"executed": "later", "seconds": 0.2}),
]


@pytest.mark.parametrize("path", ["customers", "setup_intents"])
@pytest.mark.parametrize(
    ("kind", "how"), LOST, ids=[f"{kind} {how.get('executed', '')}" for kind, how in LOST]
)
async def test_an_answer_that_does_not_come_makes_nothing_twice(
    shop: World, fake_stripe: FakeStripe, path: str, kind: str, how: dict[str, Any]
) -> None:
    fake_stripe.fault(kind, f"/v1/{path}", count=3 if kind != "status_500" else 1, **how)
    first = await set_up(shop)
    fake_stripe.mend()
    fake_stripe.tell("clock/advance", seconds=1)  # what is done later is done by now

    for _ in range(5):  # the last of them after the time of grace
        shop.clock.turn(minutes=6)
        await shop.work()
    second, third = await set_up(shop), await set_up(shop)

    assert (first["__typename"], first["retryable"]) == ("PaymentProviderError", True)
    assert second["__typename"] == "SetupSuccess"
    assert second == third
    assert len(fake_stripe.listed("customers")) == len(fake_stripe.listed("setup_intents")) == 1
    assert await shop.count(customer_operations, customer_operations.c.resolved_at.is_(None)) == 0


async def test_pressing_on_after_a_lost_answer_makes_nothing_twice(
    shop: World, fake_stripe: FakeStripe
) -> None:
    fake_stripe.fault("lose_answer", "/v1/customers", count=3)
    first = await set_up(shop)
    shop.clock.turn(minutes=1)
    answers = await asyncio.gather(*(set_up(shop) for _ in range(5)))

    assert first["__typename"] == "PaymentProviderError"
    assert {answer["__typename"] for answer in answers} == {"SetupSuccess"}
    assert len(fake_stripe.listed("customers")) == len(fake_stripe.listed("setup_intents")) == 1


async def test_an_event_hurries_what_was_not_answered(shop: World, fake_stripe: FakeStripe) -> None:
    fake_stripe.fault("lose_answer", "/v1/customers", count=3)
    await set_up(shop)

    await deliver_all(shop, fake_stripe)

    (customer,) = await shop.rows(customers)
    assert customer["provider_customer_id"] == fake_stripe.listed("customers")[0]["id"]


async def outcome(shop: World) -> Any:
    rows = sorted(await shop.rows(saved_payment_methods), key=lambda row: row["provider_method_id"])
    (customer,) = await shop.rows(customers)
    names = {row["id"]: row["provider_method_id"] for row in rows}
    return (
        [(row["provider_method_id"], row["details"], row["detached_at"] is None) for row in rows],
        names.get(customer["default_method_id"]),
        customer["open_setup_id"],
    )


async def a_story(shop: World, fake: FakeStripe) -> list[str]:
    """Three cards are given, and somebody detaches the second in the dashboard; their ids at Stripe."""
    cards = []
    for card in ("pm_card_visa", "pm_card_mastercard", "pm_card_amex"):
        setup = fake.give_card((await set_up(shop))["clientSecret"], card)
        cards.append(setup["payment_method"])
    fake.post(f"payment_methods/{cards[1]}/detach")
    return cards


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_and_repetition_ends_the_same(
    shop: World, fake_stripe: FakeStripe, seed: int
) -> None:
    cards = await a_story(shop, fake_stripe)
    chance, events = random.Random(seed), fake_stripe.events()
    lost = chance.sample(events, k=len(events) // 4)
    heard = [event for event in events if event not in lost]
    shuffled = chance.choices(heard, k=5) + chance.sample(heard, k=len(heard))

    for event in shuffled:
        await shop.deliver(event)
        if seed % 2:
            await shop.work()
    await shop.work()

    methods, default, setup = await outcome(shop)
    assert {name: there for name, _, there in methods if name != cards[1]} == {cards[0]: True, cards[2]: True}
    assert all(not there and details is None for name, details, there in methods if name == cards[1])
    assert (default, setup) == (cards[0], None)
    assert [one["brand"] for one in await kept(shop)] == ["visa", "amex"]


async def test_a_story_of_which_nothing_is_heard_is_read_by_the_worker(
    shop: World, fake_stripe: FakeStripe
) -> None:
    await a_story(shop, fake_stripe)

    shop.clock.turn(seconds=6)
    await shop.parts.saved_methods.work()

    assert [one["brand"] for one in await kept(shop)] == ["visa", "amex"]


async def test_the_worker_stops_looking_for_a_card_that_does_not_come(
    shop: World, fake_stripe: FakeStripe
) -> None:
    await set_up(shop)

    readings = 0
    for _ in range(30):
        shop.clock.turn(hours=2)
        readings += await shop.parts.saved_methods.work()

    assert 3 <= readings <= 5  # each pause as long as all before it, for a day
    (customer,) = await shop.rows(customers)
    assert customer["reread_at"] is None


async def test_an_older_reading_is_not_written_over_a_newer_one(shop: World, fake_stripe: FakeStripe) -> None:
    method = await save_card(shop, fake_stripe)
    refresh, (customer,) = shop.parts.saved_methods.refresh, await shop.rows(customers)
    before = await refresh.read(customer["id"])
    await remove(shop, method["id"])

    await refresh(customer["id"], before)

    assert await kept(shop) == []
    (row,) = await shop.rows(saved_payment_methods)
    assert row["detached_at"] is not None


async def test_a_card_that_its_issuer_renewed_is_shown_as_it_is_now(
    shop: World, fake_stripe: FakeStripe
) -> None:
    """The fake has no such event: what it says does not matter, only which customer it names."""
    method = await save_card(shop, fake_stripe)
    event = fake_stripe.events()[-1] | {"id": "evt_renewed", "type": "payment_method.automatically_updated"}
    (customer,) = fake_stripe.listed("customers")
    event["data"] = {"object": {"object": "payment_method", "id": "pm_x", "customer": customer["id"]}}
    await shop.deliver(event)

    await shop.parts.reconciler.work_inbox()

    (row,) = await shop.rows(customers)
    states = {row["type"]: row["state"] for row in await shop.rows(provider_events)}
    assert states["payment_method.automatically_updated"] == "PROCESSED"
    assert await kept(shop) == [method]
    assert row["readings"] >= 2


async def test_events_of_customers_that_are_not_ours_are_ignored(
    shop: World, fake_stripe: FakeStripe
) -> None:
    customer = fake_stripe.post("customers", **{"metadata[customer_id]": "ctm_x", "metadata[env]": "other"})
    fake_stripe.post("payment_methods/pm_card_visa/attach", customer=customer["id"])

    await deliver_all(shop, fake_stripe)

    assert {row["state"] for row in await shop.rows(provider_events)} == {"IGNORED"}
    assert await shop.count(customers) == 0


@pytest.mark.parametrize("news", ["heard", "unheard"])
async def test_a_customer_deleted_at_stripe_makes_place_for_another(
    shop: World, fake_stripe: FakeStripe, news: str
) -> None:
    method = await save_card(shop, fake_stripe)
    await save_card(shop, fake_stripe, GRACE)
    old = next(one for one in fake_stripe.listed("customers") if one["metadata"]["user_id"] == ADA.id)
    fake_stripe.delete(f"customers/{old['id']}")
    if news == "heard":
        await deliver_all(shop, fake_stripe)
        assert await kept(shop) == []

    again = await save_card(shop, fake_stripe)

    assert again["id"] != method["id"]
    assert [await provider_id(shop, one["id"]) for one in await kept(shop)] == [
        await provider_id(shop, again["id"])
    ]
    assert len(await kept(shop, GRACE)) == 1
    assert len(fake_stripe.listed("customers")) == 2
