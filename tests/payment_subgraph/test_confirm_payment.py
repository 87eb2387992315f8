"""confirmPayment."""

import pytest

from payment_subgraph.tables import payment_operations
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import ADA, GRACE, STAFF, World, refusal_kept

pytestmark = pytest.mark.anyio


async def test_confirming_pays(world: World) -> None:
    payment = (await world.create())["payment"]

    member = await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")

    assert member["__typename"] == "PaymentSuccess"
    assert member["operation"]["kind"] == "CONFIRM"
    assert member["payment"]["status"] == "SUCCEEDED"


async def test_after_a_decline_another_card_pays(world: World) -> None:
    payment = (await world.create())["payment"]
    declined = await world.mutate(
        "confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa_chargeDeclined"
    )

    member = await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")

    assert declined["__typename"] == "PaymentDeclinedError"
    assert member["payment"]["status"] == "SUCCEEDED"
    assert member["payment"]["lastError"] is None
    keys = [call.key for call in world.wire.posts]
    assert len(set(keys)) == 3


async def test_a_paid_payment_cannot_be_confirmed(world: World) -> None:
    payment = await world.pay()
    before, posts = await world.all_rows(), len(world.wire.posts)

    member = await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")

    assert member["__typename"] == "InvalidPaymentStateError"
    assert member["code"] == "INVALID_PAYMENT_STATE"
    assert (member["currentStatus"], member["allowedActions"]) == ("SUCCEEDED", ["REFUND"])
    assert await world.all_rows() == refusal_kept(before)
    assert len(world.wire.posts) == posts


async def test_what_the_browser_did_meanwhile_is_read_again(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")

    member = await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")

    assert member["__typename"] == "InvalidPaymentStateError"
    assert member["currentStatus"] == "SUCCEEDED"
    assert (await world.payment(payment["id"]))["amountCaptured"]["amount"] == "10.00"


@pytest.mark.parametrize("other", ["unknown", "foreign"])
async def test_an_unknown_payment_and_a_foreign_one_look_alike(world: World, other: str) -> None:
    payment = (await world.create())["payment"]
    before = await world.all_rows()
    wanted = payment["id"] if other == "foreign" else "pay_none"

    member = await world.mutate("confirmPayment", GRACE, paymentId=wanted, paymentMethodId="pm_card_visa")

    assert member == {
        "__typename": "NotFoundError",
        "code": "NOT_FOUND",
        "message": "There is no such payment.",
        "id": wanted,
    }
    assert await world.all_rows() == before


async def test_staff_confirms_anybodys(world: World) -> None:
    payment = (await world.create())["payment"]

    member = await world.mutate(
        "confirmPayment", STAFF, paymentId=payment["id"], paymentMethodId="pm_card_visa"
    )

    assert member["payment"]["status"] == "SUCCEEDED"


async def test_no_second_attempt_while_one_is_open(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.faults = [Fault.LOST_ANSWER]
    first = await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")

    second = await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")

    assert first["__typename"] == "OperationPending"
    assert second["__typename"] == "InvalidPaymentStateError"
    assert await world.count(payment_operations) == 3  # with what was refused, kept under its key


async def test_a_payment_without_a_method_needs_one(world: World) -> None:
    payment = (await world.create())["payment"]
    before, calls = await world.all_rows(), len(world.wire.calls)

    member = await world.mutate("confirmPayment", paymentId=payment["id"])

    assert member["__typename"] == "ValidationError"
    assert [(flaw["path"], flaw["code"]) for flaw in member["fields"]] == [
        (["input", "paymentMethodId"], "REQUIRED")
    ]
    assert await world.all_rows() == refusal_kept(before)
    assert await world.payment(payment["id"], ADA) == payment
    assert len(world.wire.calls) == calls


async def test_a_replay_is_answered_even_when_the_payment_has_lost_its_method(world: World) -> None:
    payment = (await world.create(paymentMethodId="pm_card_visa_chargeDeclined"))["payment"]
    first = await world.mutate("confirmPayment", paymentId=payment["id"], idempotencyKey="k")
    posts = len(world.wire.posts)

    second = await world.mutate("confirmPayment", paymentId=payment["id"], idempotencyKey="k")

    assert payment["status"] == "REQUIRES_CONFIRMATION"
    assert first["__typename"] == "PaymentDeclinedError"
    assert first["payment"]["status"] == "REQUIRES_PAYMENT_METHOD"
    assert second == first
    assert len(world.wire.posts) == posts


async def test_a_flawed_input_changes_nothing(small_world: World) -> None:
    payment = (await small_world.create())["payment"]
    before = await small_world.all_rows()

    member = await small_world.mutate("confirmPayment", paymentId=payment["id"], idempotencyKey="")

    assert member["__typename"] == "ValidationError"
    assert await small_world.all_rows() == before
