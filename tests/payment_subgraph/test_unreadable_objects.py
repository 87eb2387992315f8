"""An object of Stripe's whose form this release does not know: the books tell of it, and of everything else as ever."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payment_subgraph.balance import MovementKind
from payment_subgraph.book_check import next_midnight
from payment_subgraph.book_difference import BookObject
from payment_subgraph.money import Money
from payment_subgraph.stripe_amounts import from_stripe_amount
from payment_subgraph.stripe_balance import stripe_balance_transaction
from payment_subgraph.stripe_lists import made_payment
from payment_subgraph.stripe_objects import dispute_snapshot, refund_snapshot
from payment_subgraph.tables import book_differences, payments
from payment_subgraph.unreadable import Unreadable
from tests.payment_subgraph.stripe_wire import Fault, StripeWire
from tests.payment_subgraph.test_book_check import (
    book_check,
    compare,
    hours_done,
    listed,
    refund,
    told,
    told_by_api,
)
from tests.payment_subgraph.test_books_of_the_balance import inquiry, movement
from tests.payment_subgraph.world import World

pytestmark = pytest.mark.anyio

Found = dict[str, Any]
WHOSE: dict[str, Callable[[StripeWire], Found]] = {
    "pi_1": lambda wire: wire.intents["pi_1"],
    "re_1": lambda wire: wire.refunds["re_1"],
    "du_1": lambda wire: wire.disputes[0],
    "txn_1": lambda wire: wire.movements[0],
}
NOT_KNOWN: list[tuple[str, Found]] = [
    ("pi_1", {"status": "awaiting_weather"}),
    ("re_1", {"status": "paused"}),
    ("du_1", {"status": "mediation"}),
    ("txn_1", {"fee": 1.5}),
]
NOR_KNOWN: list[tuple[str, Found]] = [
    ("pi_1", {"status": None}),
    ("pi_1", {"amount": 1000.5}),
    ("pi_1", {"amount_received": "1000"}),
    ("pi_1", {"latest_charge": {"id": "ch_1", "currency": "eur"}}),
    ("re_1", {"amount": "3.00"}),
    ("re_1", {"currency": None}),
    ("du_1", {"reason": None}),
    ("du_1", {"evidence_details": "tomorrow"}),
    ("txn_1", {"net": None}),
]


async def have_each(world: World) -> dict[str, Any]:
    """A payment with a refund, an inquiry, and a balance transaction; the first and the last of them are here, too."""
    payment = await world.pay("10.00", reference="first")
    await refund(world, payment["id"])
    now = int(world.clock().timestamp())
    world.wire.disputes.append(inquiry("du_1", now))
    assert await compare(world) == []
    world.wire.movements.append(movement("txn_1", {"object": "charge", "payment_intent": "pi_1"}, now))
    return payment


def alerts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.message for one in caplog.records if one.levelno == logging.ERROR and "ALERT" in one.message]


@pytest.mark.parametrize(("name", "change"), NOT_KNOWN)
async def test_one_object_that_cannot_be_read_is_told_and_everything_else_compared(
    world: World, caplog: pytest.LogCaptureFixture, name: str, change: Found
) -> None:
    payment = await have_each(world)
    if name != "txn_1":
        world.wire.movements.clear()
    gone = await world.pay("10.00", reference="gone")
    world.wire.intents.pop("pi_2")
    found, before = WHOSE[name](world.wire), dict(WHOSE[name](world.wire))
    found |= change

    expected = [("MISSING_THERE", gone["id"]), ("UNREADABLE", name)]
    assert told(await compare(world)) == expected
    unread = await told_of(world, name)
    assert (unread["paymentId"], unread["providerObjectId"], unread["amountHere"]) == (
        payment["id"],
        name,
        None,
    )
    assert f"ALERT the books differ: UNREADABLE {unread['objectType'].lower()} {name} of {payment['id']}" in (
        alerts(caplog)
    )

    caplog.clear()
    assert told(await compare(world)) == expected
    await book_check(world).look_again()
    assert (await told_of(world, name))["id"] == unread["id"]
    assert alerts(caplog) == []

    found.clear()
    found |= before
    await book_check(world).look_again()
    assert ("UNREADABLE", name) not in told_by_api((await listed(world))["nodes"])
    assert (await told_of(world, name, resolved=True))["resolvedAt"] is not None


@pytest.mark.parametrize(("name", "change"), NOR_KNOWN)
async def test_what_else_cannot_be_read(small_world: World, name: str, change: Found) -> None:
    await have_each(small_world)
    if name != "txn_1":
        small_world.wire.movements.clear()
    found = WHOSE[name](small_world.wire)
    found |= change

    assert told(await compare(small_world)) == [("UNREADABLE", name)]


async def told_of(world: World, name: str, **asked: Any) -> dict[str, Any]:
    nodes = (await listed(world, cause=["UNREADABLE"], **asked))["nodes"]
    (node,) = [one for one in nodes if one["objectId"] == name]
    found: dict[str, Any] = node
    return found


@pytest.mark.parametrize("name", WHOSE)
async def test_the_books_go_on_to_the_next_hour_and_the_next_day(world: World, name: str) -> None:
    await book_check(world).round()
    await have_each(world)
    WHOSE[name](world.wire)["currency"] = 17
    start = next_midnight(world.clock())

    for days in (0, 1):
        ended = start + timedelta(days=days)
        world.clock.turn(seconds=(ended - world.clock()).total_seconds() + 3700)
        while await book_check(world).round():
            pass
        assert await hours_done(world) == ended

    assert told_by_api((await listed(world))["nodes"]) == [("UNREADABLE", name)]


async def test_what_cannot_be_read_within_another_object_is_told_once(small_world: World) -> None:
    payment = await have_each(small_world)
    small_world.wire.movements[0] |= {"net": None, "available_on": 0}
    small_world.wire.disputes[0]["balance_transactions"] = small_world.wire.movements

    assert told(await compare(small_world)) == [("UNREADABLE", "txn_1")]
    assert (await told_of(small_world, "txn_1"))["paymentId"] == payment["id"]


async def test_a_refund_that_names_no_payment_any_more_is_not_missing_there(small_world: World) -> None:
    await have_each(small_world)
    small_world.wire.movements.clear()
    small_world.wire.refunds["re_1"]["payment_intent"] = 17

    assert told(await compare(small_world)) == [("UNREADABLE", "re_1")]


async def test_what_can_be_read_of_it_is_told(world: World) -> None:
    await have_each(world)
    world.wire.refunds["re_1"]["status"] = "paused"
    world.wire.movements[0] |= {"fee": None, "net": 70, "status": "x" * 33}

    await compare(world)

    paused, moved = await told_of(world, "re_1"), await told_of(world, "txn_1")
    assert (paused["objectType"], paused["statusThere"], paused["amountThere"]) == (
        "REFUND",
        "paused",
        {"amount": "3.00"},
    )
    assert (moved["objectType"], moved["statusThere"], moved["amountThere"]) == (
        "BALANCE_TRANSACTION",
        None,
        {"amount": "0.70"},
    )


async def test_of_an_amount_that_cannot_be_read_there_is_no_currency(world: World) -> None:
    await have_each(world)
    world.wire.refunds["re_1"]["amount"] = 3.5
    world.wire.movements.clear()

    await compare(world)

    assert (await told_of(world, "re_1"))["amountThere"] is None
    (row,) = await world.rows(book_differences)
    assert row["currency"] == "XXX"


async def test_all_that_cannot_be_read_of_one_payment_is_told(world: World) -> None:
    payment = await have_each(world)
    await refund(world, payment["id"])
    for name in ("re_1", "re_2"):
        world.wire.refunds[name]["status"] = "paused"
    world.wire.movements.clear()

    assert told(await compare(world)) == [("UNREADABLE", "re_1"), ("UNREADABLE", "re_2")]


async def test_what_differs_beside_it_is_not_taken_for_resolved(world: World) -> None:
    payment = await have_each(world)
    assert told(await compare(world)) == [("MISSING_HERE", "txn_1")]
    world.wire.refunds["re_1"]["status"] = "paused"

    await compare(world)
    await book_check(world).look_again()

    nodes = (await listed(world))["nodes"]
    assert told_by_api(nodes) == [("MISSING_HERE", "txn_1"), ("UNREADABLE", "re_1")]
    assert {one["paymentId"] for one in nodes} == {payment["id"]}


# Without a payment here.


def stray(world: World, name: str, env: str | None, **change: Any) -> Found:
    """Another object like the first one's; *env*: whose it says it is."""
    says = {"metadata": {"payment_id": "pay_nowhere", "env": env} if env else {}}
    found = {**world.wire.intents["pi_1"], "id": name, **says, "status": "awaiting_weather", **change}
    world.wire.intents[name] = found
    return found


