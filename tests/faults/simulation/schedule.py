"""One schedule: a few purchases while everything goes wrong, in virtual time; then calm, and all must become right.

The code under test is the real one: SQL, Stripe's SDK, the fake Stripe. Processes are tasks that can be cancelled at
any step, the network and the clock are ours, and every choice is drawn from the seed: the same seed, the same run.
"""

import asyncio
import itertools
import logging
import random
import sqlite3
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

import stripe
from sqlalchemy import Engine
from starlette.requests import Request

from fake_stripe.store import Store
from payment_subgraph import app, crash_points, ids
from payment_subgraph.app import Parts, build_parts
from payment_subgraph.crash_points import CrashPoint
from payment_subgraph.database import migrate
from payment_subgraph.settings import Settings, StripeSettings
from payment_subgraph.stripe_processor import StripeProcessor
from payment_subgraph.webhooks import WebhookEndpoint
from tests.faults.books import STRIPE_KINDS, Books, books_of
from tests.faults.invariants import Violation, violations
from tests.faults.people import Purchase
from tests.faults.simulation.front_desk import FrontDesk
from tests.faults.simulation.instant_database import InstantDatabase, memory_engine
from tests.faults.simulation.network import CALM, Conditions, Line, Weather
from tests.faults.simulation.process import Died, Fatal, Process, keep_count_of_tasks
from tests.faults.simulation.stripe_account import Courier, StripeAccount, new_store
from tests.faults.simulation.virtual_time import VirtualTimeLoop

_EPOCH: Final = datetime(2026, 6, 1, tzinfo=UTC)
_SECRET: Final = "whsec_world"
_SERVICES: Final = ("service 1", "service 2")
_WORKERS: Final = ("worker 1", "worker 2")
_DAY_S: Final = 86_400.0
_CALM_S: Final = 1_800.0
_BOUND_S: Final = 3 * 3_600.0
"""So long after the last fault nothing may be open any more: the grace after a 5xx, and three looks on the way."""
_LEAST_PAUSE_S: Final = 0.25
_POLL_S: Final = 5.0
_NEXT_DUE: Final = """SELECT min(at) FROM (
    SELECT min(due_at) AS at FROM payment_operations WHERE resolved_at IS NULL UNION ALL
    SELECT min(next_attempt_at) FROM provider_events WHERE processed_at IS NULL UNION ALL
    SELECT min(reread_at) FROM payments UNION ALL
    SELECT coalesce(min(due_at), '2000-01-01') FROM job_cursors)"""
_OPEN: Final = """SELECT (SELECT count(*) FROM payment_operations WHERE resolved_at IS NULL)
    + (SELECT count(*) FROM provider_events WHERE processed_at IS NULL)
    + (SELECT count(*) FROM refunds WHERE status = 'PENDING')"""


@dataclass(frozen=True, slots=True)
class Outcome:
    seed: int
    left: list[Violation]
    deaths: Counter[tuple[str, str]]
    books: Books
    sent: Counter[str]
    unanswered: list[str]
    broken: list[str]
    ended_at: float
    """In seconds of the schedule's own time: told apart by any choice that came out otherwise."""

    @property
    def is_right(self) -> bool:
        return not (self.left or self.unanswered or self.broken)

    def __str__(self) -> str:
        """What a failing test shows: enough to play it again."""
        wrong = [*map(str, self.left), *self.unanswered, *self.broken]
        return "\n  ".join([f"seed {self.seed}, {self.deaths.total()} deaths:", *wrong])


@dataclass(slots=True)
class Workbench:
    """What all schedules share, emptied for each: building it anew would cost more than a schedule does."""

    template: sqlite3.Connection
    connection: sqlite3.Connection
    engine: Engine
    store: Store
    settings: Settings

    def play(self, seed: int, weather: Weather = Weather(), purchases: int = 1) -> Outcome:  # noqa: B008 - frozen
        self.template.backup(self.connection)
        loop = VirtualTimeLoop()
        keep_count_of_tasks(loop)
        loop.set_exception_handler(lambda _loop, _context: None)  # of processes that died
        world = _World(self, seed, weather, loop)
        fatal = Fatal(world.strikes)
        with _reproducible(seed):
            crash_points.watch(fatal)
            try:
                loop.run_until_complete(world.run(purchases))
                return world.outcome(fatal.deaths)
            finally:
                crash_points.watch(None)
                world.end()


