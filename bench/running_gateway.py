"""A gateway as a running process that answers."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import GatewayNotStarted
from bench.gateways import Gateway
from bench.graphql_client import ask
from bench.process_group import ProcessGroup, running
from launcher.settings import HOST, Settings

STARTS_WITHIN_S = 60


@dataclass(frozen=True)
class RunningGateway:
    """Serves one supergraph."""

    gateway: Gateway
    processes: ProcessGroup
    url: str


@contextmanager
def serving(gateway: Gateway, supergraph: Path, log: Path) -> Iterator[RunningGateway]:
    """Raises GatewayNotStarted."""
    port = _free_port()
    environment = gateway.environment(Settings.from_environment())
    with running(gateway.command(supergraph, port), log, environment, gateway.folder) as processes:
        started = RunningGateway(gateway, processes, f"http://{HOST}:{port}/graphql")
        _wait_until_it_answers(started, log)
        yield started


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
