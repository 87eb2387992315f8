"""`subscription { paymentUpdated }`: what is told, to whom, and until when. On both databases where rows are touched."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from payment_subgraph.open_streams import OpenStreams
from payment_subgraph.token_claims import LEEWAY_S
from tests.payment_subgraph.served_world import Served, serving
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import ADA, GRACE, HELPDESK, STAFF, Person, Statements, World

# Who hangs up in the middle of an execution leaves resolvers that graphql-core has called and nobody awaits any more.
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("default:coroutine .* was never awaited:RuntimeWarning"),
]

WATCH = """subscription($id: ID!) { paymentUpdated(paymentId: $id) {
  id status financialStatus version amountRefunded { amount } user { id }
  nextAction { type clientSecret }
  pendingOperations { kind state } refunds { nodes { status } } } }"""
MANY = (
    'subscription { paymentUpdated(paymentId: "1") { user { payments(first: 100) { nodes { refunds(first: 100) '
    "{ nodes { payment { refunds(first: 100) { nodes { id } } } } } } } } } }"
)
VERSION = "subscription($id: ID!) { paymentUpdated(paymentId: $id) { version status } }"


@pytest.fixture
async def served(world: World) -> AsyncIterator[Served]:
    async with serving(world) as made:
        yield made


@pytest.fixture
async def small(small_world: World) -> AsyncIterator[Served]:
    async with serving(small_world) as made:
        yield made


@pytest.fixture
async def replica(world: World) -> AsyncIterator[World]:
    """Another process's parts on the same database, and the same Stripe."""
    other = World.build(world.settings.database.url)
    other.wire.intents, other.wire.refunds = world.wire.intents, world.wire.refunds
    yield other
    await other.close()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what happens elsewhere sets no event
            await asyncio.sleep(0.01)


async def test_the_payment_as_it_is_then_each_change_of_it(world: World, served: Served) -> None:
    created = (await world.create())["payment"]
    async with served.events(WATCH, id=created["id"]) as events:
        first = await events.payment()
        await world.mutate("confirmPayment", paymentId=created["id"], paymentMethodId="pm_card_visa")
        paid = await events.until(status="SUCCEEDED", pendingOperations=[])
        money = {"amount": "4.00", "currency": "EUR"}
        await world.mutate("refundPayment", STAFF, paymentId=created["id"], amount=money)
        refunded = await events.until(financialStatus="PARTIALLY_REFUNDED", pendingOperations=[])

    assert (first["id"], first["status"]) == (created["id"], "REQUIRES_PAYMENT_METHOD")
    assert first["user"] == {"id": ADA.id}
    assert paid["version"] > first["version"]
    assert refunded["amountRefunded"] == {"amount": "4.00"}
    assert refunded["refunds"]["nodes"] == [{"status": "SUCCEEDED"}]


async def test_an_operation_whose_answer_is_lost_is_seen_while_it_is_open(
    world: World, served: Served
) -> None:
    paid = await world.pay()
    async with served.events(WATCH, id=paid["id"]) as events:
        await events.payment()
        world.wire.faults = [Fault.LOST_ANSWER]
        await world.mutate("refundPayment", STAFF, paymentId=paid["id"])
        unknown = await events.until(pendingOperations=[{"kind": "REFUND", "state": "UNKNOWN"}])
        world.clock.turn(minutes=2)
        await world.work()
        settled = await events.until(pendingOperations=[])

    assert unknown["financialStatus"] == "PAID"
    assert settled["financialStatus"] == "REFUNDED"


async def test_what_another_replica_writes_is_told(world: World, served: Served, replica: World) -> None:
    paid = await world.pay()
    async with served.events(VERSION, id=paid["id"]) as events:
        before = await events.payment()
        money = {"amount": "1.00", "currency": "EUR"}
        await replica.mutate("refundPayment", STAFF, paymentId=paid["id"], amount=money)
        after = await events.payment()

    assert after["version"] > before["version"]


