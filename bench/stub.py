"""`python -m bench.stub`: every subgraph of every federation at http://127.0.0.1:PORT/FEDERATION/SUBGRAPH.

A request that comes for the first time is executed; its answer is kept, and from then on found by address and body. So
each gateway may ask in its own words, and the stub costs next to nothing beside any of them. Its first line of output is
its address. `GET /counts` says how many requests were answered and how many of them had to be executed.
"""

import asyncio
import socket
from dataclasses import dataclass, field
from typing import cast

import httptools
import orjson
import uvloop

from bench.customers import customers
from bench.federation import Subgraph
from bench.museum import museum

COUNTS = b"/counts"


@dataclass
class Subgraphs:
    """Every subgraph by its path, and what they have answered so far."""

    by_path: dict[bytes, Subgraph]
    kept: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)
    answered: int = 0

    def response(self, path: bytes, body: bytes) -> bytes:
        """A whole HTTP response."""
        if path == COUNTS:
            return _http(b"200 OK", {"answered": self.answered, "executed": len(self.kept)})
        self.answered += 1
        known = self.kept.get((path, body))
        if known is None:
            known = self.kept[path, body] = self._executed(path, body)
        return known

    def _executed(self, path: bytes, body: bytes) -> bytes:
        if path not in self.by_path:
            return _http(b"404 Not Found", {"errors": [{"message": f"There is no {path.decode()}."}]})
        return _http(b"200 OK", self.by_path[path].answer(orjson.loads(body)))


def _http(status: bytes, content: object) -> bytes:
    body = orjson.dumps(content)
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (
        status,
        len(body),
    )
    return head + body


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive until the other side closes it."""

    def __init__(self, subgraphs: Subgraphs) -> None:
        self._subgraphs = subgraphs
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._path = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._transport.write(self._subgraphs.response(self._path, self._body))


def all_subgraphs() -> Subgraphs:
    return Subgraphs(
        {
            f"/{federation.name}/{name}".encode(): subgraph
            for federation in (museum(), customers())
            for name, subgraph in federation.subgraphs.items()
        }
    )


async def serve() -> None:
    subgraphs = all_subgraphs()
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(subgraphs), sock=listening)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
