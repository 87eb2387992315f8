"""Disputes and balance transactions beside Stripe's: what the comparison of the books heals, and what it tells."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from payment_subgraph.balance import BalanceSums
from payment_subgraph.observation import MovementSnapshot
from payment_subgraph.stripe_balance import movement_snapshot
from payment_subgraph.tables import balance_transactions, disputes, payments
from tests.payment_subgraph.bank import Bank
from tests.payment_subgraph.test_book_check import book_check, compare, listed, told, told_by_api
from tests.payment_subgraph.test_disputes import hear, paid
from tests.payment_subgraph.test_rebuild import change
from tests.payment_subgraph.world import STAFF, Statements, World

pytestmark = pytest.mark.anyio

TWO_DAYS = 2 * 86_400
ELSEWHERE = {
    "amount": "900",
    "currency": "eur",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
    "metadata[env]": "production",
    "metadata[payment_id]": "pay_elsewhere",
}


@pytest.fixture
async def world(database_url: str, bank: Bank) -> AsyncIterator[World]:
    made = World.build(database_url, bank.wire)
    yield made
    await made.close()


async def test_alike_books_are_four_lists_and_nothing_is_read_again(world: World, bank: Bank) -> None:
    payment, _ = await paid(world)
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"])
    _, disputed = await paid(world, reference="disputed")
    await bank.tell(f"disputes/{await bank.dispute(disputed)}/lose")
    await hear(world, bank)
    bank.wire.paths.clear()

    assert await compare(world) == []

    assert bank.wire.paths == [
        "/v1/payment_intents",
        "/v1/refunds",
        "/v1/disputes",
        "/v1/balance_transactions",
    ]


# Disputes.


async def test_a_dispute_of_which_the_webhook_was_lost_is_taken_in(world: World, bank: Bank) -> None:
    """An inquiry, which moves no money: only the list of disputes tells of it."""
    payment, intent = await paid(world)
    await bank.dispute(intent, case_type="inquiry")

    assert await compare(world) == []

    (dispute,) = (await world.payment(payment["id"]))["disputes"]
    assert dispute["status"] == "WARNING_NEEDS_RESPONSE"
    assert (await listed(world, resolved=None))["nodes"] == []


async def test_the_end_of_a_dispute_of_which_the_webhook_was_lost_is_taken_in(
    world: World, bank: Bank
) -> None:
    payment, intent = await paid(world)
    name = await bank.dispute(intent)
    await hear(world, bank)
    await bank.tell(f"disputes/{name}/lose")

    assert await compare(world) == []

    assert (await world.payment(payment["id"]))["financialStatus"] == "CHARGED_BACK"


async def test_a_dispute_whose_row_is_gone_comes_back(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    await bank.dispute(intent, case_type="inquiry")
    await hear(world, bank)
    await change(world, delete(disputes))

    assert await compare(world) == []

    (dispute,) = (await world.payment(payment["id"]))["disputes"]
    assert dispute["status"] == "WARNING_NEEDS_RESPONSE"


async def test_a_lost_dispute_whose_row_is_gone_was_posted_twice(world: World, bank: Bank) -> None:
    _, intent = await paid(world)
    await bank.tell(f"disputes/{await bank.dispute(intent)}/lose")
    await hear(world, bank)
    (gone,) = await world.rows(disputes)
    await change(world, delete(disputes))

    assert told(await compare(world)) == [("NOT_POSTED", gone["id"])]

    (node,) = (await listed(world))["nodes"]
    assert (node["objectType"], node["amountHere"]["amount"], node["amountThere"]["amount"]) == (
        "DISPUTE",
        "10.00",
        "0.00",
    )


async def test_a_dispute_that_stripe_does_not_have_is_told(world: World, bank: Bank) -> None:
    _, intent = await paid(world)
    await bank.dispute(intent, case_type="inquiry")
    await hear(world, bank)
    (row,) = await world.rows(disputes)
    await change(world, insert(disputes).values(dict(row) | {"id": "dsp_x", "provider_dispute_id": "du_x"}))

    assert told(await compare(world)) == [("MISSING_THERE", "dsp_x")]


async def test_what_a_frozen_payment_does_not_take_is_told(world: World, bank: Bank) -> None:
    _, intent = await paid(world)
    name = await bank.dispute(intent)
    await hear(world, bank)
    await change(world, update(payments).values(frozen_reason="OTHER_AMOUNT"))
    await change(world, update(disputes).values(amount_minor=999))
    await bank.tell(f"disputes/{name}/win")
    (row,) = await world.rows(disputes)
    back = (await bank.listed("balance_transactions"))[-1]

    found = await compare(world)

    assert told(found) == [
        ("MISSING_HERE", back["id"]),
        ("OTHER_AMOUNT", row["id"]),
        ("OTHER_STATUS", row["id"]),
    ]
    assert {one.object_type for one in found} == {"DISPUTE", "BALANCE_TRANSACTION"}


# Balance transactions.


@pytest.mark.parametrize(
    ("tampered", "here", "there"),
    [
        ({"net_minor": 1}, "0.01", "9.60"),
        ({"amount_minor": 1001, "fee_minor": 41}, "10.01", "10.00"),
        ({"currency": "USD"}, "9.60", None),
    ],
)
async def test_a_balance_transaction_that_was_changed_here_is_told(
    world: World, bank: Bank, tampered: dict[str, Any], here: str, there: str | None
) -> None:
    await paid(world)
    (row,) = await world.rows(balance_transactions)
    await change(world, update(balance_transactions).values(tampered))

    assert told(await compare(world)) == [("OTHER_AMOUNT", row["id"])]

    (node,) = (await listed(world))["nodes"]
    assert (node["objectType"], node["amountHere"]["amount"]) == ("BALANCE_TRANSACTION", here)
    assert (node["amountThere"] or {"amount": None})["amount"] == there
    await change(world, update(balance_transactions).values({name: row[name] for name in tampered}))
    await book_check(world).look_again()
    assert (await listed(world))["nodes"] == []


async def test_what_was_captured_days_later_is_found_in_the_hour_of_its_money(
    world: World, bank: Bank
) -> None:
    payment, intent = await paid(world, captureMethod="MANUAL")
    await bank.tell("clock/advance", seconds=TWO_DAYS)
    world.clock.turn(seconds=TWO_DAYS)
    assert await compare(world) == []
    await bank.post(f"payment_intents/{intent}/capture", amount_to_capture="400")

    assert await compare(world) == []

    assert (await world.payment(payment["id"]))["amountCaptured"]["amount"] == "4.00"
    (row,) = await world.rows(balance_transactions)
    assert (row["payment_id"], row["amount_minor"]) == (payment["id"], 400)


async def test_a_row_that_is_gone_while_its_postings_stand_is_told(world: World, bank: Bank) -> None:
    """It cannot be taken in again: the ledger refuses to have the same posting twice. The others go on."""
    await paid(world, reference="gone")
    (gone,) = await world.rows(balance_transactions)
    await change(world, delete(balance_transactions))
    payment, intent = await paid(world, reference="disputed")
    await bank.dispute(intent)

    assert told(await compare(world)) == [("MISSING_HERE", gone["id"])]

    assert (await world.payment(payment["id"]))["financialStatus"] == "DISPUTED"


async def test_one_with_another_payment_is_missing_at_both(world: World, bank: Bank) -> None:
    await paid(world, reference="first")
    (row,) = await world.rows(balance_transactions)
    other, _ = await paid(world, reference="second")
    moved = update(balance_transactions).where(balance_transactions.c.id == row["id"])
    await change(world, moved.values(payment_id=other["id"]))

    found = await compare(world)

    assert {(one.cause, one.object_id, one.payment_id) for one in found} == {
        ("MISSING_HERE", row["id"], row["payment_id"]),
        ("MISSING_THERE", row["id"], other["id"]),
    }


async def test_what_belongs_to_others_is_not_compared(world: World, bank: Bank) -> None:
    theirs = await bank.post("payment_intents", **ELSEWHERE)
    await bank.dispute(theirs["id"])
    assert len(await bank.listed("balance_transactions")) == 2

    assert await compare(world) == []

    assert (await listed(world, resolved=None))["nodes"] == []


@pytest.mark.parametrize("source", [None, "ch_1", {"object": "payout", "id": "po_1"}])
def test_what_has_no_payment_intent_is_nobodys_here(source: Any) -> None:
    assert movement_snapshot(movement("txn_1", source)) is None


def test_a_sum_in_another_currency_than_ours_has_none() -> None:
    found = movement("txn_1", {"object": "charge", "payment_intent": "pi_1"}) | {"currency": "xxx"}

    assert movement_snapshot(found) == MovementSnapshot("txn_1", "pi_1", None)
    assert movement_snapshot(found | {"currency": "eur"}) == MovementSnapshot(
        "txn_1", "pi_1", BalanceSums(100, 100, 0, "EUR")
    )


def movement(name: str, source: Any, created: int = 0) -> dict[str, Any]:
    """One that leaves the balance as it is, so that the ledger needs nothing of it."""
    sums = {"amount": 100, "fee": 100, "net": 0, "currency": "eur"}
    return {"id": name, "object": "balance_transaction", "source": source, "created": created, **sums}


async def test_one_that_a_reading_does_not_show_is_looked_up_by_its_id(small_world: World) -> None:
    """Of an earlier attempt that was taken back, for example: it stays told until it is gone or here."""
    payment = await small_world.pay("10.00")
    now = int(small_world.clock().timestamp())
    charge = {"object": "charge", "payment_intent": "pi_1"}
    small_world.wire.movements.append(movement("txn_1", charge, now))

    assert told(await compare(small_world)) == [("MISSING_HERE", "txn_1")]
    await book_check(small_world).look_again()
    assert told_by_api((await listed(small_world))["nodes"]) == [("MISSING_HERE", "txn_1")]

    row = movement_row("txn_1", payment["id"], small_world)
    await change(small_world, insert(balance_transactions).values(row))
    assert await compare(small_world) == []
    await change(small_world, update(balance_transactions).values(amount_minor=105, net_minor=5))
    small_world.wire.movements[0] |= {"amount": 105, "net": 5}
    assert told(await compare(small_world)) == [("NOT_POSTED", "txn_1")]
    small_world.wire.movements.clear()
    assert told(await compare(small_world)) == [("MISSING_THERE", "txn_1")]


def movement_row(name: str, payment_id: str, world: World) -> dict[str, Any]:
    now = world.clock()
    sums = {"amount_minor": 100, "fee_minor": 100, "net_minor": 0, "currency": "EUR"}
    about = {"id": name, "payment_id": payment_id, "kind": "CHARGE", "source_id": "ch_1"}
    return {**about, **sums, "payment_minor": 100, "created_at": now, "available_at": now}


# What it costs.


@pytest.fixture
async def wired(database_url: str) -> AsyncIterator[World]:
    """Without the fake's fees, so that rows can be made up."""
    made = World.build(database_url)
    yield made
    await made.close()


