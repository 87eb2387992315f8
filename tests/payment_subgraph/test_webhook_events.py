"""webhookEvents and replayWebhookEvent: what became of stored webhooks, and another try for them."""

from typing import Any

import pytest
from sqlalchemy import select, text

from payment_subgraph.inbox_event import InboxState
from payment_subgraph.tables import DEAD, provider_events
from tests.payment_subgraph.test_pages import forged
from tests.payment_subgraph.world import KEEPER, STAFF, Person, Statements, World

pytestmark = pytest.mark.anyio

EVENT = "id providerEventId type state attempts lastError receivedAt processedAt"
LIST = f"""query($first: Int, $after: String, $state: [WebhookEventState!], $type: String) {{
  webhookEvents(first: $first, after: $after, state: $state, type: $type) {{
    nodes {{ {EVENT} }} edges {{ cursor node {{ id }} }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
REPLAY = f"""mutation($id: ID!) {{ replayWebhookEvent(id: $id) {{ __typename
  ... on ReplaySuccess {{ webhookEvent {{ {EVENT} }} }} ... on NotFoundError {{ message code id }} }} }}"""


async def listed(world: World, **variables: Any) -> dict[str, Any]:
    answer = await world.ask(LIST, KEEPER, **variables)
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["webhookEvents"]
    return found


async def names(world: World, **variables: Any) -> list[str]:
    return [one["providerEventId"] for one in (await listed(world, **variables))["nodes"]]


async def replay(world: World, event_id: str) -> dict[str, Any]:
    answer = await world.ask(REPLAY, KEEPER, id=event_id)
    assert "errors" not in answer, answer
    member: dict[str, Any] = answer["data"]["replayWebhookEvent"]
    return member


async def deliver(world: World, *kinds: str) -> None:
    for kind in kinds:
        await world.deliver(world.wire.event(kind, world.wire.intents["pi_1"]))


async def die(world: World) -> None:
    """Ten tries at an event of which the provider knows nothing."""
    for _ in range(10):
        await world.work()
        world.clock.turn(hours=2)


async def test_an_event_is_listed_with_what_became_of_it(world: World) -> None:
    await world.create()
    await deliver(world, "payment_intent.created")
    waiting = (await listed(world))["nodes"]

    await world.work()

    (worked_on,) = (await listed(world))["nodes"]
    assert [(one["state"], one["attempts"], one["processedAt"]) for one in waiting] == [("RECEIVED", 0, None)]
    assert (worked_on["state"], worked_on["attempts"], worked_on["lastError"]) == ("PROCESSED", 1, None)
    assert (worked_on["providerEventId"], worked_on["type"]) == ("evt_1", "payment_intent.created")
    assert worked_on["receivedAt"] == waiting[0]["receivedAt"] <= worked_on["processedAt"]


async def test_pages_hold_each_event_once_newest_first(world: World) -> None:
    await world.create()
    await deliver(world, *["payment_intent.created"] * 7)
    stored = [row["provider_event_id"] for row in await world.rows(provider_events)]

    sizes, seen, after = [], [], None
    for _ in range(3):
        page = await listed(world, first=3, after=after)
        sizes.append(len(page["nodes"]))
        seen += [one["providerEventId"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]

    assert sizes == [3, 3, 1]
    assert sorted(seen) == sorted(stored)
    assert seen == await names(world, first=100)
    ids = [one["id"] for one in (await listed(world, first=100))["nodes"]]
    assert ids == sorted(ids, reverse=True)
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_events_are_chosen_by_state_and_type(world: World) -> None:
    await world.create()
    await deliver(world, "payment_intent.created", "customer.created")
    await world.work()
    await deliver(world, "payment_intent.created")

    assert await names(world, state=["IGNORED"]) == ["evt_2"]
    assert await names(world, state=["RECEIVED"]) == ["evt_3"]
    assert sorted(await names(world, type="payment_intent.created")) == ["evt_1", "evt_3"]
    assert await names(world, state=["PROCESSED"], type="customer.created") == []
    assert await names(world, state=[]) == []


async def test_a_page_costs_one_statement(world: World) -> None:
    await world.create()
    await deliver(world, *["payment_intent.created"] * 5)

    with Statements(world.parts.database) as statements:
        await listed(world)

    assert len(statements.texts) == 1
    assert "payload" not in statements.texts[0]


@pytest.mark.parametrize("variables", [{"first": 0}, {"first": 101}, {"after": "nonsense"}])
async def test_a_bad_page_is_refused(small_world: World, variables: dict[str, Any]) -> None:
    answer = await small_world.ask(LIST, KEEPER, **variables)

    assert answer["data"] == {"webhookEvents": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_the_cursor_of_another_list_shows_nothing_it_should_not(small_world: World) -> None:
    await small_world.create()
    await deliver(small_world, "payment_intent.created")

    assert await names(small_world, after=forged("CREATED_AT", "2026-01-01T00:00:00+00:00", "pay_1")) == []


async def test_a_dead_event_that_is_replayed_is_worked_on_again(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    kept = dict(world.wire.intents)
    await deliver(world, "payment_intent.succeeded")
    world.wire.intents.clear()
    await die(world)
    (dead,) = (await listed(world, state=["DEAD"]))["nodes"]
    world.wire.intents |= kept

    member = await replay(world, dead["id"])
    await world.parts.reconciler.work_inbox()

    assert (dead["attempts"], dead["lastError"]) == (10, "refused: resource_missing")
    assert member["__typename"] == "ReplaySuccess"
    assert member["webhookEvent"] == {**dead, "state": "RECEIVED", "attempts": 0, "processedAt": None}
    (row,) = (await listed(world))["nodes"]
    assert (row["state"], row["attempts"], row["lastError"]) == ("PROCESSED", 1, None)
    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"


async def test_a_replayed_event_has_all_its_tries_again(world: World) -> None:
    await world.create()
    await deliver(world, "payment_intent.created")
    world.wire.intents.clear()
    await die(world)
    (dead,) = (await listed(world))["nodes"]

    await replay(world, dead["id"])
    await world.work()
    (tried,) = (await listed(world))["nodes"]
    await die(world)

    (again,) = (await listed(world))["nodes"]
    assert (tried["state"], tried["attempts"]) == ("RECEIVED", 1)
    assert (again["state"], again["attempts"]) == ("DEAD", 10)


async def test_an_event_that_waits_for_its_next_try_need_not_wait(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    await deliver(world, "payment_intent.succeeded")
    world.wire.down = True
    await world.parts.reconciler.work_inbox()
    world.wire.down = False
    (waiting,) = (await listed(world))["nodes"]
    early = await world.parts.reconciler.work_inbox()

    await replay(world, waiting["id"])
    await world.parts.reconciler.work_inbox()

    assert early == 0
    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"


async def test_replaying_what_was_worked_on_changes_no_payment(world: World) -> None:
    payment = await world.pay()
    await deliver(world, "payment_intent.succeeded")
    await world.work()
    before = await world.payment(payment["id"])
    (done,) = (await listed(world))["nodes"]

    await replay(world, done["id"])
    await world.work()

    assert await world.payment(payment["id"]) == before
    assert [one["state"] for one in (await listed(world))["nodes"]] == ["PROCESSED"]


async def test_an_unknown_event_is_not_found(world: World) -> None:
    member = await replay(world, "whe_none")

    assert (member["__typename"], member["id"]) == ("NotFoundError", "whe_none")
    assert member["message"] == "There is no such webhook event."


@pytest.mark.parametrize(
    ("person", "code"), [(None, "UNAUTHENTICATED"), (STAFF, "FORBIDDEN")], ids=["anonymous", "finance"]
)
async def test_webhooks_are_for_those_who_manage_them(world: World, person: Person | None, code: str) -> None:
    await world.create()
    await deliver(world, "payment_intent.created")
    (event,) = (await listed(world))["nodes"]

    await world.work()
    seen = await world.ask(LIST, person)
    replayed = await world.ask(REPLAY, person, id=event["id"])

    assert seen["data"] == {"webhookEvents": None}
    assert replayed["data"] == {"replayWebhookEvent": None}
    for answer in (seen, replayed):
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert [one["state"] for one in (await listed(world))["nodes"]] == ["PROCESSED"]


async def lose(world: World) -> None:
    """What a killed worker leaves behind: events that it has claimed, of which nothing is heard."""
    now = world.clock()
    await world.parts.inbox.claim(now, 10)
    await world.parts.inbox.claim_suspect(now)
    world.clock.turn(minutes=2)


async def test_an_event_that_ends_each_worker_is_given_up(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.create()
    await deliver(world, "payment_intent.created")
    for _ in range(5):
        await lose(world)

    await world.work()

    (given_up,) = await listed_nodes(world)
    assert (given_up["state"], given_up["lastError"]) == ("DEAD", "its worker ended each time")
    assert "ALERT event evt_1 given up" in caplog.text


async def test_an_event_that_ended_four_workers_is_tried_by_a_fifth(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    await deliver(world, "payment_intent.succeeded")
    for _ in range(4):
        await lose(world)

    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"


async def test_those_claimed_together_with_a_deadly_one_are_not_given_up(world: World) -> None:
    """After two workers that had them all were killed each payment's are tried alone."""
    for number in (1, 2, 3):
        await world.create()
        await world.deliver(world.wire.event("payment_intent.created", world.wire.intents[f"pi_{number}"]))
    await lose(world)
    await lose(world)
    now = world.clock()

    together = await world.parts.inbox.claim(now, 10)
    alone = await world.parts.inbox.claim_suspect(now)
    world.clock.turn(minutes=2)
    await world.work()

    assert (len(together), len(alone)) == (0, 1)
    assert {one["state"] for one in await listed_nodes(world)} == {"PROCESSED"}


