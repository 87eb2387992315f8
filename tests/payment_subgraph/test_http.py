"""GraphQL over HTTP: media types, status codes, masking, and requests that mean harm."""

import json
import logging
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from payment_subgraph.schema import sdl
from payment_subgraph.side_thread import beside_the_loop
from payment_subgraph.telemetry import JsonLines
from tests.payment_subgraph.world import ADA, World
from tests.work import Calls

pytestmark = pytest.mark.anyio

GRAPHQL = "application/graphql-response+json"
TYPENAME = json.dumps({"query": "{ __typename }"})


async def post(world: World, body: bytes | str, **headers: str | bytes) -> httpx.Response:
    sent = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return await world.http.post("/graphql", content=body, headers=sent)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "123",
        '"text"',
        "[]",
        "[" * 100_000,
        "{",
        "{}",
        b"\xff\xfe{}",
        '{"query": null}',
        '{"query": 1}',
        '{"query": ""}',
        '{"query": "{ __typename }", "variables": []}',
        '{"query": "{ __typename }", "operationName": 1}',
        '{"query": "{ __typename }", "extensions": "x"}',
        f"[{TYPENAME}]",
        '{"query": "{ __typename }", "variables": {"a": [' + "1," * 2001 + "1]}}",
        '{"query": "{ __typename }", "variables": {"a": [' + "{}," * 1001 + "{}]}}",
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, "application/json"])
async def test_what_is_no_graphql_request_is_refused(
    small_world: World, body: bytes | str, accept: str
) -> None:
    response = await post(small_world, body, accept=accept)

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "data" not in response.json()


@pytest.mark.parametrize("text", [",{[" * 3000, '\\",{[' * 3000, "\\\\", "\\\\" + '\\"' + "," * 3000])
async def test_what_stands_in_texts_is_not_counted_as_values(small_world: World, text: str) -> None:
    response = await post(small_world, f'{{"query": "{{ __typename }}", "variables": {{"a": "{text}"}}}}')

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, application/json;q=0.9", GRAPHQL),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html, application/*", "application/json"),
    ],
)
async def test_the_answer_comes_in_the_accepted_type(small_world: World, accept: str, answered: str) -> None:
    response = await post(small_world, TYPENAME, accept=accept)

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"
    assert response.json() == {"data": {"__typename": "Query"}}


async def test_other_types_and_methods_are_refused(small_world: World) -> None:
    statuses = [
        (await post(small_world, TYPENAME, accept="text/html")).status_code,
        (await post(small_world, TYPENAME, content_type="text/plain")).status_code,
        (
            await post(
                small_world, "query=%7B__typename%7D", content_type="application/x-www-form-urlencoded"
            )
        ).status_code,
        (await small_world.http.delete("/graphql")).status_code,
        (await small_world.http.get("/docs")).status_code,
        (await small_world.http.get("/redoc")).status_code,
        (await small_world.http.get("/openapi.json")).status_code,
    ]

    assert statuses == [406, 415, 415, 405, 404, 404, 404]


async def get(world: World, **parameters: str) -> httpx.Response:
    return await world.http.get("/graphql", params=parameters, headers={"accept": GRAPHQL})


async def test_a_query_may_stand_in_the_address(small_world: World) -> None:
    query = "query A($v: Boolean!) { __typename @skip(if: $v) } query B { b: __typename }"

    skipped = await get(small_world, query=query, operationName="A", variables='{"v": true}')
    other = await get(small_world, query=query, operationName="B", variables="", extensions="{}")

    assert (skipped.status_code, skipped.json()) == (200, {"data": {}})
    assert (other.status_code, other.json()) == (200, {"data": {"b": "Query"}})


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": ""},
        {"query": "{ __typename }", "variables": "["},
        {"query": "{ __typename }", "extensions": "1"},
        {"query": "{ __typename }", "variables": '{"a": [' + "1," * 2001 + "1]}"},
        {"query": "{ __typename }"} | {f"a{number}": "" for number in range(101)},
    ],
)
async def test_an_address_that_holds_no_request_is_refused(
    small_world: World, parameters: dict[str, str]
) -> None:
    response = await get(small_world, **parameters)

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_only_a_post_changes_anything(small_world: World, method: str) -> None:
    cancel = 'mutation B { cancelPayment(input: {idempotencyKey: "k", paymentId: "pay_1"}) { __typename } }'

    response = await small_world.http.request(
        method,
        "/graphql",
        params={"query": f"query A {{ __typename }} {cancel}", "operationName": "B"},
        json={"query": cancel},
        headers={"authorization": f"Bearer {ADA.token()}"},
    )

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


