"""The gateway as a process, in front of two real HTTP subgraphs."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.test_entities import library
from tests.gateway.testbed import SUPERGRAPHS

ROOT = Path(__file__).parents[2]


class Subgraphs(ThreadingHTTPServer):
    """All subgraphs of the library, each at `/<name>`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.federation = library()
        self.asked = threading.Event()
        self.answering = threading.Event()
        self.answering.set()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Subgraphs

    def do_POST(self) -> None:
        self.server.asked.set()
        self.server.answering.wait(timeout=10)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        content = json.dumps(self.server.federation.subgraphs[self.path[1:]].answer(body)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Tests stay quiet."""


@pytest.fixture
def subgraphs() -> Iterator[Subgraphs]:
    server = Subgraphs()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SUBGRAPH_"))
    }
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=ROOT,
        env=clean | environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def gateway(subgraphs: Subgraphs) -> Iterator[tuple[subprocess.Popen[str], str]]:
    urls = {f"SUBGRAPH_URL_{name.upper()}": subgraphs.url(name) for name in ("books", "loans", "members")}
    process = start("--supergraph", str(SUPERGRAPHS / "library.graphql"), "--port", "0", **urls)
    assert process.stderr
    first = process.stderr.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", first)
    assert found, first
    drain = threading.Thread(target=process.stderr.read)
    drain.start()
    yield process, found[0]
    process.kill()
    process.wait()
    drain.join()
    process.stderr.close()


def test_it_serves_any_supergraph_over_http(gateway: tuple[subprocess.Popen[str], str]) -> None:
    _, url = gateway
    query = "{ me { email loans { days book { title isLent } } } }"

    with httpx.Client(base_url=url) as client:
        answers = [client.post("/graphql", json={"query": query}).json() for _ in range(3)]
        health = client.get("/healthz")

    assert answers == [library().truth(query)] * 3
    assert health.status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_requests_finish(
    gateway: tuple[subprocess.Popen[str], str], subgraphs: Subgraphs, number: signal.Signals
) -> None:
    process, url = gateway
    answers: list[Any] = []

    def ask() -> None:
        answers.append(httpx.post(f"{url}/graphql", json={"query": "{ me { email } }"}).json())

    subgraphs.answering.clear()
    asking = threading.Thread(target=ask)
    asking.start()
    assert subgraphs.asked.wait(timeout=10)
    process.send_signal(number)
    subgraphs.answering.set()
    asking.join()

    assert answers == [{"data": {"me": {"email": "ben@example.com"}}}]
    assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["--supergraph", "/nowhere/x.graphql"], {}, "/nowhere/x.graphql"),
        (["--supergraph", "README.md"], {}, "not a valid schema"),
        ([], {"GATEWAY_PORT": "eighty"}, "GATEWAY_PORT"),
        ([], {"GATEWAY_LIMIT_DEPTH": "-1"}, "GATEWAY_LIMIT_DEPTH"),
        ([], {"GATEWAY_SUBGRAPH_TIMEOUT_S": "nan"}, "GATEWAY_SUBGRAPH_TIMEOUT_S"),
        ([], {"GATEWAY_INTROSPECTION": "maybe"}, "GATEWAY_INTROSPECTION"),
    ],
)
def test_what_keeps_it_from_starting_is_said_in_one_sentence(
    arguments: list[str], environment: dict[str, str], named: str
) -> None:
    process = start(*arguments, **environment)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 2
    assert named in said
    assert "Traceback" not in said


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        process = start("--supergraph", str(SUPERGRAPHS / "library.graphql"), "--port", str(port))
        _, said = process.communicate(timeout=30)

    assert process.returncode == 2
    assert str(port) in said
    assert "Traceback" not in said
