"""One run: people pay while things go wrong; then nothing goes wrong any more, and all must become right."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

import httpx

from tests.faults.books import Books, read_books
from tests.faults.clients import Clients
from tests.faults.fleet import Fleet, fleet
from tests.faults.invariants import Violation, violations
from tests.faults.issuer import issuer
from tests.faults.mischief import Mischief
from tests.faults.settings import RigSettings

_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """*left*: what still was not as it must be when the time to become right was over."""

    left: list[Violation]
    books: Books
    mischief: Counter[str]
    requests: Counter[str]
    unanswered: list[str]
    crashes: Counter[str]
    deaths: int
    quiet_after_s: float


async def run(settings: RigSettings, folder: Path, progress: Callable[[str], None]) -> Outcome:
    with issuer() as tokens:
        async with fleet(settings, folder, tokens) as processes, httpx.AsyncClient(timeout=15) as http:
            clients = Clients(processes.service_urls, processes.stripe_url, tokens, http)
            mischief = Mischief(processes, http, Random(f"mischief {settings.seed}"))
            going_on = asyncio.create_task(mischief.go_on())
            await _live(settings, clients, progress)
            going_on.cancel()
            with suppress(asyncio.CancelledError):
                await going_on
            await mischief.calm()
            progress("nothing goes wrong any more")
            books, left, quiet_after_s = await _become_right(settings, processes, http, clients)
            return Outcome(
                left,
                books,
                mischief.done,
                clients.sent,
                clients.unanswered,
                processes.crashes(),
                processes.deaths,
                quiet_after_s,
            )


async def _live(settings: RigSettings, clients: Clients, progress: Callable[[str], None]) -> None:
    numbers = iter(range(settings.payments))

    async def one_after_the_other() -> None:
        for number in numbers:
            await clients.live(number, Random(f"{settings.seed} {number}"))
            progress(f"{number + 1} of {settings.payments} purchases begun")

    async with asyncio.TaskGroup() as group:
        for _ in range(settings.clients):
            group.create_task(one_after_the_other())


async def _become_right(
    settings: RigSettings, processes: Fleet, http: httpx.AsyncClient, clients: Clients
) -> tuple[Books, list[Violation], float]:
    """Look until nothing is wrong, twice in a row, or the time is over."""
    began, was_right = monotonic(), False
    while True:
        books = await read_books(processes.database_url, processes.stripe_url, http, clients.told)
        left = violations(books)
        took = monotonic() - began
        if (not left and was_right) or took > settings.quiet_within_s:
            return books, left, took
        was_right = not left
        await asyncio.sleep(_LOOK_S)
