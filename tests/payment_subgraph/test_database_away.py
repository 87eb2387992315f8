"""PostgreSQL dies as a whole, and comes back: what is told meanwhile, and that all goes on by itself."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.payment_subgraph.databases import OwnPostgres, PostgresServer, postgres_server
from tests.payment_subgraph.served_world import serving
from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio

STATUS = "query($id: ID!) { payment(id: $id) { status } }"
VERSION = "subscription($id: ID!) { paymentUpdated(paymentId: $id) { version } }"


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """Not the one of all other tests: what that has written would take long to recover."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def server(own_postgres: PostgresServer) -> OwnPostgres:
    if own_postgres.ours is None:
        pytest.skip("a server that is not ours is not killed")
    return own_postgres.ours


@pytest.fixture
async def world(own_postgres: PostgresServer) -> AsyncIterator[World]:
    with own_postgres.fresh() as url:
        made = World.build(url)
        yield made
        await made.close()


async def test_requests_fail_without_a_word_of_the_database_and_then_go_on(
    world: World, server: OwnPostgres
) -> None:
    paid = await world.pay()
    event = world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"])
    async with server.away():
        asked = await world.ask(STATUS, id=paid["id"])
        ready = await world.http.get("/readyz")
        stored = await world.deliver(event)
    asked_again = await world.ask(STATUS, id=paid["id"])
    ready_again = await world.http.get("/readyz")
    stored_again = await world.deliver(event)

    assert [error["message"] for error in asked["errors"]] == ["Internal error."]
    assert (ready.status_code, ready.json()) == (503, {"status": "database unreachable"})
    assert (stored.status_code, stored.json()) == (503, {"status": "try again"})
    assert asked_again == {"data": {"payment": {"status": "SUCCEEDED"}}}
    assert (ready_again.status_code, stored_again.status_code) == (200, 200)


async def test_the_worker_survives_and_then_does_what_is_due(world: World, server: OwnPostgres) -> None:
    waiting = (await world.create(confirm=True, paymentMethodId="pm_processing"))["payment"]
    world.wire.succeed("pi_1")
    await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))
    async with server.away():
        meanwhile = await world.parts.reconciler.round() + await world.parts.bookkeeper.round()
    await world.work()

    assert meanwhile == 0
    assert (await world.payment(waiting["id"]))["status"] == "SUCCEEDED"


async def test_who_watches_is_told_what_changes_afterwards(world: World, server: OwnPostgres) -> None:
    paid = await world.pay()
    async with serving(world) as served, served.events(VERSION, STAFF, id=paid["id"]) as events:
        before = await events.payment()
        async with server.away():
            pass
        await world.mutate("refundPayment", STAFF, paymentId=paid["id"])
        after = await events.payment()

    assert after["version"] > before["version"]
