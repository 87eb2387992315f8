"""The ASGI application: where the parts are joined and HTTP is spoken."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Iterable, MutableMapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from gateway.client_presence import ClientGone, unless_gone
from gateway.errors import BadRequest, RequestError, internal_error
from gateway.event_stream import EVENT_STREAM
from gateway.event_stream_response import EventStreamResponse, Receive, Send
from gateway.graphql_over_http import (
    GRAPHQL_RESPONSE,
    JSON,
    RequestHeaders,
    check_content_type,
    read_body,
    read_query_string,
    response_type,
    status_of,
    takes_events,
)
from gateway.open_streams import OpenStreams
from gateway.overload import Admission
from gateway.pages import Page, Pages
from gateway.pipeline import Answer, Pipeline, Request, refusal
from gateway.readiness import Readiness
from gateway.settings import Settings
from gateway.subgraph_client import SubgraphClient, forwarded, subgraph_transport
from gateway.subgraph_events import SubgraphEvents
from gateway.subgraph_sse import stream_transport
from gateway.subgraph_transport import SubgraphTransport
from gateway.subscriptions import Subscriptions
from gateway.supergraph import Supergraph
from gateway.trusted_documents import TrustedDocuments

Scope = MutableMapping[str, Any]

log = logging.getLogger("gateway")

CLOSING_WITHIN_S = 5.0
"""How long a stop waits for clients to take the end of their streams."""

LOGGED_NAME = 100
"""How much of an operation's name the access log holds: a client may call it anything."""


class BodyTooLarge(BadRequest):
    status = 413


class BodyTooSlow(BadRequest):
    status = 408


def create_app(
    supergraph: Supergraph,
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None = None,
    trusted: TrustedDocuments | None = None,
) -> "App":
    """Join the parts. *transport* is where subgraphs are reached; tests pass one that answers in memory."""
    bytes_limit = settings.response_bytes
    carriers = Carriers(
        subgraph_transport(bytes_limit, transport),
        stream_transport(transport),
        subgraph_transport(bytes_limit, transport),
    )
    return App(supergraph, settings, carriers, trusted)


@dataclass(frozen=True, slots=True)
class Carriers:
    """What reaches the subgraphs. They outlive a reload, and so do their connections."""

    requests: SubgraphTransport
    streams: httpx.AsyncBaseTransport
    readiness: SubgraphTransport
    """Of its own, since all connections may be waiting for answers just when somebody asks."""

    async def aclose(self) -> None:
        await self.requests.aclose()
        await self.streams.aclose()
        await self.readiness.aclose()


@dataclass(frozen=True, slots=True)
class Serving:
    """All that is made of one supergraph and one manifest, and replaced together."""

    pipeline: Pipeline
    subscriptions: Subscriptions
    readiness: Readiness


