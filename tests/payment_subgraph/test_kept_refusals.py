"""What a payment's state forbids stays forbidden under its key: a late request must not do what was told is not done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import ADA, STAFF, World, euros

pytestmark = pytest.mark.anyio

Asked = dict[str, Any]
BEFORE = "This was refused before, under this idempotencyKey. To try again, use a new one."


async def too_much_is_reserved(world: World) -> tuple[str, Asked]:
    payment = await world.pay("10.00")
    world.wire.faults = [Fault.LOST_REQUEST]
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("6.00"))
    return "refundPayment", {"paymentId": payment["id"], "amount": euros("6.00")}


async def the_reserved_is_free_again(world: World, _asked: Asked) -> None:
    world.wire.faults = [Fault.DECLINED]
    world.clock.turn(minutes=1)
    await world.work()


async def it_is_not_paid(world: World) -> tuple[str, Asked]:
    payment = (await world.create("10.00"))["payment"]
    return "refundPayment", {"paymentId": payment["id"], "amount": euros("6.00")}


async def it_is_paid(world: World, asked: Asked) -> None:
    await world.mutate("confirmPayment", STAFF, paymentId=asked["paymentId"], paymentMethodId="pm_card_visa")


async def it_is_not_authorized(world: World) -> tuple[str, Asked]:
    payment = (await world.create("10.00", captureMethod="MANUAL"))["payment"]
    return "capturePayment", {"paymentId": payment["id"]}


async def it_has_no_method(world: World) -> tuple[str, Asked]:
    payment = (await world.create("10.00"))["payment"]
    return "confirmPayment", {"paymentId": payment["id"]}


async def it_has_got_a_method(world: World, _asked: Asked) -> None:
    method = {"id": "pm_card_visa", "type": "card"}
    world.wire.intents["pi_1"] |= {"status": "requires_confirmation", "payment_method": method}
    await world.deliver_and_work("payment_intent.created", "pi_1")


async def somebody_else_pays(world: World) -> tuple[str, Asked]:
    payment = (await world.create("10.00"))["payment"]
    world.wire.faults = [Fault.LOST_REQUEST]
    confirmation = {"paymentId": payment["id"], "paymentMethodId": "pm_card_visa"}
    await world.mutate("confirmPayment", STAFF, **confirmation)
    return "confirmPayment", confirmation


async def the_other_is_declined(world: World, _asked: Asked) -> None:
    world.wire.faults = [Fault.DECLINED]
    world.clock.turn(minutes=1)
    await world.work()


async def the_order_is_being_paid(world: World) -> tuple[str, Asked]:
    await world.create(reference="order")
    return "createPayment", {"amount": euros("10.00"), "reference": "order"}


async def the_other_is_given_up(world: World, _asked: Asked) -> None:
    (payment,) = (await world.ask("{ payments { nodes { id } } }", STAFF))["data"]["payments"]["nodes"]
    await world.mutate("cancelPayment", STAFF, paymentId=payment["id"])


Forbidding = Callable[[World], Awaitable[tuple[str, Asked]]]
Allowing = Callable[[World, Asked], Awaitable[None]]
CASES: list[Any] = [
    pytest.param(
        too_much_is_reserved,
        "RefundExceedsAvailableError",
        the_reserved_is_free_again,
        id="what was reserved is free",
    ),
    pytest.param(it_is_not_paid, "InvalidPaymentStateError", it_is_paid, id="it is paid"),
    pytest.param(it_is_not_authorized, "InvalidPaymentStateError", it_is_paid, id="it is authorized"),
    pytest.param(it_has_no_method, "ValidationError", it_has_got_a_method, id="it has got a method"),
    pytest.param(
        somebody_else_pays, "InvalidPaymentStateError", the_other_is_declined, id="the other was declined"
    ),
    pytest.param(
        the_order_is_being_paid, "DuplicatePaymentError", the_other_is_given_up, id="the other was given up"
    ),
]


@pytest.mark.parametrize(("forbid", "refusal", "allow"), CASES)
async def test_a_key_that_was_refused_does_nothing_later_and_another_does(
    world: World, forbid: Forbidding, refusal: str, allow: Allowing
) -> None:
    mutation, asked = await forbid(world)
    who = ADA if mutation == "createPayment" else STAFF
    first = await world.mutate(mutation, who, idempotencyKey="k", **asked)
    await allow(world, asked)
    posts, rows = len(world.wire.posts), await world.all_rows()

    late = await world.mutate(mutation, who, idempotencyKey="k", **asked)
    nothing_done = (len(world.wire.posts), await world.all_rows()) == (posts, rows)
    anew = await world.mutate(mutation, who, idempotencyKey="new", **asked)

    assert (first["__typename"], late["__typename"]) == (refusal, refusal)
    assert first["message"] != BEFORE
    assert late["message"] == (BEFORE if refusal != "ValidationError" else first["message"])
    assert nothing_done
    assert anew["__typename"] in {"PaymentSuccess", "RefundSuccess"}


async def test_a_refused_key_is_taken_for_another_input(world: World) -> None:
    payment = await world.pay("10.00")
    much = {"paymentId": payment["id"], "amount": euros("11.00")}
    await world.mutate("refundPayment", STAFF, idempotencyKey="k", **much)

    less = await world.mutate(
        "refundPayment", STAFF, idempotencyKey="k", paymentId=payment["id"], amount=euros("1.00")
    )

    assert less["__typename"] == "IdempotencyConflictError"
    assert (await world.payment(payment["id"]))["amountRefunded"]["amount"] == "0.00"


async def test_a_flaw_of_the_input_may_be_mended_under_the_same_key(world: World) -> None:
    payment = await world.pay("10.00")
    wrong = {"amount": "1.00", "currency": "USD"}
    refused = await world.mutate(
        "refundPayment", STAFF, idempotencyKey="k", paymentId=payment["id"], amount=wrong
    )

    mended = await world.mutate(
        "refundPayment", STAFF, idempotencyKey="k", paymentId=payment["id"], amount=euros("1.00")
    )

    assert refused["__typename"] == "ValidationError"
    assert mended["__typename"] == "RefundSuccess"


async def test_many_with_one_key_beside_another_payment_are_all_told_of_it(world: World) -> None:
    """On PostgreSQL they wait for its commit together, and then for each other."""
    others = asyncio.create_task(world.create(idempotencyKey="other", reference="order"))
    same = [world.create(idempotencyKey="k", reference="order") for _ in range(6)]

    members = await asyncio.gather(*same)
    kinds = {member["__typename"] for member in members}

    assert len(kinds) == 1
    assert kinds | {(await others)["__typename"]} == {"PaymentSuccess", "DuplicatePaymentError"}