@contextmanager
def workbench() -> Iterator[Workbench]:
    logging.disable(logging.CRITICAL)  # what goes wrong here is meant to, thousands of times
    with TemporaryDirectory() as folder:
        migrate(f"sqlite:///{folder}/template.sqlite3")
        template = sqlite3.connect(Path(folder, "template.sqlite3"))
        connection = sqlite3.connect(":memory:", isolation_level=None)
        template.backup(connection)
        settings = Settings.read(
            {"STRIPE_SECRET_KEY": "sk_test_world", "STRIPE_WEBHOOK_SECRET": _SECRET, "DATA_DIR": folder}
        )
        store, engine = new_store(), memory_engine(connection)
        yield Workbench(template, connection, engine, store, settings)
        engine.dispose()
        store.close()
        template.close()
    logging.disable(logging.NOTSET)


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Ids are drawn from the seed too (some things are sorted by them), and so is how long Stripe's SDK pauses."""
    numbers, luck = itertools.count(1), Random(f"ids {seed}")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    before = random.getstate()
    random.seed(f"pauses {seed}")
    with (
        patch.object(ids, "_new", lambda prefix: f"{prefix}_{next(numbers):026d}"),
        patch("fake_stripe.ids.random_text", lambda length: "".join(luck.choices(letters, k=length))),
    ):
        try:
            yield
        finally:
            random.setstate(before)


