"""No header means one thing to the gateway and another to a subgraph."""

import pytest

from tests.gateway.over_asgi import EMMA, Headers, ask
from tests.gateway.test_entities import library


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ([("authorization", "Bearer a"), ("authorization", "Bearer b")], "authorization"),
        ([("authorization", "Bearer a"), ("Authorization", "Bearer a")], "authorization"),
        ([("content-type", "application/json"), ("content-type", "text/plain")], "content-type"),
        ([("content-encoding", "identity"), ("content-encoding", "gzip")], "content-encoding"),
        ([("host", "a"), ("host", "b")], "host"),
        ([("traceparent", "a"), ("traceparent", "b")], "traceparent"),
        ([("x-request-id", "a"), ("x-request-id", "b")], "x-request-id"),
        ([("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], "sec-fetch-site"),
        ([("connection", "authorization"), ("authorization", "Bearer a")], "authorization"),
        ([("connection", "close, Authorization")], "authorization"),
        ([("connection", "close"), ("connection", "x-request-id")], "x-request-id"),
    ],
)
def test_a_request_that_could_be_understood_in_two_ways_is_refused(headers: Headers, named: str) -> None:
    federation = library()

    answer = ask(federation, headers=headers)

    assert answer.status_code == 400
    assert f"'{named}'" in answer.json()["errors"][0]["message"]
    assert federation.request_count() == 0


@pytest.mark.parametrize(
    "headers",
    [
        [("accept", "text/html"), ("accept", "application/json")],
        [("tracestate", "a=1"), ("tracestate", "b=2")],
        [("cookie", "a=1"), ("cookie", "b=2")],
        [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8")],
        [("connection", "keep-alive")],
        [("connection", "close, x-mine"), ("x-mine", "1")],
    ],
)
def test_what_may_be_there_twice_may_be_there_twice(headers: Headers) -> None:
    assert ask(library(), headers=headers).json() == EMMA


def test_a_coding_that_nobody_undoes_is_refused() -> None:
    assert ask(library(), headers=[("transfer-encoding", "gzip, chunked")]).status_code == 501


def test_a_compressed_body_is_refused_before_it_is_read() -> None:
    answer = ask(
        library(),
        headers=[("content-encoding", "gzip"), ("content-type", "application/json")],
        content=b"x" * 2_000_000,
    )

    assert answer.status_code == 415
    assert answer.json()["errors"][0]["message"] == "The body must not be compressed."


@pytest.mark.parametrize("name", ["accept", "content-type"])
def test_a_header_that_nobody_would_send_is_not_understood(name: str) -> None:
    value = "application/json" + ";a=b" * 1_000

    assert ask(library(), headers=[(name, value)]).status_code in {406, 415}


def test_only_the_allowed_headers_go_down() -> None:
    federation = library()
    sent = [
        ("authorization", "Bearer a"),
        ("cookie", "a=1"),
        ("x-forwarded-for", "1.2.3.4"),
        ("te", "trailers"),
        ("proxy-authorization", "x"),
    ]

    ask(federation, headers=sent)

    [seen] = federation.subgraphs["books"].headers
    assert seen["authorization"] == "Bearer a"
    assert {"cookie", "x-forwarded-for", "te", "proxy-authorization"}.isdisjoint(seen)
