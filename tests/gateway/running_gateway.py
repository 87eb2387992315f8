"""The gateway as a process, and real HTTP subgraphs behind it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.contract.told_secrets import findings_in, refuse
from tests.gateway.patience import LONG_S
from tests.gateway.test_entities import library
from tests.gateway.testbed import SUPERGRAPHS, Federation

ROOT = Path(__file__).parents[2]
PATIENT = {
    f"GATEWAY_{name}_S": str(LONG_S)
    for name in ("PLANNING_TIMEOUT", "REQUEST_TIMEOUT", "SUBGRAPH_TIMEOUT", "CONNECTION_INIT_TIMEOUT")
}
LIBRARY = SUPERGRAPHS / "library.graphql"


class Subgraphs(ThreadingHTTPServer):
    """All subgraphs of a federation, each at `/<name>`."""

    daemon_threads = True

    def __init__(self, federation: Federation) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.federation = federation
        self.asked = threading.Event()
        self.answering = threading.Event()
        self.answering.set()
        self.connections = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Subgraphs

    def do_POST(self) -> None:
        self.server.asked.set()
        self.server.answering.wait(timeout=LONG_S)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        content = json.dumps(self.server.federation.subgraphs[self.path[1:]].answer(body)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Tests stay quiet."""


@contextmanager
def serving_subgraphs(federation: Federation | None = None) -> Iterator[Subgraphs]:
    """Those of the library, if no others are given."""
    server = Subgraphs(federation or library())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def start(
    *arguments: str,
    program: Sequence[str] = ("-m", "gateway"),
    pass_fds: tuple[int, ...] = (),
    **environment: str,
) -> subprocess.Popen[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SUBGRAPH_"))
    }
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=ROOT,
        env=clean | PATIENT | environment,
        pass_fds=pass_fds,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit status of one that ends by itself, and what it said; it is killed if it does not."""
    with process:
        try:
            _, said = process.communicate(timeout=LONG_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, said


class RunningGateway:
    """One gateway that serves, at a port of its own; what it says on stderr is kept."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr
        self.process = process
        self._said: list[str] = []
        self._is_new_line = threading.Condition()
        self.url = self._url()
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()
        # The line is said when the port is open; somebody answers there a little later.
        self.get("/healthz").raise_for_status()

    def _url(self) -> str:
        assert self.process.stderr
        for line in self.process.stderr:
            self._said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                return found[0]
        raise AssertionError(f"it did not say where it serves, but {self._said}")

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=LONG_S)

    def ask(self, query: str) -> httpx.Response:
        return httpx.post(f"{self.url}/graphql", json={"query": query}, timeout=LONG_S)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def status(self) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(timeout=LONG_S)

    def heard(self, text: str) -> list[str]:
        """The lines it has said that hold *text*."""
        return [line for line in list(self._said) if text in line]

    def wait_for(self, text: str, times: int = 1) -> None:
        """Return when it has said that."""
        with self._is_new_line:
            said = self._is_new_line.wait_for(lambda: len(self.heard(text)) >= times, timeout=LONG_S)
        assert said, f"it did not say {text!r}, but {self._said}"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._listening.join()
        if self.process.stderr:
            self.process.stderr.close()

    def _listen(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._is_new_line:
                self._said.append(line)
                self._is_new_line.notify_all()


@contextmanager
def running_gateway(
    subgraphs: Subgraphs,
    *arguments: str,
    supergraph: Path = LIBRARY,
    program: Sequence[str] = ("-m", "gateway"),
    pass_fds: tuple[int, ...] = (),
    **environment: str,
) -> Iterator[RunningGateway]:
    """A gateway in front of the subgraphs; killed at the end if it still runs."""
    urls = {f"SUBGRAPH_URL_{name.upper()}": subgraphs.url(name) for name in ("books", "loans", "members")}
    started = start(
        "--supergraph",
        str(supergraph),
        "--port",
        "0",
        *arguments,
        program=program,
        pass_fds=pass_fds,
        **urls | environment,
    )
    gateway = RunningGateway(started)
    try:
        yield gateway
    finally:
        gateway.end()
    refuse(findings_in("gateway", "".join(gateway.heard(""))))
