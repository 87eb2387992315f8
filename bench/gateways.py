"""How each gateway is started: one process, with what it does by default in production."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import GatewayNotStarted
from bench.graphql_client import ask
from bench.process_group import ProcessGroup, running
from launcher.settings import ROOT

HOST = "127.0.0.1"
STARTS_WITHIN_S = 60


@dataclass(frozen=True)
class Gateway:
    """One competitor."""

    name: str
    title: str
    command: Callable[[Path, int], Sequence[str]]
    """(supergraph file, port) -> what starts it"""
    folder: Path = ROOT
    environment: Mapping[str, str] | None = None
    cannot_serve: Mapping[str, str] = field(default_factory=dict)
    """Federation -> why it is left out."""


@dataclass(frozen=True)
class RunningGateway:
    """A gateway that serves one federation."""

    gateway: Gateway
    processes: ProcessGroup
    url: str


@contextmanager
def serving(gateway: Gateway, supergraph: Path, log: Path) -> Iterator[RunningGateway]:
    port = _free_port()
    environment = plain_environment() | dict(gateway.environment or {})
    with running(gateway.command(supergraph, port), log, environment, gateway.folder) as processes:
        started = RunningGateway(gateway, processes, f"http://{HOST}:{port}/graphql")
        _wait_until_it_answers(started, log)
        yield started


def _our_command(supergraph: Path, port: int) -> Sequence[str]:
    return [sys.executable, "-m", "gateway", "--supergraph", str(supergraph), "--port", str(port)]


OURS = Gateway("gateway", "our gateway", _our_command)
GATEWAYS = {each.name: each for each in (OURS,)}


def plain_environment() -> dict[str, str]:
    """Only what a process needs, so that everybody runs with their defaults."""
    return {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR", "LANG"}}


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _wait_until_it_answers(started: RunningGateway, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while not _answers(started.url):
        if not started.processes.is_running() or time.monotonic() > deadline:
            raise GatewayNotStarted(started.gateway.title, log)
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return ask(url, '{"query": "{ __typename }"}').status == 200
    except OSError:
        return False
