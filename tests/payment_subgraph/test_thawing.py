"""Frozen payments go on when the provider no longer contradicts us; otherwise they stay as they are."""

import pytest
from sqlalchemy import select

from payment_subgraph.tables import ledger_entries, payment_operations, payment_transitions, payments
from payment_subgraph.thaw_command import thaw_payment
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.test_lost_answers import given_up
from tests.payment_subgraph.test_rebuild import verified
from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio

Output = pytest.CaptureFixture[str]


async def reopened(world: World) -> str:
    """The id of a payment that Stripe, once, showed as not paid any more."""
    payment_id = str((await world.pay("10.00"))["id"])
    intent = world.wire.intents["pi_1"]
    paid = dict(intent)
    intent |= {"status": "requires_payment_method", "amount_received": 0}
    await world.deliver_and_work("payment_intent.payment_failed", "pi_1")
    (row,) = await world.rows(payments)
    assert row["frozen_reason"] == "REOPENED"
    intent |= paid
    return payment_id


async def reference_taken(world: World) -> tuple[str, str]:
    """A payment given up that was paid after all, and the one that took its reference."""
    late = await given_up(world, reference="order-1")
    other = (await world.create(reference="order-1"))["payment"]["id"]
    intent = world.wire.finish_late(world.wire.posts[0])
    await world.deliver_and_work("payment_intent.succeeded", intent)
    return late, other


async def row_of(world: World, payment_id: str) -> dict[str, object]:
    return next(dict(row) for row in await world.rows(payments) if row["id"] == payment_id)


async def last_transitions(world: World, payment_id: str) -> list[tuple[str, str, str, str | None]]:
    table = payment_transitions.c
    query = select(table.type, table.source, table.cause_id, table.reason).where(
        table.payment_id == payment_id
    )
    rows = await world.parts.database.rows(query.order_by(table.sequence))
    return [(row["type"], row["source"], row["cause_id"], row["reason"]) for row in rows]


async def captured(world: World, payment_id: str) -> int:
    entries = [one for one in await world.rows(ledger_entries) if one["payment_id"] == payment_id]
    return sum(one["amount_minor"] for one in entries if one["account"] == "stripe_clearing")


async def test_a_payment_goes_on_when_the_contradiction_is_gone(world: World, capsys: Output) -> None:
    payment_id = await reopened(world)
    before = await row_of(world, payment_id)
    world.wire.refunds["re_x"] = {
        "id": "re_x",
        "object": "refund",
        "amount": 300,
        "currency": "eur",
        "payment_intent": "pi_1",
        "status": "succeeded",
        "metadata": {},
        "created": int(world.clock().timestamp()),
    }

    assert await thaw_payment(world.parts, payment_id, "ops") == 0

    after, told = await row_of(world, payment_id), capsys.readouterr().out
    assert told == f"{payment_id} goes on: now SUCCEEDED\n"
    assert (after["frozen_reason"], after["amount_refunded"]) == (None, 300)
    assert after["version"] == before["version"] + 1  # type: ignore[operator]
    assert ("payment.thawed", "THAW", "ops", "REOPENED") in await last_transitions(world, payment_id)
    assert await captured(world, payment_id) == 700
    assert await verified(world) == []
    refund = await world.mutate("refundPayment", STAFF, paymentId=payment_id)
    assert refund["__typename"] == "RefundSuccess"
    assert await verified(world) == []


async def test_a_payment_that_is_contradicted_still_stays_as_it_is(world: World, capsys: Output) -> None:
    payment_id = await reopened(world)
    world.wire.intents["pi_1"]["amount"] += 1
    before, told = await row_of(world, payment_id), await last_transitions(world, payment_id)

    assert await thaw_payment(world.parts, payment_id, "ops") == 1

    assert await row_of(world, payment_id) == before
    assert await last_transitions(world, payment_id) == told
    assert capsys.readouterr().out.startswith(f"{payment_id} stays frozen (OTHER_AMOUNT). ")
    assert await verified(world) == []


async def test_operations_left_open_end_after_it(world: World) -> None:
    world.wire.faults = [Fault.WRONG_AMOUNT]
    member = await world.create("10.00", confirm=True, paymentMethodId="pm_card_visa")
    payment_id = member["payment"]["id"]
    assert (await row_of(world, payment_id))["frozen_reason"] == "OTHER_AMOUNT"
    world.wire.intents["pi_1"]["amount"] = world.wire.intents["pi_1"]["amount_received"] = 1000

    assert await thaw_payment(world.parts, payment_id, "ops") == 0
    world.clock.turn(minutes=2)
    await world.work()

    (operation,) = await world.rows(payment_operations)
    assert operation["state"] == "SUCCEEDED"
    assert (await world.payment(payment_id))["status"] == "SUCCEEDED"
    assert await captured(world, payment_id) == 1000
    assert await verified(world) == []


