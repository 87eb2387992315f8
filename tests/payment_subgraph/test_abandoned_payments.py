"""Payments that nobody comes back to."""

import pytest

from payment_subgraph.tables import payment_operations
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import World

pytestmark = pytest.mark.anyio


async def test_a_payment_nobody_comes_back_to_is_canceled_after_a_day(world: World) -> None:
    payment = (await world.create())["payment"]

    world.clock.turn(hours=23)
    await world.work()
    early = await world.payment(payment["id"])
    world.clock.turn(hours=2)
    await world.work()

    assert early["status"] == "REQUIRES_PAYMENT_METHOD"
    assert (await world.payment(payment["id"]))["status"] == "CANCELED"
    assert world.wire.intents["pi_1"]["status"] == "canceled"
    cancel = next(row for row in await world.rows(payment_operations) if row["kind"] == "CANCEL")
    assert (cancel["actor_id"], cancel["params"]["cancellation_reason"]) == ("system", "abandoned")


async def test_what_has_changed_since_is_not_abandoned(world: World) -> None:
    payment = (await world.create())["payment"]
    world.clock.turn(hours=23)
    await world.mutate(
        "confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa_chargeDeclined"
    )

    world.clock.turn(hours=23)
    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "REQUIRES_PAYMENT_METHOD"


async def test_what_was_paid_unheard_is_not_canceled(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")  # and its webhook is lost

    world.clock.turn(days=2)
    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    assert [row["kind"] for row in await world.rows(payment_operations)] == ["CREATE"]


async def test_who_comes_back_at_the_last_moment_is_let_pay(world: World) -> None:
    payment = (await world.create())["payment"]
    world.clock.turn(hours=25)
    world.wire.faults = [Fault.LOST_REQUEST]
    asked = {"paymentId": payment["id"], "paymentMethodId": "pm_card_visa"}
    member = await world.mutate("confirmPayment", **asked)

    await world.work()
    meanwhile = await world.payment(payment["id"])
    world.clock.turn(minutes=1)
    await world.work()

    assert (member["__typename"], meanwhile["status"]) == ("OperationPending", "REQUIRES_PAYMENT_METHOD")
    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"


async def test_who_is_at_the_bank_may_take_longer(world: World) -> None:
    payment = (await world.create(paymentMethodId="pm_card_threeDSecure2Required", confirm=True))["payment"]

    world.clock.turn(days=3)
    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "REQUIRES_ACTION"


async def test_a_lost_answer_is_asked_for_by_the_same_operation(world: World) -> None:
    payment = (await world.create())["payment"]
    world.clock.turn(days=2)
    world.wire.faults = [Fault.LOST_ANSWER]

    for _ in range(3):
        await world.work()
        world.clock.turn(minutes=20)
    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "CANCELED"
    cancels = [row for row in await world.rows(payment_operations) if row["kind"] == "CANCEL"]
    assert len(cancels) == 1


async def test_it_can_be_switched_off(database_url: str) -> None:
    world = World.build(database_url, ABANDONED_PAYMENT_SECONDS="0")
    payment = (await world.create())["payment"]

    world.clock.turn(days=30)
    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "REQUIRES_PAYMENT_METHOD"
    await world.close()
