"""Payment.events: what happened, when, how we learned of it, and as far as the viewer may know it, who caused it."""

from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from payment_subgraph.database import _config
from payment_subgraph.tables import payment_transitions
from tests.payment_subgraph.test_pages import forged
from tests.payment_subgraph.world import ADA, GRACE, HELPDESK, STAFF, Person, Statements, World

pytestmark = pytest.mark.anyio

EVENTS = """query($id: ID!, $first: Int, $after: String) { payment(id: $id) { events(first: $first, after: $after) {
  nodes { id type source message amount { amount currency } refundId occurredAt EXTRA }
  edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
MINE = EVENTS.replace("EXTRA", "")
ALL = EVENTS.replace("EXTRA", "reason causeId actorId")


async def events(world: World, payment_id: str, person: Person = STAFF, **page: Any) -> list[dict[str, Any]]:
    answer = await world.ask(MINE if person is ADA else ALL, person, id=payment_id, **page)
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["payment"]["events"]["nodes"]
    return nodes


async def test_the_newest_comes_first_with_how_we_learned_of_it(world: World) -> None:
    payment = (await world.create("10.00"))["payment"]
    world.wire.succeed("pi_1")
    event = world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"])
    await world.deliver(event)
    await world.work()
    member = await world.mutate(
        "refundPayment", STAFF, paymentId=payment["id"], amount={"amount": "3.00", "currency": "EUR"}
    )
    world.wire.add_refund("pi_1", 100)
    await world.ask("mutation($id: ID!) { syncPayment(id: $id) { __typename } }", HELPDESK, id=payment["id"])

    told = await events(world, payment["id"])

    refund, operation = member["refund"]["id"], member["operation"]["id"]
    assert [(one["type"], one["source"], one["amount"]["amount"]) for one in told] == [
        ("refund.succeeded", "SYNC", "1.00"),
        ("refund.created", "SYNC", "1.00"),
        ("refund.succeeded", "ANSWER", "3.00"),
        ("refund.created", "REQUEST", "3.00"),
        ("payment.succeeded", "WEBHOOK", "10.00"),
        ("payment.created", "REQUEST", "10.00"),
    ]
    assert [one["actorId"] for one in told] == [
        "usr_helpdesk",
        "usr_helpdesk",
        "usr_staff",
        "usr_staff",
        None,
        "usr_ada",
    ]
    assert told[2]["causeId"] == told[3]["causeId"] == operation
    assert told[4]["causeId"] == event["id"]
    assert told[2]["refundId"] == told[3]["refundId"] == refund
    assert told[4]["refundId"] is None


async def test_payers_see_what_happened_and_not_who_of_the_staff_did_it(world: World) -> None:
    payment = await world.pay()
    world.wire.intents["pi_1"] |= {"status": "requires_payment_method", "amount_received": 0}
    await world.deliver_and_work("payment_intent.payment_failed", "pi_1")

    seen = await events(world, payment["id"], ADA)
    known = await events(world, payment["id"], STAFF)
    asked = await world.ask(ALL, ADA, id=payment["id"])

    assert [one["type"] for one in seen] == ["payment.succeeded", "payment.created"]
    assert [one["type"] for one in known] == ["payment.frozen", "payment.succeeded", "payment.created"]
    assert (known[0]["reason"], known[0]["message"]) == ("REOPENED", None)
    assert {error["extensions"]["code"] for error in asked["errors"]} == {"FORBIDDEN"}
    hidden = asked["data"]["payment"]["events"]["nodes"]
    assert all(one["causeId"] is one["actorId"] is one["reason"] is None for one in hidden)


async def test_another_s_payment_has_no_timeline(world: World) -> None:
    payment = await world.pay()

    answer = await world.ask(MINE, GRACE, id=payment["id"])

    assert answer["data"] == {"payment": None}


async def test_a_failed_attempt_says_why(world: World) -> None:
    payment = (await world.create())["payment"]
    method = "pm_card_visa_chargeDeclinedInsufficientFunds"
    await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId=method)

    (failed, _) = await events(world, payment["id"], ADA)

    assert (failed["type"], failed["message"]) == (
        "payment.attempt_failed",
        "The card has insufficient funds.",
    )


async def test_a_cancellation_says_why_where_it_is_known(world: World) -> None:
    payment = await world.authorize()
    world.wire.intents["pi_1"] |= {
        "status": "canceled",
        "cancellation_reason": "expired",
        "amount_capturable": 0,
    }
    await world.deliver_and_work("payment_intent.canceled", "pi_1")

    told = await events(world, payment["id"], ADA)

    assert [one["type"] for one in told] == ["payment.canceled", "payment.authorized", "payment.created"]
    assert told[0]["message"] == "The authorization was not captured in time."


async def test_pages_hold_each_event_once(world: World) -> None:
    payment = await world.pay()
    for amount in ("1.00", "2.00"):
        money = {"amount": amount, "currency": "EUR"}
        await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)

    seen, after, sizes = [], None, []
    for _ in range(3):
        answer = await world.ask(MINE, ADA, id=payment["id"], first=2, after=after)
        page = answer["data"]["payment"]["events"]
        sizes.append(len(page["nodes"]))
        seen += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]

    assert sizes == [2, 2, 2]
    assert page["pageInfo"]["hasNextPage"] is False
    assert seen == [one["id"] for one in await events(world, payment["id"], ADA)]
    assert len(set(seen)) == 6


@pytest.mark.parametrize(
    "variables",
    [
        {"first": 0},
        {"first": 101},
        {"after": "x"},
        {"after": forged("CREATED_AT", "2026-01-01T00:00Z", "pay_x")},
    ],
)
async def test_a_bad_page_is_refused(small_world: World, variables: dict[str, Any]) -> None:
    payment = await small_world.pay()

    answer = await small_world.ask(MINE, ADA, id=payment["id"], **variables)

    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}


async def test_the_timelines_of_a_list_cost_one_statement(world: World) -> None:
    for _ in range(6):
        await world.pay()
    query = "query($n: Int!) { payments(first: $n) { nodes { events(first: 3) { nodes { type } } } } }"

    counts = []
    for size in (1, 6):
        with Statements(world.parts.database) as counted:
            answer = await world.ask(query, STAFF, n=size)
        assert all(len(one["events"]["nodes"]) == 2 for one in answer["data"]["payments"]["nodes"])
        counts.append(len(counted.texts))

    assert counts == [2, 2]


async def test_a_timeline_is_never_told_twice(world: World) -> None:
    """The database refuses what the code should never do."""
    await world.pay()
    (first, _) = sorted(await world.rows(payment_transitions), key=lambda row: row["sequence"])

    with pytest.raises(Exception, match=r"(?i)unique"):
        async with world.parts.database.writing() as connection:
            await connection.execute(payment_transitions.insert().values(**{**first, "sequence": 99}))


async def test_older_payments_tell_what_is_left_of_their_past(world: World) -> None:
    """Down and up again, as if the payments had been made before there was a timeline."""
    payment = await world.pay("10.00")
    money = {"amount": "4.00", "currency": "EUR"}
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)
    canceled = (await world.create())["payment"]
    await world.mutate("cancelPayment", paymentId=canceled["id"])
    before = await events(world, payment["id"])
    again(world.settings.database.url, "0002")

    told = await events(world, payment["id"])
    world.wire.add_refund("pi_1", 100)
    await world.ask("mutation($id: ID!) { syncPayment(id: $id) { __typename } }", STAFF, id=payment["id"])
    later = await events(world, payment["id"])

    assert [one["type"] for one in told] == [one["type"] for one in before]
    assert [one["amount"] for one in told] == [one["amount"] for one in before]
    assert {one["source"] for one in told} == {"MIGRATION"}
    assert [one["type"] for one in await events(world, canceled["id"])] == [
        "payment.canceled",
        "payment.created",
    ]
    assert [one["type"] for one in later[:2]] == ["refund.succeeded", "refund.created"]
    assert later[2:] == told


def again(url: str, revision: str) -> None:
    """The database back at *revision*, and up from there."""
    parsed = make_url(url)
    driver = "sqlite" if parsed.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = create_engine(parsed.set(drivername=driver))
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")
    engine.dispose()
