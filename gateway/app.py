"""The ASGI application: where the parts are joined and HTTP is spoken."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Iterator, MutableMapping
from contextlib import AsyncExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from gateway.access_log import AccessLog
from gateway.access_token import AccessTokens
from gateway.client_presence import ClientGone, unless_gone
from gateway.cross_origin import CrossOrigin
from gateway.errors import BadRequest, BodyTooLarge, GatewayError, Overloaded, RequestError, internal_error
from gateway.event_stream import EVENT_STREAM
from gateway.event_stream_response import EventStreamResponse, Receive, Send
from gateway.exchange import Exchange, Scope, exchange_of
from gateway.graphql_over_http import (
    GRAPHQL_RESPONSE,
    JSON,
    Told,
    authorization,
    check_content_type,
    read_body,
    read_query_string,
    response_type,
    status_of,
    takes_events,
)
from gateway.graphql_transport_ws import SUBPROTOCOL, CloseCode
from gateway.issuer_keys import IssuerKeys
from gateway.long_lived import set_apart
from gateway.metrics import Metrics
from gateway.metrics_page import MetricsPage
from gateway.open_streams import OpenStreams
from gateway.overload import Admission
from gateway.pages import Page, Pages
from gateway.passed_headers import HeaderCollectingTransport, collecting, not_collecting
from gateway.pipeline import Answer, Callers, NobodyKnown, Pipeline, PlanKey, Request, refusal
from gateway.process_metrics import process_metrics
from gateway.prometheus import CONTENT_TYPE, Gauge, Metric
from gateway.readiness import Readiness
from gateway.records import CLIENT_GONE, Records
from gateway.settings import Settings
from gateway.shared_requests import SharedRequests
from gateway.subgraph_client import SubgraphClient, forwarded, subgraph_transport
from gateway.subgraph_events import SubgraphEvents
from gateway.subgraph_sse import stream_transport
from gateway.subgraph_transport import Headers, SubgraphTransport
from gateway.subscriptions import Subscriptions
from gateway.supergraph import Supergraph
from gateway.trusted_documents import TrustedDocuments
from gateway.unambiguous_headers import check_unambiguous
from gateway.websocket_handshake import WebSocketHandshake
from gateway.websocket_session import Socket, WebSocketOperation, WebSocketSession

if TYPE_CHECKING:
    from gateway.tracing import Tracing  # OpenTelemetry need not be installed

log = logging.getLogger("gateway")

CLOSING_WITHIN_S = 5.0
"""How long a stop waits for clients to take the end of their streams."""


class BodyTooSlow(BadRequest):
    status = 408


@dataclass(frozen=True, slots=True)
class Observers:
    """Who else is told of each request."""

    access_log: AccessLog | None = None
    tracing: "Tracing | None" = None


def create_app(
    supergraph: Supergraph,
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None = None,
    trusted: TrustedDocuments | None = None,
    observers: Observers | None = None,
) -> "App":
    """Join the parts. *transport* is where subgraphs are reached; tests pass one that answers in memory."""
    bytes_limit = settings.response_bytes
    streams = transport or stream_transport(settings.subgraph_proxy)
    if transport is None and settings.subgraph_proxy:
        transport = httpx.AsyncHTTPTransport(proxy=settings.subgraph_proxy)
    requests = subgraph_transport(bytes_limit, transport)
    carriers = Carriers(_carrier(requests, settings), streams, subgraph_transport(bytes_limit, transport))
    return App(supergraph, settings, carriers, trusted, observers)


def _carrier(requests: SubgraphTransport, settings: Settings) -> SubgraphTransport:
    """Where answers' headers go on to clients nothing is shared: a cookie in one may be the session of who asked."""
    if settings.response_headers:
        return HeaderCollectingTransport(requests, settings.response_headers)
    return SharedRequests(requests) if settings.share_requests else requests


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


def _callers(settings: Settings, transport: httpx.AsyncBaseTransport) -> Callers:
    if settings.tokens is None:
        return NobodyKnown()
    return AccessTokens(settings.tokens, IssuerKeys(settings.tokens.jwks_url, transport))


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


