"""What introspection may ask for is bounded by the schema itself, and counting it costs little however much it is."""

import asyncio
import tracemalloc
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    build_schema,
    execute_sync,
    get_introspection_query,
    introspection_from_schema,
    parse,
)

from gateway.errors import IntrospectionTooLarge
from gateway.operations.introspection import KEPT_BYTES, Introspection
from gateway.operations.introspection_cost import check_introspection, values_of_all
from gateway.operations.operation import prepare
from gateway.settings import Limits
from gateway.side_thread import SideThread
from tests.gateway.test_entities import library

SCHEMA = build_schema('''
"""Everything there is."""
type Query { book(isbn: ID!, first: Int = 10): Book! things: [Thing!]! }
type Mutation { add(book: NewBook!): Book }
interface Thing { id: ID! }
type Book implements Thing { id: ID! title: String! isbn: String! @deprecated similar(by: Kind): [Book!]! }
type Person implements Thing { id: ID! wrote: [Book] }
union Found = Book | Person
enum Kind { NOVEL POEM @deprecated }
input NewBook { title: String! kind: Kind = NOVEL }
scalar Date @specifiedBy(url: "https://example.com")
directive @seen(by: String) repeatable on FIELD | QUERY
''')


def values(data: Any) -> int:
    """How many fields an answer holds."""
    if isinstance(data, dict):
        return len(data) + sum(map(values, data.values()))
    return sum(map(values, data)) if isinstance(data, list) else 0


def is_too_large(schema: GraphQLSchema, text: str, limit: int) -> bool:
    try:
        check_introspection(parse(text), schema, limit)
    except IntrospectionTooLarge:
        return True
    return False


EXACT = [
    "{ __schema { description queryType { name } mutationType { name } subscriptionType { name } } }",
    "{ __schema { types { kind name ofType { name } } } }",
    "{ __schema { types { fields(includeDeprecated: true) { name args { name defaultValue type { name ofType { name ofType { name } } } } } } } }",
    "{ __schema { types { inputFields { name type { name } } enumValues(includeDeprecated: true) { name } } } }",
    "{ __schema { types { interfaces { name } possibleTypes { name interfaces { name } } } } }",
    "{ __schema { directives { name locations args { name type { name } } } } }",
    '{ __type(name: "Book") { name fields(includeDeprecated: true) { type { name ofType { fields(includeDeprecated: true) { name } } } } } }',
    '{ __type(name: "Nothing") { name fields { name } } }',
    '{ a: __type(name: "Book") { ...F } b: __type(name: "Kind") { ... { ...F } } } fragment F on __Type { name enumValues(includeDeprecated: true) { __typename } }',
    "{ __schema { __typename } }",
]


@pytest.mark.parametrize("text", EXACT)
def test_the_count_is_what_the_answer_holds(text: str) -> None:
    result = execute_sync(SCHEMA, parse(text))
    assert result.errors is None
    count = values(result.data)

    assert not is_too_large(SCHEMA, text, count)
    assert is_too_large(SCHEMA, text, count - 1)


def test_the_whole_schema_is_counted_as_tools_ask_for_it() -> None:
    answer = introspection_from_schema(SCHEMA, experimental_directive_deprecation=False)

    assert values_of_all(SCHEMA) == values(answer)


def test_a_type_that_a_variable_names_counts_as_if_it_were_all() -> None:
    text = "query ($name: String!) { __type(name: $name) { name } }"

    assert not is_too_large(SCHEMA, text, 1 + len(SCHEMA.type_map))
    assert is_too_large(SCHEMA, text, len(SCHEMA.type_map))


ROUNDS = "{ __schema { types { " + "possibleTypes { interfaces { " * 60 + "name" + " } }" * 60 + " } } }"


def test_counting_ends_at_the_limit() -> None:
    """The answer would hold more values than could ever be visited."""
    assert is_too_large(SCHEMA, ROUNDS, 10_000)


# --- through the gateway ----------------------------------------------------------------------------------------------

WHOLE = "{ types { name description fields { name description args { name } } inputFields { name } } directives { name } }"


def test_a_schema_many_times_over_is_refused_before_it_is_answered() -> None:
    text = "{ " + " ".join(f"a{n}: __schema {WHOLE}" for n in range(45)) + " }"

    [error] = library().ask(text)["errors"]

    assert error["extensions"]["code"] == "INTROSPECTION_TOO_LARGE"
    assert str(error["extensions"]["limit"]) in error["message"]


def test_the_whole_schema_is_answered_and_so_are_small_questions_beside_data() -> None:
    assert "errors" not in library().ask(get_introspection_query(input_value_deprecation=True))

    beside = library().ask('{ book(isbn: 1) { title } kind: __type(name: "Book") { kind } }')

    assert beside == {"data": {"book": {"title": "Emma"}, "kind": {"kind": "OBJECT"}}}


def test_answers_are_kept_by_all_that_decides_them() -> None:
    text = "query ($name: String!, $more: Boolean!) { __type(name: $name) { name kind @include(if: $more) } }"
    federation = library()
    named = [
        federation.ask(text, {"name": name, "more": more})
        for name, more in (("Book", True), ("Book", False), ("Query", True), ("Book", True))
    ]

    assert [each["data"]["__type"] for each in named] == [
        {"name": "Book", "kind": "OBJECT"},
        {"name": "Book"},
        {"name": "Query", "kind": "OBJECT"},
        {"name": "Book", "kind": "OBJECT"},
    ]


def test_what_is_kept_is_bounded_by_what_clients_send_too() -> None:
    """A short answer may be known by a long text and long variables."""
    text = "query ($name: String!) { __type(name: $name) { name } }"
    operation = prepare(text, None, SCHEMA, Limits())
    introspection = Introspection(SCHEMA, SideThread(), patience_s=1)

    async def ask_for_nothing(names: int) -> None:
        for number in range(names):
            await introspection.answer(text, operation, {"name": f"{number:0100000}"})

    tracemalloc.start()
    asyncio.run(ask_for_nothing(200))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 3 * KEPT_BYTES < 200 * 100_000
