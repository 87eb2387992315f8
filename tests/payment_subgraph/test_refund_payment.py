"""refundPayment: reserve under the lock, then call; never more than was captured."""

import asyncio

import pytest

from payment_subgraph.tables import observations, refunds
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import ADA, HELPDESK, STAFF, World, euros, refusal_kept

pytestmark = pytest.mark.anyio


async def test_half_is_refunded(world: World) -> None:
    payment = await world.pay("10.00")

    member = await world.mutate(
        "refundPayment",
        STAFF,
        paymentId=payment["id"],
        amount=euros("5.00"),
        reason="DUPLICATE",
        note="sorry",
    )

    assert member["__typename"] == "RefundSuccess"
    assert member["refund"]["status"] == "SUCCEEDED"
    assert (member["refund"]["reason"], member["refund"]["note"]) == ("DUPLICATE", "sorry")
    assert member["operation"]["amount"]["amount"] == "5.00"
    assert member["payment"]["status"] == "SUCCEEDED"
    assert member["payment"]["financialStatus"] == "PARTIALLY_REFUNDED"
    assert member["payment"]["amountRefunded"]["amount"] == "5.00"
    assert member["payment"]["amountRefundPending"]["amount"] == "0.00"
    assert member["payment"]["amountRefundable"]["amount"] == "5.00"
    assert [one["id"] for one in member["payment"]["refunds"]["nodes"]] == [member["refund"]["id"]]


async def test_without_an_amount_all_that_is_left_is_refunded(world: World) -> None:
    payment = await world.pay("10.00")
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("2.50"))
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("2.50"))

    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"])

    assert member["refund"]["amount"]["amount"] == "5.00"
    assert member["payment"]["financialStatus"] == "REFUNDED"
    assert member["payment"]["availableActions"] == []
    assert len(member["payment"]["refunds"]["nodes"]) == 3


async def test_more_than_is_left_is_refused_and_reserves_nothing(world: World) -> None:
    payment = await world.pay("10.00")
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("9.00"))
    before, posts = await world.all_rows(), len(world.wire.posts)

    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("1.01"))

    assert member["__typename"] == "RefundExceedsAvailableError"
    assert member["code"] == "REFUND_EXCEEDS_AVAILABLE"
    assert member["refundable"]["amount"] == "1.00"
    assert await world.all_rows() == refusal_kept(before)
    assert len(world.wire.posts) == posts


async def test_twenty_refunds_at_once_never_exceed_what_was_captured(world: World) -> None:
    payment = await world.pay("10.00")

    members = await asyncio.gather(
        *(
            world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("3.00"))
            for _ in range(20)
        )
    )

    kinds = sorted(member["__typename"] for member in members)
    assert kinds == ["RefundExceedsAvailableError"] * 17 + ["RefundSuccess"] * 3
    assert sum(one["amount"] for one in world.wire.refunds.values()) == 900
    assert (await world.payment(payment["id"]))["amountRefunded"]["amount"] == "9.00"
    assert await world.count(refunds) == 3


async def test_a_lost_refund_stays_reserved(world: World) -> None:
    payment = await world.pay("10.00")
    world.wire.faults = [Fault.LOST_REQUEST]
    lost = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("6.00"))

    second = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("6.00"))

    assert lost["__typename"] == "OperationPending"
    assert lost["payment"]["amountRefundPending"]["amount"] == "6.00"
    assert second["__typename"] == "RefundExceedsAvailableError"
    assert second["refundable"]["amount"] == "4.00"


async def test_somebody_refunded_in_the_dashboard(world: World) -> None:
    payment = await world.pay("10.00")
    world.wire.add_refund("pi_1", 800)

    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("5.00"))

    assert member["__typename"] == "RefundExceedsAvailableError"
    assert member["refundable"]["amount"] == "2.00"
    seen = await world.payment(payment["id"])
    assert seen["amountRefunded"]["amount"] == "8.00"
    assert seen["amountRefundPending"]["amount"] == "0.00"
    assert sorted(one["status"] for one in seen["refunds"]["nodes"]) == ["FAILED", "SUCCEEDED"]


