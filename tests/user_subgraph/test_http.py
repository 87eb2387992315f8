"""GraphQL over HTTP: methods, media types, status codes, malformed requests."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

import user_subgraph
from tests.user_subgraph.service import Service
from user_subgraph.user import Role


@pytest.fixture
def backend() -> str:
    """The database plays no part here."""
    return "sqlite"


NEW = "application/graphql-response+json"
OLD = "application/json"
TYPENAME = {"query": "{ __typename }"}


def post(service: Service, body: Any, accept: str | None = None, **headers: str) -> TestResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": OLD, **({"Accept": accept} if accept else {}), **headers}
    return service.http.post("/graphql", data=raw, headers=sent)


def code(answer: TestResponse) -> str:
    (error,) = answer.get_json()["errors"]
    assert "data" not in answer.get_json()
    found: str = error["extensions"]["code"]
    return found


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, OLD),
        ("*/*", OLD),
        (OLD, OLD),
        (NEW, NEW),
        (f"{NEW}, {OLD};q=0.9", NEW),
        (f"{OLD}, {NEW};q=0.9", OLD),
        ("text/html", OLD),
    ],
)
def test_the_media_type_is_negotiated(service: Service, accept: str | None, answered: str) -> None:
    answer = post(service, TYPENAME, accept)

    assert (answer.status_code, answer.content_type) == (200, f"{answered}; charset=utf-8")
    assert answer.get_json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"123",
        b'"text"',
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"{",
        b'{"query": "{ __typename }"} x',
        b"\xff\xfe",
        b'{"query": "\xff"}',
        b'{"query": "{ __typename }", "variables": {"x": "\\ud800"}}',
        b'{"query": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 30_000,
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 7}',
        b'{"query": ["{ __typename }"]}',
        b'{"query": "{ __typename }", "operationName": 7}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "x"}',
        b'{"query": "{ __typename }", "extensions": 7}',
        b'{"query": "{ __typename }", "variables": {"a": [' + b"1," * 2001 + b"1]}}",
        b'{"query": "{ __typename }", "variables": {"a": [' + b"{}," * 1001 + b"{}]}}",
    ],
)
@pytest.mark.parametrize("accept", [OLD, NEW])
def test_what_is_no_graphql_request_is_a_bad_request(service: Service, body: bytes, accept: str) -> None:
    answer = post(service, body, accept)

    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("text", [",{[" * 3000, '\\",{[' * 3000, "\\\\", "\\\\" + '\\"' + "," * 3000])
def test_what_stands_in_texts_is_not_counted_as_values(service: Service, text: str) -> None:
    body = f'{{"query": "{{ __typename }}", "variables": {{"a": "{text}"}}}}'

    answer = post(service, body.encode(), OLD)

    assert answer.get_json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "extra", [{"variables": None}, {"operationName": None}, {"extensions": {}}, {"id": 7}]
)
def test_nulls_and_unknown_parameters_are_fine(service: Service, extra: dict[str, Any]) -> None:
    assert post(service, TYPENAME | extra).get_json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ __typename } \0"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": '{ users(first: "ten") { nodes { id } } }'}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { __typename } query B { __typename }"}, "BAD_REQUEST"),
        ({"query": "query A { __typename }", "operationName": "B"}, "BAD_REQUEST"),
        ({"query": "fragment A on Query { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($id: ID!) { user(id: $id) { id } }"}, "BAD_USER_INPUT"),
        ({"query": "subscription { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_what_graphql_refuses_has_its_own_code_and_status(
    service: Service, body: dict[str, Any], expected: str
) -> None:
    old, new = post(service, body, OLD), post(service, body, NEW)

    assert (old.status_code, code(old)) == (200, expected)
    assert (new.status_code, code(new)) == (400, expected)


def test_the_readmes_request_logs_in(service: Service) -> None:
    readme = Path(user_subgraph.__file__).with_name("README.md").read_text(encoding="utf-8")
    (body,) = re.findall(r"-d '(.+?)'\n```", readme, re.DOTALL)
    service.add_user("ada@example.com")

    answer = service.http.post("/graphql", data=body, headers={"Content-Type": "application/json"})
    assert answer.get_json()["data"]["login"]["user"]["roles"] == ["CUSTOMER"]


def test_the_named_operation_runs(service: Service) -> None:
    body = {"query": "query A { a: __typename } query B { b: __typename }", "operationName": "B"}

    assert post(service, body).get_json() == {"data": {"b": "Query"}}


def test_a_stale_token_is_401_where_the_media_type_allows_it(service: Service) -> None:
    old = post(service, TYPENAME, OLD, Authorization="Bearer x")
    new = post(service, TYPENAME, NEW, Authorization="Bearer x")

    assert (old.status_code, code(old)) == (200, "UNAUTHENTICATED")
    assert (new.status_code, code(new)) == (401, "UNAUTHENTICATED")


def test_an_error_in_a_field_leaves_the_others(service: Service) -> None:
    answer = post(service, {"query": "{ __typename me { id } }"}, NEW)

    assert answer.status_code == 200
    assert answer.get_json()["data"] == {"__typename": "Query", "me": None}
    (error,) = answer.get_json()["errors"]
    assert error["path"] == ["me"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "requestId": answer.headers["X-Request-Id"]}


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/graphql", ""],
)
def test_what_a_foreign_web_page_could_send_is_not_accepted(service: Service, content_type: str) -> None:
    answer = service.http.post("/graphql", data=json.dumps(TYPENAME), headers={"Content-Type": content_type})

    assert (answer.status_code, code(answer)) == (415, "BAD_REQUEST")


def test_another_charset_is_not_accepted(service: Service) -> None:
    answer = post(service, TYPENAME, **{"Content-Type": "application/json; charset=utf-16"})

    assert answer.status_code == 415


def test_get_reads(service: Service) -> None:
    token = service.token_of("admin@example.com", Role.ADMIN)
    query = {"query": "query ($n: Int) { users(first: $n) { nodes { email } } }", "variables": '{"n": 1}'}

    answer = service.http.get("/graphql", query_string=query, headers={"Authorization": f"Bearer {token}"})

    assert answer.get_json() == {"data": {"users": {"nodes": [{"email": "admin@example.com"}]}}}


def test_get_never_writes(service: Service) -> None:
    answer = service.http.get("/graphql", query_string={"query": "mutation { logout { revokedSessions } }"})

    assert (answer.status_code, answer.headers["Allow"], code(answer)) == (405, "POST", "BAD_REQUEST")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"query": "{ __typename }", "variables": "7"},
        {"query": "{ __typename }", "variables": "{"},
        {"query": "{ __typename }", "variables": '{"a": [' + "1," * 2001 + "1]}"},
        {"query": "{ __typename }"} | {f"a{number}": "" for number in range(101)},
    ],
)
def test_get_with_wrong_parameters_is_a_bad_request(service: Service, query: dict[str, str]) -> None:
    answer = service.http.get("/graphql", query_string=query)

    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_allowed(service: Service, method: str) -> None:
    answer = service.http.open("/graphql", method=method, json=TYPENAME)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert code(answer) == "BAD_REQUEST"


def test_a_large_body_is_refused(service: Service) -> None:
    body = {"query": "{ __typename }", "variables": {"x": "y" * service.settings.max_body_bytes}}
    answer = post(service, body)

    assert (answer.status_code, code(answer)) == (413, "BAD_REQUEST")


def test_a_known_request_id_goes_through_and_a_strange_one_is_replaced(service: Service) -> None:
    known = post(service, TYPENAME, **{"X-Request-Id": "abc-1.2_3"})
    strange = post(service, TYPENAME, **{"X-Request-Id": "x" * 65})

    assert known.headers["X-Request-Id"] == "abc-1.2_3"
    assert strange.headers["X-Request-Id"].startswith("req_")


def test_other_paths_are_not_found(service: Service) -> None:
    answer = service.http.get("/nothing")

    assert (answer.status_code, code(answer)) == (404, "BAD_REQUEST")


def test_alive_and_ready(service: Service) -> None:
    assert service.http.get("/healthz").status_code == 200
    assert service.http.get("/readyz").status_code == 200


def test_not_ready_without_the_migrations_but_alive(service: Service, tmp_path: Any) -> None:
    empty = Service(replace(service.settings, database_url=f"sqlite:///{tmp_path}/empty.sqlite3"))

    assert empty.http.get("/healthz").status_code == 200
    assert empty.http.get("/readyz").status_code == 503
    empty.close()


def test_not_ready_without_the_database(service: Service) -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    unreachable = Service(replace(service.settings, database_url=nowhere))

    assert unreachable.http.get("/readyz").status_code == 503
    unreachable.close()
