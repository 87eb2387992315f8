"""capturePayment: what was authorized is taken, in whole or in part, once."""

import asyncio
from typing import Any

import pytest

from payment_subgraph.tables import payment_operations
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import ADA, HELPDESK, STAFF, World, euros, refusal_kept

pytestmark = pytest.mark.anyio


async def capture(world: World, payment: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return await world.mutate("capturePayment", HELPDESK, paymentId=payment["id"], **fields)


async def test_a_payment_to_be_captured_by_hand_is_authorized_first(world: World) -> None:
    payment = await world.authorize("10.00")

    assert payment["status"] == "REQUIRES_CAPTURE"
    assert payment["financialStatus"] == "AUTHORIZED"
    assert payment["captureMethod"] == "MANUAL"
    assert payment["amountCapturable"]["amount"] == "10.00"
    assert payment["amountCaptured"]["amount"] == "0.00"
    assert payment["availableActions"] == ["CAPTURE", "CANCEL"]
    assert payment["nextAction"] is None
    assert world.wire.posts[0].params["capture_method"] == "manual"


async def test_without_being_asked_a_payment_is_captured_at_once(small_world: World) -> None:
    payment = await small_world.pay()

    assert (payment["status"], payment["captureMethod"]) == ("SUCCEEDED", "AUTOMATIC")
    assert "capture_method" not in small_world.wire.posts[0].params


async def test_without_an_amount_all_that_is_authorized_is_captured(world: World) -> None:
    payment = await world.authorize("10.00")

    member = await capture(world, payment)

    assert member["__typename"] == "PaymentSuccess"
    assert not member["replayed"]
    assert (member["operation"]["kind"], member["operation"]["state"]) == ("CAPTURE", "SUCCEEDED")
    assert member["operation"]["amount"]["amount"] == "10.00"
    assert member["payment"]["status"] == "SUCCEEDED"
    assert member["payment"]["financialStatus"] == "PAID"
    assert member["payment"]["amountCaptured"]["amount"] == "10.00"
    assert member["payment"]["amountCapturable"]["amount"] == "0.00"
    assert member["payment"]["succeededAt"] is not None
    assert member["payment"]["availableActions"] == ["REFUND"]


async def test_a_part_is_captured_and_the_rest_released(world: World) -> None:
    payment = await world.authorize("10.00")

    member = await capture(world, payment, amount=euros("4.00"))
    again = await capture(world, payment, amount=euros("1.00"))

    assert member["payment"]["status"] == "SUCCEEDED"
    assert member["payment"]["amount"]["amount"] == "10.00"
    assert member["payment"]["amountCaptured"]["amount"] == "4.00"
    assert member["payment"]["amountCapturable"]["amount"] == "0.00"
    assert member["payment"]["amountRefundable"]["amount"] == "4.00"
    assert again["__typename"] == "InvalidPaymentStateError"


async def test_what_was_captured_in_part_can_be_refunded_to_that_part(world: World) -> None:
    payment = await world.authorize("10.00")
    await capture(world, payment, amount=euros("4.00"))

    more = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("4.01"))
    all_of_it = await world.mutate("refundPayment", STAFF, paymentId=payment["id"])

    assert more["__typename"] == "RefundExceedsAvailableError"
    assert all_of_it["payment"]["financialStatus"] == "REFUNDED"


async def test_a_sum_crosses_in_stripes_own_units(world: World) -> None:
    payment = await world.authorize("1500", "UGX")

    member = await capture(world, payment, amount={"amount": "700", "currency": "UGX"})

    assert world.wire.posts[-1].params["amount_to_capture"] == "70000"
    assert member["payment"]["amountCaptured"] == {"amount": "700", "amountMinor": "700", "currency": "UGX"}


@pytest.mark.parametrize(
    ("amount", "path", "code"),
    [
        (euros("10.01"), "amount", "AMOUNT_TOO_LARGE"),
        (euros("0"), "amount", "AMOUNT_NOT_POSITIVE"),
        (euros("1.001"), "amount", "TOO_MANY_DIGITS"),
        ({"amount": "1.00", "currency": "USD"}, "currency", "CURRENCY_MISMATCH"),
    ],
)
async def test_a_sum_that_cannot_be_captured_changes_nothing(
    world: World, amount: dict[str, str], path: str, code: str
) -> None:
    payment = await world.authorize("10.00")
    before, posts = await world.all_rows(), len(world.wire.posts)

    member = await capture(world, payment, amount=amount)

    assert member["__typename"] == "ValidationError"
    assert [(one["path"], one["code"]) for one in member["fields"]] == [(["input", "amount", path], code)]
    assert await world.all_rows() == before
    assert len(world.wire.posts) == posts


