"""What carries a request to a subgraph: the seam between the gateway and the network.

connection_pool.py  the lean one that is used if nothing else is said
httpx_transport.py  any httpx transport: proxies, and subgraphs that live in memory in tests
"""

from typing import NamedTuple, Protocol
from urllib.parse import quote, urlsplit

from gateway.headers import Headers, RawHeaders

_DEFAULT_PORTS = {"http": 80, "https": 443}


class TransportFailed(Exception):
    """No answer came, or what came is not HTTP. The message is for logs only."""


class Origin(NamedTuple):
    host: str
    port: int
    is_tls: bool


class Endpoint(NamedTuple):
    """The address of a subgraph, taken apart once."""

    url: str
    origin: Origin
    authority: bytes
    """`host` or `host:port`, as the Host header has it."""
    target: bytes
    """Path and query, as the request line has them."""


class Response(NamedTuple):
    status: int
    headers: RawHeaders
    body: bytes


class SubgraphTransport(Protocol):
    async def post(
        self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float, *, may_repeat: bool
    ) -> Response:
        """Post JSON. Raises TransportFailed, or TimeoutError at *deadline*, on the event loop's clock.

        A request that *may_repeat* is sent once more where a connection breaks that had been idle.
        """

    async def aclose(self) -> None: ...


def endpoint_at(url: str) -> Endpoint:
    """Raises ValueError for what is no absolute http or https URL."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https URL")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    authority = parts.netloc.rpartition("@")[2]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(
        url,
        Origin(parts.hostname, port, parts.scheme == "https"),
        authority.encode("idna" if not authority.isascii() else "ascii"),
        quote(target, safe="/?%&=+,;:@!$'()*~-._[]").encode("ascii"),
    )


def written(headers: Headers) -> bytes:
    """Header lines. Raises ValueError for a value that would end its line: nobody may write headers of their own."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise ValueError("a header's value holds a line break")
    return lines
