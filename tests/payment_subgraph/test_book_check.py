"""The comparison with the provider's books: what it heals, what it tells, and that it goes on where it stood."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from payment_subgraph.book_check import BOOKS, HOUR, LEASE, BookCheck, next_midnight
from payment_subgraph.book_difference import BookDifference
from payment_subgraph.tables import job_cursors, payment_operations, payments
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.test_ledger import entry, write
from tests.payment_subgraph.world import STAFF, Person, World

pytestmark = pytest.mark.anyio

FINANCE = Person("usr_finance", "ledger:read")
DIFFERENCES = """query($first: Int, $after: String, $resolved: Boolean, $cause: [BookDifferenceCause!]) {
  bookDifferences(first: $first, after: $after, resolved: $resolved, cause: $cause) {
    pageInfo { hasNextPage endCursor }
    nodes { id cause objectType objectId paymentId providerObjectId statusHere statusThere
      amountHere { amount currency } amountThere { amount } firstFoundAt lastFoundAt resolvedAt } } }"""


def book_check(world: World) -> BookCheck:
    return world.parts.bookkeeper.book_check


async def compare(world: World) -> list[BookDifference]:
    """Everything made until now."""
    now = world.clock()
    return await book_check(world).check(now - timedelta(hours=3), now + timedelta(minutes=1))


async def listed(world: World, person: Person = FINANCE, **asked: Any) -> dict[str, Any]:
    answer = await world.ask(DIFFERENCES, person, **asked)
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["bookDifferences"]
    return found


def told(found: list[BookDifference]) -> list[tuple[str, str]]:
    return sorted((one.cause, one.object_id) for one in found)


async def refund(world: World, payment_id: str, amount: str = "3.00") -> dict[str, Any]:
    money = {"amount": amount, "currency": "EUR"}
    member = await world.mutate("refundPayment", STAFF, paymentId=payment_id, amount=money)
    found: dict[str, Any] = member["refund"]
    return found


async def test_alike_books_have_no_difference(world: World) -> None:
    paid = await world.pay("10.00")
    await world.create("7.00")
    await refund(world, paid["id"])
    await world.mutate("createPayment", amount={"amount": "1.00", "currency": "EUR"})
    gets = len(world.wire.calls)

    assert await compare(world) == []

    assert len(world.wire.calls) - gets == 4  # the lists: nothing was suspected, nothing read again


async def test_what_a_lost_webhook_would_have_told_is_healed(world: World) -> None:
    payment = (await world.create("10.00"))["payment"]
    paid = await world.pay("10.00", reference="other")
    world.wire.succeed("pi_1")
    world.wire.add_refund("pi_2", 400)

    assert await compare(world) == []

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    assert (await world.payment(paid["id"]))["amountRefunded"]["amount"] == "4.00"
    assert (await listed(world, resolved=None))["nodes"] == []


async def test_a_payment_whose_creation_was_never_answered_is_found_by_our_id(world: World) -> None:
    world.wire.faults = [Fault.LOST_ANSWER]
    await world.create("10.00")

    assert await compare(world) == []

    (row,) = await world.rows(payments)
    assert row["provider_payment_id"] == "pi_1"


async def test_each_cause_is_told_once_and_resolved_when_it_is_gone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    frozen = await world.pay("10.00", reference="frozen")
    gone = await world.pay("10.00", reference="gone")
    unposted = (await world.create("10.00"))["payment"]
    mute = await world.pay("10.00", reference="mute")
    back = await refund(world, mute["id"])
    world.wire.intents["pi_1"] |= {"amount": 1100, "status": "canceled"}
    removed = world.wire.intents.pop("pi_2")
    del world.wire.refunds["re_1"]
    posted = {"txn_id": "txn_wrong"}
    await write(
        world,
        entry(unposted, 900, "w:a", **posted),
        entry(unposted, -900, "w:b", **posted, account="payments_received"),
    )
    stray = {"metadata": {"payment_id": "pay_nowhere", "env": "development"}}
    foreign = {"metadata": {"payment_id": "pay_nowhere", "env": "production"}}
    world.wire.intents["pi_stray"] = world.wire.intents["pi_3"] | {"id": "pi_stray"} | stray
    world.wire.intents["pi_foreign"] = world.wire.intents["pi_3"] | {"id": "pi_foreign"} | foreign
    expected = sorted(
        [
            ("OTHER_AMOUNT", frozen["id"]),
            ("OTHER_STATUS", frozen["id"]),
            ("MISSING_THERE", gone["id"]),
            ("NOT_POSTED", unposted["id"]),
            ("MISSING_THERE", back["id"]),
            ("MISSING_HERE", "pi_stray"),
        ]
    )

    caplog.set_level(logging.ERROR, "payment_subgraph.book_check")
    assert told(await compare(world)) == expected
    alerts = [one for one in caplog.records if one.name == "payment_subgraph.book_check"]
    assert len(alerts) == len(expected)
    first = (await listed(world))["nodes"]
    assert told_by_api(first) == expected

    world.clock.turn(minutes=5)
    assert told(await compare(world)) == expected
    again = (await listed(world))["nodes"]
    assert [one["id"] for one in again] == [one["id"] for one in first]
    assert all(one["lastFoundAt"] > one["firstFoundAt"] for one in again)
    assert len([one for one in caplog.records if one.name == "payment_subgraph.book_check"]) == len(alerts)

    world.wire.intents["pi_2"] = removed
    del world.wire.intents["pi_stray"]
    await book_check(world).look_again()
    left = (await listed(world))["nodes"]
    assert ("MISSING_THERE", gone["id"]) not in told_by_api(left)
    assert "pi_stray" not in {one["objectId"] for one in left}
    assert len(left) == len(expected) - 2
    resolved = (await listed(world, resolved=True))["nodes"]
    assert {one["resolvedAt"] is None for one in resolved} == {False}

    world.wire.intents.pop("pi_2")
    await compare(world)
    assert ("MISSING_THERE", gone["id"]) in told_by_api((await listed(world))["nodes"])
    assert len((await listed(world, resolved=None))["nodes"]) == len(expected)


def told_by_api(nodes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((one["cause"], one["objectId"]) for one in nodes)


async def test_a_second_object_of_one_payment_is_missing_here(world: World) -> None:
    """Somebody may have been charged twice: this is what it would look like."""
    payment = await world.pay("10.00")
    world.wire.intents["pi_twin"] = world.wire.intents["pi_1"] | {"id": "pi_twin"}

    assert told(await compare(world)) == [("MISSING_HERE", "pi_twin")]

    (node,) = (await listed(world))["nodes"]
    assert (node["paymentId"], node["amountHere"]) == (payment["id"], None)
    assert node["amountThere"]["amount"] == "10.00"


async def test_a_payment_that_is_still_being_made_is_no_difference(world: World) -> None:
    world.wire.faults = [Fault.LOST_REQUEST]
    await world.create("10.00")

    assert await compare(world) == []

    async with world.parts.database.writing() as connection:  # as if nobody remembered it any more
        await connection.execute(update(payment_operations).values(resolved_at=world.clock()))
    (row,) = await world.rows(payments)
    assert told(await compare(world)) == [("MISSING_THERE", row["id"])]


async def test_pages_of_differences_and_who_may_see_them(small_world: World) -> None:
    for number in range(5):
        await small_world.pay("10.00", reference=f"order-{number}")
    small_world.wire.intents.clear()
    await compare(small_world)

    first = await listed(small_world, first=3)
    rest = await listed(small_world, first=3, after=first["pageInfo"]["endCursor"])

    ids = [one["id"] for one in (*first["nodes"], *rest["nodes"])]
    assert (len(first["nodes"]), len(set(ids)), ids) == (3, 5, sorted(ids, reverse=True))
    assert not rest["pageInfo"]["hasNextPage"]
    assert (await listed(small_world, cause=["OTHER_AMOUNT"]))["nodes"] == []
    refused = await small_world.ask(DIFFERENCES, STAFF)
    assert refused["errors"][0]["extensions"]["requiredScopes"] == [["ledger:read"]]


# The worker's turn.


async def hours_done(world: World) -> datetime:
    (row,) = [row for row in await world.rows(job_cursors) if row["job"] == BOOKS]
    position: datetime = row["position_at"]
    return position


async def test_a_day_is_compared_hour_by_hour_when_it_is_over(world: World) -> None:
    payment = await world.pay("10.00")
    start = world.clock().replace(minute=0, second=0, microsecond=0)
    assert await book_check(world).round() == 0
    assert await book_check(world).round() == 0
    assert await hours_done(world) == start
    world.wire.intents.clear()

    world.clock.turn(seconds=(next_midnight(start) - world.clock()).total_seconds() + 3700)
    while await book_check(world).round():
        pass

    assert await hours_done(world) == next_midnight(start)
    assert told_by_api((await listed(world))["nodes"]) == [("MISSING_THERE", payment["id"])]


async def test_what_was_broken_off_is_begun_again_and_only_that(world: World) -> None:
    await world.pay("10.00")
    await book_check(world).round()
    start = await hours_done(world)
    world.clock.turn(seconds=(next_midnight(start) - world.clock()).total_seconds() + 3700)
    assert await book_check(world).round() == (1 if start + HOUR <= world.clock() else 0)
    world.wire.down = True
    assert await book_check(world).round() == 0  # as a worker that dies would leave it
    broken_off = await hours_done(world)
    world.wire.down = False

    assert await book_check(world).round() == 0  # the turn is still the other's
    world.clock.turn(seconds=LEASE.total_seconds() + 1)
    assert await book_check(world).round() == (1 if broken_off < next_midnight(start) else 0)

    assert await hours_done(world) > broken_off or broken_off == next_midnight(start)


async def test_one_worker_at_a_time_has_the_turn(world: World) -> None:
    await book_check(world).round()
    start = await hours_done(world)
    world.clock.turn(seconds=(next_midnight(start) - world.clock()).total_seconds() + 3700)

    done = await asyncio.gather(*(book_check(world).round() for _ in range(5)))

    assert sum(done) == 1
    assert await hours_done(world) == start + HOUR


async def test_an_hour_of_many_payments_is_compared_in_batches(small_world: World) -> None:
    """More than a page of Stripe's and more than a batch of ours; the last of them is wrong."""
    row = dict((await rows_of_one(small_world))[0])
    intent = small_world.wire.intents["pi_1"]
    moment = small_world.clock() - timedelta(minutes=30)
    many = [
        row | {"id": f"pay_{n:026}", "provider_payment_id": f"pi_m{n}", "reference": None}
        for n in range(1200)
    ]
    async with small_world.parts.database.writing() as connection:
        await connection.execute(insert(payments), [one | {"created_at": moment} for one in many])
    for one in many[:-1]:
        ours = {"id": one["provider_payment_id"], "metadata": {"payment_id": one["id"], "env": "development"}}
        small_world.wire.intents[ours["id"]] = intent | ours | {"created": int(moment.timestamp())}

    assert told(await compare(small_world)) == [("MISSING_THERE", many[-1]["id"])]


async def rows_of_one(world: World) -> Any:
    await world.create("10.00")
    return await world.rows(payments)
