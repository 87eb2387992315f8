"""The gateway as a process: it starts, serves and stops."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import (
    LIBRARY,
    RunningGateway,
    Subgraphs,
    ended,
    running_gateway,
    serving_subgraphs,
    start,
)
from tests.gateway.test_entities import library
from tests.gateway.testbed import SUPERGRAPHS


@pytest.fixture
def subgraphs() -> Iterator[Subgraphs]:
    with serving_subgraphs() as server:
        yield server


@pytest.fixture
def gateway(subgraphs: Subgraphs) -> Iterator[RunningGateway]:
    with running_gateway(subgraphs, GATEWAY_DRAIN_S="0") as gateway:
        yield gateway


def test_it_serves_any_supergraph_over_http(gateway: RunningGateway) -> None:
    query = "{ me { email loans { days book { title isLent } } } }"

    answers = [gateway.ask(query).json() for _ in range(3)]
    health = gateway.get("/healthz")

    assert answers == [library().truth(query)] * 3
    assert health.status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_requests_finish(
    gateway: RunningGateway, subgraphs: Subgraphs, number: signal.Signals
) -> None:
    answers: list[Any] = []

    def ask() -> None:
        answers.append(gateway.ask("{ me { email } }").json())

    subgraphs.answering.clear()
    asking = threading.Thread(target=ask)
    asking.start()
    assert subgraphs.asked.wait(timeout=LONG_S)
    gateway.signal(number)
    subgraphs.answering.set()
    asking.join()

    assert answers == [{"data": {"me": {"email": "ben@example.com"}}}]
    assert gateway.status() == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["--supergraph", "/nowhere/x.graphql"], {}, "/nowhere/x.graphql"),
        (["--supergraph", "README.md"], {}, "not a valid schema"),
        ([], {"GATEWAY_PORT": "eighty"}, "GATEWAY_PORT"),
        ([], {"GATEWAY_LIMIT_DEPTH": "-1"}, "GATEWAY_LIMIT_DEPTH"),
        ([], {"GATEWAY_SUBGRAPH_TIMEOUT_S": "nan"}, "GATEWAY_SUBGRAPH_TIMEOUT_S"),
        (["--fd", "77"], {}, "--fd 77 is no socket"),
        (["--fd", "1"], {}, "--fd 1 is no socket"),
        ([], {"GATEWAY_DRAIN_S": "-1"}, "GATEWAY_DRAIN_S"),
        ([], {"GATEWAY_TRUSTED_DOCUMENTS": "/nowhere/x.json"}, "/nowhere/x.json"),
        ([], {"GATEWAY_TRUSTED_DOCUMENTS": "README.md"}, "trusted documents is not JSON"),
        ([], {"GATEWAY_INTROSPECTION": "maybe"}, "GATEWAY_INTROSPECTION"),
        ([], {"JWKS_URL": "file:///etc/passwd"}, "JWKS_URL"),
        ([], {"JWKS_URL": "http://users/jwks", "TOKEN_AUDIENCE": "a"}, "TOKEN_ISSUER"),
        ([], {"JWKS_URL": "http://users/jwks", "TOKEN_ISSUER": "http://users"}, "TOKEN_AUDIENCE"),
        (
            [],
            {"SUBGRAPH_MUTATION_REQUEST_HEADERS_USER": "cookie"},
            "SUBGRAPH_MUTATION_REQUEST_HEADERS_USER names no subgraph: there are PAYMENTS, USERS",
        ),
        ([], {"SUBGRAPH_MUTATION_RESPONSE_HEADERS_ALL": "set-cookie"}, "HEADERS_ALL names no subgraph"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_one_sentence(
    arguments: list[str], environment: dict[str, str], named: str
) -> None:
    status, said = ended(start(*arguments, **environment))

    assert status == 2
    assert named in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("waits_for", ["an import", "the supergraph"])
def test_a_signal_during_the_start_is_no_failure(
    tmp_path: Path, waits_for: str, number: signal.Signals
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    if waits_for == "an import":
        (tmp_path / "httpx.py").write_text(f"open({str(pipe)!r}).read()")
    process = start("--supergraph", str(pipe), "--port", "0", PYTHONPATH=str(tmp_path))
    with pipe.open("w"):  # comes back when the gateway opens it, too
        process.send_signal(number)
        status, said = ended(process)

    assert (status, said) == (0, "gateway: stopped before it served\n")


def test_a_misspelt_setting_is_told_of(subgraphs: Subgraphs) -> None:
    with running_gateway(subgraphs, GATEWAY_LIMIT_KOST="5") as gateway:
        (line,) = gateway.heard("GATEWAY_LIMIT_KOST")

    assert "WARNING" in line
    assert "GATEWAY_LIMIT_KOST is no setting of the gateway; GATEWAY_LIMIT_COST is" in line


ISSUER = {"JWKS_URL": "http://127.0.0.1:1/jwks", "TOKEN_ISSUER": "http://users", "TOKEN_AUDIENCE": "all"}


@pytest.mark.parametrize(
    ("supergraph", "issuer", "warnings"),
    [("clinic", {}, 1), ("clinic", ISSUER, 0), ("library", {}, 0)],
)
def test_a_missing_issuer_is_told_of_where_something_is_protected(
    subgraphs: Subgraphs, supergraph: str, issuer: dict[str, str], warnings: int
) -> None:
    file = SUPERGRAPHS / f"{supergraph}.graphql"
    with running_gateway(subgraphs, supergraph=file, **issuer) as gateway:
        pass

    assert len(gateway.heard("JWKS_URL, TOKEN_ISSUER and TOKEN_AUDIENCE")) == warnings


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        status, said = ended(start("--supergraph", str(LIBRARY), "--port", str(port)))

    assert status == 2
    assert said == (
        f"gateway: Cannot listen on 127.0.0.1 port {port} (Address already in use); GATEWAY_PORT names another port\n"
    )
