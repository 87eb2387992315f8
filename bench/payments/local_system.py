"""The whole system on this machine, as `make run` starts it, but on a PostgreSQL of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import SystemNotStarted
from bench.postgresql import postgresql
from launcher.process_groups import end_with_us
from launcher.settings import HOST, ROOT

STARTS_WITHIN_S = 300
STOPS_WITHIN_S = 30
_PORTS = ("GATEWAY_PORT", "USER_SUBGRAPH_PORT", "PAYMENT_SUBGRAPH_PORT", "FAKE_STRIPE_PORT")


@dataclass(frozen=True)
class LocalSystem:
    """*processes*: the ids of those that a payment costs something, by title; children are theirs."""

    gateway_url: str
    payments_url: str
    fake_stripe_url: str
    database_url: str
    processes: Mapping[str, int]


@contextmanager
def local_system(tell: Callable[[str], None]) -> Iterator[LocalSystem]:
    """Raises SystemNotStarted."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))  # short: a server's socket lies in it
    try:
        tell("starting PostgreSQL")
        with postgresql(folder / "pg") as (database_url, postmaster):
            tell("starting the system")
            with _launched(folder / "data", database_url) as ports:
                urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
                yield LocalSystem(
                    gateway_url=urls["GATEWAY_PORT"],
                    payments_url=urls["PAYMENT_SUBGRAPH_PORT"],
                    fake_stripe_url=urls["FAKE_STRIPE_PORT"],
                    database_url=database_url,
                    processes={
                        "service": _pid(folder, "payment_subgraph"),
                        "worker": _pid(folder, "payment_worker"),
                        "PostgreSQL": postmaster,
                    },
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pid(folder: Path, name: str) -> int:
    return int((folder / "data" / "run" / f"{name}.pid").read_text())


@contextmanager
def _launched(data_dir: Path, database_url: str) -> Iterator[dict[str, int]]:
    """The ports, by the names of their settings."""
    data_dir.mkdir()
    ports = _free_ports()
    log = data_dir / "launcher.log"
    settings = {name: str(port) for name, port in ports.items()}
    with log.open("wb") as output:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "launcher", "run"],
            cwd=ROOT,
            env=_inherited() | settings | {"DATA_DIR": str(data_dir), "PAYMENT_DATABASE_URL": database_url},
            stdout=output,
            stderr=output,
            preexec_fn=end_with_us,  # noqa: PLW1509 - no threads run here
        )
    try:
        _wait_until_welcome(launcher, log)
        yield ports
    finally:
        launcher.send_signal(signal.SIGINT)
        launcher.wait(STOPS_WITHIN_S)


def _inherited() -> dict[str, str]:
    """Nothing that would change what is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "PAYMENT_"))}


def _free_ports() -> dict[str, int]:
    probes = [socket.create_server((HOST, 0)) for _ in _PORTS]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return dict(zip(_PORTS, ports, strict=True))


def _wait_until_welcome(launcher: subprocess.Popen[bytes], log: Path) -> None:
    """The launcher prints where the system stands once all of it answers."""
    deadline = time.monotonic() + STARTS_WITHIN_S
    while "Ctrl-C" not in log.read_text():
        if launcher.poll() is not None or time.monotonic() > deadline:
            raise SystemNotStarted(log)
        time.sleep(0.1)