async def test_an_event_that_is_new_is_worked_on_though_others_of_its_payment_are_deadly(
    world: World,
) -> None:
    payment = (await world.create())["payment"]
    await deliver(world, "payment_intent.created")
    for _ in range(5):
        await lose(world)
    world.wire.succeed("pi_1")
    await deliver(world, "payment_intent.succeeded")

    await world.work()

    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"
    states = {one["providerEventId"]: one["state"] for one in await listed_nodes(world)}
    assert states == {"evt_1": "DEAD", "evt_2": "PROCESSED"}


async def test_those_of_dead_workers_do_not_wait_for_a_round_each(world: World) -> None:
    for number in range(1, 6):
        await world.create()
        await world.deliver(world.wire.event("payment_intent.created", world.wire.intents[f"pi_{number}"]))
    await lose(world)
    await lose(world)

    worked_on = await world.parts.reconciler.work_inbox()

    assert worked_on == 5
    assert {one["state"] for one in await listed_nodes(world)} == {"PROCESSED"}


async def test_tries_that_ended_in_words_do_not_count_as_lost(world: World) -> None:
    await world.create()
    await deliver(world, "payment_intent.created")
    world.wire.down = True
    for _ in range(12):
        await world.work()
        world.clock.turn(hours=2)
    world.wire.down = False

    await world.work()

    (event,) = await listed_nodes(world)
    assert (event["state"], event["attempts"]) == ("PROCESSED", 13)


