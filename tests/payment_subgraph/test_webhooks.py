"""POST /webhooks/stripe: who may write a row, and that a yes means it is stored."""

import asyncio
import json
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from payment_subgraph.inbox_event import InboxEvent, InboxState
from payment_subgraph.tables import provider_events
from tests.payment_subgraph.world import World, signature

pytestmark = pytest.mark.anyio


async def test_a_signed_event_is_stored_before_anything_is_done(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    calls = len(world.wire.calls)

    response = await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))

    assert response.status_code == 200
    (row,) = await world.rows(provider_events)
    assert (row["state"], row["type"], row["attempts"]) == ("RECEIVED", "payment_intent.succeeded", 0)
    assert len(world.wire.calls) == calls
    await world.work()
    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    (row,) = await world.rows(provider_events)
    assert row["state"] == "PROCESSED"


@pytest.mark.parametrize(
    "how", [{"tamper": True}, {"secret": "whsec_other"}, {"seconds_ago": 301}, {"seconds_ago": -302}]
)
async def test_a_tampered_foreign_stale_or_future_event_writes_nothing(
    world: World, how: dict[str, object]
) -> None:
    await world.create()

    response = await world.deliver(
        world.wire.event("payment_intent.created", world.wire.intents["pi_1"]), **how
    )

    assert response.status_code == 400
    assert await world.count(provider_events) == 0


@pytest.mark.parametrize(
    "signed", [None, "", "nonsense", "t=abc,v1=00", "t=1", "v1=00", "t=1,v1=" + "0" * 64]
)
async def test_without_a_proper_signature_nothing_is_written(small_world: World, signed: str | None) -> None:
    response = await small_world.post_webhook("{}", signed)

    assert response.status_code == 400
    assert await small_world.count(provider_events) == 0


@pytest.mark.parametrize(
    "body", ["[]", "null", "{}", '{"id": 1}', "not json", '{"id":"evt_1","type":"x","data":1}']
)
async def test_a_signed_body_that_is_no_event_is_refused(small_world: World, body: str) -> None:
    response = await small_world.post_webhook(body, signature(body, small_world.clock))

    assert response.status_code == 400
    assert await small_world.count(provider_events) == 0


async def test_bytes_that_are_no_text_are_refused(small_world: World) -> None:
    response = await small_world.post_webhook(b"\xff\xfe", "t=1,v1=00")

    assert response.status_code == 400


async def test_within_the_tolerance_an_event_is_taken(small_world: World) -> None:
    await small_world.create()
    event = small_world.wire.event("payment_intent.created", small_world.wire.intents["pi_1"])

    assert (await small_world.deliver(event, seconds_ago=290)).status_code == 200


async def test_each_of_several_secrets_is_good(sqlite_url: str) -> None:
    world = World.build(sqlite_url, STRIPE_WEBHOOK_SECRET="whsec_old, whsec_new")
    await world.create()
    event = world.wire.event("payment_intent.created", world.wire.intents["pi_1"])

    statuses = [
        (await world.deliver(event, secret=secret)).status_code
        for secret in ("whsec_old", "whsec_new", "whsec_x")
    ]
    await world.close()

    assert statuses == [200, 200, 400]


async def test_without_a_secret_the_door_is_shut(sqlite_url: str) -> None:
    world = World.build(sqlite_url, STRIPE_WEBHOOK_SECRET="")
    await world.create()
    event = world.wire.event("payment_intent.created", world.wire.intents["pi_1"])

    response = await world.deliver(event, secret="")
    rows = await world.count(provider_events)
    await world.close()

    assert (response.status_code, rows) == (404, 0)


async def test_an_event_of_the_other_mode_is_refused(world: World) -> None:
    await world.create()

    response = await world.deliver(
        world.wire.event("payment_intent.created", world.wire.intents["pi_1"], livemode=True)
    )

    assert response.status_code == 400
    assert await world.count(provider_events) == 0


async def test_a_repeated_event_is_stored_once(world: World) -> None:
    await world.create()
    event = world.wire.event("payment_intent.created", world.wire.intents["pi_1"])

    statuses = [(await world.deliver(event)).status_code for _ in range(3)]
    await world.work()
    statuses.append((await world.deliver(event)).status_code)

    assert statuses == [200] * 4
    (row,) = await world.rows(provider_events)
    assert (row["state"], row["attempts"]) == ("PROCESSED", 1)


async def test_a_body_that_is_too_large_is_not_read_to_its_end(small_world: World) -> None:
    body = json.dumps({"padding": "x" * 600_000})

    response = await small_world.post_webhook(body, signature(body, small_world.clock))

    assert response.status_code == 413
    assert await small_world.count(provider_events) == 0


async def test_what_cannot_be_stored_is_not_acknowledged(small_world: World) -> None:
    await small_world.create()
    async with small_world.parts.database.writing() as connection:
        await connection.execute(text("ALTER TABLE provider_events RENAME TO elsewhere"))

    response = await small_world.deliver(
        small_world.wire.event("payment_intent.created", small_world.wire.intents["pi_1"])
    )

    assert response.status_code == 503


async def test_an_event_about_a_strangers_payment_is_ignored(world: World) -> None:
    stranger = {"id": "pi_x", "object": "payment_intent", "metadata": {}}

    await world.deliver(world.wire.event("payment_intent.succeeded", stranger))
    await world.work()

    (row,) = await world.rows(provider_events)
    assert row["state"] == "IGNORED"


async def test_an_event_of_another_environment_on_the_same_account_is_ignored(world: World) -> None:
    metadata = {"payment_id": "pay_elsewhere", "env": "production"}
    await world.deliver(
        world.wire.event(
            "payment_intent.succeeded", {"id": "pi_x", "object": "payment_intent", "metadata": metadata}
        )
    )
    await world.work()

    (row,) = await world.rows(provider_events)
    assert row["state"] == "IGNORED"


