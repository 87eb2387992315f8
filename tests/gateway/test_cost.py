"""What operations cost, and that too much is refused before anything is fetched."""

from typing import Any

import pytest
from graphql import build_schema

from gateway.errors import BadUserInput, TooCostly
from gateway.operations.cost import Cost, cost_of
from gateway.operations.operation import prepare
from gateway.settings import Limits
from gateway.supergraph.prices import ListSize, Prices
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation, unhurried

SCHEMA = build_schema(
    """
    type Query {
      users(first: Int = 20, last: Int, page: Page): Users
      all: [User]
      user(id: ID): User
      some(ids: [ID!]!): [User]
      top(limit: Int!): [User]
      any(first: Int): Any
      number(first: String): User
    }
    type Users { nodes: [User] edges: [Edge] total: Int }
    type Edge { node: User }
    type User { id: ID name(limit: Int): String friends(first: Int): Users }
    union Any = User | Users
    input Page { first: Int size: Size }
    input Size { limit: Int }
    """
)


def cost(query: str, prices: Prices | None = None, **variables: Any) -> int:
    return _cost(query, prices).of(variables)


def _cost(query: str, prices: Prices | None = None) -> Cost:
    operation = prepare(query, None, SCHEMA, Limits())
    return cost_of(operation.node, operation.fragments, SCHEMA, prices or Prices())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ user { id } }", 2),
        ("{ user { __typename id name } }", 4),
        ("{ all { id } }", 2),
        ("{ users(first: 3) { total } }", 1 + 3),
        ("{ users(first: 3) { nodes { id name } } }", 1 + 3 * (1 + 2)),
        ("{ users(last: 3) { total } }", 1 + 20),
        ("{ users(first: 2, last: 30) { total } }", 1 + 30),
        ("{ users(first: null) { total } }", 1 + 20),
        ("{ users(first: 0) { total } }", 1),
        ("{ users(first: -5) { total } }", 1),
        ("{ users { total } }", 1 + 20),
        ("{ top(limit: 7) { id } }", 1 + 7),
        ("{ user { friends { total } } }", 1 + 1 + 10),
        ("{ user { name(limit: 100) } }", 1 + 1),
        ('{ number(first: "9") { id } }', 1 + 1),
        ("{ top(limit: 4) { friends(first: 5) { nodes { id } } } }", 1 + 4 * (1 + 5 * (1 + 1))),
        ("{ top(limit: 4) { ...F ...F } } fragment F on User { id name }", 1 + 4 * (2 + 2)),
        ("{ any(first: 2) { ... on User { id } ... on Users { total } ... { __typename } } }", 1 + 2 * 3),
        ("{ __schema { types { name } } a: user { id } }", 1 + 2),
        ("mutation { x }", None),
    ],
)
def test_objects_that_a_field_can_bring_multiply_what_is_selected_of_them(
    query: str, expected: int | None
) -> None:
    if expected is not None:
        assert cost(query) == expected


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("query ($n: Int) { users(first: $n) { total } }", {"n": 5}, 1 + 5),
        ("query ($n: Int) { users(first: $n) { total } }", {}, 1 + 20),
        ("query ($n: Int) { users(first: $n) { total } }", {"n": None}, 1 + 20),
        ("query ($n: Int, $m: Int) { users(first: $n, last: $m) { total } }", {"n": 5, "m": 8}, 1 + 8),
        ("query ($n: Int) { users(first: $n) { nodes { friends(first: $n) { total } } } }", {"n": 9}, 1 + 9 * (2 + 9)),
        ("query ($n: Int!) { top(limit: $n) { ...F } } fragment F on User { friends(first: 3) { total } }", {"n": 4}, 1 + 4 * (1 + 3)),
        ("query ($n: Int!) { ...F } fragment F on Query { top(limit: $n) { id } all { id } }", {"n": 4}, 1 + 4 + 2),
    ],
)  # fmt: skip
def test_the_number_may_stand_in_a_variable(query: str, variables: dict[str, Any], expected: int) -> None:
    assert cost(query, **variables) == expected


@pytest.mark.parametrize(
    ("size", "query", "variables", "expected"),
    [
        (ListSize(50), "{ users { total } }", {}, 1 + 50),
        (ListSize(50, ("last",)), "{ users(first: 3) { total } }", {}, 1 + 50),
        (ListSize(50, ("last",)), "{ users(last: 3) { total } }", {}, 1 + 3),
        (ListSize(None, ("page.first",)), "{ users(page: {first: 4}) { total } }", {}, 1 + 4),
        (ListSize(None, ("page.size.limit",)), "{ users(page: {size: {limit: 4}}) { total } }", {}, 1 + 4),
        (ListSize(None, ("page.first",)), "query ($p: Page) { users(page: $p) { total } }", {"p": {"first": 6}}, 1 + 6),
        (ListSize(None, ("page.size.limit",)), "query ($s: Size) { users(page: {size: $s}) { total } }", {"s": {"limit": 6}}, 1 + 6),
        (ListSize(3, ("page.first",)), "query ($p: Page) { users(page: $p) { total } }", {"p": None}, 1 + 3),
        (ListSize(None, ("first",), frozenset({"nodes"})), "{ users(first: 4) { total nodes { id } } }", {}, 1 + 1 + 4 * 2),
        (ListSize(None, ("first",), frozenset({"nodes"})), "{ users(first: 4) { ...F } } fragment F on Users { total nodes { id } }", {}, 1 + 1 + 4 * 2),
    ],
)  # fmt: skip
def test_the_supergraph_may_say_which_argument_it_is(
    size: ListSize, query: str, variables: dict[str, Any], expected: int
) -> None:
    assert cost(query, Prices(sizes={("Query", "users"): size}), **variables) == expected