async def test_an_empty_key_is_refused(small_world: World) -> None:
    payment = await small_world.authorize()

    member = await capture(small_world, payment, idempotencyKey=" ", amount=euros("0"))

    assert [one["code"] for one in member["fields"]] == ["REQUIRED", "AMOUNT_NOT_POSITIVE"]


@pytest.mark.parametrize("state", ["open", "paid", "canceled"])
async def test_only_an_authorized_payment_can_be_captured(world: World, state: str) -> None:
    payment = (
        await world.pay() if state == "paid" else (await world.create(captureMethod="MANUAL"))["payment"]
    )
    if state == "canceled":
        payment = (await world.mutate("cancelPayment", paymentId=payment["id"]))["payment"]
    before = await world.all_rows()

    member = await capture(world, payment)

    assert member["__typename"] == "InvalidPaymentStateError"
    assert member["currentStatus"] == payment["status"]
    assert member["allowedActions"] == payment["availableActions"]
    assert await world.all_rows() == refusal_kept(before)


async def test_an_unknown_payment_is_not_found(small_world: World) -> None:
    member = await small_world.mutate("capturePayment", STAFF, paymentId="pay_none")

    assert (member["__typename"], member["id"]) == ("NotFoundError", "pay_none")


async def test_capturing_is_for_staff_even_of_ones_own_payment(small_world: World) -> None:
    payment = await small_world.authorize()
    query = "mutation($i: CapturePaymentInput!) { capturePayment(input: $i) { __typename } }"

    answer = await small_world.ask(query, ADA, i={"idempotencyKey": "k", "paymentId": payment["id"]})

    assert answer["data"] == {"capturePayment": None}
    assert answer["errors"][0]["extensions"]["requiredScopes"] == [["payments:write:any"]]
    assert small_world.wire.intents["pi_1"]["status"] == "requires_capture"


async def test_the_same_key_is_answered_again_without_asking(world: World) -> None:
    payment = await world.authorize()
    first = await capture(world, payment, idempotencyKey="k", amount=euros("4.00"))
    posts = len(world.wire.posts)

    second = await capture(world, payment, idempotencyKey="k", amount=euros("4.0"))
    other = await capture(world, payment, idempotencyKey="k", amount=euros("5.00"))

    assert {**first, "replayed": True} == second
    assert other["__typename"] == "IdempotencyConflictError"
    assert other["originalOperation"] == first["operation"]
    assert len(world.wire.posts) == posts


async def test_of_ten_captures_at_once_one_is_sent(world: World) -> None:
    payment = await world.authorize("10.00")

    members = await asyncio.gather(*(capture(world, payment, amount=euros("3.00")) for _ in range(10)))

    kinds = sorted(member["__typename"] for member in members)
    assert kinds == ["InvalidPaymentStateError"] * 9 + ["PaymentSuccess"]
    assert len([call for call in world.wire.posts if call.path.endswith("/capture")]) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.DONE_BUT_500, Fault.TOO_MANY, Fault.NONSENSE],
)
async def test_a_capture_without_an_answer_is_pending_and_done_once(world: World, fault: Fault) -> None:
    payment = await world.authorize("10.00")
    world.wire.faults = [fault]
    member = await capture(world, payment, idempotencyKey="k", amount=euros("4.00"))

    world.clock.turn(minutes=1)
    await world.work()
    again = await capture(world, payment, idempotencyKey="k", amount=euros("4.00"))

    assert member["__typename"] == "OperationPending"
    assert [one["kind"] for one in member["payment"]["pendingOperations"]] == ["CAPTURE"]
    assert (again["__typename"], again["replayed"]) == ("PaymentSuccess", True)
    assert again["payment"]["amountCaptured"]["amount"] == "4.00"
    assert again["payment"]["pendingOperations"] == []
    captures = [call for call in world.wire.posts if call.path.endswith("/capture")]
    assert len({call.key for call in captures}) == 1


async def test_after_a_stored_500_it_is_only_looked_and_the_truth_told_after_the_grace(world: World) -> None:
    payment = await world.authorize()
    world.wire.faults = [Fault.STORED_500]
    await capture(world, payment, idempotencyKey="k")
    posts = len(world.wire.posts)

    open_ones = []
    for _ in range(3):
        world.clock.turn(minutes=10)
        await world.work()
        open_ones.append(len((await world.payment(payment["id"]))["pendingOperations"]))
    again = await capture(world, payment, idempotencyKey="k")
    fresh = await capture(world, payment)

    assert open_ones == [1, 1, 0]
    assert (again["__typename"], again["retryable"]) == ("PaymentProviderError", True)
    assert fresh["__typename"] == "PaymentSuccess"
    assert len(world.wire.posts) == posts + 1


