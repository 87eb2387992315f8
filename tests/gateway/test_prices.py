"""What supergraphs say about costs: `@cost` and `@listSize` under whatever names, and what follows from them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from graphql import GraphQLSchema, get_introspection_query, lexicographic_sort_schema, print_schema

from gateway.errors import SupergraphError
from gateway.operations.cost import cost_of
from gateway.operations.operation import prepare
from gateway.settings import Limits
from gateway.supergraph.prices import NO_PRICES, ListSize, Prices
from gateway.supergraph.reader import load_supergraph
from tests.gateway.testbed import Federation, Object, composed_by_apollo, unhurried

HEAD = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION) %s {
  query: Query
}
enum join__Graph { A @join__graph(name: "a", url: "http://a/graphql") }
"""
SPEC = "https://specs.apollo.dev/cost/v0.1"
LINK = f'@link(url: "{SPEC}", import: ["@listSize"])'


def prices(types: str, link: str = LINK) -> Prices:
    return load_supergraph(HEAD % link + types).prices


# --- names ------------------------------------------------------------------------------------------------------------

NAMED = "type Query @join__type(graph: A) {{ a(first: Int): [Int] @{}(weight: 5) @{}(assumedSize: 7) }}"


@pytest.mark.parametrize(
    ("link", "cost", "list_size"),
    [
        (f'@link(url: "{SPEC}")', "cost", "cost__listSize"),
        (f'@link(url: "{SPEC}", import: ["@cost", "@listSize"])', "cost", "listSize"),
        (f'@link(url: "{SPEC}", import: [{{name: "@cost", as: "@dear"}}, {{name: "@listSize", as: "@sized"}}])', "dear", "sized"),
        (f'@link(url: "{SPEC}", as: "price")', "price", "price__listSize"),
        (f'@link(url: "{SPEC}", as: "price", import: ["@listSize"])', "price", "listSize"),
        ('@link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@cost"])', "cost", "federation__listSize"),
    ],
)  # fmt: skip
def test_a_directive_counts_under_every_name_it_has(link: str, cost: str, list_size: str) -> None:
    assert prices(NAMED.format(cost, list_size), link) == Prices(
        fields={("Query", "a"): 5}, sizes={("Query", "a"): ListSize(7)}
    )


@pytest.mark.parametrize(
    ("link", "cost", "list_size"),
    [
        ("", "cost", "listSize"),
        ('@link(url: "https://example.com/cost/v0.1", import: ["@cost", "@listSize"])', "cost", "listSize"),
        (f'@link(url: "{SPEC}", as: "price")', "cost", "listSize"),
        (f'@link(url: "{SPEC}", as: "price")', "cost", "cost__listSize"),
    ],
)
def test_a_directive_of_that_name_that_is_not_linked_is_somebody_elses(
    link: str, cost: str, list_size: str
) -> None:
    assert prices(NAMED.format(cost, list_size), link) == NO_PRICES


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("types", "where", "argument"),
    [
        ("type Query @cost(weight: 1.5) { a: Int }", "@cost on `Query`", "weight"),
        ("type Query { a: Int @cost }", "@cost on `Query.a`", "weight"),
        ("type Query { a(b: Int @cost(weight: true)): Int }", "@cost on `Query.a(b:)`", "weight"),
        ('type Query { a(b: I): Int } input I { c: Int @cost(weight: "3") }', "@cost on `I.c`", "weight"),
        ("type Query { a: S } scalar S @cost(weight: [1])", "@cost on `S`", "weight"),
        ("type Query { a: E } enum E @cost(weight: null) { B }", "@cost on `E`", "weight"),
        ("type Query { a: [Int] @listSize(assumedSize: -1) }", "@listSize on `Query.a`", "assumedSize"),
        ('type Query { a: [Int] @listSize(assumedSize: "9") }', "@listSize on `Query.a`", "assumedSize"),
        ("type Query { a: [Int] @listSize(slicingArguments: [1]) }", "@listSize on `Query.a`", "slicingArguments"),
        ("type Query { a: [Int] @listSize(slicingArguments: {b: 1}) }", "@listSize on `Query.a`", "slicingArguments"),
        ('type Query { a: [Int] @listSize(sizedFields: [""]) }', "@listSize on `Query.a`", "sizedFields"),
        ("type Query { a: [Int] @listSize(requireOneSlicingArgument: 1) }", "@listSize on `Query.a`", "requireOneSlicingArgument"),
    ],
)  # fmt: skip
def test_a_price_that_cannot_be_understood_is_refused(types: str, where: str, argument: str) -> None:
    with pytest.raises(SupergraphError) as refused:
        prices(types.replace("type Query", "type Query @join__type(graph: A)"))

    assert f"a {where} whose argument `{argument}` is not " in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("assumedSize: 0", ListSize(0)),
        ('slicingArguments: "first"', ListSize(None, ("first",), requires_one=True)),
        ('slicingArguments: ["first", "in.last"], requireOneSlicingArgument: false', ListSize(None, ("first", "in.last"))),
        ('slicingArguments: [], assumedSize: 3, sizedFields: ["nodes", "page.items"]', ListSize(3, (), frozenset({"nodes", "page"}))),
        ('assumedSize: 3, requireOneSlicingArgument: true', ListSize(3)),
    ],
)  # fmt: skip
def test_list_sizes(arguments: str, expected: ListSize) -> None:
    found = prices(f"type Query @join__type(graph: A) {{ a: [Query] @listSize({arguments}) }}")

    assert found.sizes == {("Query", "a"): expected}


# --- interfaces and unions --------------------------------------------------------------------------------------------

