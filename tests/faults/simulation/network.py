"""The network between a process and Stripe: it loses, delays and garbles, and outlives who sent something."""

import asyncio
import contextvars
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import stripe

from fake_stripe.faults import Fault
from payment_subgraph.crash_points import CrashPoint
from tests.faults.simulation.process import Process
from tests.faults.simulation.stripe_account import StripeAccount

TIMEOUT_S = 20.0
_WORLD = contextvars.Context()
"""No process': what runs in it dies with none."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely what is, 0 to 1: at each request to Stripe, each webhook, each step of a process, each schedule."""

    lost_request: float = 0.05
    lost_answer: float = 0.07
    slow: float = 0.05
    broken: float = 0.07
    busy: float = 0.03
    webhook_lost: float = 0.1
    webhook_twice: float = 0.15
    death: float = 0.02
    suspension: float = 0.3
    long_night: float = 0.08
    """Everything is down for more than a day, sometime while people pay."""
    deadly: CrashPoint | None = None
    """Here every second one dies."""


CALM = Weather(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(slots=True)
class Conditions:
    """The *weather* as it is just now; *down*: Stripe cannot be reached at all."""

    weather: Weather
    luck: Random
    down: bool = False


class Line(stripe.HTTPClient):
    """One process' connection to Stripe, in the place of the SDK's own."""

    name = "line"

    def __init__(self, process: Process, account: StripeAccount, conditions: Conditions) -> None:
        super().__init__()
        self._process, self._account, self._now = process, account, conditions

    async def close_async(self) -> None:
        """Nothing to close."""

    async def sleep_async(self, secs: float) -> None:
        await asyncio.sleep(secs)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        await self._process.go_on()
        if self._now.down:
            raise self._failed("no route to Stripe")
        # A task of the world's: the request is on its way, whatever becomes of who sent it.
        under_way = asyncio.get_running_loop().create_task(
            self._carry(method, url, headers, post_data or ""), context=_WORLD.copy()
        )
        under_way.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            answer = await asyncio.wait_for(asyncio.shield(under_way), TIMEOUT_S)
        except TimeoutError as late:
            raise self._failed("timed out") from late
        await self._process.go_on()
        text, status, answered = answer
        return text.encode(), status, answered

    async def _carry(
        self, method: str, url: str, headers: Mapping[str, str], body: str
    ) -> tuple[str, int, Mapping[str, str]]:
        weather, luck = self._now.weather, self._now.luck
        await asyncio.sleep(luck.uniform(0, 0.2))
        if luck.random() < weather.slow:
            await asyncio.sleep(luck.uniform(0, 2 * TIMEOUT_S))
        if luck.random() < weather.lost_request:
            raise self._failed("connection lost")
        self._maybe_go_wrong(method, url)
        answer = await self._account.answer(method, url, headers, body)
        await asyncio.sleep(luck.uniform(0, 0.2))
        if luck.random() < weather.slow:  # what it says may be an old state by then
            await asyncio.sleep(luck.uniform(0, TIMEOUT_S))
        if luck.random() < weather.lost_answer:
            raise self._failed("connection lost")
        return answer

    def _maybe_go_wrong(self, method: str, url: str) -> None:
        weather, luck = self._now.weather, self._now.luck
        path = url.removeprefix("https://api.stripe.com").partition("?")[0]
        if luck.random() < weather.broken:
            executed = luck.choice(["never", "at_once", "later"]) if method == "post" else "never"
            # Later, but before the time of grace ends: what comes after that, nobody can have waited for.
            self._account.go_wrong(Fault("status_500", luck.uniform(0, 600), executed), method, path)  # type: ignore[arg-type]
        elif luck.random() < weather.busy:
            self._account.go_wrong(Fault(luck.choice(["409", "429"])), method, path)

    def _failed(self, why: str) -> stripe.APIConnectionError:
        retry = self._now.luck.random() < 0.3
        return stripe.APIConnectionError(why, should_retry=retry)  # type: ignore[no-untyped-call]
