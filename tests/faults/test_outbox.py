"""While workers are killed and the receiver has its moods: each transition is told, in order, under one id."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
from sqlalchemy import Table, create_engine, select

from payment_subgraph.database import Database
from payment_subgraph.delivery import Delivery
from payment_subgraph.delivery import Receiver as Address
from payment_subgraph.outbox import Outbox
from payment_subgraph.outbox_message import DeliveryPatience
from payment_subgraph.tables import outbox_messages, payment_transitions, payments
from payment_subgraph.webhook_signature import signing_key
from tests.faults.databases import RunDatabase, sqlite_file
from tests.faults.rig import run
from tests.faults.settings import HURRIED, RigSettings
from tests.payment_subgraph.receiver import SECRET, Answer, Received, Receiver, receiving

SEED = 20_261_128


@dataclass
class Moods:
    """Most messages are taken; some answers come too late, some are faults. *taken*: those answered with 2xx."""

    chance: Random = field(default_factory=lambda: Random(SEED))
    taken: list[Received] = field(default_factory=list)

    def __call__(self, message: Received) -> Answer:
        mood = self.chance.random()
        if mood < 0.1:
            return Answer(500)
        if mood < 0.15:
            return Answer(held=asyncio.Event())  # never set: the answer is lost
        self.taken.append(message)
        return Answer()


def test_what_happens_is_told_whoever_dies(tmp_path: Path) -> None:
    moods = Moods()

    with sqlite_file(tmp_path) as database:
        url = database.url
        receiver = asyncio.run(live(tmp_path, database, moods))

    messages, transitions = rows(url, outbox_messages), rows(url, payment_transitions)
    assert {row["state"] for row in messages} == {"DELIVERED"}
    assert len(messages) == len(transitions)
    bodies = {row["id"]: row["payload"] for row in messages}
    assert {one.id for one in receiver.received} == set(bodies)
    for one in receiver.received:
        assert one.body == bodies[one.id]
        one.signed_at()
    assert_in_order(moods.taken)
    succeeded = [row["payment_id"] for row in transitions if row["type"] == "payment.succeeded"]
    paid = [row["id"] for row in rows(url, payments) if row["status"] == "SUCCEEDED"]
    assert sorted(succeeded) == sorted(paid)
    assert len(receiver.received) > len(messages)  # or nothing went wrong, and this run proves nothing


async def live(folder: Path, database: RunDatabase, moods: Moods) -> Receiver:
    async with receiving() as receiver:
        receiver.decide = moods
        told = {
            "OUTBOX_URL": receiver.url,
            "OUTBOX_SECRET": SECRET,
            "OUTBOX_TIMEOUT_SECONDS": "0.5",
            "OUTBOX_LEASE_SECONDS": "1",
            "OUTBOX_BACK_OFF_SECONDS": "0.2,0.5,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
            "PAYMENT_CRASH_CHANCE": "0.02",
        }
        settings = RigSettings(SEED, 12, environment={**HURRIED, **told})
        outcome = await run(settings, database, folder, lambda _: None)
        assert outcome.left == []
        assert outcome.deaths > 0
        await deliver_the_rest(database.url, receiver)
        return receiver


async def deliver_the_rest(url: str, receiver: Receiver) -> None:
    """What still waited when all was ended, to a receiver that has become well."""
    receiver.decide = None
    patience = DeliveryPatience(back_off=(timedelta(seconds=0.2),) * 99)
    database = Database(url)
    outbox = Outbox(database, patience, lambda: datetime.now(UTC) + timedelta(hours=1))
    async with httpx.AsyncClient() as client:
        address = Address(receiver.url, [signing_key(SECRET)])
        delivery = Delivery(outbox, client, address, lambda: datetime.now(UTC))
        while any(row["state"] == "PENDING" for row in rows(url, outbox_messages)):
            await delivery.round()
    await database.close()


def assert_in_order(taken: Sequence[Received]) -> None:
    """Of each payment, as they were taken for the first time."""
    sequences: dict[str, list[int]] = defaultdict(list)
    for one in taken:
        data = one.content["data"]
        known = sequences[data["payment"]["id"]]
        if data["sequence"] not in known:
            known.append(data["sequence"])
    assert all(known == list(range(1, len(known) + 1)) for known in sequences.values())


def rows(url: str, table: Table) -> list[Any]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(select(table)).mappings())
    engine.dispose()
    return found
