"""Events that no webhook brought: from the provider's own list, page by page."""

from typing import Any

import pytest

from payment_subgraph.reconciler import BACKFILL
from payment_subgraph.tables import job_cursors, provider_events
from tests.payment_subgraph.stripe_wire import Gate
from tests.payment_subgraph.world import Statements, World

pytestmark = pytest.mark.anyio

PAGE = 100


async def missing(world: World, count: int) -> str:
    """A payment, and as many events about it as never came."""
    await world.parts.reconciler.backfill_events()  # from here on
    payment: str = (await world.create())["payment"]["id"]
    world.wire.succeed("pi_1")
    world.clock.turn(minutes=6)
    for _ in range(count):
        world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"])
    world.clock.turn(minutes=5)
    return payment


async def position(world: World) -> Any:
    (row,) = await world.rows(job_cursors.select().where(job_cursors.c.job == BACKFILL).subquery())
    return row["position_at"]


class BreakingOff(Gate):
    """After its second page Stripe is away."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.pages = world, 0

    async def passed(self) -> None:
        self.pages += 1
        self.world.wire.down = self.pages == 2


async def test_all_pages_are_taken(world: World) -> None:
    payment = await missing(world, 2 * PAGE + 50)

    new = await world.parts.reconciler.backfill_events()
    await world.work()

    assert new == await world.count(provider_events) == 2 * PAGE + 50
    assert (await world.payment(payment))["status"] == "SUCCEEDED"


async def test_what_breaks_off_is_begun_again(world: World) -> None:
    await missing(world, 2 * PAGE + 50)
    before = await position(world)
    world.wire.read_gates["/v1/events"] = BreakingOff(world)

    await world.parts.reconciler.round()
    kept, after = await world.count(provider_events), await position(world)
    world.wire.down = False
    del world.wire.read_gates["/v1/events"]
    world.clock.turn(minutes=11)
    new = await world.parts.reconciler.backfill_events()

    assert (kept, after) == (2 * PAGE, before)
    assert new == 50
    assert await position(world) > before


async def test_what_is_known_costs_one_statement_a_page(world: World) -> None:
    await missing(world, 2 * PAGE + 50)
    await world.parts.reconciler.backfill_events()
    world.clock.turn(minutes=11)

    with Statements(world.parts.database) as statements:
        new = await world.parts.reconciler.backfill_events()

    assert new == 0
    assert sum("provider_events" in statement for statement in statements.texts) == 3


async def test_one_that_appears_late_in_the_list_is_taken(world: World) -> None:
    """Its time is before the last reading, which did not show it yet."""
    payment = await missing(world, 1)
    late = world.wire.events.pop()
    await world.parts.reconciler.backfill_events()
    world.wire.events.append(late)
    world.clock.turn(minutes=10)

    new = await world.parts.reconciler.backfill_events()
    await world.work()

    assert new == 1
    assert (await world.payment(payment))["status"] == "SUCCEEDED"


async def test_one_that_cannot_be_read_keeps_no_other_away(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await missing(world, 2)
    world.wire.events[0]["data"] = None

    new = await world.parts.reconciler.backfill_events()

    assert new == 1
    assert "ALERT event evt_1 cannot be read and is passed over" in caplog.text
