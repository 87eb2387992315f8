"""The processes under test: some payment services, some workers, and one fake Stripe. Whoever is killed comes back."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.faults.issuer import AUDIENCE, Issuer
from tests.faults.settings import RigSettings

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
_LOOK_S = 0.05
_READY_WITHIN_S = 60


@dataclass(slots=True)
class Member:
    """One process, started again whenever it ends; *deaths* counts how often."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    deaths: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=dict(self.environment), cwd=ROOT, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """As the kernel, or a machine that stops, would: nothing is finished, nothing said."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)

    def revive(self) -> None:
        if self.process and self.process.poll() is not None:
            self.deaths += 1
            self.start()

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Fleet:
    services: list[Member]
    workers: list[Member]
    stripe: Member
    service_urls: list[str]
    stripe_url: str
    database_url: str
    _keeping: "asyncio.Task[None] | None" = field(default=None)

    @property
    def mortals(self) -> list[Member]:
        return [*self.services, *self.workers]

    @property
    def deaths(self) -> int:
        return sum(member.deaths for member in self.mortals)

    def crashes(self) -> Counter[str]:
        """How often a process died at which of its own points."""
        lines = (line for member in self.mortals for line in member.log.read_text().splitlines())
        return Counter(line.removeprefix("CRASH ") for line in lines if line.startswith("CRASH "))

    async def keep_alive(self) -> None:
        while True:
            for member in self.mortals:
                member.revive()
            await asyncio.sleep(_LOOK_S)


@asynccontextmanager
async def fleet(settings: RigSettings, folder: Path, issuer: Issuer) -> AsyncIterator[Fleet]:
    """Started, migrated and ready; ended with the block."""
    made = _fleet(settings, folder, issuer)
    _migrate(made.services[0].environment)
    everybody = [made.stripe, *made.mortals]
    try:
        for member in everybody:
            member.start()
        for url in (made.stripe_url, *made.service_urls):
            await _until_ready(url)
        keeping = asyncio.create_task(made.keep_alive())
        try:
            yield made
        finally:
            keeping.cancel()
    finally:
        for member in everybody:
            member.end()


def _migrate(environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "payment_subgraph", "migrate"]
    subprocess.run(command, env=dict(environment), cwd=ROOT, check=True)


def _fleet(settings: RigSettings, folder: Path, issuer: Issuer) -> Fleet:
    stripe_port, *ports = _free_ports(1 + settings.services)
    database = settings.database_url or f"sqlite:///{folder}/payments.sqlite3"
    base = {
        "PATH": os.environ["PATH"],
        "STRIPE_SECRET_KEY": "sk_test_rig",
        "STRIPE_WEBHOOK_SECRET": "whsec_rig",
    }
    ours = {
        **base,
        **settings.environment,
        "PAYMENT_DATABASE_URL": database,
        "STRIPE_API_BASE": f"http://{HOST}:{stripe_port}",
        "JWKS_URL": issuer.url,
        "TOKEN_ISSUER": issuer.url,
        "TOKEN_AUDIENCE": AUDIENCE,
    }
    fakes = {
        **base,
        "DATA_DIR": str(folder),
        "FAKE_STRIPE_PORT": str(stripe_port),
        # One of the services; when it is down, deliveries fail, are late, and come out of order.
        "FAKE_STRIPE_WEBHOOK_URL": f"http://{HOST}:{ports[0]}/webhooks/stripe",
        "FAKE_STRIPE_RETRY_FIRST_SECONDS": "0.3",
        "FAKE_STRIPE_RETRY_CAP_SECONDS": "2",
        "FAKE_STRIPE_REFUND_SETTLE_SECONDS": "1",
    }
    return Fleet(
        services=[
            Member(
                f"service {number}",
                [sys.executable, "-m", "payment_subgraph", "serve"],
                ours | {"PAYMENT_SUBGRAPH_PORT": str(port)},
                folder / f"service-{number}.log",
            )
            for number, port in enumerate(ports, 1)
        ],
        workers=[
            Member(
                f"worker {number}",
                [sys.executable, "-m", "payment_subgraph.worker"],
                ours,
                folder / f"worker-{number}.log",
            )
            for number in range(1, settings.workers + 1)
        ],
        stripe=Member(
            "fake Stripe",
            [str(ROOT / "fake_stripe/.venv/bin/python"), "-m", "fake_stripe"],
            fakes,
            folder / "fake-stripe.log",
        ),
        service_urls=[f"http://{HOST}:{port}" for port in ports],
        stripe_url=f"http://{HOST}:{stripe_port}",
        database_url=database,
    )


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


async def _until_ready(url: str) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(_READY_WITHIN_S):
        while True:
            try:
                if (await client.get(f"{url}/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(_LOOK_S)
