"""The example receiver, run as a program, told by the real outbox."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from examples.order_fulfilment.shop import Shop
from payment_subgraph.app import build_delivery
from payment_subgraph.delivery import Delivery
from payment_subgraph.webhook_signature import signed_headers, signing_key
from tests.payment_subgraph.receiver import OTHER_SECRET, SECRET
from tests.payment_subgraph.world import STAFF, World, settings

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@dataclass
class Program:
    url: str
    shop: Shop


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    file = str(tmp_path / "orders.sqlite3")
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.order_fulfilment", "0", file],
        env={"PATH": os.environ["PATH"], "OUTBOX_SECRET": SECRET},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    yield Program(said.split()[-1], Shop(file))
    process.kill()
    process.communicate()


@asynccontextmanager
async def telling(world: World, program: Program, secret: str = SECRET) -> AsyncIterator[Delivery]:
    chosen = settings(world.settings.database.url, OUTBOX_URL=program.url, OUTBOX_SECRET=secret)
    async with httpx.AsyncClient(timeout=60) as client:
        delivery = build_delivery(chosen, world.parts, client, world.clock)
        assert delivery is not None
        yield delivery


async def tell(world: World, program: Program) -> None:
    async with telling(world, program) as delivery:
        while await delivery.round():
            pass


async def test_what_is_paid_is_shipped_once_however_often_it_is_told(
    small_world: World, program: Program
) -> None:
    program.shop.order("order-7", 1000, "EUR")
    payment = await small_world.pay("10.00", reference="order-7")
    await tell(small_world, program)
    shipped = program.shop.state_of("order-7")
    await small_world.mutate("refundPayment", STAFF, paymentId=payment["id"])
    await tell(small_world, program)
    refunded = program.shop.state_of("order-7")

    again = await small_world.parts.outbox.replay_since(small_world.clock().replace(year=2000))
    await tell(small_world, program)

    assert (shipped, refunded) == ("TO_SHIP", "CANCELED")
    assert again == 4
    assert program.shop.state_of("order-7") == "CANCELED"


async def test_an_order_for_which_a_cent_was_paid_is_held(small_world: World, program: Program) -> None:
    program.shop.order("order-7", 100_000, "EUR")
    await small_world.pay("1.00", reference="order-7")

    await tell(small_world, program)

    assert program.shop.state_of("order-7") == "HELD"


async def test_a_forged_message_does_nothing(small_world: World, program: Program) -> None:
    program.shop.order("order-7", 1000, "EUR")
    await small_world.pay("10.00", reference="order-7")

    async with telling(small_world, program, OTHER_SECRET) as delivery:
        taken = await delivery.round()

    assert taken == 0
    assert program.shop.state_of("order-7") == "OPEN"


@pytest.mark.parametrize("seconds", [-301, 330])
def test_a_message_of_another_time_is_refused(program: Program, seconds: int) -> None:
    body = b'{"type":"payment.succeeded","data":{"payment":{}}}'
    headers = signed_headers([signing_key(SECRET)], "trn_1_1", int(time.time()) + seconds, body)

    assert httpx.post(program.url, content=body, headers=headers, timeout=60).status_code == 400
