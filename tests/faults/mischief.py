"""What goes wrong while people pay: processes die, Stripe's answers are lost, webhooks come twice, late or never."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.faults.fleet import Fleet

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


@dataclass(slots=True)
class Mischief:
    """*done* counts what was done, by its name."""

    fleet: Fleet
    http: httpx.AsyncClient
    luck: Random
    done: Counter[str] = field(default_factory=Counter)

    async def go_on(self) -> None:
        """Until cancelled."""
        deeds = (self._kill, self._fault, self._fault, self._fault, self._webhooks)
        while True:
            await self.luck.choice(deeds)()
            await asyncio.sleep(self.luck.uniform(*_PAUSE_S))

    async def calm(self) -> None:
        """Nothing goes wrong from here on; what is broken already stays broken."""
        await self._admin("DELETE", "faults")
        await self._admin("POST", "webhook_deliveries/drop", {"next": 0})
        await self._admin("POST", "webhook_deliveries/duplicate", {"next": 0})
        await self._admin("POST", "webhook_deliveries/resume")

    async def _kill(self) -> None:
        victim = self.luck.choice(self.fleet.mortals)
        # A process needs seconds to come back: killed at each turn, none would ever be there.
        if self.luck.random() < 0.25:
            victim.kill()
            self.done["kill -9"] += 1

    async def _fault(self) -> None:
        fault = self.luck.choice(_FAULTS) | {"path": self.luck.choice(_PATHS)}
        await self._admin("POST", "faults", fault)
        self.done[fault["kind"]] += 1

    async def _webhooks(self) -> None:
        deed = self.luck.choice(["drop", "duplicate", "pause", "resume", "resume"])
        body = {"next": self.luck.randint(1, 3)} if deed in {"drop", "duplicate"} else None
        await self._admin("POST", f"webhook_deliveries/{deed}", body)
        self.done[f"webhooks: {deed}"] += 1

    async def _admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        response = await self.http.request(method, f"{self.fleet.stripe_url}/_fake/{path}", json=body)
        response.raise_for_status()
