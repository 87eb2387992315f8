"""A subscription at a subgraph over server-sent events, in the distinct connections mode of GraphQL over SSE."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import orjson

from gateway.errors import DeadlineExceeded, SubgraphUnavailable
from gateway.event_stream import COMPLETE, EVENT_STREAM, NEXT, EventStreamReader, EventTooLargeError
from gateway.headers import Headers
from gateway.planner.query_plan import Fetch
from gateway.subgraphs.answer import SubgraphAnswer, read_answer

OWN_HEADERS = (
    (b"content-type", b"application/json"),
    # Nothing beside it: the protocol's own server serves streams only to those who ask for exactly this.
    (b"accept", EVENT_STREAM.encode()),
    (b"accept-encoding", b"identity"),
    (b"cache-control", b"no-cache"),
)

SILENT_S, PROBES, PROBE_S = 15, 3, 5
"""A connection that has been silent for so long is probed, so often, at these intervals, before it counts as lost."""


def stream_transport(proxy: str | None = None) -> httpx.AsyncBaseTransport:
    """Where event streams come from: a connection for each, none kept when it has ended.

    A stream may be silent for hours. A subgraph whose machine is gone says no goodbye, so the kernel asks.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(limits=limits, proxy=proxy, socket_options=list(_keep_alive()))


def _keep_alive() -> Iterator[tuple[int, int, int]]:
    yield socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
    for name, value in (("TCP_KEEPIDLE", SILENT_S), ("TCP_KEEPINTVL", PROBE_S), ("TCP_KEEPCNT", PROBES)):
        if hasattr(socket, name):  # not every system names all of them
            yield socket.IPPROTO_TCP, getattr(socket, name), value


class SseSource:
    """Opens event streams at one subgraph."""

    def __init__(
        self, url: str, transport: httpx.AsyncBaseTransport, timeout_s: float, event_bytes: int
    ) -> None:
        self._url = httpx.URL(url)
        self._transport = transport
        self._timeout_s = timeout_s
        self._event_bytes = event_bytes

    async def events(
        self, fetch: Fetch, variables: Mapping[str, Any], headers: Headers
    ) -> AsyncGenerator[SubgraphAnswer, None]:
        """See EventSource. An answer that is no stream, as to a refused operation, counts as the only event."""
        with _failures_of(fetch.service):
            async with self._opened(fetch, variables, headers) as response:
                if not _is_event_stream(response):
                    yield read_answer(await self._whole(response, fetch.service), fetch.service)
                    return
                reader = EventStreamReader(self._event_bytes)
                async for chunk in _chunks(response):
                    for event in reader.read(chunk):
                        if event.name == COMPLETE:
                            return
                        if event.name == NEXT:
                            yield read_answer(event.data, fetch.service)
                raise SubgraphUnavailable(fetch.service, "the event stream broke off")

    @asynccontextmanager
    async def _opened(
        self, fetch: Fetch, variables: Mapping[str, Any], headers: Headers
    ) -> AsyncIterator[httpx.Response]:
        timeouts = {"connect": self._timeout_s, "write": self._timeout_s, "pool": self._timeout_s}
        request = httpx.Request(
            "POST",
            self._url,
            headers=[*OWN_HEADERS, *headers],
            content=orjson.dumps(fetch.request(variables)),
            extensions={"timeout": {**timeouts, "read": None}},
        )
        async with asyncio.timeout(self._timeout_s):
            response = await self._transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()

    async def _whole(self, response: httpx.Response, service: str) -> bytes:
        content = bytearray()
        async with asyncio.timeout(self._timeout_s):
            async for chunk in _chunks(response):
                content += chunk
                if len(content) > self._event_bytes:
                    raise SubgraphUnavailable(service, f"more than {self._event_bytes} bytes")
        return bytes(content)


def _is_event_stream(response: httpx.Response) -> bool:
    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.is_success and media == EVENT_STREAM


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 — an async transport gives no other
    async for chunk in response.stream:
        yield chunk


@contextmanager
def _failures_of(service: str) -> Iterator[None]:
    """What the network does, in our words."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as error:
        raise DeadlineExceeded(service, "no answer in time") from error
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise SubgraphUnavailable(service, f"{type(error).__name__}: {error}") from error
    except EventTooLargeError as error:
        raise SubgraphUnavailable(service, "an event is too large") from error
