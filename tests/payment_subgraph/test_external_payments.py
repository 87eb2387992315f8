"""What is done at Stripe without us, in its dashboard or by other software on the account, appears here."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from payment_subgraph.tables import ledger_entries, observations, outbox_messages, payments
from payment_subgraph.verification import Verification
from tests.payment_subgraph.world import ADA, CAUSE, KEEPER, STAFF, Person, World

pytestmark = pytest.mark.anyio

AUDITOR = Person("usr_auditor", f"{STAFF.scope} ledger:read reports:read")
EXTERNAL = (
    "query($id: ID!) { payment(id: $id) { source description user { id } nextAction { clientSecret } } }"
)
BOOKS = (
    '{ ledgerCheck(currency: "EUR") { balanced matchesPayments accounts { account balance { amount } } } }'
)


def made_elsewhere(
    world: World, amount: int = 2500, metadata: dict[str, str] | None = None, **fields: Any
) -> dict[str, Any]:
    """An intent of somebody else's, not paid yet."""
    params = {"amount": str(amount), "currency": "eur"}
    params |= {f"metadata[{key}]": value for key, value in (metadata or {}).items()}
    _, intent = world.wire._create(params)
    world.wire.intents[intent["id"]] |= {"description": "Invoice 17"} | fields
    return world.wire.intents[intent["id"]]


async def tell(world: World, kind: str, subject: dict[str, Any]) -> None:
    await world.deliver(world.wire.event(kind, subject))
    await world.work()


async def adopted(world: World) -> dict[str, Any]:
    """The only payment there is, as staff see it."""
    (row,) = await world.rows(payments)
    return await world.payment(row["id"])


@pytest.fixture
async def replica(world: World) -> AsyncIterator[World]:
    """Another worker on the same database, and the same Stripe."""
    other = World.build(world.settings.database.url)
    other.wire.intents, other.wire.refunds = world.wire.intents, world.wire.refunds
    yield other
    await other.close()


async def test_a_payment_made_in_the_dashboard_appears_to_staff(world: World) -> None:
    intent = made_elsewhere(world, metadata={"order": "17"})
    world.wire.succeed(intent["id"])

    await tell(world, "payment_intent.succeeded", intent)

    payment = await adopted(world)
    seen = await world.ask(EXTERNAL, STAFF, id=payment["id"])
    assert (payment["status"], payment["financialStatus"]) == ("SUCCEEDED", "PAID")
    assert payment["amountCaptured"]["amount"] == "25.00"
    assert payment["availableActions"] == ["REFUND"]
    assert seen["data"]["payment"] == {
        "source": "EXTERNAL",
        "description": "Invoice 17",
        "user": None,
        "nextAction": None,
    }


async def test_its_timeline_and_messages_begin_with_the_event_that_told_of_it(world: World) -> None:
    intent = made_elsewhere(world)
    world.wire.succeed(intent["id"])
    event = world.wire.event("payment_intent.succeeded", intent)
    for _ in range(2):
        await world.deliver(event)
        await world.work()
    payment = await adopted(world)

    query = "query($id: ID!) { payment(id: $id) { events { nodes { type source causeId actorId } } } }"
    told = (await world.ask(query, STAFF, id=payment["id"]))["data"]["payment"]["events"]["nodes"]
    messages = sorted(await world.rows(outbox_messages), key=lambda row: row["sequence"])

    by_event = {"source": "WEBHOOK", "causeId": event["id"], "actorId": None}
    assert told == [{"type": "payment.succeeded", **by_event}, {"type": "payment.created", **by_event}]
    assert [row["type"] for row in messages] == ["payment.created", "payment.succeeded"]
    assert {json.loads(row["payload"])["data"]["payment"]["source"] for row in messages} == {"EXTERNAL"}


async def test_no_customer_sees_it(world: World) -> None:
    intent = made_elsewhere(world)
    world.wire.succeed(intent["id"])
    await tell(world, "payment_intent.succeeded", intent)
    (row,) = await world.rows(payments)

    of_ada = await world.ask(EXTERNAL, ADA, id=row["id"])
    of_nobody = await world.ask(
        """query($r: [_Any!]!) { _entities(representations: $r) { ... on User { payments { nodes { id } } } } }""",
        STAFF,
        r=[{"__typename": "User", "id": "usr_ada"}],
    )

    assert of_ada["data"] == {"payment": None}
    assert of_nobody["data"]["_entities"] == [{"payments": {"nodes": []}}]


async def test_staff_refund_it_and_the_ledger_has_it(world: World) -> None:
    intent = made_elsewhere(world)
    world.wire.succeed(intent["id"])
    await tell(world, "charge.succeeded", {"object": "charge", "payment_intent": intent["id"]})
    payment = await adopted(world)

    money = {"amount": "10.00", "currency": "EUR"}
    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)

    books = (await world.ask(BOOKS, AUDITOR))["data"]["ledgerCheck"]
    assert member["__typename"] == "RefundSuccess"
    assert member["payment"]["financialStatus"] == "PARTIALLY_REFUNDED"
    assert (books["balanced"], books["matchesPayments"]) == (True, True)
    balances = [one["balance"]["amount"] for one in books["accounts"]]
    assert [one for one in balances if one != "0.00"] == ["15.00", "-15.00"]


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_and_repetition_of_its_events_makes_one_payment(world: World, seed: int) -> None:
    wire, intent = world.wire, made_elsewhere(world)
    events = [wire.event("payment_intent.created", intent)]
    wire.succeed(intent["id"])
    events.append(wire.event("payment_intent.succeeded", intent))
    events.append(wire.event("charge.succeeded", {"object": "charge", "payment_intent": intent["id"]}))
    events.append(wire.event("refund.created", wire.add_refund(intent["id"], 300)))
    chance = random.Random(seed)

    for event in chance.choices(events, k=3) + chance.sample(events, k=len(events)):
        await world.deliver(event)
        if seed % 2:
            await world.work()
    await world.work()

    payment = await adopted(world)
    assert (payment["status"], payment["amountRefunded"]["amount"]) == ("SUCCEEDED", "3.00")
    assert len(payment["refunds"]["nodes"]) == 1
    assert await world.count(ledger_entries) == 4


