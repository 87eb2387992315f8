"""The tables and what follows from the log of observations; the ledger and what follows from the tables."""

import random
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from payment_subgraph.app import utc_now
from payment_subgraph.ledger import Posting
from payment_subgraph.missing_postings import MissingPostings
from payment_subgraph.repository import Repository
from payment_subgraph.tables import (
    day_totals,
    outbox_messages,
    payment_operations,
    payment_transitions,
    payments,
    refunds,
)
from payment_subgraph.totals import Totals
from payment_subgraph.verification import BATCH, Progress, Verification
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.test_books import check, happen
from tests.payment_subgraph.test_ledger import assert_the_ledger_equals_the_payments, entry, write
from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio


async def verified(world: World) -> list[str]:
    return [told async for told in Verification(world.parts.database)()]


async def change(world: World, *statements: Any) -> None:
    async with world.parts.database.writing() as connection:
        for statement in statements:
            await connection.execute(statement)


EUR_3 = {"amount": "3.00", "currency": "EUR"}


# The log.


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_flow_the_log_leads_to_the_same_rows(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(3):
        await world.pay(f"{chance.randint(5, 90)}.00", reference=f"order-{number}")
    ids = [row["id"] for row in await world.rows(payments)]
    for _ in range(10):
        await happen(world, chance, ids)

        assert await verified(world) == []


async def test_every_way_a_payment_can_go_leads_to_the_same_rows(world: World) -> None:
    declined = "pm_card_visa_chargeDeclined"
    await world.create(confirm=True, paymentMethodId=declined)
    await world.create(confirm=True, paymentMethodId="pm_unknown", reference="never made")
    await world.create(confirm=True, paymentMethodId="pm_card_threeDSecure2Required", reference="3ds")
    await world.create(confirm=True, paymentMethodId="pm_processing", reference="debit")
    held = await world.authorize("10.00")
    await world.mutate("capturePayment", STAFF, paymentId=held["id"], amount=EUR_3)
    canceled = (await world.create(reference="canceled"))["payment"]
    await world.mutate("cancelPayment", paymentId=canceled["id"])
    world.wire.faults = [Fault.LOST_REQUEST]
    await world.create(reference="lost")
    paid = await world.pay("10.00", reference="paid")
    world.wire.faults = [Fault.DECLINED]
    await world.mutate("refundPayment", STAFF, paymentId=paid["id"], amount=EUR_3)
    world.wire.faults = [Fault.WRONG_AMOUNT]
    await world.create(reference="frozen")
    assert await verified(world) == []
    statuses = {row["status"] for row in await world.rows(payments)}

    world.clock.turn(hours=25)
    await world.work()

    assert await verified(world) == []
    statuses |= {row["status"] for row in await world.rows(payments)}
    assert {"FAILED", "CANCELED", "SUCCEEDED", "REQUIRES_PAYMENT_METHOD"} <= statuses
    assert any(row["frozen_reason"] for row in await world.rows(payments))


async def test_a_payment_found_after_its_reference_went_to_another(world: World) -> None:
    world.wire.faults = [Fault.LOST_REQUEST]
    await world.create(reference="order")
    world.clock.turn(hours=25)
    await world.work()
    await world.create(reference="order")
    lost = next(call for call in world.wire.posts if call.path == "/v1/payment_intents")
    intent = world.wire.finish_late(lost)
    await world.deliver_and_work("payment_intent.created", intent)

    assert any(row["frozen_reason"] == "REFERENCE_TAKEN" for row in await world.rows(payments))
    assert await verified(world) == []


async def test_a_payment_that_was_doubled_before_it_was_made(world: World) -> None:
    """What was told of a duplicate belongs to the payment it would have doubled, and says nothing about that one."""
    world.wire.faults = [Fault.LOST_REQUEST]
    await world.create(reference="order")
    doubled = await world.create(reference="order")

    assert doubled["__typename"] == "DuplicatePaymentError"
    assert await verified(world) == []


async def test_what_was_changed_behind_the_services_back_is_told(world: World) -> None:
    paid = await world.pay("10.00")
    member = await world.mutate("refundPayment", STAFF, paymentId=paid["id"], amount=EUR_3)
    await change(
        world,
        update(payments).values(status="CANCELED", amount_captured=900),
        update(refunds).values(status="FAILED", failure_reason="lost_or_stolen_card"),
    )

    told = await verified(world)

    assert f"{paid['id']}: status is CANCELED, by the log it is SUCCEEDED" in told
    assert f"{paid['id']}: amount_captured is 900, by the log it is 1000" in told
    assert f"{member['refund']['id']}: status is FAILED, by the log it is SUCCEEDED" in told
    assert any("the ledger has 1000 EUR of CAPTURE, the payment 900" in one for one in told)


async def test_a_row_that_was_lost_is_told(world: World) -> None:
    payment = (await world.create("10.00"))["payment"]
    kept = (await world.create("10.00"))["payment"]
    await change(
        world,
        *(
            delete(table).where(table.c.payment_id == payment["id"])
            for table in (payment_operations, outbox_messages, payment_transitions)
        ),
        delete(payments).where(payments.c.id == payment["id"]),
    )

    told = await verified(world)

    assert f"{payment['id']}: is in the log, but not in the table" in told
    assert not [one for one in told if kept["id"] in one]


async def test_a_wrong_total_is_told(world: World) -> None:
    await world.pay("10.00")
    await Totals(world.parts.database).sum_up()
    await change(world, update(day_totals).where(day_totals.c.kind == "ATTEMPTED").values(entries=5))

    (told,) = await verified(world)

    assert told.endswith("ATTEMPTED: -4 entries and +0 in minor units are missing from it")


async def test_more_than_one_batch_is_verified(small_world: World) -> None:
    payment = (await small_world.create("10.00"))["payment"]
    (row,) = await small_world.rows(payments)
    nothing = {"reference": None, "provider_payment_id": None, "client_secret": None, "status": "CREATED"}
    copies = ({**row, **nothing, "id": f"pay_{n:026}"} for n in range(2 * BATCH))
    await change(small_world, insert(payments).values(list(copies)))
    progress = Progress()

    told = [one async for one in Verification(small_world.parts.database)(progress)]

    assert (told, progress.payments) == ([], 2 * BATCH + 1)
    assert payment["id"]


async def test_the_worker_verifies_once_a_day(world: World, caplog: pytest.LogCaptureFixture) -> None:
    payment = await world.pay("10.00")
    await change(world, update(payments).values(amount_captured=900))
    bookkeeper = world.parts.bookkeeper

    wrong = await bookkeeper.verify()

    assert wrong > 0
    assert [one for one in caplog.records if one.message.startswith(f"ALERT {payment['id']}")]
    assert await bookkeeper.verify() == 0
    world.clock.turn(hours=25)
    assert await bookkeeper.verify() == wrong


# Postings an older release did not write.


async def post_missing(world: World) -> list[Posting]:
    job = MissingPostings(world.parts.database, Repository(world.parts.database), utc_now)
    return [one async for one in job()]


async def test_what_an_older_release_did_not_post_is_posted_once(world: World) -> None:
    whole = await world.pay("10.00", reference="whole")
    part = await world.pay("10.00", reference="part")
    late = (await world.create("10.00", reference="late"))["payment"]
    back = (await world.mutate("refundPayment", STAFF, paymentId=part["id"], amount=EUR_3))["refund"]
    await change(  # as a release without a ledger would write it
        world,
        update(payments).where(payments.c.id == late["id"]).values(amount_captured=1000, version=5),
        update(payments).where(payments.c.id == part["id"]).values(amount_refunded=0, version=9),
        update(refunds).where(refunds.c.id == back["id"]).values(status="FAILED"),
        update(payments).where(payments.c.id == whole["id"]).values(amount_refunded=200, version=9),
    )
    before = await check(world)
    assert {(one["paymentId"], one["kind"], one["cause"]) for one in before["differences"]} == {
        (late["id"], "CAPTURE", "MISSING"),
        (part["id"], "REFUND", "UNEXPECTED"),
        (whole["id"], "REFUND", "MISSING"),
    }

    posted = await post_missing(world)

    assert {(one.payment_id, one.kind, one.amount.minor) for one in posted} == {
        (late["id"], "CAPTURE", 1000),
        (part["id"], "REFUND", 300),
        (whole["id"], "REFUND", 200),
    }
    found = await check(world)
    assert (found["balanced"], found["matchesPayments"], found["matchesTotals"]) == (True, True, True)
    await assert_the_ledger_equals_the_payments(world)
    assert await post_missing(world) == []


async def test_what_is_too_much_or_in_another_currency_is_left_and_told(world: World) -> None:
    payment = await world.pay("10.00")
    await change(world, update(payments).values(amount_captured=900))
    await write(
        world,
        entry(payment, 500, "a", currency="USD"),
        entry(payment, -500, "b", currency="USD", account="payments_received"),
    )

    assert await post_missing(world) == []

    (difference,) = (await check(world))["differences"]
    assert difference["cause"] == "OTHER_AMOUNT"
    assert not (await check(world, "USD"))["matchesPayments"]
