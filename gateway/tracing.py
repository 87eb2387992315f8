"""Spans for OpenTelemetry: one for each GraphQL request, one for each fetch below it. The only file that knows it.

Where they go is said by OpenTelemetry's own environment variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME,
OTEL_TRACES_SAMPLER, …). This file is imported only where the first of them is set.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.clients.exchange import Exchange
from gateway.clients.websocket_session import WebSocketOperation
from gateway.errors import SubgraphFailure
from gateway.headers import Headers
from gateway.planner.query_plan import Fetch
from gateway.subgraphs.answer import Decode, SubgraphAnswer
from gateway.subgraphs.client import SubgraphClient
from gateway.subgraphs.mutation_headers import MutationHeaders
from gateway.subgraphs.transport import SubgraphTransport
from gateway.supergraph.model import Graph, Subgraph
from gateway.telemetry.metrics import Metrics

SERVICE = "gateway"
PROPAGATED = frozenset({b"traceparent", b"tracestate"})

_propagator = TraceContextTextMapPropagator()


def exported() -> "Tracing":
    """Tracing to where the environment says."""
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


class Tracing:
    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(SERVICE)

    @contextmanager
    def request(self, exchange: Exchange) -> Iterator[None]:
        """What runs inside belongs to the client's trace, or begins one."""
        with self._tracer.start_as_current_span(
            "GraphQL", context=_clients(exchange), kind=SpanKind.SERVER, record_exception=False
        ) as span:
            yield
            _describe(span, exchange)

    @contextmanager
    def operation(self, told: WebSocketOperation) -> Iterator[None]:
        """The same for an operation in a WebSocket, whose handshake may have named the client's trace."""
        carrier = {name.decode(): value.decode("latin-1") for name, value in told.headers}
        with self._tracer.start_as_current_span(
            "GraphQL", context=_propagator.extract(carrier), kind=SpanKind.SERVER, record_exception=False
        ) as span:
            try:
                yield
            finally:
                if told.name:
                    span.set_attribute("graphql.operation.name", told.name)
                span.set_attributes(
                    {"gateway.request_id": told.request_id, "gateway.websocket.end": told.end}
                )

    @contextmanager
    def fetch(self, fetch: Fetch) -> Iterator[None]:
        attributes = {"gateway.subgraph": fetch.service, "graphql.operation.type": fetch.kind}
        with self._tracer.start_as_current_span(
            f"fetch {fetch.service}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except SubgraphFailure as failure:
                span.set_status(Status(StatusCode.ERROR, failure.code))
                raise

    def client(
        self,
        subgraphs: Mapping[Graph, Subgraph],
        transport: SubgraphTransport,
        timeout_s: float,
        metrics: Metrics,
        mutation_headers: MutationHeaders,
    ) -> SubgraphClient:
        """One that makes a span of each fetch."""
        client = _TracedClient(subgraphs, transport, timeout_s, metrics, mutation_headers)
        client.tracing = self
        return client

    def within_span(self, headers: Headers) -> Headers:
        """*headers* with the current span as the parent of whatever is done there."""
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        others = (each for each in headers if each[0] not in PROPAGATED)
        return (*others, *((name.encode(), value.encode("latin-1")) for name, value in carrier.items()))

    def close(self) -> None:
        """Send what is still to be sent."""
        self._provider.shutdown()


class _TracedClient(SubgraphClient):
    tracing: Tracing

    async def send(
        self,
        fetch: Fetch,
        variables: Mapping[str, Any],
        headers: Headers,
        deadline: float,
        decode: Decode | None = None,
    ) -> SubgraphAnswer:
        with self.tracing.fetch(fetch):
            return await super().send(fetch, variables, self.tracing.within_span(headers), deadline, decode)


def _clients(exchange: Exchange) -> Context:
    names = ("traceparent", "tracestate")
    return _propagator.extract({name: exchange.headers.get(name.encode()) for name in names})


def _describe(span: Span, exchange: Exchange) -> None:
    """When the answer is known. The document and its variables are nobody's business here."""
    answer = exchange.answer
    operation = answer.operation if answer else None
    if operation:
        span.update_name(f"{operation.kind} {operation.name}" if operation.name else operation.kind)
        span.set_attribute("graphql.operation.type", operation.kind)
    name = (operation and operation.name) or exchange.operation_name
    if name:
        span.set_attribute("graphql.operation.name", name)
    if answer and answer.is_plan_known is not None:
        span.set_attribute("gateway.plan_cached", answer.is_plan_known)
    span.set_attributes(
        {
            "http.request.method": exchange.method,
            "url.path": exchange.path,
            "http.response.status_code": exchange.status,
            "gateway.request_id": exchange.request_id,
        }
    )
    if exchange.status >= 500:
        span.set_status(Status(StatusCode.ERROR))