class App:
    def __init__(
        self,
        supergraph: Supergraph,
        settings: Settings,
        carriers: Carriers,
        trusted: TrustedDocuments | None = None,
        observers: Observers | None = None,
    ) -> None:
        self._settings = settings
        self._carriers = carriers
        self.metrics = Metrics()
        self._metrics_page = MetricsPage(self._all_metrics, settings.metrics, settings.metrics_port)
        self._pages = Pages(settings.frontend_dir)
        self._admission = Admission(settings.concurrent_requests)
        self._streams = OpenStreams(settings.subscriptions)
        self._callers = _callers(settings, carriers.streams)
        self._is_draining = False
        self._forwarded = frozenset(name.encode() for name in settings.forwarded_headers - {"x-request-id"})
        self._forwards_request_id = "x-request-id" in settings.forwarded_headers
        self._collecting = collecting if settings.response_headers else not_collecting
        self._cross_origin = CrossOrigin(
            settings.cors_origins,
            {"content-type", "x-query-plan", *settings.forwarded_headers},
            credentials=settings.cors_credentials,
        )
        self._websockets = Admission(settings.websockets)
        self._handshake = WebSocketHandshake(
            self._cross_origin, self._forwarded, credentials=settings.cors_credentials
        )
        self._access_log = observers.access_log if observers else None
        self._tracing = observers.tracing if observers else None
        self._records = Records(self.metrics, self._access_log)
        self._supergraph = supergraph
        self._trusted = trusted
        self._replacing = asyncio.Lock()
        self._serving = self._assembled(supergraph, trusted, ())

    async def serve(self, supergraph: Supergraph) -> None:
        """Answer from now on by this supergraph; what is running ends with the one it began with."""
        async with self._replacing:
            await self._replace(supergraph, self._trusted)

    async def trust(self, documents: TrustedDocuments) -> None:
        """Answer from now on these documents only."""
        async with self._replacing:
            await self._replace(self._supergraph, documents)

    async def _replace(self, supergraph: Supergraph, trusted: TrustedDocuments | None) -> None:
        recent = self._serving.pipeline.recent()
        self._serving = await asyncio.to_thread(self._assembled, supergraph, trusted, recent)
        self._supergraph, self._trusted = supergraph, trusted
        set_apart()

    def _assembled(
        self, supergraph: Supergraph, trusted: TrustedDocuments | None, recent: Iterable[PlanKey]
    ) -> Serving:
        """*recent* is planned already, so that the change costs the first who ask no more than others."""
        settings, carriers, subgraphs = self._settings, self._carriers, supergraph.subgraphs
        new_client = self._tracing.client if self._tracing else SubgraphClient
        client = new_client(subgraphs, carriers.requests, settings.subgraph_timeout_s, self.metrics)
        pipeline = Pipeline(supergraph, client, settings, callers=self._callers, trusted=trusted)
        pipeline.plan_ahead(recent)
        events = SubgraphEvents(subgraphs, carriers.streams, settings)
        subscriptions = Subscriptions(
            pipeline, events, self._streams, self._admission, self._records.note_answer
        )
        return Serving(pipeline, subscriptions, Readiness(subgraphs, carriers.readiness))

    def drain(self) -> None:
        """Ask load balancers and clients to go elsewhere, while everything is still answered."""
        self._is_draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            exchange = exchange_of(scope, receive)
            if self._tracing and exchange.path == "/graphql":
                with self._tracing.request(exchange):
                    await self._serve(exchange, send)
            else:
                await self._serve(exchange, send)
        elif scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._carriers.aclose()
                if self._access_log:
                    self._access_log.close()
                if self._tracing:
                    await asyncio.to_thread(self._tracing.close)
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def close_streams(self) -> None:
        """End what would not end by itself, before the server waits for running requests to finish."""
        await self._streams.close(CLOSING_WITHIN_S)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Closing before accepting answers the handshake with 403. A protocol other than ours can be told only after it,
        since browsers hide from pages why a handshake failed."""
        await receive()
        try:
            told = self._handshake.told(scope["headers"])
            self._websockets.check()
        except BadRequest:
            await send({"type": "websocket.close", "code": 1008})
            return
        except Overloaded:
            await _turn_away(send)
            return
        if scope["path"] != "/graphql":
            await send({"type": "websocket.close", "code": 1008})
        elif SUBPROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            code = CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE
            await send({"type": "websocket.close", "code": int(code), "reason": "Subprotocol not acceptable"})
        else:
            with self._websockets, self._streams.stream():
                await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
                session = WebSocketSession(
                    lambda: self._serving.subscriptions,
                    self._settings,
                    told,
                    Socket(receive, send),
                    self._watched,
                )
                await session.run(self._streams.closing)

    @contextmanager
    def _watched(self, operation: WebSocketOperation) -> Iterator[None]:
        """Around one operation in a WebSocket."""
        tracing = self._tracing.operation(operation) if self._tracing else nullcontext()
        try:
            with tracing:
                yield
        finally:
            self._records.note_operation(operation)

    async def _serve(self, exchange: Exchange, send: Send) -> None:
        if self._cross_origin.is_on and exchange.path == "/graphql":
            send = _adding(self._cross_origin.headers(exchange.headers.get("origin")), send)
        try:
            reply = await self._reply(exchange)
            left_over = (
                reply if isinstance(reply, Reply) else await self._streamed(exchange, reply.request, send)
            )
        except ClientGone:
            self._note(exchange, CLIENT_GONE)
            return
        except Exception:
            # The one place where everything is caught: clients never see a fault's text, the log has it all.
            log.exception("request %s failed", exchange.request_id)
            self.metrics.errors.count(GatewayError.code)
            left_over = _json_reply(500, {"errors": [internal_error(exchange.request_id)]})
        if left_over is not None:
            await self._send(exchange, left_over, send)

    def _note(self, exchange: Exchange, status: int) -> None:
        exchange.status = status
        self._records.note(exchange)

    async def _send(self, exchange: Exchange, reply: Reply, send: Send) -> None:
        headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
        headers.append((b"x-request-id", exchange.request_id.encode("latin-1")))
        if self._is_draining:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else reply.body})
        self._note(exchange, reply.status)

    async def _reply(self, exchange: Exchange) -> Reply | StreamedReply:
        match exchange.path:
            case _ if self._metrics_page.hides(exchange):
                return _page_reply(None)
            case "/graphql" if not self._is_browser_visit(exchange):
                return await self._graphql(exchange)
            case "/" | "/graphql" if self._settings.graphiql:
                return Reply(307, b"", ((b"location", b"/graphiql"), (b"cache-control", b"no-store")))
            case "/healthz" | "/readyz" | "/metrics":
                return await self._state(exchange.path)
            case _:
                return self._page(exchange)

    async def _state(self, path: str) -> Reply:
        """What whoever runs the gateway wants to know."""
        if path == "/metrics":
            return Reply(200, self._metrics_page.content(), ((b"content-type", CONTENT_TYPE.encode()),))
        return await self._readiness() if path == "/readyz" else _json_reply(200, {"status": "ok"})

    def _all_metrics(self) -> tuple[Metric, ...]:
        admission, streams = self._admission, self._streams
        return (
            *self.metrics.all(),
            Gauge(
                "gateway_requests_in_progress",
                "GraphQL requests being answered.",
                lambda: admission.in_progress,
            ),
            Gauge("gateway_subscriptions_open", "Subscriptions being served.", lambda: streams.subscriptions),
            Gauge(
                "gateway_plan_cache_entries",
                "Plans that are kept.",
                lambda: self._serving.pipeline.plan_count,
            ),
            Gauge("gateway_draining", "1 once it has been told to stop.", lambda: int(self._is_draining)),
            *process_metrics(),
        )

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
            return self._preflight(exchange) or Reply(405, b"", ((b"allow", b"GET, POST"),))
        exchange.is_graphql = True
        media = JSON
        try:
            media = response_type(exchange.headers)
            self._admission.check()
            request = self._serving.pipeline.resolved(await self._request(exchange))
            exchange.operation_name = request.operation_name
            if await self._is_streamed(exchange, request, media):
                return StreamedReply(request)
            # Only now, since a client that sends its body slowly must not hold a place.
            with self._admission, self._collecting() as passed:
                answer = await self._answered_unless_gone(exchange, request)
        except RequestError as error:
            answer, passed = refusal(error), {}
        return self._graphql_reply(exchange, answer, JSON if media == EVENT_STREAM else media, tuple(passed))

    def _preflight(self, exchange: Exchange) -> Reply | None:
        """The answer to a browser that asks before it sends what a page wants to send."""
        is_asked = exchange.method == "OPTIONS" and exchange.headers.get("access-control-request-method")
        if not is_asked or not self._cross_origin.is_on:
            return None
        if not self._cross_origin.allows(exchange.headers.get("origin")):
            return Reply(403, b"")
        return Reply(204, b"", self._cross_origin.preflight)

    async def _is_streamed(self, exchange: Exchange, request: Request, media: str) -> bool:
        """Where the client takes both, what has one answer is answered in one piece. Raises RequestError."""
        if media == EVENT_STREAM:
            return True
        return takes_events(exchange.headers) and await self._serving.pipeline.is_subscription(request)

    async def _streamed(self, exchange: Exchange, request: Request, send: Send) -> Reply | None:
        """Stream the answers; or give the reply to a request that was refused for more than its operation."""
        async with AsyncExitStack() as stack:
            try:
                answers = await stack.enter_async_context(
                    self._serving.subscriptions.open(request, exchange.request_id)
                )
            except RequestError as error:
                answer = refusal(error)
                if answer.status is not None:
                    return self._graphql_reply(exchange, answer, JSON)
                self._records.note_answer(answer)
                answers = _only(answer)
            exchange.is_streamed = True
            stack.enter_context(self._streams.stream())
            response = EventStreamResponse(
                exchange.receive,
                send,
                request_id=exchange.request_id,
                keep_alive_s=self._settings.keep_alive_s,
                taken_within_s=self._settings.request_timeout_s,
            )
            await response.stream(answers, self._streams.closing)
        self._note(exchange, 200)
        return None

    def _graphql_reply(self, exchange: Exchange, answer: Answer, media: str, passed: Headers = ()) -> Reply:
        """*passed*: the headers of subgraphs that go on to the client."""
        exchange.answer = answer
        self._records.note_answer(answer)
        headers = _JSON_HEADERS[media] + _advice(answer) + passed
        return Reply(status_of(answer, media), answer.encoded(), headers)

    async def _request(self, exchange: Exchange) -> Request:
        check_unambiguous(exchange.raw_headers, self._forwarded)
        down = forwarded(exchange.raw_headers, self._forwarded)
        if self._forwards_request_id:
            down = (*down, (b"x-request-id", exchange.request_id.encode("ascii")))
        if self._tracing:
            down = self._tracing.within_span(down)
        told = Told(down, authorization(exchange.raw_headers), exchange.headers.get("x-query-plan") == "1")
        if exchange.method == "GET":
            headers = exchange.headers
            self._cross_origin.check_read(headers.get("sec-fetch-site"), headers.get("origin"))
            return read_query_string(exchange.query_string, told)
        check_content_type(exchange.headers)
        return read_body(await self._body(exchange), told)

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
                raise BodyTooLarge(limit)
            if not message.get("more_body"):
                return bytes(body)

    async def _answered_unless_gone(self, exchange: Exchange, request: Request) -> Answer:
        """Stop working, and stop the subgraphs' requests, when the client leaves."""
        async with unless_gone(exchange.receive):
            return await self._serving.pipeline.answer(request)


