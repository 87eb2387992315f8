"""In production nothing tells a stranger what is in the schema: no page, no introspection, no plan, no error."""

import json
import re
from typing import Any

import pytest
from graphql import build_schema

from gateway.errors import RequestError
from gateway.operations.operation import prepare
from gateway.operations.withheld_names import names_in, without_foreign_names
from gateway.settings import Limits, read_settings
from tests.gateway.over_asgi import ask
from tests.gateway.test_entities import library

SCHEMA = build_schema(
    """
    directive @secretDirective(secretNumber: Int!) on FIELD
    enum SecretEnum { SECRET_A SECRET_B }
    input SecretInput { secretRequired: Int! secretInner: SecretInput secretEnum: SecretEnum secretList: [SecretEnum!] }
    input SecretOne @oneOf { secretX: Int secretY: Int }
    scalar SecretScalar
    interface SecretInterface { secretId: ID }
    type SecretObject implements SecretInterface { secretId: ID secretField(secretArgument: SecretInput!): SecretObject }
    type SecretOther { secretId: Int }
    union SecretUnion = SecretObject | SecretOther
    type Query {
      known(arg: SecretInput, e: SecretEnum, s: SecretScalar, o: SecretOne, n: Int): SecretObject
      other: SecretUnion
      leaf: SecretEnum
      need(secretNeeded: SecretEnum!): Int
    }
    """
)
SECRET = re.compile(r"secret\w*", re.IGNORECASE)

INVALID = [
    "{ known }",
    "{ knwon { a } }",
    "{ known { secretIds } }",
    "{ leaf { a } }",
    "{ need }",
    "{ need(secretNeede: 1) }",
    "{ known(arg: 1) { __typename } }",
    "{ known(arg: {}) { __typename } }",
    "{ known(arg: {secretReq: 1}) { __typename } }",
    "{ known(e: SECRET_C) { __typename } }",
    '{ known(e: "it\'s") { __typename } }',
    "{ known(o: {}) { __typename } }",
    "{ known(n: \"it's 'x' or 'y'\") { __typename } }",
    "query ($v: SecretInpu) { known(arg: $v) { __typename } }",
    "query ($v: Int) { known(arg: $v) { __typename } }",
    "{ other { ... on Query { leaf } } }",
    "{ other { secretId } }",
    "{ other { ... on SecretObjec { secretId } } }",
    "{ known @secretDirectiv { __typename } }",
    "{ known @secretDirective { __typename } }",
    "{ known { secretField { __typename } } }",
    "{ known { a: secretId } other { ... on SecretOther { a: secretId } } known { a: __typename } }",
    "{ ...F } fragment F on SecretEnum { a }",
    "{ other { ... on SecretObject { a: secretId } ... on SecretOther { a: secretId } } }",
]


def told(query: str, variables: dict[str, Any] | None = None) -> list[str]:
    """What the errors say to a stranger."""
    with pytest.raises(RequestError) as refused:
        prepare(query, None, SCHEMA, Limits(), may_suggest=False).variables.coerced(
            variables or {}, may_suggest=False
        )
    return [str(error["message"]) for error in refused.value.formatted()]


@pytest.mark.parametrize("query", INVALID)
def test_an_invalid_operation_learns_no_name_it_does_not_have(query: str) -> None:
    names = set(SECRET.findall(" ".join(told(query))))

    assert names <= set(SECRET.findall(query))


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("SecretInput!", {}),
        ("SecretInput!", 1),
        ("SecretInput!", None),
        ("SecretInput!", {"secretRequired": 1, "secretReq": 3}),
        ("SecretInput!", {"secretRequired": "x"}),
        ("SecretInput!", {"secretRequired": 1, "secretEnum": "X"}),
        ("SecretInput!", {"secretRequired": 1, "secretEnum": 1}),
        ("SecretInput!", {"secretRequired": 1, "secretInner": {}}),
        ("SecretInput!", {"secretRequired": 1, "secretList": [None]}),
        ("SecretInput!", {"secretRequired": 1, "secretList": ["X"]}),
        ("SecretOne!", {}),
        ("SecretOne!", {"secretX": 1, "secretY": 2}),
    ],
)
def test_a_bad_variable_learns_no_name_it_does_not_have(declared: str, value: Any) -> None:
    argument = "o" if "One" in declared else "arg"
    query = f"query ($v: {declared}) {{ known({argument}: $v) {{ __typename }} }}"

    names = set(SECRET.findall(" ".join(told(query, {"v": value}))))

    assert names <= set(SECRET.findall(query + json.dumps(value)))


def test_own_names_are_told() -> None:
    message = (
        "Argument 'Query.need(secretNeeded:)' of type 'SecretEnum!' is required, but it was not provided."
    )

    assert without_foreign_names(message, names_in("{ need }")) == (
        "Argument 'Query.need(…:)' of type '…!' is required, but it was not provided."
    )


PRODUCTION = read_settings({"GATEWAY_PRODUCTION": "1"})


def test_one_setting_switches_everything_off_that_tells_what_there_is() -> None:
    assert [PRODUCTION.introspection, PRODUCTION.graphiql, PRODUCTION.show_plans] == [False] * 3
    for query in (
        "{ __schema { types { name } } }",
        '{ __type(name: "Book") { name } }',
        "{ a: __schema { b: types { name } } }",
    ):
        answer = ask(library(), PRODUCTION, json={"query": query}).json()
        assert answer["errors"][0]["message"] == "Introspection is switched off."
        assert "data" not in answer
    shown = ask(library(), PRODUCTION, headers=[("x-query-plan", "1")]).json()
    assert "extensions" not in shown


def test_a_setting_of_its_own_counts_more() -> None:
    settings = read_settings({"GATEWAY_PRODUCTION": "1", "GATEWAY_INTROSPECTION": "1"})

    assert settings.introspection
    assert not settings.graphiql


def test_production_answers_as_ever() -> None:
    assert ask(library(), PRODUCTION).json() == ask(library()).json()


NAMES = {name for name in library().supergraph.api_schema.type_map if not name.startswith("__")}


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ boks { title } }"},
        {"query": "{ books }"},
        {"query": "{ book { title } }"},
        {"query": "{ me { loan { days } } }"},
        {"query": "{ __typ }"},
        {"query": "mutation { addBook { isbn } }"},
        {"query": "query ($isbn: Int) { book(isbn: $isbn) { title } }"},
        {"query": "query ($isbn: ID!) { book(isbn: $isbn) { title } }", "variables": {"isbn": {}}},
        {"query": "query ($isbn: ID!) { book(isbn: $isbn) { title } }"},
        {"query": "{ book(isbn: {a: 1}) { title } }"},
        {"query": "query A { me { id } } query B { me { id } }", "operationName": "C"},
        {"query": ""},
        {"query": "{ me { id } }", "variables": []},
    ],
)
def test_no_answer_of_production_names_a_type_or_field_that_was_not_asked_for(body: dict[str, Any]) -> None:
    answer = ask(library(), PRODUCTION, json=body).text
    schema = library().supergraph.api_schema
    fields = {name for each in schema.type_map.values() for name in getattr(each, "fields", {})}
    everybodys = {"String", "Int", "Float", "Boolean", "ID", "Query", "Mutation"}

    quoted = {name for part in re.findall(r"'[^']*'", answer) for name in re.findall(r"\w+", part)}

    assert quoted & ((NAMES | fields) - everybodys) <= set(re.findall(r"\w+", json.dumps(body)))
    assert "Did you mean '" not in answer or "{ ... }" in answer
