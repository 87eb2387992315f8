"""One run: people pay while things go wrong; then nothing goes wrong any more, and all must become right."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

import httpx

from tests.contract.told_secrets import findings_in_files
from tests.faults.black_box import read_from_outside
from tests.faults.books import read_books
from tests.faults.clients import Clients
from tests.faults.databases import RunDatabase
from tests.faults.fleet import Fleet, Ports, fleet, until_ready
from tests.faults.invariants import Violation, violations
from tests.faults.issuer import issuer
from tests.faults.mischief import Mischief
from tests.faults.people import Purchase
from tests.faults.proxy import FaultyProxy, proxy
from tests.faults.settings import RigSettings

_LOOK_S = 0.5
_TELL_S = 0.5

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """*left*: what still was not as it must be when the time to become right was over. *found*: what there was, counted.

    *told*: secrets that stand in the processes' logs.
    """

    left: list[Violation]
    found: Counter[str]
    mischief: Counter[str]
    requests: Counter[str]
    unclear: Counter[str]
    unanswered: list[str]
    crashes: Counter[tuple[str, str]]
    deaths: int
    took_s: float
    quiet_after_s: float
    told: list[str]


@dataclass(slots=True)
class _Run:
    settings: RigSettings
    fleet: Fleet
    clients: Clients
    mischief: Mischief
    http: httpx.AsyncClient
    progress: Progress
    begun: int = 0

    async def live(self) -> None:
        numbers = iter(range(self.settings.payments))

        async def one_after_the_other() -> None:
            for number in numbers:
                self.begun += 1
                await Purchase(self.clients, number, Random(f"{self.settings.seed} {number}")).live()

        telling = asyncio.create_task(self._tell())
        async with asyncio.TaskGroup() as group:
            for _ in range(self.settings.clients):
                group.create_task(one_after_the_other())
        telling.cancel()

    async def _tell(self) -> None:
        began = monotonic()
        while True:
            await asyncio.sleep(_TELL_S)
            took = monotonic() - began
            self.progress(
                f"{took:5.0f} s  {self.begun:5} of {self.settings.payments} purchases, {self.begun / took:4.1f} a second  "
                f"{self.fleet.deaths:4} deaths  {self.clients.waiting:3} waiting for an answer"
            )

    async def become_right(self) -> tuple[Counter[str], list[Violation], float]:
        """Look until nothing is wrong, twice in a row, or the time is over."""
        began, was_right, pause = monotonic(), False, _LOOK_S
        await until_ready(self.fleet.stripe_url)
        while True:
            found, left = await self._look()
            took = monotonic() - began
            self.progress(f"nothing goes wrong any more; {len(left)} things not right yet")
            if (not left and was_right) or took > self.settings.quiet_within_s:
                return found, left, took
            was_right = not left
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 5)

    async def _look(self) -> tuple[Counter[str], list[Violation]]:
        if self.settings.black_box:
            seen = await read_from_outside(self.clients, self.http, self.fleet.stripe_url)
            return seen.counts(), seen.violations()
        books = await read_books(self.fleet.database_url, self.fleet.stripe_url, self.http, self.clients.told)
        return books.counts(), violations(books)


async def run(settings: RigSettings, database: RunDatabase, folder: Path, progress: Progress) -> Outcome:
    began = monotonic()
    async with _started(settings, database, folder, progress) as (this, between):
        going_on = asyncio.create_task(this.mischief.go_on())
        await this.live()
        took_s = monotonic() - began
        going_on.cancel()
        with suppress(asyncio.CancelledError):
            await going_on
        for proxied in between:
            proxied.calm()
            this.mischief.done.update(proxied.done)
        await until_ready(this.fleet.stripe_url)
        await this.mischief.calm()
        found, left, quiet_after_s = await this.become_right()
        return Outcome(
            left,
            found,
            this.mischief.done,
            this.clients.sent,
            this.clients.unclear,
            this.clients.unanswered,
            this.fleet.crashes(),
            this.fleet.deaths,
            took_s,
            quiet_after_s,
            findings_in_files(member.log for member in this.fleet.everybody),
        )


@asynccontextmanager
async def _started(
    settings: RigSettings, database: RunDatabase, folder: Path, progress: Progress
) -> AsyncIterator[tuple[_Run, Sequence[FaultyProxy]]]:
    ports = Ports.held(settings.services, between=settings.black_box)
    limits = httpx.Limits(max_connections=200)
    async with AsyncExitStack() as stack:
        tokens = stack.enter_context(issuer())
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60, limits=limits))
        between = []
        if settings.black_box:
            luck = Random(f"proxy {settings.seed}")
            between.append(await stack.enter_async_context(proxy(ports.seen_stripe, ports.stripe, luck)))
        processes = await stack.enter_async_context(fleet(settings, folder, tokens, database.url, ports))
        clients = Clients(processes.service_urls, processes.stripe_url, tokens, http, settings.patience_s)
        luck = Random(f"mischief {settings.seed}")
        mischief = Mischief(processes, database, clients, http, luck, inside=not settings.black_box)
        yield _Run(settings, processes, clients, mischief, http, progress), between