async def _turn_away(send: Send) -> None:
    """Answer a WebSocket's handshake with 503."""
    headers = [(b"retry-after", b"5")]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})


def _adding(headers: Headers, send: Send) -> Send:
    """Sends with these headers besides."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return sending


async def _only(answer: Answer) -> AsyncGenerator[Answer, None]:
    yield answer


_NOSNIFF = (b"x-content-type-options", b"nosniff")
_JSON_HEADERS = {
    media: (
        (b"content-type", f"{media}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        _NOSNIFF,
    )
    for media in (JSON, GRAPHQL_RESPONSE)
}


def _advice(answer: Answer) -> tuple[tuple[bytes, bytes], ...]:
    if answer.status == 405:
        return ((b"allow", b"POST"),)
    return ((b"retry-after", b"%d" % answer.retry_after_s),) if answer.retry_after_s else ()


def _json_reply(status: int, body: Any) -> Reply:
    return Reply(status, orjson.dumps(body), _JSON_HEADERS[JSON])


def _page_reply(page: Page | None) -> Reply:
    if page is None:
        return Reply(404, b"Not found.\n", ((b"content-type", b"text/plain; charset=utf-8"),))
    headers = (
        (b"content-type", page.content_type.encode()),
        (b"cache-control", page.cache_control.encode()),
        _NOSNIFF,
    )
    return Reply(page.status, page.body, headers)
