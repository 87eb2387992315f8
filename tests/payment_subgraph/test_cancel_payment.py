"""cancelPayment."""

import pytest

from payment_subgraph.tables import payment_operations
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import GRACE, World, refusal_kept

pytestmark = pytest.mark.anyio


async def test_canceling_voids_the_payment(world: World) -> None:
    payment = (await world.create())["payment"]

    member = await world.mutate("cancelPayment", paymentId=payment["id"], reason="changed my mind")

    assert member["__typename"] == "PaymentSuccess"
    assert member["payment"]["status"] == "CANCELED"
    assert member["payment"]["financialStatus"] == "VOIDED"
    assert member["payment"]["canceledAt"] is not None
    assert member["payment"]["availableActions"] == []
    assert "changed my mind" in {row["note"] for row in await world.rows(payment_operations)}


async def test_a_paid_payment_cannot_be_canceled(world: World) -> None:
    payment = await world.pay()
    before = await world.all_rows()

    member = await world.mutate("cancelPayment", paymentId=payment["id"])

    assert member["__typename"] == "InvalidPaymentStateError"
    assert member["currentStatus"] == "SUCCEEDED"
    assert await world.all_rows() == refusal_kept(before)


async def test_a_refusal_is_told_with_the_status_read_again(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")

    member = await world.mutate("cancelPayment", paymentId=payment["id"])

    assert member["__typename"] == "InvalidPaymentStateError"
    assert member["currentStatus"] == "SUCCEEDED"
    assert member["allowedActions"] == ["REFUND"]


async def test_a_refusal_because_it_is_canceled_already_is_a_success(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.intents["pi_1"]["status"] = "canceled"

    member = await world.mutate("cancelPayment", paymentId=payment["id"])

    assert member["__typename"] == "PaymentSuccess"
    assert member["payment"]["status"] == "CANCELED"


async def test_a_foreign_payment_is_not_found(world: World) -> None:
    payment = (await world.create())["payment"]
    before = await world.all_rows()

    member = await world.mutate("cancelPayment", GRACE, paymentId=payment["id"])

    assert member["__typename"] == "NotFoundError"
    assert await world.all_rows() == before


async def test_a_lost_cancel_is_settled_by_the_worker(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.faults = [Fault.DONE_BUT_500]
    member = await world.mutate("cancelPayment", paymentId=payment["id"])
    posts = len(world.wire.posts)

    world.clock.turn(minutes=1)
    await world.work()

    assert member["__typename"] == "OperationPending"
    healed = await world.payment(payment["id"])
    assert healed["status"] == "CANCELED"
    assert healed["pendingOperations"] == []
    assert len(world.wire.posts) == posts


async def test_a_flawed_input_changes_nothing(small_world: World) -> None:
    payment = (await small_world.create())["payment"]
    before = await small_world.all_rows()

    member = await small_world.mutate("cancelPayment", paymentId=payment["id"], reason="r" * 1001)

    assert member["__typename"] == "ValidationError"
    assert await small_world.all_rows() == before
