"""What the gateway counts and measures, and who may see it."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.app import App, create_app
from gateway.settings import Settings, Shown
from gateway.telemetry.metrics import DISTINCT_CODES
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation, json_response

BOOK = "{ book(isbn: 1) { title } }"
ADD = 'mutation { addBook(isbn: 9, title: "x") { isbn } }'

Samples = dict[tuple[str, ...], float]
"""(sample name, label values in the order of the labels' names) -> value"""


def measured(
    *queries: str, federation: Federation | None = None, settings: Settings | None = None, **headers: str
) -> Samples:
    """The metrics after these requests."""
    federation = federation or library()
    app = create_app(federation.supergraph, settings or federation.settings, federation)

    async def ask() -> Samples:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            for query in queries:
                await client.post("/graphql", json={"query": query}, headers=headers)
            return read((await client.get("/metrics")).text)

    return asyncio.run(ask())


def read(text: str) -> Samples:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str) -> dict[tuple[str, ...], float]:
    return {
        labels: value
        for (sample, *labels_), value in samples.items()
        if sample == name and (labels := tuple(labels_))
    }


def test_requests_are_counted_by_kind_and_outcome() -> None:
    federation = library()
    federation.broken["members"] = lambda _: json_response({"errors": [{"message": "no"}]})

    samples = measured(BOOK, BOOK, ADD, "{ me { id } }", "{ nothing }", "{", federation=federation)

    assert of(samples, "gateway_requests_total") == {
        ("query", "ok"): 2, ("mutation", "errors"): 1, ("query", "errors"): 1, ("none", "refused"): 2,
    }  # fmt: skip


def test_a_fault_is_counted() -> None:
    federation = library()

    def faulty(_: Any) -> Any:
        raise RuntimeError

    federation.broken["books"] = faulty
    samples = measured(BOOK, federation=federation)

    assert of(samples, "gateway_requests_total") == {("none", "fault"): 1}
    assert of(samples, "gateway_errors_total") == {("INTERNAL_SERVER_ERROR",): 1}