def test_the_length_of_a_list_may_be_the_number() -> None:
    prices = Prices(sizes={("Query", "some"): ListSize(None, ("ids",))})

    assert cost('{ some(ids: ["a", "b"]) { id } }', prices) == 1 + 2
    assert cost("query ($ids: [ID!]!) { some(ids: $ids) { id } }", prices, ids=["a", "b", "c"]) == 1 + 3


def test_the_supergraph_may_price_types_fields_and_arguments() -> None:
    prices = Prices(
        types={"User": 5, "String": 0},
        fields={("Query", "user"): 100},
        arguments={("Query", "user", "id"): 7},
    )

    assert cost("{ all { id name } }", prices) == 5 + 1 + 0
    assert cost("{ user { id } }", prices) == 100 + 1
    assert cost('{ user(id: "a") { id } }', prices) == 100 + 7 + 1


def test_arguments_may_make_a_field_cheaper_but_not_negative() -> None:
    prices = Prices(fields={("Query", "user"): 5}, arguments={("Query", "user", "id"): -3})

    assert cost("{ user { id } }", prices) == 5 + 1
    assert cost('{ user(id: "a") { id } }', prices) == 5 - 3 + 1
    assert cost("query ($id: ID) { user(id: $id) { id } }", prices, id="a") == 5 - 3 + 1
    cheaper = Prices(arguments={("Query", "user", "id"): -30})
    assert cost('{ user(id: "a") { id } all { id } }', cheaper) == 0 + 1 + 2
    assert cost("query ($id: ID) { user(id: $id) { id } all { id } }", cheaper, id="a") == 0 + 1 + 2


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ user(id: null) { id } }", {}),
        ("query ($id: ID) { user(id: $id) { id } }", {}),
        ("query ($id: ID) { user(id: $id) { id } }", {"id": None}),
    ],
)
def test_an_argument_that_is_not_there_costs_nothing(query: str, variables: dict[str, Any]) -> None:
    assert cost(query, Prices(arguments={("Query", "user", "id"): 7}), **variables) == 2


INPUTS = build_schema(
    """
    type Query { find(by: Filter, also: [[Filter]], kind: Kind, dear: Int = 3): Int plain(by: Plain): Int }
    input Filter { text: String kind: Kind and: [Filter!] size: Int = 1 }
    input Plain { text: String }
    enum Kind { A }
    """
)
INPUT_PRICES = Prices(
    types={"Kind": 100},
    arguments={("Query", "find", "also"): 1_000, ("Query", "find", "dear"): 40_000},
    input_fields={("Filter", "text"): 10, ("Filter", "size"): 5},
)


def input_cost(query: str, variables: dict[str, Any]) -> int:
    """Beyond what `find` costs without arguments."""
    operation = prepare(query, None, INPUTS, Limits())
    found = cost_of(operation.node, operation.fragments, INPUTS, INPUT_PRICES)
    return found.of(operation.variables.coerced(variables)) - 40_001


TWICE = {"text": "a", "and": [{"text": "b", "kind": "A"}, {"and": [{"text": None}]}]}


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{ find }", {}, 0),
        ("{ find(dear: null) }", {}, -40_000),
        ("query ($d: Int) { find(dear: $d) }", {}, 0),
        ("query ($d: Int) { find(dear: $d) }", {"d": None}, -40_000),
        ("{ find(kind: A) }", {}, 100),
        ("query ($k: Kind) { find(kind: $k) }", {"k": "A"}, 100),
        ("{ find(by: {size: 2}) }", {}, 5),
        ("{ find(by: {}) }", {}, 5),
        ("query ($f: Filter) { find(by: $f) }", {"f": {}}, 5),
        ("query ($f: Filter) { find(by: $f) }", {"f": None}, 0),
        ('{ find(by: {text: "a", and: [{text: "b", kind: A}, {and: [{text: null}]}]}) }', {}, 20 + 100 + 4 * 5),
        ("query ($f: Filter) { find(by: $f) }", {"f": TWICE}, 20 + 100 + 4 * 5),
        ("query ($f: [Filter!]) { find(by: {and: $f}) }", {"f": [TWICE, TWICE]}, 2 * (20 + 100 + 4 * 5) + 5),
        ("query ($f: Filter!) { find(by: {and: [$f, $f]}) }", {"f": {"text": "a"}}, 2 * (10 + 5) + 5),
        ('query ($t: String) { find(by: {text: $t}) }', {"t": "a"}, 10 + 5),
        ('query ($t: String) { find(by: {text: $t}) }', {}, 5),
        ("{ find(also: []) }", {}, 1_000),
        ('{ find(also: [[{text: "a"}, {text: "b"}], [null]]) }', {}, 1_000 + 2 * (10 + 5)),
        ("query ($f: [[Filter]]) { find(also: $f) }", {"f": [[{"text": "a"}, {"text": "b"}], [None]]}, 1_000 + 2 * (10 + 5)),
        ('query ($p: Plain) { find a: plain(by: {text: "a"}) b: plain(by: $p) }', {"p": {"text": "a"}}, 2),
    ],
)  # fmt: skip
def test_arguments_and_input_fields_cost_as_often_as_they_are_given(
    query: str, variables: dict[str, Any], expected: int
) -> None:
    assert input_cost(query, variables) == expected