ABSTRACT = """
    type Query @join__type(graph: A) { node: Node any: Any plain: Plain }
    interface Node @join__type(graph: A) { id: ID list(first: Int): [Int] own: Cat }
    type Cat implements Node @join__type(graph: A) @join__implements(graph: A, interface: "Node") @cost(weight: 4) {
      id: ID @cost(weight: 9)
      list(first: Int @cost(weight: 3)): [Int] @listSize(slicingArguments: ["first"], assumedSize: 2)
      own: Cat
    }
    type Dog implements Node @join__type(graph: A) @join__implements(graph: A, interface: "Node") {
      id: ID
      list(first: Int): [Int] @listSize(assumedSize: 8)
      own: Cat @cost(weight: 2)
    }
    union Any @join__type(graph: A) @join__unionMember(graph: A, member: "Cat") = Cat
    interface Plain @join__type(graph: A) { id: ID }
    type Fish implements Plain @join__type(graph: A) @join__implements(graph: A, interface: "Plain") { id: ID }
"""


def test_of_an_interface_or_union_counts_the_dearest_object_type() -> None:
    found = prices(ABSTRACT)

    assert found.types == {"Cat": 4, "Node": 4, "Any": 4}
    assert found.fields == {
        ("Cat", "id"): 9,
        ("Node", "id"): 9,
        ("Dog", "own"): 2,
        ("Node", "own"): 4,
    }
    assert found.arguments == {("Cat", "list", "first"): 3, ("Node", "list", "first"): 3}
    assert found.sizes["Node", "list"] == ListSize(8, ("first",), requires_one=False)


def test_an_interface_may_have_a_price_of_its_own() -> None:
    dear = ABSTRACT.replace("interface Node", "interface Node @cost(weight: 6)")

    assert prices(dear).types["Node"] == 6


# --- what composers write ---------------------------------------------------------------------------------------------

ITEMS: list[Object] = [
    {"__typename": "Item", "id": str(n), "name": f"n{n}", "colour": "RED"} for n in range(3)
]
for item in ITEMS:
    item["others"] = ITEMS


def shop(limit: int = 100_000) -> Federation:
    roots: dict[str, Any] = {
        "Query.items": lambda first=None, last=None: {
            "__typename": "ItemPage",
            "nodes": ITEMS[: first or last],
        },
        "Query.found": lambda max=None, by=None: ITEMS[:max],  # noqa: A006, ARG005 — the arguments' names
        "Query.best": ITEMS,
    }
    return Federation("costs", ITEMS, roots, settings=unhurried(limits=Limits(cost=limit)))


Composed = Callable[[], AbstractContextManager[None]]
composed = pytest.mark.parametrize("by", [nullcontext, composed_by_apollo], ids=["guild", "apollo"])


@composed
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ best { name } }", 3 + 5 * 12),  # the greater one of two subgraphs' weights
        ("{ best { id colour made } }", 3 + 5 * (1 + 4 + 6)),
        ("{ priced }", 20),
        ("{ priced(dear: true) }", 20 + 30),
        ("{ priced(cheap: true) }", 0),
        ("{ any { picture } }", 8 + 40),
        ("{ either { __typename } }", 8 + 1),
        ("{ found { id } }", 3 + 7),
        ('{ found(max: 2, by: {text: "a", also: [{text: "b"}, {text: "c"}]}) { id } }', 3 + 3 * 9 + 2),
        ("{ items(last: 2) { total nodes { id } } }", 1 + 1 + 2 * (3 + 1)),
        ("{ best { others { others(limit: 2) { id } } } }", 3 + 5 * (3 + 100 * (3 + 2))),
    ],
)  # fmt: skip
def test_what_composers_write_is_honoured(by: Composed, query: str, expected: int) -> None:
    with by():
        supergraph = shop().supergraph
    operation = prepare(query, None, supergraph.api_schema, Limits())

    assert (
        cost_of(operation.node, operation.fragments, supergraph.api_schema, supergraph.prices).of({})
        == expected
    )


OTHERS = "query ($n: Int) { best { others(limit: $n) { id } } }"


@composed
def test_what_costs_too_much_by_its_list_sizes_is_refused(by: Composed) -> None:
    with by():
        federation = shop(limit=100)

    [error] = federation.ask(OTHERS)["errors"]
    assert error["extensions"] == {"code": "QUERY_TOO_COSTLY", "limit": 100, "cost": 3 + 5 * (3 + 100)}
    assert federation.request_count() == 0
    assert "errors" not in federation.ask(OTHERS, {"n": 2})


@composed
@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ items { total } }", {}),
        ("{ items(first: 1, last: 1) { total } }", {}),
        ("query ($n: Int) { items(first: $n) { total } }", {}),
    ],
)
def test_what_gives_not_one_slicing_argument_is_refused(
    by: Composed, query: str, variables: dict[str, Any]
) -> None:
    with by():
        federation = shop()

    [error] = federation.ask(query, variables)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert federation.request_count() == 0
    assert "errors" not in federation.ask("{ items(first: 1) { nodes { name } } }")


def printed(schema: GraphQLSchema) -> str:
    return print_schema(lexicographic_sort_schema(schema))


@composed
def test_the_directives_are_not_part_of_the_api(by: Composed) -> None:
    with by():
        federation = shop()

    answer = federation.ask(get_introspection_query())
    sdl = printed(federation.supergraph.api_schema)

    assert {each["name"] for each in answer["data"]["__schema"]["directives"]} == {
        "skip", "include", "deprecated", "specifiedBy", "oneOf",
    }  # fmt: skip
    assert not [word for word in ("cost", "sized", "listSize", "weight") if word in sdl]