async def test_an_unpaid_payment_cannot_be_refunded(world: World) -> None:
    payment = (await world.create())["payment"]
    before = await world.all_rows()

    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"])

    assert member["__typename"] == "InvalidPaymentStateError"
    assert member["currentStatus"] == "REQUIRES_PAYMENT_METHOD"
    assert await world.all_rows() == refusal_kept(before)


@pytest.mark.parametrize(
    ("money", "code"),
    [
        ({"amount": "0", "currency": "EUR"}, "AMOUNT_NOT_POSITIVE"),
        ({"amount": "1.001", "currency": "EUR"}, "TOO_MANY_DIGITS"),
        ({"amount": "1.00", "currency": "USD"}, "CURRENCY_MISMATCH"),
        ({"amount": "1.00", "currency": "EURO"}, "UNKNOWN_CURRENCY"),
    ],
)
async def test_a_wrong_amount_changes_nothing(world: World, money: dict[str, str], code: str) -> None:
    payment = await world.pay()
    before = await world.all_rows()

    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)

    assert member["__typename"] == "ValidationError"
    assert [flaw["code"] for flaw in member["fields"]] == [code]
    assert await world.all_rows() == before


async def test_an_unknown_payment_is_not_found(world: World) -> None:
    member = await world.mutate("refundPayment", STAFF, paymentId="pay_none")

    assert member["__typename"] == "NotFoundError"


@pytest.mark.parametrize("person", [ADA, HELPDESK])
async def test_only_who_may_refund_refunds(world: World, person: object) -> None:
    payment = await world.pay()
    before = await world.all_rows()

    answer = await world.ask(
        "mutation($i: RefundPaymentInput!) { refundPayment(input: $i) { __typename } }",
        person,  # type: ignore[arg-type]
        i={"idempotencyKey": "k", "paymentId": payment["id"]},
    )

    assert answer["data"] == {"refundPayment": None}
    assert answer["errors"][0]["extensions"]["requiredScopes"] == [["refunds:write"]]
    assert await world.all_rows() == before


async def test_a_provider_that_refuses_releases_the_reservation(world: World) -> None:
    payment = await world.pay("10.00")
    world.wire.faults = [Fault.WRONG_KEY]

    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"])

    assert member["__typename"] == "PaymentProviderError"
    assert member["code"] == "PAYMENT_PROVIDER"
    assert member["retryable"]
    seen = await world.payment(payment["id"])
    assert seen["amountRefundable"]["amount"] == "10.00"
    assert [one["status"] for one in seen["refunds"]["nodes"]] == ["FAILED"]


async def test_a_pending_refund_counts_as_pending(world: World) -> None:
    payment = await world.pay("10.00")
    world.wire.refund_status = "pending"

    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=euros("4.00"))

    assert member["refund"]["status"] == "PENDING"
    assert member["payment"]["amountRefundPending"]["amount"] == "4.00"
    assert member["payment"]["financialStatus"] == "PAID"


async def test_a_declined_refund_is_the_providers_no_and_releases_what_it_reserved(world: World) -> None:
    """No refund's answer knows PaymentDeclinedError: that is for attempts to pay."""
    payment = await world.pay("10.00")
    world.wire.faults = [Fault.DECLINED]

    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], idempotencyKey="k")
    again = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], idempotencyKey="k")

    assert member == again
    assert member["__typename"] == "PaymentProviderError"
    seen = await world.payment(payment["id"])
    assert seen["amountRefundable"]["amount"] == "10.00"
    assert [one["status"] for one in seen["refunds"]["nodes"]] == ["FAILED"]


@pytest.mark.parametrize("foreign", ["x" * 500, "rfd_of_another_system"])
async def test_a_refund_made_elsewhere_may_carry_any_metadata(world: World, foreign: str) -> None:
    payment = await world.pay("10.00")
    refund = world.wire.add_refund("pi_1", 300, {"refund_id": foreign})

    await world.deliver(world.wire.event("refund.created", refund))
    await world.work()

    assert (await world.payment(payment["id"]))["amountRefunded"]["amount"] == "3.00"
    (row,) = await world.rows(refunds)
    observed = [one["object_id"] for one in await world.rows(observations) if one["object_type"] == "refund"]
    assert (row["source"], observed) == ("EXTERNAL", [row["id"]])