async def test_a_subscription_is_answered_as_events_only(small_world: World) -> None:
    query = "subscription { __typename }"

    responses = [
        await get(small_world, query=query),
        await post(small_world, json.dumps({"query": query}), accept=GRAPHQL),
    ]

    assert [response.status_code for response in responses] == [406, 406]
    said = [response.json()["errors"][0] for response in responses]
    assert all("text/event-stream" in error["message"] for error in said)
    assert [error["extensions"]["code"] for error in said] == ["BAD_REQUEST"] * 2


async def test_a_body_that_is_too_large_is_refused(small_world: World) -> None:
    response = await post(
        small_world, json.dumps({"query": "{ __typename }", "variables": {"x": "y" * 300_000}})
    )

    assert response.status_code == 413


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("fragment F on Query { __typename }", "BAD_REQUEST"),
    ],
)
async def test_a_bad_document_has_its_code(small_world: World, query: str, code: str) -> None:
    strict = await post(small_world, json.dumps({"query": query}), accept=GRAPHQL)
    lenient = await post(small_world, json.dumps({"query": query}), accept="application/json")

    assert strict.status_code == 400
    assert lenient.status_code == 200
    assert [error["extensions"]["code"] for error in strict.json()["errors"]] == [code]
    assert "data" not in strict.json()


async def test_of_two_operations_one_must_be_named(small_world: World) -> None:
    both = "query A { __typename } query B { b: __typename }"

    unnamed = await post(small_world, json.dumps({"query": both}))
    unknown = await post(small_world, json.dumps({"query": both, "operationName": "C"}))
    named = await post(small_world, json.dumps({"query": both, "operationName": "B"}))

    assert unnamed.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert unknown.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert named.json() == {"data": {"b": "Query"}}


@pytest.mark.parametrize(
    "given",
    [
        {"idempotencyKey": "k"},
        {"amount": {"amount": "1.00", "currency": "EUR"}},
        {"idempotencyKey": "k", "amount": {"amount": 1.5, "currency": "EUR"}},
        {"idempotencyKey": "k", "amount": {"amount": 15, "currency": "EUR"}},
        {"idempotencyKey": "k", "amount": {"amount": True, "currency": "EUR"}},
        {"idempotencyKey": "k", "amount": {"amount": None, "currency": "EUR"}},
        {"idempotencyKey": "k", "amount": {"amount": "1.00", "currency": 978}},
        {
            "idempotencyKey": "k",
            "amount": {"amount": "1.00", "currency": "EUR"},
            "returnUrl": 1,
        },
        {"idempotencyKey": "k", "amount": {"amount": "1.00", "currency": "EUR"}, "unknown": 1},
        None,
    ],
)
async def test_wrong_types_are_the_callers_and_change_nothing(small_world: World, given: object) -> None:
    before = await small_world.all_rows()
    query = "mutation($i: CreatePaymentInput!) { createPayment(input: $i) { __typename } }"

    headers = {"authorization": f"Bearer {ADA.token()}"}
    response = await post(
        small_world, json.dumps({"query": query, "variables": {"i": given}}), accept=GRAPHQL, **headers
    )

    assert response.status_code == 400
    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"BAD_USER_INPUT"}
    assert await small_world.all_rows() == before


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "\\u0000"])
@pytest.mark.parametrize("where", ["variable", "document"])
async def test_text_that_no_database_holds_is_refused(world: World, text: str, where: str) -> None:
    headers = {"authorization": f"Bearer {ADA.token()}", "content_type": "application/json"}
    by_variable = {"query": "query($id: ID!) { payment(id: $id) { id } }", "variables": {"id": text}}
    in_document = {"query": f"{{ payment(id: {json.dumps(text)}) {{ id }} }}"}

    response = await post(world, json.dumps(by_variable if where == "variable" else in_document), **headers)

    code = response.json()["errors"][0]["extensions"]["code"]
    assert code in {"BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED"}


