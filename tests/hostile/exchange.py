"""One hostile request on a connection of its own, sent as it is: no client library would send most of them."""

import http.client
import select
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.hostile.request import HostileRequest

PATIENCE_S = 60.0
"""Who is not answered within this time counts as not answered."""
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> "Address":
        parts = urlsplit(url)
        return cls(parts.hostname or "127.0.0.1", parts.port or 80, parts.path or "/")

    def connection(self, timeout_s: float = PATIENCE_S) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=timeout_s)


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in lower case. *took_s*: from the first byte sent to the last one received."""

    status: int
    headers: dict[str, str]
    body: bytes
    took_s: float


class Unanswered(Exception):
    """The connection ended, or time did, before there was a whole answer."""


class CutShort(Exception):
    """The server hung up on a request too large to be read to its end; TCP may lose what it said before."""


def wire_bytes(request: HostileRequest, address: Address, token: str | None = None) -> bytes:
    """With *token* it comes from somebody who is logged in, unless it brings an authorization of its own."""
    target = f"{address.path}?{request.query_string}" if request.query_string else address.path
    headers = list(request.headers)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers.insert(0, ("host", f"{address.host}:{address.port}"))
    if token and "authorization" not in names:
        headers.append(("authorization", f"Bearer {token}"))
    if request.body or request.method == "POST":
        headers.append(("content-length", str(len(request.body))))
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + request.body


def answer_to(sent: bytes, method: str, address: Address) -> Answer:
    """Raises Unanswered or CutShort. A connection is used only once, and kept open until the answer is there."""
    began = time.perf_counter()
    try:
        with address.connection() as connection:
            _send(connection, sent)
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            body = response.read()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, body, time.perf_counter() - began)
    except (ConnectionResetError, BrokenPipeError) as error:
        if len(sent) > _PIECE:
            raise CutShort from error
        raise Unanswered(repr(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise Unanswered(f"{error!r} after {time.perf_counter() - began:.1f} s") from error


def _send(connection: socket.socket, sent: bytes) -> None:
    """Stop when there is an answer already: a server need not read a large request to its end to refuse it."""
    for start in range(0, len(sent), _PIECE):
        if start and select.select([connection], [], [], 0)[0]:
            return
        connection.sendall(sent[start : start + _PIECE])