async def test_two_workers_make_one_payment_of_two_events(world: World, replica: World) -> None:
    intent = made_elsewhere(world)
    world.wire.succeed(intent["id"])
    both = (world, replica)

    async def adopt(of: World) -> str | None:
        seen = await of.parts.processor.fetch_payment(intent["id"])
        made = await of.parts.reconciler.heeding.adopting(seen, CAUSE)
        return made.id if made else None

    ids = await asyncio.gather(*(adopt(of) for of in both for _ in range(5)))

    assert len(set(ids)) == 1
    assert [row["id"] for row in await world.rows(payments)] == [ids[0]]


async def test_what_nobody_has_paid_yet_does_not_appear_until_somebody_does(world: World) -> None:
    intent = made_elsewhere(world)
    await tell(world, "payment_intent.created", intent)
    before = await world.count(payments)

    world.wire.succeed(intent["id"])
    await tell(world, "payment_intent.succeeded", intent)

    assert before == 0
    assert (await adopted(world))["status"] == "SUCCEEDED"


@pytest.mark.parametrize("marked", [{"env": "staging", "payment_id": "pay_1"}, {"env": "staging"}])
async def test_what_carries_another_environment_s_mark_is_ignored(
    world: World, marked: dict[str, str]
) -> None:
    intent = made_elsewhere(world, metadata=marked)
    world.wire.succeed(intent["id"])

    await tell(world, "payment_intent.succeeded", intent)
    # The refund itself says nothing of an environment.
    await tell(world, "refund.created", world.wire.add_refund(intent["id"], 100))

    assert await world.count(payments) == 0


async def test_where_it_is_switched_off_others_payments_are_not_even_read(sqlite_url: str) -> None:
    world = World.build(sqlite_url, ADOPT_EXTERNAL_PAYMENTS="0")
    intent = made_elsewhere(world)
    world.wire.succeed(intent["id"])

    await tell(world, "payment_intent.succeeded", intent)

    (event,) = (await world.ask("{ webhookEvents { nodes { state } } }", KEEPER))["data"]["webhookEvents"][
        "nodes"
    ]
    assert event == {"state": "IGNORED"}
    assert await world.count(payments) == 0
    assert [call.path for call in world.wire.calls if call.path.startswith("/v1/payment_intents")] == []
    await world.close()


async def test_one_held_at_the_card_can_be_captured_here(world: World) -> None:
    intent = made_elsewhere(world, capture_method="manual")
    world.wire.succeed(intent["id"])
    await tell(world, "payment_intent.amount_capturable_updated", intent)
    held = await adopted(world)

    member = await world.mutate("capturePayment", STAFF, paymentId=held["id"])

    assert (held["status"], held["captureMethod"]) == ("REQUIRES_CAPTURE", "MANUAL")
    assert member["payment"]["status"] == "SUCCEEDED"


async def test_a_sum_that_cannot_be_kept_is_told_to_who_keeps_watch(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    intent = made_elsewhere(world, currency="xxz")
    world.wire.succeed(intent["id"])

    await tell(world, "payment_intent.succeeded", intent)

    assert await world.count(payments) == 0
    assert "ALERT" in caplog.text


async def test_what_others_wrote_into_it_stays_out_of_the_log_of_readings(world: World) -> None:
    intent = made_elsewhere(world)
    world.wire.succeed(intent["id"])

    await tell(world, "payment_intent.succeeded", intent)

    (reading,) = await world.rows(observations)
    assert "Invoice" not in str(reading["snapshot"])
    assert "secret" not in str(reading["snapshot"])


# What is done in the dashboard to payments of ours.


async def test_a_capture_made_in_the_dashboard_appears(world: World) -> None:
    payment = await world.authorize("10.00")
    world.wire.capture("pi_1", 700)

    await tell(world, "charge.captured", {"object": "charge", "payment_intent": "pi_1"})

    seen = await world.payment(payment["id"])
    books = (await world.ask(BOOKS, AUDITOR))["data"]["ledgerCheck"]
    assert (seen["status"], seen["amountCaptured"]["amount"]) == ("SUCCEEDED", "7.00")
    assert seen["amountRefundable"]["amount"] == "7.00"
    assert books["matchesPayments"]


@pytest.mark.parametrize("before", ["authorized", "not paid"])
async def test_a_cancellation_made_in_the_dashboard_appears(world: World, before: str) -> None:
    payment = await world.authorize() if before == "authorized" else (await world.create())["payment"]
    world.wire.expire("pi_1")

    await tell(world, "payment_intent.canceled", world.wire.intents["pi_1"])

    seen = await world.payment(payment["id"])
    assert (seen["status"], seen["financialStatus"]) == ("CANCELED", "VOIDED")
    assert seen["availableActions"] == []
    assert seen["canceledAt"]


async def test_one_that_is_taken_over_and_not_read_yet_is_as_the_log_has_it(world: World) -> None:
    intent = made_elsewhere(world)
    world.wire.succeed(intent["id"])

    seen = await world.parts.processor.fetch_payment(intent["id"])
    taken = await world.parts.reconciler.heeding.adopting(seen, CAUSE)

    assert taken is not None
    assert [told async for told in Verification(world.parts.database)()] == []