async def test_while_one_captures_outcome_is_unknown_no_other_is_sent(world: World) -> None:
    payment = await world.authorize()
    world.wire.faults = [Fault.LOST_REQUEST]
    await capture(world, payment, amount=euros("4.00"))
    posts = len(world.wire.posts)

    member = await capture(world, payment, amount=euros("5.00"))

    assert member["__typename"] == "InvalidPaymentStateError"
    assert len(world.wire.posts) == posts


async def test_a_webhook_settles_a_capture_whose_answer_was_lost(world: World) -> None:
    payment = await world.authorize()
    world.wire.faults = [Fault.LOST_ANSWER]
    await capture(world, payment, amount=euros("4.00"))

    await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))
    await world.work()

    seen = await world.payment(payment["id"])
    assert (seen["status"], seen["amountCaptured"]["amount"]) == ("SUCCEEDED", "4.00")
    assert seen["pendingOperations"] == []
    (state,) = [row["state"] for row in await world.rows(payment_operations) if row["kind"] == "CAPTURE"]
    assert state == "SUCCEEDED"


async def test_an_old_hint_about_the_authorization_does_not_turn_a_capture_back(world: World) -> None:
    payment = await world.authorize()
    old = world.wire.event("payment_intent.amount_capturable_updated", world.wire.intents["pi_1"])
    captured = (await capture(world, payment, amount=euros("4.00")))["payment"]

    await world.deliver(old)
    await world.work()

    assert await world.payment(payment["id"], HELPDESK) == captured


@pytest.mark.parametrize(("dashboard", "told"), [(400, "PaymentSuccess"), (700, "InvalidPaymentStateError")])
async def test_a_refusal_is_judged_by_what_was_captured(world: World, dashboard: int, told: str) -> None:
    """Somebody was faster, or it was our own earlier try: what counts is whether that sum was captured."""
    payment = await world.authorize("10.00")
    world.wire.capture("pi_1", dashboard)

    member = await capture(world, payment, amount=euros("4.00"))

    assert member["__typename"] == told
    seen = await world.payment(payment["id"])
    assert (seen["status"], seen["amountCaptured"]["amountMinor"]) == ("SUCCEEDED", str(dashboard))


@pytest.mark.parametrize(("dashboard", "state"), [(400, "SUCCEEDED"), (700, "REJECTED")])
async def test_a_look_is_judged_by_what_was_captured(world: World, dashboard: int, state: str) -> None:
    payment = await world.authorize("10.00")
    world.wire.faults = [Fault.STORED_500]
    await capture(world, payment, amount=euros("4.00"))
    world.wire.capture("pi_1", dashboard)

    world.clock.turn(minutes=1)
    await world.work()

    (row,) = [row for row in await world.rows(payment_operations) if row["kind"] == "CAPTURE"]
    assert row["state"] == state


async def test_an_authorization_that_expired_is_told_with_the_status_read_again(world: World) -> None:
    payment = await world.authorize()
    world.wire.expire("pi_1")

    member = await capture(world, payment)

    assert member["__typename"] == "InvalidPaymentStateError"
    assert (member["currentStatus"], member["allowedActions"]) == ("CANCELED", [])


async def test_less_than_was_thought_is_capturable(world: World) -> None:
    """Stripe knows better what is left: its no is told, and the payment stays to be captured."""
    payment = await world.authorize("10.00")
    world.wire.intents["pi_1"]["amount_capturable"] = 500

    member = await capture(world, payment)

    assert member["__typename"] == "ValidationError"
    assert [(one["path"], one["code"]) for one in member["fields"]] == [
        (["input", "amount", "amount"], "AMOUNT_TOO_LARGE")
    ]
    seen = await world.payment(payment["id"])
    assert (seen["status"], seen["amountCapturable"]["amount"]) == ("REQUIRES_CAPTURE", "5.00")


@pytest.mark.parametrize("by", ["webhook", "reading again"])
async def test_an_authorization_that_expires_becomes_canceled(world: World, by: str) -> None:
    payment = await world.authorize()
    world.wire.expire("pi_1")
    if by == "webhook":
        await world.deliver(world.wire.event("payment_intent.canceled", world.wire.intents["pi_1"]))
    else:
        world.clock.turn(minutes=16)

    await world.work()

    seen = await world.payment(payment["id"])
    assert (seen["status"], seen["financialStatus"]) == ("CANCELED", "VOIDED")
    assert seen["amountCapturable"]["amount"] == "0.00"
    assert seen["availableActions"] == []


async def test_an_authorized_payment_can_be_canceled_by_its_payer(world: World) -> None:
    payment = await world.authorize()

    member = await world.mutate("cancelPayment", paymentId=payment["id"])

    assert member["payment"]["financialStatus"] == "VOIDED"
    assert (await capture(world, payment))["__typename"] == "InvalidPaymentStateError"