async def test_what_the_worker_writes_is_told(world: World, served: Served, replica: World) -> None:
    waiting = (await world.create(confirm=True, paymentMethodId="pm_processing"))["payment"]
    (intent,) = world.wire.intents.values()
    async with served.events(VERSION, id=waiting["id"]) as events:
        first = await events.payment()
        intent.update(status="succeeded", amount_received=intent["amount"])
        await replica.deliver_and_work("payment_intent.succeeded", intent["id"])
        told = await events.until(status="SUCCEEDED")

    assert first["status"] == "PROCESSING"
    assert told["version"] > first["version"]


async def test_reading_a_payment_again_that_did_not_change_tells_nothing(
    world: World, served: Served
) -> None:
    paid = await world.pay()
    sync = "mutation($id: ID!) { syncPayment(id: $id) { __typename } }"
    async with served.events(VERSION, id=paid["id"]) as events:
        first = await events.payment()
        await world.ask(sync, STAFF, id=paid["id"])
        await world.mutate("refundPayment", STAFF, paymentId=paid["id"])
        versions = [first["version"], (await events.payment())["version"]]

    # Had the reading been told, it would have come first, and with the same version.
    assert versions[1] > versions[0]


async def test_many_who_watch_one_payment_cost_one_reading_of_each_thing_per_change(
    world: World, served: Served
) -> None:
    paid = await world.pay()
    async with AsyncExitStack() as stack:
        watching = [
            await stack.enter_async_context(served.events(WATCH, STAFF if one % 2 else ADA, id=paid["id"]))
            for one in range(20)
        ]
        for events in watching:
            await events.payment()
        with Statements(world.parts.database) as counted:
            await world.mutate("refundPayment", STAFF, paymentId=paid["id"])
            for events in watching:
                await events.until(financialStatus="REFUNDED", pendingOperations=[])
        reads = [
            one for one in counted.texts if "aggregate" in one or "string_agg" in one or "group_concat" in one
        ]
        ranked = [one for one in counted.texts if "row_number()" in one]

    changes = 3  # written, claimed, settled: some of them may be told together
    assert 1 <= len(reads) <= changes * 2  # SQLite: by what to see what changed, then what did
    assert len(ranked) <= changes + 1  # the refunds; and those of the mutation's own answer


async def test_only_the_payer_is_told_the_client_secret(world: World, served: Served) -> None:
    created = (await world.create())["payment"]
    query = WATCH.replace("version", "version providerPaymentId")
    async with (
        served.events(query, id=created["id"]) as payer,
        served.events(query, STAFF, id=created["id"]) as staff,
    ):
        to_payer, to_staff = await payer.next(), await staff.next()

    assert to_payer["data"]["paymentUpdated"]["nextAction"]["clientSecret"]
    assert to_payer["errors"][0]["extensions"]["code"] == "FORBIDDEN"  # of providerPaymentId, for staff
    assert to_staff["data"]["paymentUpdated"]["nextAction"]["clientSecret"] is None
    assert to_staff["data"]["paymentUpdated"]["providerPaymentId"].startswith("pi_")


@pytest.mark.parametrize(
    ("person", "code"),
    [
        (GRACE, "NOT_FOUND"),
        (None, "UNAUTHENTICATED"),
        (Person("usr_ada", "payments:write"), "FORBIDDEN"),
    ],
    ids=["another's", "anonymous", "no scope"],
)
async def test_who_may_not_read_a_payment_may_not_watch_it(
    small_world: World, small: Served, person: Person | None, code: str
) -> None:
    paid = await small_world.pay()

    async with small.events(VERSION, person, id=paid["id"]) as events:
        refused = await events.next()
        await events.completed()

    assert refused["data"] is None
    assert refused["errors"][0]["extensions"]["code"] == code
    assert small_world.parts.watching._watched == {}


