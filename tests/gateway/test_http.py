"""GraphQL over HTTP: methods, media types, statuses, malformed requests; pages and health."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gateway.app import App, create_app
from gateway.settings import Limits, Settings
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
BOOK = "{ book(isbn: 1) { title } }"
EMMA = {"data": {"book": {"title": "Emma"}}}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        return [each["extensions"]["code"] for each in self.json["errors"]]


def call(
    method: str = "POST",
    path: str = "/graphql",
    body: Any = None,
    federation: Federation | None = None,
    settings: Settings | None = None,
    **headers: str,
) -> Reply:
    """One request through the ASGI application. Header names are written with underscores."""
    federation = federation or library()
    app = create_app(federation.supergraph, settings or federation.settings, federation)
    named = {"content_type": JSON} | headers if method == "POST" else headers
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items() if value]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asyncio.run(_exchange(app, _scope(method, path, raw), [content] if body is not None else [b""]))


def _scope(method: str, path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    route, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": route,
        "query_string": query.encode(),
        "headers": headers,
    }


async def _exchange(app: App, scope: dict[str, Any], chunks: list[bytes]) -> Reply:
    sent: list[Any] = []
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], headers, sent[1]["body"])


def get(query: str, **parameters: str) -> str:
    return "/graphql?" + urlencode({"query": query, **parameters})


# --- media types and statuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON}", JSON),
        (f"{JSON}; charset=utf-8", JSON),
        ("text/html, */*;q=0.1", JSON),
        (f"{GRAPHQL};q=0, {JSON}", JSON),
    ],
)
def test_the_answer_has_a_type_the_client_takes(accept: str, answered: str) -> None:
    reply = call(body={"query": BOOK}, accept=accept)

    assert (reply.status, reply.json) == (200, EMMA)
    assert reply.headers["content-type"] == f"{answered}; charset=utf-8"
    assert reply.headers["content-length"] == str(len(reply.body))


def test_a_client_that_takes_neither_type_is_told() -> None:
    assert call(body={"query": BOOK}, accept="text/html").status == 406


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query A { me { id } } query B { me { id } }"])
def test_only_the_newer_type_has_a_status_for_a_refused_operation(query: str) -> None:
    ambiguous = query.startswith("query")

    assert call(body={"query": query}, accept=GRAPHQL).status == 400
    assert call(body={"query": query}, accept=JSON).status == (400 if ambiguous else 200)
    assert "data" not in call(body={"query": query}, accept=GRAPHQL).json


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"123", b'"x"', b"[]", b'[{"query":"{ me { id } }"}]', b"\xff\xfe{}", b"{}", b'{"query":null}',
        b'{"query":1}', b'{"query":{}}', b'{"query":""}', b'{"query":"{ me { id } }","variables":"x"}',
        b'{"query":"{ me { id } }","variables":[1]}', b'{"query":"{ me { id } }","operationName":1}',
        b'{"query":"{ me { id } }","operationName":{}}', b'{"query":"{ me { id } }","extensions":"x"}',
        b'{"query":"{ me { id } }","extensions":[]}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_malformed_body_is_a_bad_request(body: bytes) -> None:
    for accept in (JSON, GRAPHQL):
        reply = call(body=body, accept=accept)

        assert (reply.status, reply.codes) == (400, ["BAD_REQUEST"])
        assert reply.headers["content-type"].startswith(accept)


@pytest.mark.parametrize(
    "extra", [{"variables": None}, {"operationName": None}, {"extensions": None}, {"more": 1}]
)
def test_nulls_and_unknown_parameters_are_fine(extra: dict[str, Any]) -> None:
    assert call(body={"query": BOOK} | extra).json == EMMA


# --- CSRF: what a form on another site can send ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql",
     "application/json; charset=iso-8859-1", "text/plain; x=application/json"],
)  # fmt: skip
def test_a_body_that_is_not_declared_json_is_refused(content_type: str) -> None:
    federation = library()

    reply = call(body={"query": BOOK}, content_type=content_type, federation=federation)

    assert reply.status == 415
    assert federation.request_count() == 0


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'application/json;charset="UTF-8"']
)
def test_json_may_name_its_charset(content_type: str) -> None:
    assert call(body={"query": BOOK}, content_type=content_type).json == EMMA


def test_a_compressed_body_is_refused() -> None:
    assert call(body={"query": BOOK}, content_encoding="gzip").status == 415


def test_get_answers_queries() -> None:
    path = get(
        "query Q($isbn: ID!) { book(isbn: $isbn) { title } }", variables='{"isbn": 1}', operationName="Q"
    )

    assert call("GET", path).json == EMMA


def test_get_never_mutates() -> None:
    federation = library()

    reply = call("GET", get('mutation { addBook(isbn: 1, title: "x") { isbn } }'), federation=federation)

    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert federation.request_count() == 0


@pytest.mark.parametrize(
    "path",
    ["/graphql", "/graphql?query=", get(BOOK, variables="{"), get(BOOK, variables="[]"), get(BOOK, extensions="1"),
     "/graphql?query=%ff%fe"],
)  # fmt: skip
def test_a_malformed_get_is_a_bad_request(path: str) -> None:
    assert call("GET", path).status == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(method: str) -> None:
    reply = call(method)

    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")


def test_a_failed_fetch_is_in_the_log_under_the_request_s_id(caplog: pytest.LogCaptureFixture) -> None:
    federation = library()
    federation.broken["loans"] = lambda _: httpx.Response(200, text="<html>")

    call(body={"query": "{ book(isbn: 1) { loans { days } } }"}, federation=federation, x_request_id="r-9")

    assert [record.getMessage() for record in caplog.records] == [
        "request r-9: SUBGRAPH_UNAVAILABLE of subgraph loans: the answer is not JSON"
    ]


# --- bounds ---------------------------------------------------------------------------------------------------------


def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    federation = library()
    settings = replace(federation.settings, limits=Limits(body_bytes=100))
    app = create_app(federation.supergraph, settings, federation)
    chunks = [b" " * 60] * 1000

    reply = asyncio.run(
        _exchange(app, _scope("POST", "/graphql", [(b"content-type", b"application/json")]), chunks)
    )

    assert (reply.status, reply.codes) == (413, ["BODY_TOO_LARGE"])
    assert reply.json["errors"][0]["extensions"]["limit"] == 100


def test_a_body_that_never_ends_is_given_up() -> None:
    federation = library()
    app = create_app(federation.supergraph, replace(federation.settings, request_timeout_s=0.05), federation)

    async def stalled() -> Any:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            await asyncio.Event().wait()

        await app(_scope("POST", "/graphql", [(b"content-type", b"application/json")]), receive, send)
        return sent[0]["status"]

    assert asyncio.run(stalled()) == 408


def test_when_the_client_leaves_the_subgraphs_requests_are_cancelled() -> None:
    federation = library()
    app = create_app(federation.supergraph, federation.settings, federation)
    seen: list[str] = []

    async def leaving() -> None:
        asked = asyncio.Event()

        async def hang(_: Any) -> Any:
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        federation.broken["members"] = hang
        messages = [{"type": "http.request", "body": json.dumps({"query": "{ me { id } }"}).encode()}]

        async def receive() -> Any:
            if messages:
                return messages.pop()
            await asked.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            seen.append(message["type"])

        await app(_scope("POST", "/graphql", [(b"content-type", b"application/json")]), receive, send)

    asyncio.run(leaving())

    assert seen == ["cancelled"]


# --- headers --------------------------------------------------------------------------------------------------------


def test_only_listed_headers_go_down() -> None:
    federation = library()

    call(
        body={"query": BOOK},
        federation=federation,
        authorization="Bearer x",
        traceparent="00-1-1-01",
        x_request_id="abc-1",
        cookie="secret",
        x_forwarded_for="1.2.3.4",
        host="evil.example",
    )

    headers = federation.subgraphs["books"].headers[0]
    assert (headers["authorization"], headers["traceparent"]) == ("Bearer x", "00-1-1-01")
    assert headers["x-request-id"] == "abc-1"
    assert headers["host"] == "books"
    assert not {"cookie", "x-forwarded-for"} & set(headers)


def test_a_header_need_not_be_ascii() -> None:
    federation = library()

    reply = call(body={"query": BOOK}, federation=federation, authorization="Bearer é")

    assert reply.json == EMMA
    assert (b"authorization", "Bearer é".encode()) in federation.subgraphs["books"].headers[0].raw


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a;b", "é"])
def test_a_request_id_that_cannot_stand_in_a_log_line_is_replaced(given: str) -> None:
    reply = call(body={"query": BOOK}, x_request_id=given)

    assert len(reply.headers["x-request-id"]) == 32


def test_a_fault_of_ours_is_masked_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    federation = library()

    def faulty(_: Any) -> Any:
        raise RuntimeError("secret detail")

    federation.broken["books"] = faulty
    reply = call(body={"query": BOOK}, federation=federation, x_request_id="r-1")

    assert reply.status == 500
    assert reply.json == {
        "errors": [
            {
                "message": "Internal server error.",
                "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "r-1"},
            }
        ]
    }
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(("levels", "status"), [(100, 200), (101, 400), (900, 400)])
def test_variables_are_nested_only_so_deep(levels: int, status: int) -> None:
    variables = '{"x":' * levels + "1" + "}" * levels

    reply = call(body=f'{{"query": "{BOOK}", "variables": {variables}}}'.encode())

    assert reply.status == status
    assert reply.json == EMMA if status == 200 else reply.codes == ["BAD_REQUEST"]


# --- pages and health -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(path: str) -> None:
    assert call("GET", path).status == 200


@pytest.fixture
def built(tmp_path: Path) -> Settings:
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "graphiql.html").write_text("<title>GraphiQL</title>")
    (tmp_path / "dist" / "account").mkdir()
    (tmp_path / "dist" / "account" / "verify-email.html").write_text("<title>Verify</title>")
    (tmp_path / "dist" / "assets" / "app-1.js").write_text("let a;")
    for name in ("secret.txt", "secret.html"):
        (tmp_path / name).write_text("secret")
    return Settings(frontend_dir=tmp_path / "dist")


def test_graphiql_is_served(built: Settings) -> None:
    reply = call("GET", "/graphiql", settings=built)

    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.headers["cache-control"] == "no-cache"


def test_a_page_in_a_folder_is_served_without_its_ending(built: Settings) -> None:
    reply = call("GET", "/account/verify-email", settings=built)

    assert (reply.status, reply.body) == (200, b"<title>Verify</title>")
    assert reply.headers["cache-control"] == "no-cache"


def test_no_page_can_be_put_into_a_frame_of_another_site(built: Settings) -> None:
    page, script = (call("GET", path, settings=built) for path in ("/graphiql", "/assets/app-1.js"))

    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert "content-security-policy" not in script.headers


def test_assets_are_kept_for_ever(built: Settings) -> None:
    reply = call("GET", "/assets/app-1.js", settings=built)

    assert (reply.status, reply.body) == (200, b"let a;")
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in reply.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../secret.txt",
        "/assets/",
        "/assets/none.js",
        "/secret.txt",
        "/../secret",
        "/account/../../secret",
        "/account",
        "/account/",
        "/account/verify-email/",
        "/account/verify-email.html",
        "/account//verify-email",
        "/Account/verify-email",
        "/" + "a" * 300,
        "/assets/" + "a" * 300,
        "/assets/\0",
        "/assets//etc/passwd",
    ],
)
def test_nothing_outside_the_built_pages_is_served(built: Settings, path: str) -> None:
    assert call("GET", path, settings=built).status == 404


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    reply = call("GET", "/graphiql", settings=Settings(frontend_dir=tmp_path))

    assert reply.status == 503
    assert b"npm" in reply.body


@pytest.mark.parametrize("path", ["/", "/graphql"])
def test_who_opens_an_address_in_a_browser_is_led_to_graphiql(built: Settings, path: str) -> None:
    reply = call("GET", path, settings=built, accept="text/html,application/xhtml+xml,*/*;q=0.8")

    assert (reply.status, reply.headers["location"]) == (307, "/graphiql")


def test_graphiql_can_be_switched_off(built: Settings) -> None:
    without = replace(built, graphiql=False)

    assert call("GET", "/graphiql", settings=without).status == 404
    assert call("GET", "/", settings=without).status == 404
    assert call("GET", "/account/verify-email", settings=without).status == 200
