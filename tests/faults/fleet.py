"""The processes under test: some payment services, some workers, and one fake Stripe. Whoever ends comes back."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from tests.faults.issuer import AUDIENCE, Issuer
from tests.faults.settings import RigSettings
from tests.held_ports import held_port

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
_LOOK_S = 0.05
_READY_WITHIN_S = 60


@dataclass(slots=True)
class Member:
    """One process, started again whenever it ends; *deaths* counts how often. *warm*: a fork of the nursery.

    *absence_s*: how long it stays away the next time.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    warm: bool = False
    deaths: int = 0
    pid: int | None = None
    absence_s: float = 0
    born_at: float = 0

    def kill(self) -> None:
        """As the kernel, or a machine that stops, would: nothing is finished, nothing said."""
        self.signal(signal.SIGKILL)

    def terminate(self) -> None:
        """As a deployment does: what is under way may end."""
        self.signal(signal.SIGTERM)

    def suspend(self) -> None:
        self.signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Nothing to one that is away."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


@dataclass(slots=True)
class Fleet:
    services: list[Member]
    workers: list[Member]
    stripe: Member
    service_urls: list[str]
    stripe_url: str
    database_url: str
    start_takes_s: float = 0
    """Until a process is ready; measured at the beginning."""
    _nursery: asyncio.subprocess.Process | None = None
    _returning: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def mortals(self) -> list[Member]:
        return [*self.services, *self.workers]

    @property
    def everybody(self) -> list[Member]:
        return [self.stripe, *self.mortals]

    @property
    def deaths(self) -> int:
        return sum(member.deaths for member in self.mortals)

    def disarm(self) -> None:
        """All but Stripe return without crash points, as after a deployment."""
        for member in self.mortals:
            member.environment = {**member.environment, "PAYMENT_CRASH_CHANCE": "0"}
            member.terminate()

    def crashes(self) -> Counter[tuple[str, str]]:
        """How often a process died at which of its own points, and what was under way."""
        found: Counter[tuple[str, str]] = Counter()
        for member in self.mortals:
            with member.log.open(errors="replace") as lines:
                for line in lines:
                    if line.startswith("CRASH "):
                        point, _, under_way = line.removeprefix("CRASH ").strip().partition("|")
                        found[point, under_way] += 1
        return found

    async def begin(self) -> None:
        self._nursery = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.nursery", stdin=PIPE, stdout=PIPE, cwd=ROOT
        )
        for member in self.everybody:
            self._start(member)

    def _start(self, member: Member) -> None:
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        wanted = {
            "name": member.name,
            "command": list(member.command),
            "environment": dict(member.environment),
            "log": str(member.log),
            "warm": member.warm,
        }
        self._nursery.stdin.write(json.dumps(wanted).encode() + b"\n")

    async def keep_alive(self) -> None:
        assert self._nursery is not None
        assert self._nursery.stdout is not None
        while line := await self._nursery.stdout.readline():
            self._hear(json.loads(line))

    def _hear(self, said: dict[str, Any]) -> None:
        if "began" in said:
            born = next(each for each in self.everybody if each.name == said["began"])
            born.pid, born.born_at = said["pid"], monotonic()
            return
        for member in self.everybody:
            if member.pid == said["ended"]:
                member.pid, member.deaths = None, member.deaths + 1
                task = asyncio.create_task(self._return(member))
                self._returning.add(task)
                task.add_done_callback(self._returning.discard)

    async def _return(self, member: Member) -> None:
        absence, member.absence_s = member.absence_s, 0
        await asyncio.sleep(absence)
        self._start(member)

    async def end(self) -> None:
        for task in self._returning:
            task.cancel()
        if self._nursery is not None and self._nursery.stdin is not None:
            self._nursery.stdin.close()
            await self._nursery.wait()