async def test_a_payment_that_does_not_exist_is_refused_like_another_s(
    small_world: World, small: Served
) -> None:
    paid = await small_world.pay()
    refusals = []
    for payment_id in (paid["id"], "pay_none"):
        async with small.events(VERSION, GRACE, id=payment_id) as events:
            refusals.append((await events.next())["errors"][0]["message"])
            await events.completed()

    assert refusals[0] == refusals[1]


async def test_hanging_up_ends_it_at_once(world: World, served: Served) -> None:
    paid = await world.pay()
    async with served.events(VERSION, id=paid["id"]) as events:
        await events.payment()
        was_watched = set(world.parts.watching._watched)

    await eventually(lambda: not world.parts.watching._watched)
    assert was_watched == {paid["id"]}
    assert world.parts.watching._following is None
    assert world.parts.streams._open.total() == 0


async def test_one_who_hangs_up_takes_no_other_along(world: World, served: Served) -> None:
    paid = await world.pay()
    async with served.events(WATCH, STAFF, id=paid["id"]) as staying:
        await staying.payment()
        for _ in range(5):
            async with served.events(WATCH, STAFF, id=paid["id"]) as leaving:
                await leaving.line()
        await world.mutate("refundPayment", STAFF, paymentId=paid["id"])

        assert await staying.until(financialStatus="REFUNDED")


async def test_a_service_that_stops_ends_its_streams(small_world: World, small: Served) -> None:
    paid = await small_world.pay()
    async with small.events(VERSION, id=paid["id"]) as events:
        await events.payment()
        small.server.should_exit = True
        said = await events.next()
        await events.completed()

    assert said["errors"][0]["extensions"]["code"] == "SUBGRAPH_UNAVAILABLE"


async def last_word(served: Served, payment_id: str, token_lasts_s: int) -> dict[str, Any] | None:
    """None if this machine was so slow that the stream did not begin in time."""
    token = ADA.token(exp=int(time.time()) - LEEWAY_S + token_lasts_s)
    async with served.events(VERSION, token=token, id=payment_id) as events:
        if not events.response.headers["content-type"].startswith("text/event-stream"):
            return None
        while "errors" not in (said := await events.next()):
            assert said["data"]["paymentUpdated"]
        await events.completed()
        return said


