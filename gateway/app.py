"""The ASGI application: where the parts are joined, and each request finds the one that answers it."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from gateway.clients.access_token import AccessTokens
from gateway.clients.asgi import Receive, Scope, Send
from gateway.clients.asgi_exchange import AsgiExchange
from gateway.clients.cross_origin import CrossOrigin
from gateway.clients.exchange import ClientGone, Exchange
from gateway.clients.graphql_endpoint import GraphQLEndpoint
from gateway.clients.issuer_keys import IssuerKeys
from gateway.clients.metrics_page import OPERATORS_PATHS
from gateway.clients.operators_endpoints import OperatorsEndpoints
from gateway.clients.pages import Pages
from gateway.clients.records import CLIENT_GONE, Records
from gateway.clients.reply import Reply, json_reply, page_reply
from gateway.clients.websocket_endpoint import WebSocketEndpoint
from gateway.errors import GatewayError, internal_error
from gateway.known_plans import PlanKey
from gateway.long_lived import set_apart
from gateway.open_streams import OpenStreams
from gateway.operations.callers import Callers, NobodyKnown
from gateway.operations.trusted_documents import TrustedDocuments
from gateway.overload import Admission
from gateway.pipeline import Pipeline
from gateway.serving import Serving
from gateway.settings import Settings
from gateway.subgraphs.carriers import Carriers, carriers
from gateway.subgraphs.client import SubgraphClient
from gateway.subgraphs.events import SubgraphEvents
from gateway.subgraphs.mutation_headers import MutationHeaders
from gateway.subgraphs.readiness import Readiness
from gateway.subscriptions import Subscriptions
from gateway.supergraph.model import Supergraph
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from gateway.tracing import Tracing  # OpenTelemetry need not be installed

log = logging.getLogger("gateway")

CLOSING_WITHIN_S = 5.0
"""How long a stop waits for clients to take the end of their streams."""


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
    """*transport* is where subgraphs are reached; tests pass one that answers in memory."""
    return App(supergraph, settings, carriers(settings, transport), trusted, observers or Observers())


def _callers(settings: Settings, transport: httpx.AsyncBaseTransport) -> Callers:
    if settings.tokens is None:
        return NobodyKnown()
    return AccessTokens(settings.tokens, IssuerKeys(settings.tokens.jwks_url, transport))


class App:
    def __init__(
        self,
        supergraph: Supergraph,
        settings: Settings,
        carriers: Carriers,
        trusted: TrustedDocuments | None,
        observers: Observers,
    ) -> None:
        self._settings = settings
        self._carriers = carriers
        self.metrics = Metrics()
        self._pages = Pages(settings.frontend_dir)
        self._admission = Admission(settings.concurrent_requests)
        self._streams = OpenStreams(settings.subscriptions)
        self._callers = _callers(settings, carriers.streams)
        self._access_log = observers.access_log
        self._tracing = observers.tracing
        self._records = Records(self.metrics, self._access_log)
        self._join_endpoints()
        self._supergraph = supergraph
        self._trusted = trusted
        self._replacing = asyncio.Lock()
        self._serving = self._assembled(supergraph, trusted, ())

    def _join_endpoints(self) -> None:
        settings, records, streams = self._settings, self._records, self._streams
        self._cross_origin = CrossOrigin(
            settings.cors_origins,
            {"content-type", "x-query-plan", *settings.forwarded_headers, *settings.sent_with_mutations},
            credentials=settings.cors_credentials,
        )
        self._graphql = GraphQLEndpoint(
            settings,
            self._current,
            cross_origin=self._cross_origin,
            admission=self._admission,
            streams=streams,
            records=records,
            tracing=self._tracing,
        )
        self._websocket = WebSocketEndpoint(
            settings,
            self._current,
            cross_origin=self._cross_origin,
            streams=streams,
            records=records,
            tracing=self._tracing,
        )
        self._operators = OperatorsEndpoints(settings, self._current, self.metrics, self._admission, streams)

    # --- from one supergraph to the next ----------------------------------------------------------------------------

    def _current(self) -> Serving:
        return self._serving

    async def serve(self, supergraph: Supergraph) -> None:
        """Answer from now on by this supergraph; what is running ends with the one it began with."""
        async with self._replacing:
            await self._replace(supergraph, self._trusted)

    async def trust(self, documents: TrustedDocuments) -> None:
        """Answer from now on these documents only."""
        async with self._replacing:
            await self._replace(self._supergraph, documents)

    def warn_if_nobody_can_be_known(self) -> None:
        """Whoever forgets the issuer would look for the fault in their tokens."""
        if self._settings.tokens is None and not self._supergraph.authorization.is_empty:
            log.warning(
                "the supergraph demands something of callers, and everybody is anonymous: what is protected is denied "
                "to all until JWKS_URL, TOKEN_ISSUER and TOKEN_AUDIENCE say whose access tokens are believed"
            )

    async def _replace(self, supergraph: Supergraph, trusted: TrustedDocuments | None) -> None:
        recent = self._serving.pipeline.recent()
        self._serving = await asyncio.to_thread(self._assembled, supergraph, trusted, recent)
        had_demands = not self._supergraph.authorization.is_empty
        self._supergraph, self._trusted = supergraph, trusted
        set_apart()
        if not had_demands:
            self.warn_if_nobody_can_be_known()

    def _assembled(
        self, supergraph: Supergraph, trusted: TrustedDocuments | None, recent: Iterable[PlanKey]
    ) -> Serving:
        """*recent* is planned already, so that the change costs the first who ask no more than others."""
        settings, carriers, subgraphs = self._settings, self._carriers, supergraph.subgraphs
        new_client = self._tracing.client if self._tracing else SubgraphClient
        of_mutations = MutationHeaders(subgraphs, settings)
        client = new_client(
            subgraphs, carriers.requests, settings.subgraph_timeout_s, self.metrics, of_mutations
        )
        pipeline = Pipeline(
            supergraph,
            client,
            settings,
            callers=self._callers,
            trusted=trusted,
            mutation_headers=of_mutations,
        )
        pipeline.plan_ahead(recent)
        events = SubgraphEvents(subgraphs, carriers.streams, settings)
        subscriptions = Subscriptions(
            pipeline, events, self._streams, self._admission, self._records.note_answer
        )
        return Serving(pipeline, subscriptions, Readiness(subgraphs, carriers.readiness))

    # --- the end ----------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Ask load balancers and clients to go elsewhere, while everything is still answered."""
        self._operators.is_draining = True

    async def close_streams(self) -> None:
        """End what would not end by itself, before the server waits for running requests to finish."""
        await self._streams.close(CLOSING_WITHIN_S)

    async def _close(self) -> None:
        await self._carriers.aclose()
        if self._access_log:
            self._access_log.close()
        if self._tracing:
            await asyncio.to_thread(self._tracing.close)

    # --- requests ---------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it: for programs in whose process the gateway runs."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await self._websocket.serve(scope, receive, send)
        elif scope["type"] == "http":
            await self.answer(AsgiExchange(scope, receive, send))

    async def answer(self, exchange: Exchange) -> None:
        """Answer an HTTP request, whatever goes wrong."""
        if self._tracing and exchange.path == "/graphql":
            with self._tracing.request(exchange):
                await self._answer(exchange)
        else:
            await self._answer(exchange)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._close()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, exchange: Exchange) -> None:
        if self._cross_origin.is_on and exchange.path == "/graphql":
            exchange.more_headers = self._cross_origin.headers(exchange.headers.get(b"origin"))
        try:
            reply = await self._reply(exchange)
        except ClientGone:
            self._records.end(exchange, CLIENT_GONE)
            return
        except Exception:
            # The one place where everything is caught: clients never see a fault's text, the log has it all.
            log.exception("request %s failed", exchange.request_id)
            self.metrics.errors.count(GatewayError.code)
            reply = json_reply(500, {"errors": [internal_error(exchange.request_id)]})
        if reply is None:
            return
        # In the middle of a stream it would be taken for a part of that; there, the connection's end says it.
        if not exchange.is_begun:
            await exchange.reply(reply, is_last=self._operators.is_draining)
        self._records.end(exchange, reply.status)

    async def _reply(self, exchange: Exchange) -> Reply | None:
        """None where everything was sent already."""
        match exchange.path:
            case _ if self._operators.hide(exchange):
                return page_reply(None)
            case "/graphql" if not self._is_browser_visit(exchange):
                return await self._graphql.reply(exchange)
            case "/" | "/graphql" if self._settings.graphiql:
                return Reply(307, b"", ((b"location", b"/graphiql"), (b"cache-control", b"no-store")))
            case path if path in OPERATORS_PATHS:
                return await self._operators.reply(path)
            case _:
                return self._page(exchange)

    def _is_browser_visit(self, exchange: Exchange) -> bool:
        """Somebody opened the address itself: there is no query, and what they can read is a page."""
        is_page_wanted = exchange.headers.get(b"accept").startswith("text/html")
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
        if is_hidden:
            return page_reply(None)
        return page_reply(self._pages.find(exchange.path, exchange.headers.get(b"accept-encoding")))