async def test_what_others_have_is_not_told(world: World) -> None:
    await world.pay("10.00")
    stray(world, "pi_foreign", "production")
    stray(world, "pi_bare", None)
    now = int(world.clock().timestamp())
    bare = {"id": "re_bare", "object": "refund", "payment_intent": None, "created": now}
    theirs = {"id": "re_theirs", "object": "refund", "payment_intent": "pi_foreign", "created": now}
    world.wire.refunds |= {"re_bare": bare, "re_theirs": theirs}
    world.wire.disputes.append(inquiry("du_theirs", now) | {"payment_intent": "pi_bare", "status": "new"})
    world.wire.movements.append(movement("txn_payout", {"object": "payout"}, now) | {"net": None})

    assert await compare(world) == []
    assert (await listed(world, resolved=None))["nodes"] == []


async def test_an_object_of_ours_that_no_payment_has_is_told_until_it_is_gone(world: World) -> None:
    await world.pay("10.00")
    found = stray(world, "pi_stray", "development")

    assert told(await compare(world)) == [("UNREADABLE", "pi_stray")]
    await book_check(world).look_again()
    assert (await told_of(world, "pi_stray"))["paymentId"] == "pay_nowhere"

    found["status"] = "succeeded"
    await book_check(world).look_again()
    assert told_by_api((await listed(world))["nodes"]) == [("MISSING_HERE", "pi_stray")]

    found["status"] = "awaiting_weather"
    await book_check(world).look_again()
    both = [("MISSING_HERE", "pi_stray"), ("UNREADABLE", "pi_stray")]
    assert told_by_api((await listed(world))["nodes"]) == both

    del world.wire.intents["pi_stray"]
    await book_check(world).look_again()
    assert (await listed(world))["nodes"] == []