async def test_a_stream_ends_with_its_token(small_world: World, small: Served) -> None:
    paid, lasts_s = await small_world.pay(), 2
    while (said := await last_word(small, paid["id"], lasts_s)) is None:
        lasts_s *= 5

    assert said["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(("most", "most_of_one"), [(2, 9), (9, 2)], ids=["in all", "of one viewer"])
async def test_only_so_many_may_be_open(sqlite_url: str, most: int, most_of_one: int) -> None:
    world = World.build(sqlite_url, streams=OpenStreams(most, most_of_one))
    paid = await world.pay()
    async with serving(world) as served, AsyncExitStack() as stack:
        for _ in range(2):
            events = await stack.enter_async_context(served.events(VERSION, STAFF, id=paid["id"]))
            await events.payment()
        async with served.events(VERSION, STAFF, id=paid["id"]) as third:
            refused = (await third.next())["errors"][0]
        async with served.events(VERSION, HELPDESK, id=paid["id"]) as of_another:
            other = await of_another.next()
        await stack.aclose()
        await eventually(lambda: world.parts.streams._open.total() == 0)
        async with served.events(VERSION, STAFF, id=paid["id"]) as again:
            await again.payment()
    await world.close()

    assert refused["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
    assert ("errors" in other) is (most == 2)


async def test_other_operations_are_one_event(small_world: World, small: Served) -> None:
    paid = await small_world.pay()
    async with small.events("query($id: ID!) { payment(id: $id) { id } }", id=paid["id"]) as events:
        answer = await events.next()
        await events.completed()

    assert events.response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer == {"data": {"payment": {"id": paid["id"]}}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        (
            'subscription { paymentUpdated(paymentId: "1") { id } b: paymentUpdated(paymentId: "1") { id } }',
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            f'subscription {{ paymentUpdated(paymentId: "1") {{ {" ".join(f"a{n}: id" for n in range(101))} }} }}',
            "QUERY_TOO_COMPLEX",
        ),
        (
            MANY,
            "QUERY_TOO_COMPLEX",
        ),
    ],
    ids=["syntax", "unknown field", "two roots", "aliases", "list items"],
)
async def test_documents_are_held_to_the_same_rules(small: Served, query: str, code: str) -> None:
    async with small.events(query) as events:
        refused = await events.next()
        await events.completed()

    assert "data" not in refused
    assert refused["errors"][0]["extensions"]["code"] == code


async def test_a_mutation_by_get_is_refused_as_an_event_too(small: Served) -> None:
    query = 'mutation { syncPayment(id: "1") { __typename } }'
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {STAFF.token()}"}

    answer = await small.http.get(small.url, params={"query": query}, headers=headers)

    refused = json.loads(answer.text.partition("data: ")[2].partition("\n")[0])
    assert refused["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "data" not in refused


async def test_a_watcher_by_get(small_world: World, small: Served) -> None:
    """As a browser's EventSource would."""
    paid = await small_world.pay()
    params = {"query": VERSION, "variables": json.dumps({"id": paid["id"]})}
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {ADA.token()}"}

    async with small.http.stream("GET", small.url, params=params, headers=headers) as response:
        lines = [line async for line, _ in _first(response.aiter_lines(), 4)]

    assert lines[2] == "event: next"
    assert json.loads(lines[3].removeprefix("data: "))["data"]["paymentUpdated"]["status"] == "SUCCEEDED"


async def _first(lines: AsyncIterator[str], count: int) -> AsyncIterator[tuple[str, int]]:
    for number in range(count):
        yield await anext(lines), number


# What only PostgreSQL has.


@pytest.fixture
async def postgres_world(postgres: "object") -> AsyncIterator[World]:
    with postgres.fresh() as url:  # type: ignore[attr-defined]
        made = World.build(url)
        yield made
        await made.close()


def listeners(world: World, action: str) -> int:
    """How many connections listen; *action* is done to each."""
    url = make_url(world.settings.database.url).render_as_string(hide_password=False)
    listening = (
        "FROM pg_stat_activity WHERE query = 'LISTEN payment_changes' AND datname = current_database()"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        return len(connection.execute(f"SELECT {action} {listening}").fetchall())  # type: ignore[arg-type]


async def test_a_killed_listening_connection_comes_back_and_nothing_is_missed(postgres_world: World) -> None:
    world = postgres_world
    paid, other = await world.pay(), await world.pay()
    async with (
        serving(world) as served,
        served.events(WATCH, STAFF, id=paid["id"]) as events,
        served.events(VERSION, STAFF, id=other["id"]) as others,
    ):
        before = await events.payment()
        await others.payment()
        await eventually(lambda: listeners(world, "pid") == 1)
        killed = listeners(world, "pg_terminate_backend(pid)")
        # Nobody listens now: this is notified to no one.
        await world.mutate("refundPayment", STAFF, paymentId=paid["id"])
        after = await events.until(financialStatus="REFUNDED", pendingOperations=[])
        await eventually(lambda: listeners(world, "pid") == 1)
        await world.mutate("refundPayment", STAFF, paymentId=other["id"])

        assert await others.payment()

    assert killed == 1
    assert after["version"] > before["version"]


async def test_all_watchers_of_a_process_share_one_listening_connection(postgres_world: World) -> None:
    world = postgres_world
    paid = [await world.pay() for _ in range(3)]
    async with serving(world) as served, AsyncExitStack() as stack:
        for one in paid:
            events = await stack.enter_async_context(served.events(VERSION, STAFF, id=one["id"]))
            await events.payment()
        await eventually(lambda: listeners(world, "pid") == 1)
        await stack.aclose()
        await eventually(lambda: listeners(world, "pid") == 0)