def test_a_client_that_leaves_is_counted() -> None:
    federation = library()
    app = create_app(federation.supergraph, federation.settings, federation)
    scope = {
        "type": "http", "method": "POST", "path": "/graphql", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        raise AssertionError("nobody is there")

    asyncio.run(app(scope, receive, send))

    assert "client_gone" in next(app.metrics.requests.samples())


def test_streams_are_counted_but_not_timed() -> None:
    samples = measured(BOOK, accept="text/event-stream")

    assert of(samples, "gateway_requests_total") == {("stream", "ok"): 1}
    assert of(samples, "gateway_request_duration_seconds_count") == {}


def test_durations_are_measured_by_kind_and_by_subgraph() -> None:
    samples = measured("{ me { loans { days } } }", BOOK, "{")

    assert of(samples, "gateway_request_duration_seconds_count") == {("query",): 2, ("none",): 1}
    assert of(samples, "gateway_subgraph_request_duration_seconds_count") == {
        ("books",): 1, ("loans",): 1, ("members",): 1,
    }  # fmt: skip
    assert 0 < samples["gateway_request_duration_seconds_sum", "query"] < 60


def test_failures_of_a_subgraph_are_counted_by_code() -> None:
    federation = library()

    async def hang(_: httpx.Request) -> Any:
        await asyncio.Event().wait()

    federation.broken["books"] = lambda _: httpx.Response(200, text="hello")
    federation.broken["members"] = hang
    settings = replace(federation.settings, subgraph_timeout_s=0.01)
    samples = measured(BOOK, BOOK, "{ me { id } }", federation=federation, settings=settings)

    assert of(samples, "gateway_subgraph_failures_total") == {
        ("SUBGRAPH_UNAVAILABLE", "books"): 2, ("DEADLINE_EXCEEDED", "members"): 1,
    }  # fmt: skip
    assert of(samples, "gateway_errors_total") == {("SUBGRAPH_UNAVAILABLE",): 2, ("DEADLINE_EXCEEDED",): 1}
    assert of(samples, "gateway_subgraph_request_duration_seconds_count")["members",] == 1


def test_errors_are_counted_by_code_of_which_a_subgraph_cannot_make_ever_new_ones() -> None:
    federation = library()
    many = [
        {"message": "no", "extensions": {"code": f"CODE_{number}"}} for number in range(DISTINCT_CODES + 50)
    ]
    odd: list[Any] = [
        {"message": "no", "extensions": {"code": 7}},
        {"message": "no", "extensions": {"code": ["x"]}},
    ]
    federation.broken["books"] = lambda _: json_response({"errors": odd + many})

    errors = of(measured(BOOK, "{ nothing }", federation=federation), "gateway_errors_total")

    assert errors["none",] == 2
    assert errors["CODE_0",] == 1
    assert len(errors) == DISTINCT_CODES + 1
    assert sum(errors.values()) == len(odd) + len(many) + 1


def test_looks_into_the_plan_cache_are_counted() -> None:
    samples = measured(BOOK, BOOK, BOOK, ADD)

    assert of(samples, "gateway_plan_cache_lookups_total") == {("miss",): 2, ("hit",): 2}
    assert samples["gateway_plan_cache_entries",] == 2


def test_no_label_grows_with_documents_or_clients() -> None:
    few = measured(BOOK)
    many = measured(*(f"query Q{number} {{ book(isbn: {number}) {{ title }} }}" for number in range(30)))

    assert {name for name, *_ in many} == {name for name, *_ in few}
    assert len(many) == len(few)


def test_the_process_is_measured_too() -> None:
    samples = measured()

    assert samples["process_resident_memory_bytes",] > 10_000_000
    assert samples["process_cpu_seconds_total",] > 0
    assert 0 < samples["process_open_fds",] <= samples["process_max_fds",]
    assert (samples["gateway_requests_in_progress",], samples["gateway_draining",]) == (0, 0)


# --- who may see them -----------------------------------------------------------------------------------------------


def status_at(
    path: str = "/metrics",
    *,
    client: str = "127.0.0.1",
    port: int = 8000,
    headers: dict[str, str] | None = None,
    **settings: Any,
) -> int:
    federation = library()
    app = create_app(federation.supergraph, replace(federation.settings, **settings), federation)
    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "client": (client, 1), "server": ("h", port),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }  # fmt: skip
    return asyncio.run(_status(app, scope))


async def _status(app: App, scope: dict[str, Any]) -> int:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    status: int = sent[0]["status"]
    return status


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_see_them(client: str) -> None:
    assert status_at(client=client) == 200


@pytest.mark.parametrize("client", ["10.0.0.7", "192.168.1.1", "2001:db8::1", "::ffff:10.0.0.7"])
def test_other_machines_may_not_unless_told_so(client: str) -> None:
    assert status_at(client=client) == 404
    assert status_at(client=client, metrics=Shown.PUBLIC) == 200


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
def test_a_proxy_on_this_machine_does_not_show_them_to_others(header: str) -> None:
    assert status_at(headers={header: "203.0.113.9"}) == 404


def test_switched_off_nobody_may() -> None:
    assert status_at(metrics=Shown.OFF) == 404


@pytest.mark.parametrize(
    ("path", "port", "status"),
    [
        ("/metrics", 8000, 404),
        ("/metrics", 9000, 200),
        ("/healthz", 9000, 200),
        ("/readyz", 9000, 200),
        ("/graphql", 9000, 404),
        ("/graphiql", 9000, 404),
        ("/healthz", 8000, 200),
        ("/graphql", 8000, 400),
    ],
)
def test_with_a_port_of_their_own_they_are_there_and_nothing_else(path: str, port: int, status: int) -> None:
    assert status_at(path, port=port, metrics_port=9000) == status


def test_at_a_port_of_their_own_they_are_as_private_as_ever() -> None:
    own = {"port": 9000, "metrics_port": 9000, "client": "10.0.0.7"}

    assert status_at(**own) == 404
    assert status_at(**own, metrics=Shown.PUBLIC) == 200