async def test_a_second_object_of_one_payment_is_told_by_itself(world: World) -> None:
    payment = await world.pay("10.00")
    says = world.wire.intents["pi_1"]["metadata"]
    stray(world, "pi_twin", "development", metadata=says)

    assert told(await compare(world)) == [("UNREADABLE", "pi_twin")]
    assert (await told_of(world, "pi_twin"))["paymentId"] == payment["id"]


async def test_it_belongs_to_the_hour_in_which_it_was_made(world: World) -> None:
    await world.pay("10.00")
    found, start = stray(world, "pi_stray", "development"), world.clock() - timedelta(hours=1)
    found["created"] = int((start - timedelta(minutes=5)).timestamp())

    assert await book_check(world).check(start, world.clock() + timedelta(minutes=1)) == []
    earlier = await book_check(world).check(start - timedelta(hours=1), start)

    assert told(earlier) == [("UNREADABLE", "pi_stray")]


@pytest.mark.parametrize("name", ["re_9", "du_9", "txn_9"])
async def test_one_of_which_the_payment_cannot_be_read_either_is_told_until_it_can(
    world: World, name: str
) -> None:
    """Then its payment is looked at, which takes in what a webhook would have told."""
    payment = await world.pay("10.00")
    now = int(world.clock().timestamp())
    match name:
        case "re_9":
            found = world.wire.add_refund("pi_1", 400)
            found["id"] = "re_9"
        case "du_9":
            found = inquiry("du_9", now)
            world.wire.disputes.append(found)
        case _:
            found = movement("txn_9", {"object": "charge"}, now)
            world.wire.movements.append(found)
    whose = found["source"] if name == "txn_9" else found
    whose["payment_intent"] = 17
    world.wire.refunds = {one["id"]: one for one in world.wire.refunds.values()}

    assert told(await compare(world)) == [("UNREADABLE", name)]
    await book_check(world).look_again()
    assert (await told_of(world, name))["paymentId"] is None

    whose["payment_intent"] = "pi_1"
    await book_check(world).look_again()
    left = told_by_api((await listed(world))["nodes"])
    assert left == ([("MISSING_HERE", "txn_9")] if name == "txn_9" else [])
    seen = await world.payment(payment["id"])
    assert (seen["amountRefunded"]["amount"], len(seen["disputes"])) == (
        "4.00" if name == "re_9" else "0.00",
        1 if name == "du_9" else 0,
    )