async def test_more_objects_cost_no_more_statements(wired: World) -> None:
    payment = await wired.pay("10.00")
    counts = []
    for numbers in (range(1), range(1, 400)):
        await have_alike(wired, payment["id"], numbers)
        with Statements(wired.parts.database) as counted:
            assert await compare(wired) == []
        counts.append(len(counted.texts))

    assert counts[1] == counts[0]


async def have_alike(world: World, payment_id: str, numbers: range) -> None:
    """A dispute and a balance transaction of each number, here and there."""
    now = int(world.clock().timestamp())
    charge = {"object": "charge", "payment_intent": "pi_1"}
    world.wire.movements += [movement(f"txn_{number}", charge, now) for number in numbers]
    world.wire.disputes += [inquiry(f"du_{number}", now) for number in numbers]
    brought = [movement_row(f"txn_{number}", payment_id, world) for number in numbers]
    asked = [dispute_row(f"du_{number}", payment_id, world) for number in numbers]
    await change(world, insert(balance_transactions).values(brought), insert(disputes).values(asked))


def inquiry(name: str, created: int) -> dict[str, Any]:
    about = {"id": name, "object": "dispute", "payment_intent": "pi_1", "created": created}
    return {**about, "amount": 100, "currency": "eur", "status": "warning_closed", "reason": "general"}


def dispute_row(name: str, payment_id: str, world: World) -> dict[str, Any]:
    now = world.clock()
    about = {"id": f"dsp_{name}", "payment_id": payment_id, "provider_dispute_id": name, "reason": "general"}
    money = {"amount_minor": 100, "currency": "EUR", "funds_withdrawn": False, "held_minor": 0}
    return {**about, **money, "status": "WARNING_CLOSED", "version": 1, "created_at": now, "updated_at": now}
