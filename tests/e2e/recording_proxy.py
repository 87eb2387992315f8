"""A proxy that stands between gateway and subgraph, writes down what passes, and can be made to fail."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}


@dataclass
class RecordingProxy:
    """`requests` are the bodies that came, in order, and `headers` the names of their headers, in lower case; while `is_down` every connection is closed without an answer."""

    target_url: str
    requests: list[bytes] = field(default_factory=list)
    headers: list[set[str]] = field(default_factory=list)
    is_down: bool = False
    url: str = ""

    @contextmanager
    def listening(self) -> Iterator["RecordingProxy"]:
        """Serve on a free port until the end of the block."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nothing behind this proxy can be reached during the block."""
        self.is_down = True
        try:
            yield
        finally:
            self.is_down = False

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if proxy.is_down:
                    self.close_connection = True
                    return
                proxy.requests.append(body)
                proxy.headers.append({name.lower() for name in self.headers})
                self._answer(proxy.forward(self.path, dict(self.headers), body))

            def _answer(self, answer: httpx.Response) -> None:
                self.send_response(answer.status_code)
                for name, value in answer.headers.multi_items():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has in the base class
                """Tests read `requests`, not a log."""

        return Handler

    def forward(self, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        kept = {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}
        return httpx.post(self.target_url + path, headers=kept, content=body, timeout=60, trust_env=False)
