"""Disputes: how they come in, what they make of their payment, who may see them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from payment_subgraph.dispute import DisputeStatus
from payment_subgraph.refresh import Errand
from payment_subgraph.repository import Cause
from payment_subgraph.tables import disputes, payments, provider_events
from tests.payment_subgraph.bank import Bank
from tests.payment_subgraph.served_world import serving
from tests.payment_subgraph.world import ADA, GRACE, HELPDESK, STAFF, Person, World, refusal_kept

pytestmark = pytest.mark.anyio

FINANCE = Person("usr_finance", f"{STAFF.scope} disputes:read")
CLERK = Person("usr_clerk", "disputes:read")

DISPUTES = """query($status: [DisputeStatus!], $first: Int, $after: String) {
  disputes(status: $status, first: $first, after: $after) { edges { cursor }
    nodes { id status amount { amount currency } payment { id } } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture
async def world(database_url: str, bank: Bank) -> AsyncIterator[World]:
    made = World.build(database_url, bank.wire)
    yield made
    await made.close()


async def hear(world: World, bank: Bank) -> None:
    """Every event so far, also those that were heard before."""
    for event in await bank.listed("events"):
        await world.deliver(event)
    while await world.parts.reconciler.work_inbox():
        pass


async def paid(world: World, amount: str = "10.00", **fields: Any) -> tuple[dict[str, Any], str]:
    """A payment, and its intent at Stripe."""
    payment = await world.pay(amount, **fields)
    (row,) = [row for row in await world.rows(payments) if row["id"] == payment["id"]]
    return payment, row["provider_payment_id"]


def told(payment: dict[str, Any]) -> dict[str, Any]:
    (dispute,) = payment["disputes"]
    return {
        "dispute": dispute["status"],
        "withdrawn": dispute["fundsWithdrawn"],
        "payment": payment["financialStatus"],
        "disputed": payment["amountDisputed"]["amount"],
        "refundable": payment["amountRefundable"]["amount"],
        "refund": "REFUND" in payment["availableActions"],
    }


async def test_a_chargeback_takes_the_money_and_blocks_refunds(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    await bank.dispute(intent)
    await hear(world, bank)

    seen = await world.payment(payment["id"])

    assert told(seen) == {
        "dispute": "NEEDS_RESPONSE",
        "withdrawn": True,
        "payment": "DISPUTED",
        "disputed": "10.00",
        "refundable": "0.00",
        "refund": False,
    }
    (dispute,) = seen["disputes"]
    (theirs,) = await bank.listed("disputes")
    assert dispute["reason"] == "fraudulent"
    assert dispute["evidenceDueBy"] is not None
    (row,) = await world.rows(disputes)
    assert row["evidence_due_by"].timestamp() == theirs["evidence_details"]["due_by"]
    assert row["created_at"].timestamp() == theirs["created"]


async def test_a_refund_of_what_is_disputed_is_refused_with_the_dispute(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    await bank.dispute(intent, amount=400)
    await hear(world, bank)
    before = await world.all_rows()

    money = {"amount": "1.00", "currency": "EUR"}
    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)

    assert (member["__typename"], member["code"]) == ("PaymentDisputedError", "PAYMENT_DISPUTED")
    assert member["dispute"]["amount"]["amount"] == "4.00"
    assert await world.all_rows() == refusal_kept(before)


async def test_a_refund_that_stripe_refuses_for_a_dispute_tells_it(world: World, bank: Bank) -> None:
    """We have not heard of it yet. The refusal has it read, and the same key is told the same."""
    payment, intent = await paid(world)
    await bank.dispute(intent)

    first, again = [
        await world.mutate("refundPayment", STAFF, paymentId=payment["id"], idempotencyKey="once")
        for _ in range(2)
    ]

    assert first["__typename"] == again["__typename"] == "PaymentDisputedError"
    assert first["dispute"]["id"] == again["dispute"]["id"]
    seen = await world.payment(payment["id"])
    assert (seen["financialStatus"], seen["amountRefundPending"]["amount"]) == ("DISPUTED", "0.00")
    assert [refund["status"] for refund in seen["refunds"]["nodes"]] == ["FAILED"]


async def test_an_inquiry_moves_no_money_and_blocks_nothing(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    dispute = await bank.dispute(intent, case_type="inquiry", reason="general")
    await hear(world, bank)
    seen = await world.payment(payment["id"])
    refund = await world.mutate("refundPayment", STAFF, paymentId=payment["id"])
    await bank.tell(f"disputes/{dispute}/close_inquiry")
    await hear(world, bank)

    assert told(seen) == {
        "dispute": "WARNING_NEEDS_RESPONSE",
        "withdrawn": False,
        "payment": "PAID",
        "disputed": "0.00",
        "refundable": "10.00",
        "refund": True,
    }
    assert refund["__typename"] == "RefundSuccess"
    after = told(await world.payment(payment["id"]))
    assert (after["dispute"], after["payment"]) == ("WARNING_CLOSED", "REFUNDED")


async def test_an_inquiry_that_escalates_fails_the_refunds_under_way(world: World, bank: Bank) -> None:
    payment, intent = await paid(world, paymentMethodId="pm_card_pendingRefund")
    money = {"amount": "3.00", "currency": "EUR"}
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)
    dispute = await bank.dispute(intent, case_type="inquiry")
    await hear(world, bank)
    await bank.tell(f"disputes/{dispute}/escalate")

    (event,) = [one for one in await bank.listed("events") if one["type"] == "charge.dispute.updated"]
    await world.deliver(event)  # of the refund nothing is heard
    await world.parts.reconciler.work_inbox()

    seen = await world.payment(payment["id"])
    assert told(seen)["dispute"] == "NEEDS_RESPONSE"
    assert (seen["financialStatus"], seen["amountRefundPending"]["amount"]) == ("DISPUTED", "0.00")
    (refund,) = seen["refunds"]["nodes"]
    assert (refund["status"], refund["failureReason"]) == ("FAILED", "charge_for_pending_refund_disputed")


@pytest.mark.parametrize(
    ("end", "status", "financial", "withdrawn", "refundable"),
    [("win", "WON", "PAID", False, "10.00"), ("lose", "LOST", "CHARGED_BACK", True, "0.00")],
)
async def test_the_bank_decides(
    world: World, bank: Bank, *, end: str, status: str, financial: str, withdrawn: bool, refundable: str
) -> None:
    payment, intent = await paid(world)
    dispute = await bank.dispute(intent)
    await hear(world, bank)
    await bank.tell(f"disputes/{dispute}/{end}")
    await hear(world, bank)

    after = told(await world.payment(payment["id"]))

    assert after == {
        "dispute": status,
        "withdrawn": withdrawn,
        "payment": financial,
        "disputed": "10.00" if withdrawn else "0.00",
        "refundable": refundable,
        "refund": not withdrawn,
    }
    found = await world.ask(
        "query($s: [PaymentFinancialStatus!]) { payments(filter: {financialStatus: $s}) { nodes { id } } }",
        STAFF,
        s=[financial],
    )
    assert [one["id"] for one in found["data"]["payments"]["nodes"]] == [payment["id"]]


async def test_a_dispute_may_be_larger_than_the_payment(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    await bank.dispute(intent, amount=1700)
    await hear(world, bank)

    after = told(await world.payment(payment["id"]))

    assert (after["disputed"], after["refundable"]) == ("17.00", "0.00")


async def test_two_disputes_count_together_and_the_worse_decides(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    first = await bank.dispute(intent, amount=300)
    await bank.dispute(intent, amount=200, case_type="inquiry")
    await bank.tell(f"disputes/{first}/lose")
    await hear(world, bank)

    seen = await world.payment(payment["id"])

    assert sorted(one["status"] for one in seen["disputes"]) == ["LOST", "WARNING_NEEDS_RESPONSE"]
    assert (seen["financialStatus"], seen["amountDisputed"]["amount"]) == ("CHARGED_BACK", "3.00")
    assert seen["amountRefundable"]["amount"] == "7.00"
    assert seen["availableActions"] == []


async def test_an_open_dispute_is_read_again_until_it_is_closed(world: World, bank: Bank) -> None:
    """Without a webhook, and without the events that the backfill would bring."""
    payment, intent = await paid(world)
    dispute = await bank.dispute(intent)
    await hear(world, bank)
    await bank.tell(f"disputes/{dispute}/win")
    world.clock.turn(minutes=16)

    read = await world.parts.reconciler.reread_payments()
    world.clock.turn(minutes=16)
    again = await world.parts.reconciler.reread_payments()

    assert (read, again) == (1, 0)
    assert told(await world.payment(payment["id"]))["dispute"] == "WON"


async def test_a_dispute_nobody_told_us_of_is_found_with_its_payment(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    await bank.dispute(intent)

    await world.parts.reconciler.refresh(Errand(payment["id"], intent, Cause("WEBHOOK", "evt_of_something")))

    assert told(await world.payment(payment["id"]))["payment"] == "DISPUTED"


async def test_a_dispute_before_the_answer_finds_its_payment(world: World, bank: Bank) -> None:
    """The answer to the creation is lost, and a dispute does not carry our id: its payment does."""
    await bank.tell("faults", kind="status_500", path="/v1/payment_intents", executed="at_once")
    member = await world.mutate(
        "createPayment",
        amount={"amount": "10.00", "currency": "EUR"},
        confirm=True,
        paymentMethodId="pm_card_createDispute",
    )
    (event,) = [one for one in await bank.listed("events") if one["type"] == "charge.dispute.created"]
    await world.deliver(event)
    await world.parts.reconciler.work_inbox()

    assert member["__typename"] == "OperationPending"
    assert told(await world.payment(member["payment"]["id"]))["payment"] == "DISPUTED"
    (row,) = await world.rows(provider_events)
    assert row["state"] == "PROCESSED"


async def paid_elsewhere(bank: Bank) -> str:
    """The intent of other software on the account."""
    theirs = await bank.post(
        "payment_intents",
        amount="700",
        currency="eur",
        confirm="true",
        payment_method="pm_card_visa",
        **{
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        },
    )
    return str(theirs["id"])


async def test_a_dispute_of_somebody_elses_payment_is_ignored(database_url: str, bank: Bank) -> None:
    world = World.build(database_url, bank.wire, ADOPT_EXTERNAL_PAYMENTS="0")
    await bank.dispute(await paid_elsewhere(bank))
    await hear(world, bank)

    assert await world.count(disputes) == await world.count(payments) == 0
    assert {row["state"] for row in await world.rows(provider_events)} == {"IGNORED"}
    await world.close()


async def test_a_dispute_of_a_payment_made_elsewhere_is_followed_with_it(world: World, bank: Bank) -> None:
    """Nothing was heard of the payment before."""
    await bank.dispute(await paid_elsewhere(bank), amount=400)
    events = await bank.listed("events")
    (opened,) = [one for one in events if one["type"] == "charge.dispute.created"]
    await world.deliver(opened)
    await world.work()

    (row,) = await world.rows(payments)
    payment = await world.payment(row["id"])
    assert (row["source"], payment["financialStatus"]) == ("EXTERNAL", "DISPUTED")
    assert (told(payment)["dispute"], told(payment)["disputed"]) == ("NEEDS_RESPONSE", "4.00")


# Early warnings.


async def risk(world: World, payment_id: str, person: Person = STAFF) -> Any:
    answer = await world.ask("query($id: ID!) { payment(id: $id) { id riskLevel } }", person, id=payment_id)
    return answer["data"]["payment"]["riskLevel"]


async def test_a_fraud_warning_flags_the_payment_for_good(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    before = await risk(world, payment["id"])
    await bank.tell(f"charges/{intent}/fraud_warning", fraud_type="made_with_stolen_card")
    await hear(world, bank)
    (flagged,) = await world.rows(payments)
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"])
    await hear(world, bank)

    assert (before, flagged["risk_level"]) == ("NORMAL", "FRAUD_WARNING")
    assert flagged["status"] == "SUCCEEDED"
    assert await risk(world, payment["id"]) == "FRAUD_WARNING"


async def test_the_payer_does_not_learn_of_the_risk(world: World, bank: Bank) -> None:
    payment, _ = await paid(world)

    answer = await world.ask("query($id: ID!) { payment(id: $id) { riskLevel } }", ADA, id=payment["id"])

    assert answer["data"]["payment"] == {"riskLevel": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# Who may see them.


async def test_disputes_are_listed_newest_first_by_status(world: World, bank: Bank) -> None:
    ids = []
    for how in ("chargeback", "inquiry", "chargeback"):
        payment, intent = await paid(world)
        await bank.dispute(intent, case_type=how)
        ids.append(payment["id"])
    await hear(world, bank)

    every = (await world.ask(DISPUTES, FINANCE, first=2))["data"]["disputes"]
    rest = (await world.ask(DISPUTES, FINANCE, first=2, after=every["pageInfo"]["endCursor"]))["data"][
        "disputes"
    ]
    inquiries = (await world.ask(DISPUTES, FINANCE, status=["WARNING_NEEDS_RESPONSE"]))["data"]["disputes"]

    seen = [node["payment"]["id"] for node in (*every["nodes"], *rest["nodes"])]
    assert sorted(seen) == sorted(ids)
    assert (every["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert [node["payment"]["id"] for node in inquiries["nodes"]] == [ids[1]]


@pytest.mark.parametrize("person", [ADA, HELPDESK, None])
async def test_the_list_of_disputes_needs_its_scope(world: World, bank: Bank, person: Person | None) -> None:
    _, intent = await paid(world)
    await bank.dispute(intent)
    await hear(world, bank)

    answer = await world.ask(DISPUTES, person)

    assert answer["data"]["disputes"] is None
    assert answer["errors"][0]["extensions"]["code"] == ("FORBIDDEN" if person else "UNAUTHENTICATED")


async def test_who_may_see_disputes_only_sees_no_payment(world: World, bank: Bank) -> None:
    _, intent = await paid(world)
    await bank.dispute(intent)
    await hear(world, bank)

    bare = await world.ask("{ disputes { nodes { id status } } }", CLERK)
    more = await world.ask("{ disputes { nodes { id payment { id } } } }", CLERK)

    assert [node["status"] for node in bare["data"]["disputes"]["nodes"]] == ["NEEDS_RESPONSE"]
    assert more["data"]["disputes"] is None
    assert more["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(("person", "sees"), [(ADA, True), (STAFF, True), (GRACE, False), (CLERK, False)])
async def test_a_dispute_is_seen_as_its_payment_is(
    world: World, bank: Bank, person: Person, *, sees: bool
) -> None:
    _, intent = await paid(world)
    await bank.dispute(intent)
    await hear(world, bank)
    (row,) = await world.rows(disputes)

    answer = await world.ask(
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Dispute { id payment { id } } } }",
        person,
        r=[{"__typename": "Dispute", "id": row["id"]}],
    )

    found = answer["data"]["_entities"][0]
    assert (found is not None) is sees


async def test_the_timeline_tells_of_disputes_and_only_staff_of_warnings(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    dispute = await bank.dispute(intent, amount=400)
    await bank.tell(f"charges/{intent}/fraud_warning", fraud_type="made_with_stolen_card")
    await hear(world, bank)
    await bank.tell(f"disputes/{dispute}/lose")
    await hear(world, bank)
    query = """query($id: ID!) { payment(id: $id) { disputes { id }
      events { nodes { type source message disputeId refundId amount { amount } } } } }"""

    answers = [(await world.ask(query, person, id=payment["id"]))["data"] for person in (STAFF, ADA)]
    staff, payer = (answer["payment"]["events"]["nodes"] for answer in answers)

    (seen,) = answers[0]["payment"]["disputes"]
    assert sorted(one["type"] for one in staff) == [
        "dispute.closed",
        "dispute.funds_withdrawn",
        "dispute.opened",
        "payment.created",
        "payment.flagged",
        "payment.succeeded",
    ]
    assert payer == [one for one in staff if one["type"] != "payment.flagged"]
    about = [one for one in payer if one["type"].startswith("dispute.")]
    assert all(one["disputeId"] == seen["id"] and one["refundId"] is None for one in about)
    assert {(one["amount"]["amount"], one["source"], one["message"]) for one in about} == {
        ("4.00", "WEBHOOK", None)
    }


async def test_who_watches_a_payment_is_told_of_its_dispute(world: World, bank: Bank) -> None:
    payment, intent = await paid(world)
    dispute = await bank.dispute(intent, case_type="inquiry")
    await hear(world, bank)
    query = """subscription($id: ID!) { paymentUpdated(paymentId: $id) { version disputes { status } } }"""

    async with serving(world) as served, served.events(query, id=payment["id"]) as events:
        first = await events.payment()
        await bank.tell(f"disputes/{dispute}/escalate")
        await hear(world, bank)
        told = await events.until(disputes=[{"status": "NEEDS_RESPONSE"}])

    assert first["disputes"] == [{"status": "WARNING_NEEDS_RESPONSE"}]
    assert told["disputes"] != first["disputes"]


async def test_a_dispute_that_changes_without_its_payment_is_told(world: World, bank: Bank) -> None:
    """It is under review now, and everything else about the payment stays."""
    payment, intent = await paid(world)
    await bank.dispute(intent)
    await hear(world, bank)
    query = """subscription($id: ID!) { paymentUpdated(paymentId: $id) { version disputes { status } } }"""

    async with serving(world) as served, served.events(query, id=payment["id"]) as events:
        first = await events.payment()
        async with world.parts.repository.writing() as rows:
            await rows.payment(payment["id"], lock=True)
            (known,) = await rows.disputes_of(payment["id"])
            reviewed = replace(known, status=DisputeStatus.UNDER_REVIEW)
            await rows.change_dispute(known, reviewed, Cause("WEBHOOK", "evt_1"), world.clock())
        told = await events.until(disputes=[{"status": "UNDER_REVIEW"}])

    assert told["version"] == first["version"]
