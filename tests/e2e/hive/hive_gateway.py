"""Hive Gateway as a process: the reference that our gateway is compared with."""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.e2e.node import find_node
from tests.held_ports import held_port

HERE = Path(__file__).resolve().parent
COMMAND = HERE / "node_modules" / "@graphql-hive" / "gateway" / "dist" / "bin.js"
STARTS_WITHIN_S = 60


class HiveGatewayMissingError(Exception):
    """Hive Gateway cannot run here; the message says what is missing and how to get it."""


def find_command() -> Path:
    if not COMMAND.exists():
        raise HiveGatewayMissingError(
            "Hive Gateway is not installed: run `make prepare`, or `npm ci --prefix tests/e2e/hive`."
        )
    return COMMAND


def with_urls(supergraph: str, urls: Mapping[str, str]) -> str:
    """*supergraph* with other addresses for its subgraphs, by name, and not a letter changed besides."""

    def with_url(graph: re.Match[str]) -> str:
        return f'@join__graph(name: "{graph["name"]}", url: "{urls[graph["name"]]}")'

    return re.sub(r'@join__graph\(name: "(?P<name>[^"]+)", url: "[^"]*"\)', with_url, supergraph)


@contextmanager
def running_hive_gateway(supergraph: Path, users_url: str, log: Path) -> Iterator[str]:
    """Serve *supergraph* on a free port, believing the tokens of the user subgraph at *users_url*.

    Gives the address of the GraphQL endpoint once it answers.
    """
    port = held_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [find_node(), str(find_command()), "supergraph", str(supergraph), *_options(port)],
            cwd=HERE,
            env=_environment() | _whose_tokens(users_url),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    with process:
        try:
            _wait_until_ready(process, f"http://127.0.0.1:{port}/readiness", log)
            yield f"http://127.0.0.1:{port}/graphql"
        finally:
            process.terminate()


def _options(port: int) -> list[str]:
    return [
        "--config-path",
        str(HERE / "gateway.config.mjs"),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--disable-websockets",
    ]


def _environment() -> dict[str, str]:
    """Only what a process needs: variables like HIVE_TARGET or OPENTELEMETRY would make it call home."""
    return {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR", "LANG"}}


def _whose_tokens(users_url: str) -> dict[str, str]:
    return {
        "JWKS_URL": f"{users_url}/.well-known/jwks.json",
        "TOKEN_ISSUER": users_url,
        "TOKEN_AUDIENCE": "modular-payment-system",
    }


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while not _answers(url):
        assert process.poll() is None, f"Hive Gateway ended:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"Hive Gateway is not ready:\n{log.read_text()}"
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=60).is_success
    except httpx.TransportError:
        return False