async def test_one_that_is_gone_before_its_payment_could_be_read_is_resolved(world: World) -> None:
    await world.pay("10.00")
    world.wire.add_refund("pi_1", 400)["payment_intent"] = 17
    await compare(world)

    world.wire.refunds.clear()
    await book_check(world).look_again()

    assert (await listed(world))["nodes"] == []


async def test_of_a_payment_whose_creation_was_never_answered_the_object_is_told(world: World) -> None:
    """It is known by the id of ours that it carries; no row has its own."""
    world.wire.faults = [Fault.LOST_ANSWER]
    await world.create("10.00")
    before, world.wire.intents["pi_1"]["status"] = world.wire.intents["pi_1"]["status"], "awaiting_weather"
    (row,) = await world.rows(payments)

    assert told(await compare(world)) == [("UNREADABLE", "pi_1")]
    await book_check(world).look_again()
    assert (await told_of(world, "pi_1"))["paymentId"] == row["id"]

    world.wire.intents["pi_1"]["status"] = before
    await book_check(world).look_again()
    assert (await listed(world))["nodes"] == []
    assert [row["provider_payment_id"] for row in await world.rows(payments)] == ["pi_1"]


# What is known of it.


def test_only_whole_numbers_are_sums() -> None:
    assert from_stripe_amount(1000, "eur") == Money(1000, "EUR")
    for amount in (1000.0, 10.5, "1000", True, None):
        with pytest.raises(TypeError):
            from_stripe_amount(amount, "eur")  # type: ignore[arg-type]


def test_of_two_objects_the_inner_one_is_named() -> None:
    inner = {"id": "txn_1", "amount": -1000, "fee": 1500, "net": "?", "currency": "eur", "created": 1000}
    dispute = inquiry("du_1", 2000) | {"balance_transactions": [inner]}

    with pytest.raises(Unreadable) as raised:
        dispute_snapshot(dispute)

    found = raised.value.object
    assert (found.kind, found.provider_object_id, found.within) == (
        BookObject.BALANCE_TRANSACTION,
        "txn_1",
        "du_1",
    )
    assert (found.provider_payment_id, found.made_at, found.amount) == (
        "pi_1",
        datetime.fromtimestamp(1000, UTC),
        None,
    )
    assert str(found) == "balance_transaction txn_1 cannot be read: TypeError: no whole number: '?'"


def test_what_has_no_id_has_no_name() -> None:
    """Then the object around it cannot be read, or nobody can say which it is."""
    nameless = {"amount": -1000, "currency": "eur"}
    with pytest.raises(KeyError):
        stripe_balance_transaction(nameless, MovementKind.REFUND, "re_1", None)
    refunded = {"id": "re_1", "amount": 1, "currency": "eur", "payment_intent": "pi_1"}

    with pytest.raises(Unreadable) as raised:
        refund_snapshot(refunded | {"balance_transaction": nameless})

    assert (raised.value.object.kind, raised.value.object.provider_object_id) == (BookObject.REFUND, "re_1")


@pytest.mark.parametrize("created", [None, "soon", 10**20, -(10**20)])
def test_when_it_was_made_may_be_what_cannot_be_read(created: Any) -> None:
    found = {"id": "pi_1", "status": "succeeded", "amount": 1, "currency": "eur", "created": created}

    with pytest.raises(Unreadable) as raised:
        made_payment(found, datetime.now(UTC))

    assert (raised.value.object.made_at, raised.value.object.amount) == (None, Money(1, "EUR"))