class _World:
    def __init__(self, bench: Workbench, seed: int, weather: Weather, loop: VirtualTimeLoop) -> None:
        self.bench, self.seed, self.loop = bench, seed, loop
        self.luck = Random(f"world {seed}")
        self.now = Conditions(weather, self.luck)
        self.account = StripeAccount(bench.store, self.timestamp)
        self.courier = Courier(
            self.account, self.deliver, self.luck, weather.webhook_lost, weather.webhook_twice
        )
        self.processes: dict[str, Process] = {}
        self.living = asyncio.Event()
        self.night: asyncio.Event | None = None
        self.desk = FrontDesk(self.serving, self.account)

    # Time.

    def timestamp(self) -> float:
        return _EPOCH.timestamp() + self.loop.time()

    def clock(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.loop.time())

    # Processes.

    def strikes(self, point: CrashPoint, _under_way: str) -> bool:
        weather = self.now.weather
        return self.luck.random() < (0.5 if point is weather.deadly else weather.death)

    def start(self, name: str) -> Process:
        process = Process(name)
        stripe = self.bench.settings.processor
        assert isinstance(stripe, StripeSettings)
        processor = StripeProcessor(
            stripe.secret_key,
            environment=self.bench.settings.environment,
            http_client=Line(process, self.account, self.now),
            clock=self.clock,
        )

        async def turn() -> None:
            await asyncio.sleep(self.luck.uniform(0, 0.02))
            await process.go_on()

        with patch.object(app, "Database", lambda _url: InstantDatabase(self.bench.engine, turn)):
            process.parts = build_parts(self.bench.settings, processor, self.clock)
        self.processes[name] = process
        self.living.set()
        if name in _WORKERS:
            process.begin(self.work(process.parts))
        return process

    async def keep_alive(self) -> None:
        """Whoever died comes back after a while, except in a long night."""
        while True:
            for name in (*_SERVICES, *_WORKERS):
                process = self.processes.get(name)
                if process is None or not process.alive:
                    self.start(name)
            await asyncio.sleep(self.luck.uniform(0.5, 8))
            if self.night is not None:
                await self.night.wait()

    async def serving(self) -> Process:
        """One of the services that live."""
        while True:
            there = [self.processes[name] for name in _SERVICES if name in self.processes]
            there = [process for process in there if process.alive]
            if there:
                return self.luck.choice(there)
            self.living.clear()
            await self.living.wait()

    async def work(self, parts: Parts) -> None:
        """As `worker.work`, but a look whether anything is due costs next to nothing."""
        while True:
            wait = self.next_due_s()
            if wait > 0 or not await parts.reconciler.round():
                await asyncio.sleep(min(max(_LEAST_PAUSE_S, wait), _POLL_S))

    def next_due_s(self) -> float:
        """How long until a row is due; negative if one is."""
        due = self.bench.connection.execute(_NEXT_DUE).fetchone()[0]
        if due is None:
            return 0.0
        return (datetime.fromisoformat(due).replace(tzinfo=UTC) - self.clock()).total_seconds()

    async def deliver(self, payload: str) -> bool:
        """To the door of one of the services; whether it said 2xx, and lived to say so."""
        process = await self.serving()
        assert process.parts is not None
        door = WebhookEndpoint(process.parts.inbox, process.parts.processor, [_SECRET], self.clock)
        signed = stripe.WebhookSignature.generate_signature_header(payload, _SECRET, int(self.timestamp()))
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "headers": [(b"stripe-signature", signed.encode())],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": payload.encode(), "more_body": False}

        try:
            response = await process.serve(door.respond(Request(scope, receive)))
        except Died:
            return False
        return bool(response.status_code == 200)

    # What goes wrong from outside.

    async def mischief(self) -> None:
        weather, luck = self.now.weather, self.luck
        if luck.random() < weather.long_night:
            await asyncio.sleep(luck.uniform(0, 20))
            await self.long_night()
        while True:
            await asyncio.sleep(luck.uniform(1, 30))
            victim = self.processes[luck.choice([*self.processes])]
            if luck.random() < weather.death * 5:
                victim.kill()
            elif luck.random() < weather.suspension:
                victim.suspend()
                await asyncio.sleep(luck.choice([1, 30, 120]))
                victim.wake()
            elif luck.random() < weather.lost_request:
                self.now.down = True
                await asyncio.sleep(luck.uniform(1, 60))
                self.now.down = False

    async def long_night(self) -> None:
        """Nobody is there for more than a day: Stripe forgets the keys of what was asked before."""
        self.night = asyncio.Event()
        for process in self.processes.values():
            process.kill()
        await asyncio.sleep(self.luck.uniform(0.5, 1.5) * _DAY_S)
        self.night.set()
        self.night = None

    # The whole.

    async def run(self, purchases: int) -> None:
        for name in (*_SERVICES, *_WORKERS):
            self.start(name)
        background = [
            asyncio.ensure_future(work)
            for work in (self.account.timekeeper.run(), self.courier.run(), self.keep_alive())
        ]
        trouble = asyncio.ensure_future(self.mischief())
        lives = (
            Purchase(self.desk, number, Random(f"{self.seed} {number}")).live() for number in range(purchases)
        )
        await asyncio.gather(*lives)
        trouble.cancel()
        await self.calm_down()
        await self.desk.ask_again()
        for task in background:
            task.cancel()
        for process in self.processes.values():
            process.kill()
        await asyncio.gather(*background, return_exceptions=True)

    async def calm_down(self) -> None:
        self.now.weather, self.now.down = CALM, False
        if self.night is not None:
            self.night.set()
            self.night = None
        for process in self.processes.values():
            process.wake()
        self.account.store.rows("DELETE FROM faults")
        until = self.loop.time() + _BOUND_S
        await asyncio.sleep(_CALM_S)
        while self.loop.time() < until and not self.is_quiet():  # noqa: ASYNC110 - an hour of this costs nothing
            await asyncio.sleep(60)

    def is_quiet(self) -> bool:
        return bool(self.bench.connection.execute(_OPEN).fetchone()[0] == 0)

    def outcome(self, deaths: Counter[tuple[str, str]]) -> Outcome:
        listed = {kind: self.account.objects(kind.removesuffix("s")) for kind in STRIPE_KINDS}
        with self.bench.engine.connect() as connection:
            books = books_of(connection, listed, frozenset(self.courier.acknowledged), self.desk.told)
        desk = self.desk
        unanswered = [f"{intention.kind} {intention.key}" for intention in desk.unanswered]
        return Outcome(
            self.seed, violations(books), deaths, books, desk.sent, unanswered, desk.broken, self.loop.time()
        )

    def end(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # work of the dead that was never begun
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0.1))
            self.loop.close()