@pytest.mark.parametrize("escape", [r"\u0000", r"\u{0}", r"\u{000}"])
async def test_a_null_character_that_the_document_writes_as_an_escape_is_refused(
    world: World, escape: str
) -> None:
    response = await post(
        world,
        json.dumps({"query": f'{{ payment(id: "{escape}") {{ id }} }}'}),
        authorization=f"Bearer {ADA.token()}",
    )

    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_times_at_the_end_of_time_are_refused(small_world: World) -> None:
    query = "query($f: PaymentFilter) { payments(filter: $f) { nodes { id } } }"
    given = {"f": {"createdAfter": "0001-01-01T00:00:00+14:00"}}

    response = await post(small_world, json.dumps({"query": query, "variables": given}))

    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_return_pages_on_this_machine_may_be_plain_http(small_world: World) -> None:
    member = await small_world.create(returnUrl="http://127.0.0.1:8000/back")

    assert member["__typename"] == "PaymentSuccess"


async def test_what_we_did_not_expect_is_masked_and_logged(
    small_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with small_world.parts.database.writing() as connection:
        await connection.execute(text("ALTER TABLE payments RENAME TO secret_name"))

    body = json.dumps({"query": '{ payment(id: "pay_1") { id } }'})
    response = await post(small_world, body, authorization=f"Bearer {ADA.token()}", x_request_id="abc-1")

    (error,) = response.json()["errors"]
    assert response.json()["data"] == {"payment": None}
    assert error["message"] == "Internal error."
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "requestId": "abc-1"}
    assert error["path"] == ["payment"]
    assert "no such table" not in response.text
    (failure,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert json.loads(JsonLines().format(failure))["request_id"] == "abc-1"
    assert "no such table: payments" in caplog.text
    assert ADA.token()[:40] not in caplog.text


async def test_a_fit_request_id_goes_through_and_others_are_replaced(small_world: World) -> None:
    fit = await post(small_world, "null", x_request_id="abc-1.2_3")
    unfit = [
        await post(small_world, "null", x_request_id=given)
        for given in ('x" injected', "x" * 65, "", "a b", "\u00e9".encode("latin-1"))
    ]

    assert fit.headers["x-request-id"] == "abc-1.2_3"
    for answer in (fit, *unfit):
        assert answer.json()["errors"][0]["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert all(re.fullmatch("req_[0-9a-z]{26}", answer.headers["x-request-id"]) for answer in unfit)


async def test_every_request_has_its_line_in_the_log(
    small_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="payment_subgraph.access_log")

    answers = [
        await post(small_world, TYPENAME, x_request_id="posted"),
        await get(small_world, query="{ __typename }"),
        await small_world.http.get("/healthz"),
        await small_world.http.get("/nowhere"),
        await small_world.http.delete("/graphql"),
        await small_world.http.post("/webhooks/stripe", content=b"unsigned"),
    ]

    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.msg == "request"]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/graphql", 200),
        ("GET", "/graphql", 200),
        ("GET", "/healthz", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/graphql", 405),
        ("POST", "/webhooks/stripe", 400),
    ]
    assert [line["request_id"] for line in lines] == [answer.headers["x-request-id"] for answer in answers]
    assert lines[0]["request_id"] == "posted"
    assert all(line["duration_ms"] >= 0 for line in lines)


async def test_a_path_cannot_begin_a_line_of_its_own_in_the_log(
    small_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="payment_subgraph.access_log")

    await small_world.http.get("/x%0A%7B%22level%22")

    (line,) = [JsonLines().format(record) for record in caplog.records if record.msg == "request"]
    assert "\n" not in line
    assert json.loads(line)["path"] == '/x\n{"level"'


@asynccontextmanager
async def counted_work() -> AsyncIterator[Calls]:
    """Here, and in the thread beside the loop."""
    calls = Calls()
    await beside_the_loop(sys.setprofile, calls.note)
    sys.setprofile(calls.note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        await beside_the_loop(sys.setprofile, None)


def fragments(count: int) -> str:
    chain = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(count))
    return f"query {{ ...F0 }} {chain} fragment F{count} on Query {{ __typename }}"


def cycle(depth: int) -> str:
    return "{ payments { nodes { " + "user { payments { nodes { " * depth + "id" + " } } }" * depth + " } } }"


HOSTILE = {
    "fragment bomb": fragments(20),
    "deep query": cycle(8),
    "very deep query": "{ a" * 900 + " }" * 900,
    "deep list literal": "{ payment(id: " + "[" * 900 + "]" * 900 + ") { id } }",
    "many aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(400)) + " }",
    "many tokens": "{ " + "__typename " * 5000 + "}",
    "many list items": "{ payments(first: 100) { nodes { refunds(first: 100) { nodes { payment { refunds(first: 100) { nodes { id } } } } } } } }",
    "huge page": "{ payments(first: 999999999999999999999) { nodes { id } } }",
    "spread cycle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "self spread": "{ ...A } fragment A on Query { ...A ...A }",
    "overlapping fields": "{ " + "payments { nodes { id } } " * 300 + "}",
    "unused operation": "query A { __typename } query B " + cycle(9),
    "many directives": "{ __typename " + "@skip(if: false) " * 400 + "}",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_documents_are_refused_and_do_not_explode(small_world: World, name: str) -> None:
    body = json.dumps({"query": HOSTILE[name], "operationName": "A" if name == "unused operation" else None})
    async with counted_work() as work:
        response = await post(small_world, body, accept=GRAPHQL, authorization=f"Bearer {ADA.token()}")

    assert response.status_code == 400, response.text[:300]
    assert response.json()["errors"][0]["extensions"]["code"] in {
        "QUERY_TOO_COMPLEX",
        "GRAPHQL_VALIDATION_FAILED",
        "GRAPHQL_PARSE_FAILED",
        "BAD_USER_INPUT",
    }
    assert work.count < 1_000_000  # twice the work at each fragment would be a million times that


async def test_page_sizes_in_variables_count_too(small_world: World) -> None:
    query = """query($n: Int) { payments(first: $n) { nodes { refunds(first: $n) { nodes {
      payment { refunds(first: $n) { nodes { id } } } } } } } }"""
    few = await post(small_world, json.dumps({"query": query, "variables": {"n": 2}}))
    many = await post(small_world, json.dumps({"query": query, "variables": {"n": 100}}))

    assert few.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert many.json()["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"


async def test_what_the_gateway_asks_for_is_within_the_limits(small_world: World) -> None:
    query = """query($r: [_Any!]!) { _entities(representations: $r) { ... on User { payments(first: 10) {
      nodes { id status financialStatus amount { amount currency } refunds { nodes { status amount { amount } } } } } } } }"""
    r = [{"__typename": "User", "id": f"usr_{n}"} for n in range(100)]

    answer = await small_world.ask(query, ADA, r=r)

    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}
    assert len(answer["data"]["_entities"]) == 100


async def test_the_service_tells_its_sdl_to_anybody(small_world: World) -> None:
    answer = await small_world.ask("{ _service { sdl } }", None)

    assert answer["data"]["_service"]["sdl"].strip() == sdl().strip()


async def test_health_and_readiness(small_world: World) -> None:
    ready = await small_world.http.get("/readyz")
    async with small_world.parts.database.writing() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    unready = await small_world.http.get("/readyz")

    assert (await small_world.http.get("/healthz")).status_code == 200
    assert (ready.status_code, unready.status_code) == (200, 503)


async def test_two_mutations_in_one_request_see_each_other(small_world: World) -> None:
    payment = (await small_world.create())["payment"]
    query = """mutation($a: ConfirmPaymentInput!, $b: CancelPaymentInput!) {
      first: confirmPayment(input: $a) { ... on PaymentSuccess { payment { status pendingOperations { id } } } }
      second: cancelPayment(input: $b) { ... on InvalidPaymentStateError { currentStatus } } }"""
    a: dict[str, Any] = {"idempotencyKey": "a", "paymentId": payment["id"], "paymentMethodId": "pm_card_visa"}

    answer = await small_world.ask(query, ADA, a=a, b={"idempotencyKey": "b", "paymentId": payment["id"]})

    assert answer["data"]["first"]["payment"] == {"status": "SUCCEEDED", "pendingOperations": []}
    assert answer["data"]["second"] == {"currentStatus": "SUCCEEDED"}


async def test_what_the_framework_refuses_has_the_shape_of_all_errors(small_world: World) -> None:
    nowhere = await small_world.http.get("/nowhere")
    deleted = await small_world.http.delete("/graphql")

    assert (nowhere.status_code, deleted.status_code) == (404, 405)
    assert set(deleted.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    codes = [each.json()["errors"][0]["extensions"]["code"] for each in (nowhere, deleted)]
    assert codes == ["BAD_REQUEST", "BAD_REQUEST"]