async def listed_nodes(world: World) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await listed(world))["nodes"]
    return nodes


async def test_dead_events_are_found_without_reading_a_large_inbox(world: World) -> None:
    await world.create()
    await deliver(world, "payment_intent.created")
    (known,) = await world.rows(provider_events)
    done = {"state": "PROCESSED", "processed_at": world.clock()}
    copies = [
        {**known, **done, "id": f"whe_{number}", "provider_event_id": f"evt_copy_{number}"}
        for number in range(3000)
    ]
    async with world.parts.database.writing() as connection:
        await connection.execute(provider_events.insert(), copies)
        await connection.execute(text("ANALYZE provider_events"))
    with Statements(world.parts.database) as statements:
        await listed(world, state=["DEAD"])
    async with world.parts.database.reading() as connection:
        explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        dead = select(provider_events.c.id).where(provider_events.c.state.in_([InboxState.DEAD]), DEAD)
        newest = dead.order_by(provider_events.c.id.desc()).limit(21)
        literal = {"literal_binds": True}
        query = newest.compile(dialect=connection.dialect, compile_kwargs=literal)
        plan = [str(row) for row in await connection.execute(text(f"{explain} {query}"))]

    assert str(DEAD) in statements.texts[0]
    assert any("ix_provider_events_dead" in line for line in plan)
