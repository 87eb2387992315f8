"""What goes wrong while people pay: processes die, Stripe's answers are lost, webhooks come twice, late or never."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any

import httpx
import psycopg

from tests.faults.clients import Clients
from tests.faults.databases import RunDatabase
from tests.faults.fleet import Fleet, Member

_PAUSE_S = (0.05, 0.4)
_PATHS = ("/v1/payment_intents", "/v1/payment_intents/*", "/v1/refunds", "/v1/*")
_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "lose_request"},
    {"kind": "lose_answer"},
    {"kind": "lose_answer"},
    {"kind": "status_500", "executed": "never"},
    {"kind": "status_500", "executed": "at_once"},
    {"kind": "status_500", "executed": "later", "seconds": 1},
    {"kind": "429"},
    {"kind": "409"},
    {"kind": "delay", "seconds": 1},
    {"kind": "lose_answer", "method": "GET"},
)
_PAST_THE_LEASE_S = (3.5, 6.0)
_OUTAGE_S = (0.5, 3.0)

Deed = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Mischief:
    """*done* counts what was done, by its name. *inside*: also what only the fake Stripe's admin API can do."""

    fleet: Fleet
    database: RunDatabase
    clients: Clients
    http: httpx.AsyncClient
    luck: Random
    inside: bool = True
    done: Counter[str] = field(default_factory=Counter)
    _lasting: list["asyncio.Task[None]"] = field(default_factory=list)

    async def go_on(self) -> None:
        """Until cancelled."""
        deeds = self._deeds()
        while True:
            # Stripe may be away just now; then this comes to nothing.
            with suppress(httpx.TransportError):
                await self.luck.choice(deeds)()
            await asyncio.sleep(self.luck.uniform(*_PAUSE_S))

    def _deeds(self) -> Sequence[Deed]:
        outside: list[Deed] = [
            self._harm_somebody,
            self._harm_somebody,
            self._rarely,
            self.clients.replay_some_event,
        ]
        return [*outside, *[self._fault] * 4, self._webhooks] if self.inside else outside

    async def calm(self) -> None:
        """Nothing goes wrong from here on: who sleeps wakes, a database that is away returns. What is broken stays so."""
        await asyncio.gather(*self._lasting)
        self.fleet.disarm()
        if self.inside:
            await self._admin("DELETE", "faults")
            await self._admin("POST", "webhook_deliveries/drop", {"next": 0})
            await self._admin("POST", "webhook_deliveries/duplicate", {"next": 0})
            await self._admin("POST", "webhook_deliveries/resume")

    async def _harm_somebody(self) -> None:
        """A process needs a while to come back: harmed at each turn, none would ever be there."""
        if self.luck.random() < 0.7:
            return
        victim = self.luck.choice(self.fleet.mortals)
        if monotonic() - victim.born_at < 2 * self.fleet.start_takes_s:
            return
        match self.luck.choice(["kill -9", "kill -9", "SIGTERM", "SIGSTOP"]):
            case "kill -9":
                victim.kill()
                self.done["kill -9"] += 1
            case "SIGTERM":
                victim.terminate()
                self.done["SIGTERM"] += 1
            case _:
                self._meanwhile(self._suspend(victim))

    async def _suspend(self, victim: Member) -> None:
        """Past its leases: others take its work, and then it wakes and goes on."""
        victim.suspend()
        self.done["SIGSTOP past the lease"] += 1
        await asyncio.sleep(self.luck.uniform(*_PAST_THE_LEASE_S))
        victim.wake()

    async def _rarely(self) -> None:
        chance = self.luck.random()
        if chance < 0.1:
            self.fleet.stripe.absence_s = self.luck.uniform(*_OUTAGE_S)
            self.fleet.stripe.kill()
            self.done["Stripe away"] += 1
        elif chance < 0.4:
            self._meanwhile(self._disturb_the_database())

    async def _disturb_the_database(self) -> None:
        with suppress(psycopg.OperationalError):
            self.done[await self.database.disturb(self.luck)] += 1

    def _meanwhile(self, work: Any) -> None:
        self._lasting.append(asyncio.create_task(work))

    async def _fault(self) -> None:
        fault = self.luck.choice(_FAULTS) | {"path": self.luck.choice(_PATHS)}
        await self._admin("POST", "faults", fault)
        self.done[f"Stripe: {fault['kind']}"] += 1

    async def _webhooks(self) -> None:
        deed = self.luck.choice(["drop", "duplicate", "pause", "resume", "resume"])
        body = {"next": self.luck.randint(1, 3)} if deed in {"drop", "duplicate"} else None
        await self._admin("POST", f"webhook_deliveries/{deed}", body)
        self.done[f"webhooks: {deed}"] += 1

    async def _admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        response = await self.http.request(method, f"{self.fleet.stripe_url}/_fake/{path}", json=body)
        response.raise_for_status()