@dataclass(slots=True)
class Reply:
    """An HTTP response."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """An HTTP response that is sent as its answers come."""

    request: Request


@dataclass(slots=True)
class Exchange:
    """One HTTP request as it is being answered."""

    method: str
    path: str
    headers: RequestHeaders
    raw_headers: Iterable[tuple[bytes, bytes]]
    query_string: bytes
    receive: Receive
    request_id: str
    operation_name: str = "-"
    started: float = field(default_factory=time.monotonic)


class App:
    def __init__(
        self,
        supergraph: Supergraph,
        settings: Settings,
        carriers: Carriers,
        trusted: TrustedDocuments | None = None,
    ) -> None:
        self._settings = settings
        self._carriers = carriers
        self._pages = Pages(settings.frontend_dir)
        self._admission = Admission(settings.concurrent_requests)
        self._streams = OpenStreams(settings.subscriptions)
        self._is_draining = False
        self._supergraph = supergraph
        self._trusted = trusted
        self._serving = self._assembled()

    def serve(self, supergraph: Supergraph) -> None:
        """Answer from now on by this supergraph; what is running ends with the one it began with."""
        self._supergraph = supergraph
        self._serving = self._assembled()

    def trust(self, documents: TrustedDocuments) -> None:
        """Answer from now on these documents only."""
        self._trusted = documents
        self._serving = self._assembled()

    def _assembled(self) -> Serving:
        settings, carriers, subgraphs = self._settings, self._carriers, self._supergraph.subgraphs
        client = SubgraphClient(subgraphs, carriers.requests, settings.subgraph_timeout_s)
        pipeline = Pipeline(self._supergraph, client, settings, trusted=self._trusted)
        events = SubgraphEvents(subgraphs, carriers.streams, settings)
        subscriptions = Subscriptions(pipeline, events, self._streams, self._admission)
        return Serving(pipeline, subscriptions, Readiness(subgraphs, carriers.readiness))

    def drain(self) -> None:
        """Ask load balancers and clients to go elsewhere, while everything is still answered."""
        self._is_draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(_exchange(scope, receive), send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._carriers.aclose()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def close_streams(self) -> None:
        """End what would not end by itself, before the server waits for running requests to finish."""
        await self._streams.close(CLOSING_WITHIN_S)

    async def _serve(self, exchange: Exchange, send: Send) -> None:
        try:
            reply = await self._reply(exchange)
            left_over = (
                reply if isinstance(reply, Reply) else await self._streamed(exchange, reply.request, send)
            )
        except ClientGone:
            return
        except Exception:
            # The one place where everything is caught: clients never see a fault's text, the log has it all.
            log.exception("request %s failed", exchange.request_id)
            left_over = _json_reply(500, {"errors": [internal_error(exchange.request_id)]})
        if left_over is not None:
            await self._send(exchange, left_over, send)

    async def _send(self, exchange: Exchange, reply: Reply, send: Send) -> None:
        headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
        headers.append((b"x-request-id", exchange.request_id.encode("latin-1")))
        if self._is_draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else reply.body})
        _log_access(exchange, reply.status)

    async def _reply(self, exchange: Exchange) -> Reply | StreamedReply:
        match exchange.path:
            case "/graphql" if not self._is_browser_visit(exchange):
                return await self._graphql(exchange)
            case "/" | "/graphql" if self._settings.graphiql:
                return Reply(307, b"", ((b"location", b"/graphiql"), (b"cache-control", b"no-store")))
            case "/healthz":
                return _json_reply(200, {"status": "ok"})
            case "/readyz":
                return await self._readiness()
            case _:
                return self._page(exchange)

    async def _readiness(self) -> Reply:
        """The supergraph is loaded before the port is opened, so only the subgraphs are in question."""
        if self._is_draining:
            return _json_reply(503, {"status": "draining"})
        unreachable = await self._serving.readiness.unreachable()
        if unreachable:
            return _json_reply(503, {"status": "unavailable", "unreachable": unreachable})
        return _json_reply(200, {"status": "ok"})

    def _is_browser_visit(self, exchange: Exchange) -> bool:
        """Somebody opened the address itself: there is no query, and what they can read is a page."""
        is_page_wanted = (exchange.headers.get("accept") or "").startswith("text/html")
        return (
            self._settings.graphiql
            and exchange.method == "GET"
            and is_page_wanted
            and not exchange.query_string
        )

    def _page(self, exchange: Exchange) -> Reply:
        is_hidden = exchange.path == "/graphiql" and not self._settings.graphiql
        if exchange.method not in {"GET", "HEAD"}:
            return Reply(405, b"", ((b"allow", b"GET, HEAD"),))
        return _page_reply(None if is_hidden else self._pages.find(exchange.path))

    # --- GraphQL ----------------------------------------------------------------------------------------------------

    async def _graphql(self, exchange: Exchange) -> Reply | StreamedReply:
        if exchange.method not in {"GET", "POST"}:
            return Reply(405, b"", ((b"allow", b"GET, POST"),))
        media = JSON
        try:
            media = response_type(exchange.headers)
            self._admission.check()
            request = self._serving.pipeline.resolved(await self._request(exchange))
            exchange.operation_name = (request.operation_name or "-")[:LOGGED_NAME]
            if self._is_streamed(exchange, request, media):
                return StreamedReply(request)
            # Only now, since a client that sends its body slowly must not hold a place.
            with self._admission:
                answer = await self._answered_unless_gone(exchange, request)
        except RequestError as error:
            answer = refusal(error)
        return _graphql_reply(answer, JSON if media == EVENT_STREAM else media)

    def _is_streamed(self, exchange: Exchange, request: Request, media: str) -> bool:
        """Where the client takes both, what has one answer is answered in one piece. Raises RequestError."""
        if media == EVENT_STREAM:
            return True
        return takes_events(exchange.headers) and self._serving.pipeline.is_subscription(request)

    async def _streamed(self, exchange: Exchange, request: Request, send: Send) -> Reply | None:
        """Stream the answers; or give the reply to a request that was refused for more than its operation."""
        async with AsyncExitStack() as stack:
            try:
                answers = await stack.enter_async_context(self._serving.subscriptions.open(request))
            except RequestError as error:
                answer = refusal(error)
                if answer.status is not None:
                    return _graphql_reply(answer, JSON)
                answers = _only(answer)
            stack.enter_context(self._streams.stream())
            response = EventStreamResponse(
                exchange.receive,
                send,
                request_id=exchange.request_id,
                keep_alive_s=self._settings.keep_alive_s,
                taken_within_s=self._settings.request_timeout_s,
            )
            await response.stream(answers, self._streams.closing)
        _log_access(exchange, 200)
        return None

    async def _request(self, exchange: Exchange) -> Request:
        down = forwarded(exchange.raw_headers, self._settings.forwarded_headers)
        if "x-request-id" in self._settings.forwarded_headers:
            own_id = (b"x-request-id", exchange.request_id.encode("ascii"))
            down = (*(each for each in down if each[0] != own_id[0]), own_id)
        wants_plan = exchange.headers.get("x-query-plan") == "1"
        if exchange.method == "GET":
            return read_query_string(exchange.query_string, down, wants_plan=wants_plan)
        check_content_type(exchange.headers)
        return read_body(await self._body(exchange), down, wants_plan=wants_plan)

    async def _body(self, exchange: Exchange) -> bytes:
        """Read the body, never more of it or longer than the limits say."""
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                return await self._read(exchange)
        except TimeoutError as error:
            raise BodyTooSlow("The body did not arrive in time.") from error

    async def _read(self, exchange: Exchange) -> bytes:
        limit = self._settings.limits.body_bytes
        body = bytearray()
        while True:
            message = await exchange.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
            if len(body) > limit:
                raise BodyTooLarge(f"The body is larger than {limit} bytes.")
            if not message.get("more_body"):
                return bytes(body)

    async def _answered_unless_gone(self, exchange: Exchange, request: Request) -> Answer:
        """Stop working, and stop the subgraphs' requests, when the client leaves."""
        async with unless_gone(exchange.receive):
            return await self._serving.pipeline.answer(request)


