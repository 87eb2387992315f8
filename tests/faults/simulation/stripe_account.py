"""The fake Stripe of this repository, in this process: its real API, due work and deliveries, on the world's time."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import Router

from fake_stripe import due_work, faults, three_d_secure, webhook_deliveries
from fake_stripe.api import Api
from fake_stripe.api_errors import ApiError
from fake_stripe.bell import Bell
from fake_stripe.clock import Clock
from fake_stripe.connections import Connections
from fake_stripe.events import with_pending_webhooks
from fake_stripe.execution import Account, Runtime
from fake_stripe.faults import Fault
from fake_stripe.store import Store
from fake_stripe.timekeeper import Timekeeper

VERSION = "2026-10-28.endive"


class WorldClock(Clock):
    """The time of the world instead of the machine's."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time

    def time(self) -> float:
        return self._time()


def new_store() -> Store:
    return Store(Path(":memory:"))


class StripeAccount:
    """An empty account in *store*."""

    def __init__(self, store: Store, time: Callable[[], float]) -> None:
        store.forget_everything()
        self.store = store
        self.due, self.news = Bell(), Bell()
        account = Account(
            "http://stripe", VERSION, delivers_webhooks=True, refund_settle_s=5.0, async_capture_s=0.0
        )
        self.runtime = Runtime(store, WorldClock(time), account, (self.due, self.news))
        self._api = Router(routes=list(Api(self.runtime, None, Connections()).routes()))
        self.timekeeper = Timekeeper(self.runtime, self.due)

    async def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: str
    ) -> tuple[str, int, dict[str, str]]:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "method": method.upper(),
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "scheme": "http",
            "server": ("stripe", 80),
            "headers": [(name.lower().encode(), str(value).encode()) for name, value in headers.items()],
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body.encode(), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._api(scope, receive, send)
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return b"".join(each.get("body", b"") for each in sent[1:]).decode(), sent[0]["status"], head

    def go_wrong(self, fault: Fault, method: str, path: str) -> None:
        """With the next request that fits."""
        faults.add(self.store, fault, method.upper(), path, 1)

    def bank(self, intent: str, verdict: str) -> None:
        """In the browser: nothing comes of it if the payment does not wait for that."""
        decide = three_d_secure.complete if verdict == "complete_3ds" else three_d_secure.fail
        with suppress(ApiError), self.runtime.execution() as execution:
            decide(execution, intent)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        return self.store.select("object = ?", (kind,), "ORDER BY seq")

    def undelivered(self) -> list[webhook_deliveries.Delivery]:
        return webhook_deliveries.due(self.store, float("inf"), 1000)

    def payload(self, event_id: str) -> str:
        event = self.store.find("event", event_id)
        assert event is not None
        return json.dumps(with_pending_webhooks(self.store, event))

    def settle_delivery(self, delivery: webhook_deliveries.Delivery, state: str) -> None:
        self.store.rows("UPDATE webhook_deliveries SET state = ? WHERE id = ?", state, delivery.id)

    @property
    def is_busy(self) -> bool:
        """Whether something is still to come within the hour that changes an object."""
        soon = due_work.next_due(self.store, self.runtime.clock.time() + 3600)
        return soon is not None


class Courier:
    """Brings events to the shop's door: late, in any order, twice, or never."""

    def __init__(
        self, account: StripeAccount, door: Callable[[str], Any], luck: Random, lost: float, twice: float
    ) -> None:
        self._account, self._door, self._luck = account, door, luck
        self._lost, self._twice = lost, twice
        self.acknowledged: set[str] = set()
        self.under_way = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as rides:
            while True:
                for delivery in self._account.undelivered():
                    copies = (
                        0 if self._luck.random() < self._lost else 1 + (self._luck.random() < self._twice)
                    )
                    self._account.settle_delivery(delivery, "on its way" if copies else "dropped")
                    for _ in range(copies):
                        rides.create_task(self._ride(delivery.event))
                await self._account.news.heard(None)

    async def _ride(self, event_id: str) -> None:
        self.under_way += 1
        pause = self._luck.choice([0.05, 0.5, 5.0, 60.0]) * self._luck.random()
        for _ in range(30):
            await asyncio.sleep(pause)
            if await self._door(self._account.payload(event_id)):
                self.acknowledged.add(event_id)
                break
            pause = min(max(pause * 2, 1.0), 3600.0)
        self.under_way -= 1