@asynccontextmanager
async def fleet(
    settings: RigSettings, folder: Path, issuer: Issuer, database_url: str, ports: "Ports"
) -> AsyncIterator[Fleet]:
    """Started, migrated and ready; ended with the block."""
    made = _fleet(settings, folder, issuer, database_url, ports)
    _migrate(made.services[0].environment)
    try:
        await made.begin()
        keeping = asyncio.create_task(made.keep_alive())
        try:
            for url in (made.stripe_url, *made.service_urls):
                await until_ready(url)
            made.start_takes_s = monotonic() - max(member.born_at for member in made.mortals)
            yield made
        finally:
            keeping.cancel()
    finally:
        await made.end()


def _migrate(environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "payment_subgraph", "migrate"]
    subprocess.run(command, env=dict(environment), cwd=ROOT, check=True)


@dataclass(frozen=True, slots=True)
class Ports:
    """*seen_stripe*: where our processes look for Stripe; another than *stripe* if something stands between."""

    stripe: int
    seen_stripe: int
    services: Sequence[int]

    @classmethod
    def held(cls, services: int, *, between: bool) -> "Ports":
        stripe, proxy, *others = [held_port() for _ in range(2 + services)]
        return cls(stripe, proxy if between else stripe, others)


def _fleet(settings: RigSettings, folder: Path, issuer: Issuer, database_url: str, ports: Ports) -> Fleet:
    ours = _our_environment(settings, issuer, database_url, ports)
    return Fleet(
        services=[
            Member(
                f"service {number}",
                [sys.executable, "-m", "payment_subgraph", "serve"],
                ours | {"PAYMENT_SUBGRAPH_PORT": str(port)},
                folder / f"service-{number}.log",
                warm=not settings.black_box,
            )
            for number, port in enumerate(ports.services, 1)
        ],
        workers=[
            Member(
                f"worker {number}",
                [sys.executable, "-m", "payment_subgraph.worker"],
                ours,
                folder / f"worker-{number}.log",
                warm=not settings.black_box,
            )
            for number in range(1, settings.workers + 1)
        ],
        stripe=Member(
            "fake Stripe",
            [str(ROOT / "fake_stripe/.venv/bin/python"), "-m", "fake_stripe"],
            _stripes_environment(folder, ports),
            folder / "fake-stripe.log",
        ),
        service_urls=[f"http://{HOST}:{port}" for port in ports.services],
        stripe_url=f"http://{HOST}:{ports.stripe}",
        database_url=database_url,
    )


_SECRETS = {"STRIPE_SECRET_KEY": "sk_test_rig", "STRIPE_WEBHOOK_SECRET": "whsec_rig"}


def _our_environment(
    settings: RigSettings, issuer: Issuer, database_url: str, ports: Ports
) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        **_SECRETS,
        **settings.environment,
        "PAYMENT_CRASH_CHANCE": str(0 if settings.black_box else settings.crash_chance),
        "PAYMENT_DATABASE_URL": database_url,
        "STRIPE_API_BASE": f"http://{HOST}:{ports.seen_stripe}",
        "JWKS_URL": issuer.url,
        "TOKEN_ISSUER": issuer.url,
        "TOKEN_AUDIENCE": AUDIENCE,
    }


def _stripes_environment(folder: Path, ports: Ports) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        **_SECRETS,
        "DATA_DIR": str(folder),
        "FAKE_STRIPE_PORT": str(ports.stripe),
        # One of the services; when it is down, deliveries fail, are late, and come out of order.
        "FAKE_STRIPE_WEBHOOK_URL": f"http://{HOST}:{ports.services[0]}/webhooks/stripe",
        "FAKE_STRIPE_RETRY_FIRST_SECONDS": "0.3",
        "FAKE_STRIPE_RETRY_CAP_SECONDS": "2",
        "FAKE_STRIPE_REFUND_SETTLE_SECONDS": "1",
    }


async def until_ready(url: str) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(_READY_WITHIN_S):
        while True:
            try:
                if (await client.get(f"{url}/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(_LOOK_S)