async def test_a_late_payment_lives_on_without_the_reference_another_has(
    world: World, capsys: Output
) -> None:
    late, other = await reference_taken(world)

    assert await thaw_payment(world.parts, late, "ops") == 1
    assert "--without-reference" in capsys.readouterr().out
    assert await thaw_payment(world.parts, late, "ops", without_reference=True) == 0

    row = await row_of(world, late)
    assert (row["status"], row["reference"], row["frozen_reason"]) == ("SUCCEEDED", None, None)
    assert (await row_of(world, other))["reference"] == "order-1"
    assert await verified(world) == []
    refund = await world.mutate("refundPayment", STAFF, paymentId=late)
    assert refund["__typename"] == "RefundSuccess"
    assert await captured(world, late) == 0
    assert await verified(world) == []


async def test_it_keeps_the_reference_that_is_free_again(world: World) -> None:
    late, other = await reference_taken(world)
    await world.mutate("cancelPayment", paymentId=other)

    assert await thaw_payment(world.parts, late, "ops") == 0

    assert (await row_of(world, late))["reference"] == "order-1"
    assert await verified(world) == []


async def test_it_gives_no_reference_up_that_nobody_else_has(world: World, capsys: Output) -> None:
    late, other = await reference_taken(world)
    await world.mutate("cancelPayment", paymentId=other)

    assert await thaw_payment(world.parts, late, "ops", without_reference=True) == 2

    row = await row_of(world, late)
    assert (row["reference"], row["frozen_reason"]) == ("order-1", "REFERENCE_TAKEN")
    assert capsys.readouterr().err.startswith(f"{late} may keep its reference")


async def test_a_second_object_has_to_be_given_back_first(world: World, capsys: Output) -> None:
    payment_id = str((await world.pay("10.00"))["id"])
    params = {"amount": "1000", "currency": "eur", "metadata[payment_id]": payment_id}
    second = str(world.wire._create(params)[1]["id"])
    world.wire.succeed(second)
    await world.deliver_and_work("payment_intent.succeeded", second)

    stands = await thaw_payment(world.parts, payment_id, "ops")
    world.wire.add_refund(second, 400)
    still = await thaw_payment(world.parts, payment_id, "ops")
    world.wire.add_refund(second, 600)
    gone = await thaw_payment(world.parts, payment_id, "ops")

    assert (stands, still, gone) == (1, 1, 0)
    assert capsys.readouterr().out.startswith(f"{payment_id} stays frozen (OTHER_OBJECT). ")
    row = await row_of(world, payment_id)
    assert (row["status"], row["provider_payment_id"], row["frozen_reason"]) == ("SUCCEEDED", "pi_1", None)
    assert await captured(world, payment_id) == 1000
    assert await verified(world) == []


async def test_a_payment_may_freeze_and_thaw_more_than_once(world: World) -> None:
    payment_id = await reopened(world)
    paid = dict(world.wire.intents["pi_1"])

    first = await thaw_payment(world.parts, payment_id, "ops")
    world.wire.intents["pi_1"] |= {"status": "requires_payment_method", "amount_received": 0}
    await world.deliver_and_work("payment_intent.payment_failed", "pi_1")
    frozen = (await row_of(world, payment_id))["frozen_reason"]
    world.wire.intents["pi_1"] |= paid
    second = await thaw_payment(world.parts, payment_id, "ops")

    assert (first, frozen, second) == (0, "REOPENED", 0)
    assert await verified(world) == []


async def test_what_cannot_be_thawed_is_said(small_world: World, capsys: Output) -> None:
    fine = (await small_world.create())["payment"]["id"]
    assert await thaw_payment(small_world.parts, "pay_none", "ops") == 2
    assert await thaw_payment(small_world.parts, fine, "ops") == 0

    said = capsys.readouterr()
    assert said.err == "There is no payment pay_none.\n"
    assert said.out == f"{fine} is not frozen\n"


async def test_nothing_is_judged_while_the_provider_is_down(small_world: World, capsys: Output) -> None:
    payment_id = await reopened(small_world)
    assert await thaw_payment(small_world.parts, payment_id, "ops", without_reference=True) == 2
    small_world.wire.down = True
    assert await thaw_payment(small_world.parts, payment_id, "ops") == 2

    kept, down = capsys.readouterr().err.splitlines()
    assert kept.startswith(f"{payment_id} may keep its reference")
    assert down.startswith("The provider could not be asked: ")
    assert (await row_of(small_world, payment_id))["frozen_reason"] == "REOPENED"


async def test_a_payment_the_provider_has_no_more_stays_frozen(small_world: World, capsys: Output) -> None:
    payment_id = await reopened(small_world)
    small_world.wire.intents.clear()

    assert await thaw_payment(small_world.parts, payment_id, "ops") == 1

    assert "has no such payment" in capsys.readouterr().out
