"""The worker's jobs side by side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from payment_subgraph.worker import work_all
from tests.payment_subgraph.stripe_wire import Gate
from tests.payment_subgraph.world import World

pytestmark = pytest.mark.anyio

PAUSE_S = 0.01
WAIT_S = 60


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    stop = asyncio.Event()
    jobs = asyncio.create_task(work_all(world.parts, None, PAUSE_S, stop))
    try:
        yield
    finally:
        stop.set()
        await jobs


async def until_succeeded(world: World, payment_id: str) -> None:
    while (await world.payment(payment_id))["status"] != "SUCCEEDED":  # noqa: ASYNC110 - a row tells nobody
        await asyncio.sleep(PAUSE_S)


async def test_stripe_that_hangs_at_one_question_keeps_no_other_job_waiting(world: World) -> None:
    payment = (await world.create())["payment"]
    hanging = world.wire.read_gates["/v1/events"] = Gate()
    async with working(world):
        try:
            async with asyncio.timeout(WAIT_S):
                await hanging.reached.wait()
                world.wire.succeed("pi_1")
                await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))
                await until_succeeded(world, payment["id"])
        finally:
            hanging.opened.set()