ONE = Prices(sizes={("Query", "users"): ListSize(None, ("last", "page.size.limit"), requires_one=True)})


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{ users(last: 3) { total } }", {}, 4),
        ("{ users(page: {size: {limit: 3}}) { total } }", {}, 4),
        ("{ users(last: 3, page: {size: {limit: null}}) { total } }", {}, 4),
        ("query ($n: Int, $p: Page) { users(last: $n, page: $p) { total } }", {"p": {"size": {"limit": 3}}}, 4),
        ("{ users { total } }", {}, None),
        ("{ users(first: 3) { total } }", {}, None),
        ("{ ...F } fragment F on Query { users(last: null) { total } }", {}, None),
        ("{ users(last: 3, page: {size: {limit: 3}}) { total } }", {}, None),
        ("query ($n: Int) { users(last: $n) { total } }", {}, None),
        ("query ($n: Int, $p: Page) { users(last: $n, page: $p) { total } }", {"n": 1, "p": {"size": {"limit": 3}}}, None),
    ],
)  # fmt: skip
def test_exactly_one_slicing_argument_may_be_required(
    query: str, variables: dict[str, Any], expected: int | None
) -> None:
    reckoned = _cost(query, ONE)

    def check() -> None:
        reckoned.check_fixed(100)
        reckoned.check(variables, 100)

    if expected is None:
        with pytest.raises(BadUserInput, match="'users' must be given exactly one"):
            check()
    else:
        check()
        assert reckoned.of(variables) == expected


def test_a_default_is_one_slicing_argument_but_no_second_one() -> None:
    prices = Prices(sizes={("Query", "users"): ListSize(None, ("first", "last"), requires_one=True)})

    _cost("{ users { total } }", prices).check_fixed(100)
    _cost("{ users(last: 3) { total } }", prices).check_fixed(100)
    with pytest.raises(BadUserInput):
        _cost("{ users(first: 3, last: 3) { total } }", prices).check_fixed(100)


def test_a_field_without_children_may_require_a_slicing_argument() -> None:
    prices = Prices(sizes={("User", "name"): ListSize(None, ("limit",), requires_one=True)})

    assert cost("{ user { name(limit: 5) } }", prices) == 1 + 1
    with pytest.raises(BadUserInput):
        _cost("{ user { name } }", prices).check_fixed(100)


def test_an_argument_that_the_schema_has_not_cannot_be_required() -> None:
    prices = Prices(sizes={("Query", "all"): ListSize(6, ("first",), requires_one=True)})

    assert cost("{ all { id } }", prices) == 1 + 6
    _cost("{ all { id } }", prices).check_fixed(100)


def limited(cost: int) -> Federation:
    base = library()
    return Federation(
        "library", list(base.world.objects), base.world.roots, settings=unhurried(limits=Limits(cost=cost))
    )


BOOKS = "query ($n: Int) { books(first: $n) { title } }"


@pytest.mark.parametrize(("query", "variables"), [(BOOKS, {"n": 20}), ("{ books(first: 20) { title } }", {})])
def test_an_operation_that_costs_too_much_is_refused(query: str, variables: dict[str, Any]) -> None:
    federation = limited(20)

    [error] = federation.ask(query, variables)["errors"]

    assert error["extensions"] == {"code": "QUERY_TOO_COSTLY", "limit": 20, "cost": 21}
    assert federation.request_count() == 0


def test_each_request_is_judged_by_its_own_variables() -> None:
    federation = limited(20)

    assert "errors" not in federation.ask(BOOKS, {"n": 1})
    assert "errors" in federation.ask(BOOKS, {"n": 20})
    assert "errors" not in federation.ask(BOOKS, {"n": 1})


def test_a_number_beyond_all_measure_is_a_number() -> None:
    nested = (
        "{ top(limit: 2147483647) { "
        + "friends(first: 2147483647) { nodes { " * 10
        + "id"
        + " } }" * 10
        + " } }"
    )

    assert cost(nested) > 2**300
    with pytest.raises(TooCostly):
        _cost(nested).check_fixed(Limits().cost)
