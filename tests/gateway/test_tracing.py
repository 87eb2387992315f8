"""OpenTelemetry: the client's trace goes on through the gateway into the subgraphs."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from signal import SIGTERM
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode

from gateway.app import Observers, create_app
from gateway.tracing import Tracing
from tests.gateway.auction import END, Auction, bid, scripted
from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import LIBRARY, ROOT, running_gateway, serving_subgraphs
from tests.gateway.test_entities import library
from tests.gateway.test_websocket_session import connected
from tests.gateway.testbed import Federation, json_response

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENTS_SPAN = "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{CLIENTS_SPAN}-01"
NOT_SAMPLED = f"00-{TRACE}-{CLIENTS_SPAN}-00"
LOANS = "query Loans { me { loans { days } } }"


def traced(
    query: str, federation: Federation | None = None, sampler: Any = None, **headers: str
) -> tuple[httpx.Response, list[ReadableSpan]]:
    federation = federation or library()
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler) if sampler else TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    observers = Observers(tracing=Tracing(provider))
    app = create_app(federation.supergraph, federation.settings, federation, observers=observers)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            body = {"query": query, "variables": {"isbn": "hidden"}}
            return await client.post("/graphql", json=body, headers=headers)

    reply = asyncio.run(ask())
    return reply, list(exporter.get_finished_spans())


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


def by_name(spans: list[ReadableSpan]) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans}


def test_a_request_is_a_span_of_the_clients_trace_and_each_fetch_one_below_it() -> None:
    _, spans = traced(LOANS, traceparent=SAMPLED)

    named = by_name(spans)
    request = named["query Loans"]
    assert set(named) == {"query Loans", "fetch members", "fetch loans"}
    assert {ids(span)[0] for span in spans} == {TRACE}
    assert parent_of(request) == CLIENTS_SPAN
    assert parent_of(named["fetch members"]) == parent_of(named["fetch loans"]) == ids(request)[1]
    assert (request.kind, named["fetch loans"].kind) == (SpanKind.SERVER, SpanKind.CLIENT)


def test_a_subgraph_is_told_the_span_of_its_fetch() -> None:
    federation = library()

    _, spans = traced(LOANS, federation, traceparent=SAMPLED, tracestate="vendor=1")

    for name in ("members", "loans"):
        (headers,) = federation.subgraphs[name].headers
        _, span = ids(by_name(spans)[f"fetch {name}"])
        assert headers.get_list("traceparent") == [f"00-{TRACE}-{span}-01"]
        assert headers.get_list("tracestate") == ["vendor=1"]


@pytest.mark.parametrize("given", ["", "00-1-1-01", "nonsense"])
def test_without_a_trace_of_the_client_one_begins(given: str) -> None:
    federation = library()

    _, spans = traced(LOANS, federation, **({"traceparent": given} if given else {}))

    trace, _ = ids(by_name(spans)["query Loans"])
    assert parent_of(by_name(spans)["query Loans"]) is None
    assert federation.subgraphs["loans"].headers[0]["traceparent"].startswith(f"00-{trace}-")


def test_what_the_client_does_not_sample_is_not_sampled_but_handed_on() -> None:
    federation = library()

    _, spans = traced(LOANS, federation, ParentBased(TraceIdRatioBased(1)), traceparent=NOT_SAMPLED)

    given = federation.subgraphs["loans"].headers[0]["traceparent"]
    assert spans == []
    assert given.startswith(f"00-{TRACE}-")
    assert given.endswith("-00")


def test_spans_say_what_was_asked_for_and_never_with_what() -> None:
    reply, spans = traced(
        "query Book($isbn: ID!) { book(isbn: $isbn) { title } }",
        authorization="Bearer hush",
        x_request_id="r",
    )

    request = by_name(spans)["query Book"]
    assert dict(request.attributes or {}) == {
        "graphql.operation.type": "query",
        "graphql.operation.name": "Book",
        "gateway.plan_cached": False,
        "gateway.request_id": reply.headers["x-request-id"],
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.path": "/graphql",
    }
    everything = "".join(span.to_json() for span in spans)
    assert not [word for word in ("hidden", "hush", "title") if word in everything]


def test_a_fetch_that_fails_is_a_failed_span() -> None:
    federation = library()
    federation.broken["loans"] = lambda _: httpx.Response(502, text="secret detail")

    _, spans = traced(LOANS, federation)

    failed = by_name(spans)["fetch loans"]
    assert (failed.status.status_code, failed.status.description) == (
        StatusCode.ERROR,
        "SUBGRAPH_UNAVAILABLE",
    )
    assert by_name(spans)["query Loans"].status.status_code is StatusCode.UNSET
    assert "secret" not in failed.to_json()


def test_a_refused_request_is_a_span_too() -> None:
    _, (span,) = traced("{ nothing }")

    assert span.name == "GraphQL"
    assert (span.attributes or {})["http.response.status_code"] == 200


def test_a_fault_is_a_failed_span() -> None:
    federation = library()

    def faulty(_: Any) -> Any:
        raise RuntimeError

    federation.broken["books"] = faulty
    reply, spans = traced("{ book(isbn: 1) { title } }", federation)

    assert reply.status_code == 500
    assert by_name(spans)["GraphQL"].status.status_code is StatusCode.ERROR


def test_an_operation_in_a_websocket_is_a_span_of_the_clients_trace() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    auction = Auction(scripted(bid(1), END))
    tracing = Observers(tracing=Tracing(provider))

    async def subscribed() -> None:
        app = create_app(auction.supergraph, auction.settings, auction, observers=tracing)
        async with connected(app, {"traceparent": SAMPLED}) as socket:
            query = "subscription Bids { bidPlaced { bidder { name } } }"
            socket.subscribe("a", query, operationName="Bids")
            while (await socket.hears())["type"] != "complete":
                pass

    asyncio.run(subscribed())

    spans = by_name(list(exporter.get_finished_spans()))
    operation, fetch = spans["GraphQL"], spans["fetch people"]
    assert (ids(operation)[0], parent_of(operation)) == (TRACE, CLIENTS_SPAN)
    assert (ids(fetch)[0], parent_of(fetch)) == ids(operation)
    assert operation.attributes
    assert operation.attributes["graphql.operation.name"] == "Bids"
    assert operation.attributes["gateway.websocket.end"] == "complete"


def test_fetches_side_by_side_are_siblings() -> None:
    federation = library()
    federation.broken["books"] = lambda _: json_response({"data": {"book": {"title": "Emma"}}})

    _, spans = traced("query Both { book(isbn: 1) { title } me { id } }", federation)

    named = by_name(spans)
    _, request = ids(named["query Both"])
    assert parent_of(named["fetch books"]) == parent_of(named["fetch members"]) == request


# --- as a process ---------------------------------------------------------------------------------------------------


class Collector(ThreadingHTTPServer):
    """Takes traces as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CollectorHandler)
        self.names: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class CollectorHandler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        content = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        for resource in content.resource_spans:
            service = {each.key: each.value.string_value for each in resource.resource.attributes}[
                "service.name"
            ]
            self.server.names += [
                f"{service}: {span.name}" for scope in resource.scope_spans for span in scope.spans
            ]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Tests stay quiet."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_reach_the_collector_before_the_process_ends(collector: Collector) -> None:
    with (
        serving_subgraphs() as subgraphs,
        running_gateway(subgraphs, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, GATEWAY_DRAIN_S="0") as gateway,
    ):
        gateway.ask(LOANS)
        gateway.signal(SIGTERM)
        assert gateway.status() == 0

    assert sorted(collector.names) == [
        "gateway: fetch loans",
        "gateway: fetch members",
        "gateway: query Loans",
    ]


def test_a_collector_that_is_not_there_harms_nobody() -> None:
    with (
        serving_subgraphs() as subgraphs,
        running_gateway(
            subgraphs,
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
            OTEL_EXPORTER_OTLP_TIMEOUT="1",
            GATEWAY_DRAIN_S="0",
        ) as gateway,
    ):
        answer = gateway.ask(LOANS).json()
        gateway.signal(SIGTERM)

        assert answer == library().truth(LOANS)
        assert gateway.status() == 0


def test_a_missing_package_is_said_in_one_sentence() -> None:
    without = (
        "import sys; sys.modules['opentelemetry'] = None; from gateway.__main__ import main; sys.exit(main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", without, "--supergraph", str(LIBRARY), "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )

    assert ended.returncode == 2
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set, but opentelemetry" in ended.stderr
    assert "is not installed: uv sync --project gateway --extra tracing" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_collector_opentelemetry_is_not_even_imported() -> None:
    loads = "import sys; import gateway.start; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", loads], cwd=ROOT, check=False).returncode == 0