async def test_an_event_about_a_payment_of_ours_that_is_missing_is_parked_then_dead(world: World) -> None:
    ours = {"metadata[payment_id]": "pay_gone", "metadata[env]": "development"}
    _, intent = world.wire._create({"amount": "1000", "currency": "eur"} | ours)
    await world.deliver(world.wire.event("payment_intent.succeeded", intent))
    await world.work()
    (parked,) = await world.rows(provider_events)
    world.clock.turn(days=3)
    await world.work()

    (dead,) = await world.rows(provider_events)
    assert (parked["state"], dead["state"]) == ("PARKED", "DEAD")
    assert parked["next_attempt_at"] > parked["received_at"]


async def test_events_wait_while_the_provider_is_down(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))
    world.wire.down = True
    for _ in range(15):
        await world.work()
        world.clock.turn(hours=2)
    world.wire.down = False

    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"


async def test_an_event_about_what_the_provider_does_not_know_is_given_up(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """E.g. the key of another account: waiting for ever would help nobody and tell nobody."""
    await world.create()
    await world.deliver(world.wire.event("payment_intent.created", world.wire.intents["pi_1"]))
    world.wire.intents.clear()

    for _ in range(11):
        await world.work()
        world.clock.turn(hours=2)

    (row,) = await world.rows(provider_events)
    assert (row["state"], row["attempts"]) == ("DEAD", 10)
    assert "ALERT event evt_1 given up: refused: resource_missing" in caplog.text


async def test_missed_events_are_fetched_from_the_providers_list(world: World) -> None:
    payment = (await world.create())["payment"]
    await world.work()  # the list's place is taken here
    world.wire.succeed("pi_1")
    world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"])  # never delivered

    world.clock.turn(minutes=10)
    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    (row,) = await world.rows(provider_events)
    assert row["state"] == "PROCESSED"


async def test_a_poisonous_event_does_not_stop_the_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    payment = (await world.create())["payment"]
    poison = world.wire.event("payment_intent.created", world.wire.intents["pi_1"])
    await world.deliver(poison)
    async with world.parts.database.writing() as connection:
        await connection.execute(text("UPDATE provider_events SET payload = '{}'"))
    world.wire.succeed("pi_1")
    await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))

    for _ in range(11):
        await world.work()
        world.clock.turn(hours=2)

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    states = {
        row["provider_event_id"]: (row["state"], row["attempts"]) for row in await world.rows(provider_events)
    }
    assert states["evt_1"] == ("DEAD", 10)
    assert states["evt_2"] == ("PROCESSED", 1)
    assert "could not be worked on" in caplog.text


async def test_an_event_is_given_to_one_worker_until_its_lease_ends(world: World) -> None:
    for _ in range(4):
        await world.create()
    for number in range(20):
        await world.deliver(
            world.wire.event("payment_intent.created", world.wire.intents[f"pi_{number % 4 + 1}"])
        )
    inbox, now = world.parts.inbox, world.clock()

    claims = await asyncio.gather(*(inbox.claim(now, 2) for _ in range(2)))
    claimed = [event.id for events in claims for event in events]
    early = await inbox.claim(now + timedelta(seconds=89), 4)
    later = await inbox.claim(now + timedelta(seconds=91), 4)

    assert [len(events) for events in claims] == [10, 10]
    assert len(set(claimed)) == 20
    assert early == []
    assert [event.attempts for event in later] == [2] * 20


async def test_events_about_one_payment_are_claimed_together(world: World) -> None:
    for _ in range(3):
        await world.create()
    for number in (1, 2, 1, 3, 2, 1):
        await world.deliver(world.wire.event("payment_intent.created", world.wire.intents[f"pi_{number}"]))
    inbox, now = world.parts.inbox, world.clock()

    first, rest = await inbox.claim(now, 2), await inbox.claim(now, 2)

    assert Counter(about(event) for event in first) == {"pi_1": 3, "pi_2": 2}
    assert Counter(about(event) for event in rest) == {"pi_3": 1}


async def test_events_that_an_older_release_stored_are_worked_on(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    for _ in range(3):
        await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))
    async with world.parts.database.writing() as connection:
        await connection.execute(text("UPDATE provider_events SET subject = NULL"))

    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    assert {row["state"] for row in await world.rows(provider_events)} == {"PROCESSED"}


async def test_who_comes_late_to_settle_an_event_that_another_has_changes_nothing(world: World) -> None:
    await world.create()
    await world.deliver(world.wire.event("payment_intent.created", world.wire.intents["pi_1"]))
    inbox, now = world.parts.inbox, world.clock()
    (slow,) = await inbox.claim(now, 1)
    await inbox.claim(now + timedelta(seconds=91), 1)

    await inbox.settle([(slow, InboxState.DEAD, "too late")], now + timedelta(seconds=92))

    (row,) = await world.rows(provider_events)
    assert (row["state"], row["processed_at"]) == ("RECEIVED", None)


def about(event: InboxEvent) -> str:
    return str(event.payload["data"]["object"]["id"])


async def test_one_reading_answers_all_events_about_a_payment(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    for event_type in ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded") * 3:
        await world.deliver(world.wire.event(event_type, world.wire.intents["pi_1"]))
    world.wire.calls.clear()

    await world.parts.reconciler.work_inbox()

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    assert {row["state"] for row in await world.rows(provider_events)} == {"PROCESSED"}
    assert [call.path for call in world.wire.calls] == ["/v1/payment_intents/pi_1"]
