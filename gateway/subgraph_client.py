"""One request to one subgraph: the only file that touches the network below the gateway."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
import orjson

from gateway.errors import DeadlineExceeded, SubgraphUnavailable
from gateway.query_plan import Fetch
from gateway.supergraph import Graph, Subgraph

log = logging.getLogger("gateway.subgraphs")

OWN_HEADERS = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/graphql-response+json, application/json;q=0.9"),
    (b"accept-encoding", b"identity"),
)

Headers = tuple[tuple[bytes, bytes], ...]
"""Bytes, since a header a client sent need not be ASCII."""

IDLE_S = 1.0
"""How long an unused connection is kept: less than servers do, so that they do not hang up on a request."""


def connection_pool() -> httpx.AsyncBaseTransport:
    """Where subgraphs are reached outside of tests."""
    limits = httpx.Limits(max_connections=256, max_keepalive_connections=64, keepalive_expiry=IDLE_S)
    return httpx.AsyncHTTPTransport(limits=limits)


class SubgraphClient:
    """Sends fetches through an httpx transport, whose pool all requests share."""

    def __init__(
        self,
        subgraphs: Mapping[Graph, Subgraph],
        transport: httpx.AsyncBaseTransport,
        timeout_s: float,
        response_bytes: int,
    ) -> None:
        self._transport = transport
        self._timeout_s = timeout_s
        self._response_bytes = response_bytes
        self._urls = {graph: httpx.URL(subgraph.url) for graph, subgraph in subgraphs.items()}
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)

    async def send(
        self, fetch: Fetch, variables: Mapping[str, Any], headers: Headers, deadline: float
    ) -> Mapping[str, Any]:
        """The subgraph's GraphQL answer. Raises SubgraphUnavailable or DeadlineExceeded.

        *deadline* is the whole request's, on the event loop's clock.
        """
        own_deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with asyncio.timeout_at(min(deadline, own_deadline)):
                content = await self._post(fetch, variables, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise DeadlineExceeded(fetch.service, "no answer in time") from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            log.warning("subgraph %s: %s: %s", fetch.service, type(error).__name__, error)
            raise SubgraphUnavailable(fetch.service, str(error)) from error
        return _read(content, fetch.service)

    async def _post(self, fetch: Fetch, variables: Mapping[str, Any], headers: Headers) -> bytes:
        body: dict[str, Any] = {"query": fetch.operation}
        if variables:
            body["variables"] = variables
        request = httpx.Request(
            "POST",
            self._urls[fetch.graph],
            headers=[*OWN_HEADERS, *headers],
            content=orjson.dumps(body),
            extensions={"timeout": self._timeouts},
        )
        response = await self._respond(request, may_repeat=fetch.kind == "query")
        try:
            return await self._read_bounded(response, fetch.service)
        finally:
            await response.aclose()

    async def _respond(self, request: httpx.Request, *, may_repeat: bool) -> httpx.Response:
        """A server may close an idle connection just when it is used again; only a query may be sent twice."""
        try:
            return await self._transport.handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if not may_repeat:
                raise
            return await self._transport.handle_async_request(request)

    async def _read_bounded(self, response: httpx.Response, service: str) -> bytes:
        """The body; its status does not matter when it is a GraphQL answer."""
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 — an async transport gives no other
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.stream:
            size += len(chunk)
            if size > self._response_bytes:
                raise SubgraphUnavailable(service, f"more than {self._response_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)


def _read(content: bytes, service: str) -> Mapping[str, Any]:
    """`{data, errors}`, or SubgraphUnavailable for what is no GraphQL answer."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise SubgraphUnavailable(service, "the answer is not JSON") from error
    if not isinstance(answer, dict) or not _is_answer(answer.get("data"), answer.get("errors")):
        raise SubgraphUnavailable(service, "the answer is not GraphQL")
    return answer


def _is_answer(data: Any, errors: Any) -> bool:
    if data is not None and not isinstance(data, dict):
        return False
    return (isinstance(errors, list) and bool(errors)) or (not errors and data is not None)


def forwarded(headers: Iterable[tuple[bytes, bytes]], allowed: frozenset[str]) -> Headers:
    """The client's headers that subgraphs get to see."""
    lowered = ((name.lower(), value) for name, value in headers)
    return tuple((name, value) for name, value in lowered if name.decode("latin-1") in allowed)