async def _only(answer: Answer) -> AsyncGenerator[Answer, None]:
    yield answer


def _exchange(scope: Scope, receive: Receive) -> Exchange:
    headers = RequestHeaders(scope["headers"])
    return Exchange(
        method=scope["method"],
        path=scope["path"],
        headers=headers,
        raw_headers=scope["headers"],
        query_string=scope["query_string"],
        receive=receive,
        request_id=_request_id(headers.get("x-request-id")),
    )


def _request_id(given: str) -> str:
    """The client's own id if it can stand in a log line, else a new one."""
    if not given:
        return secrets.token_hex(16)
    is_plain = given.isascii() and given.replace("-", "").replace("_", "").isalnum() and len(given) <= 64
    return given if is_plain else secrets.token_hex(16)


_CONTENT_TYPES = {
    media: ((b"content-type", f"{media}; charset=utf-8".encode()),) for media in (JSON, GRAPHQL_RESPONSE)
}
_ALLOW_POST = ((b"allow", b"POST"),)


def _graphql_reply(answer: Answer, media: str) -> Reply:
    return Reply(status_of(answer, media), answer.encoded(), _CONTENT_TYPES[media] + _advice(answer))


def _advice(answer: Answer) -> tuple[tuple[bytes, bytes], ...]:
    if answer.status == 405:
        return ((b"allow", b"POST"),)
    return ((b"retry-after", b"%d" % answer.retry_after_s),) if answer.retry_after_s else ()


def _json_reply(status: int, body: Any) -> Reply:
    return Reply(status, orjson.dumps(body), _CONTENT_TYPES[JSON])


def _page_reply(page: Page | None) -> Reply:
    if page is None:
        return Reply(404, b"Not found.\n", ((b"content-type", b"text/plain; charset=utf-8"),))
    headers = (
        (b"content-type", page.content_type.encode()),
        (b"cache-control", page.cache_control.encode()),
        (b"x-content-type-options", b"nosniff"),
    )
    return Reply(page.status, page.body, headers)


def _log_access(exchange: Exchange, status: int) -> None:
    """Never variables, headers or query strings: they may carry secrets."""
    line = {
        "method": exchange.method,
        "path": exchange.path,
        "status": status,
        "ms": round((time.monotonic() - exchange.started) * 1000, 1),
        "operation": exchange.operation_name,
        "requestId": exchange.request_id,
    }
    log.info("%s", orjson.dumps(line).decode())
