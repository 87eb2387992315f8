"""What a supergraph demands: the directives under whatever names, on whatever they stand, and what follows from them."""

import pytest

from gateway.errors import SupergraphError
from gateway.operations.operation import prepare
from gateway.settings import Limits
from gateway.supergraph.authorization import ANONYMOUS, Caller, lacking
from gateway.supergraph.reader import load_supergraph
from tests.gateway.clinic import clinic
from tests.gateway.testbed import Composition, Federation, changed, composed_by_apollo

KNOWN = Caller(is_authenticated=True)

HEAD = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION) %s {
  query: Query
}
enum join__Graph { A @join__graph(name: "a", url: "http://a/graphql") }
"""
APOLLO = "https://specs.apollo.dev"
ALL = f'@link(url: "{APOLLO}/authenticated/v0.1") @link(url: "{APOLLO}/requiresScopes/v0.1") @link(url: "{APOLLO}/policy/v0.1")'


def denied_to(caller: Caller, query: str, types: str, links: str = ALL) -> list[str]:
    """The root fields of *query* that *caller* may not have."""
    supergraph = load_supergraph(HEAD % links + types)
    operation = prepare(query, None, supergraph.api_schema, Limits()).with_demands(supergraph)
    selected = operation.selection(supergraph, {}, lacking(operation.touched.demands, caller)).of_type(
        "Query"
    )
    return list(selected.denied)


# --- names ------------------------------------------------------------------------------------------------------------

FIELDS = "type Query @join__type(graph: A) { a: Int @%s b: Int @%s c: Int @%s d: Int }"
SCOPES, POLICIES = '(scopes: [["s"]])', '(policies: [["p"]])'


@pytest.mark.parametrize(
    ("links", "names"),
    [
        (ALL, ("authenticated", "requiresScopes", "policy")),
        ("", ("authenticated", "requiresScopes", "policy")),
        (f'@link(url: "{APOLLO}/authenticated/v0.1", as: "login") @link(url: "{APOLLO}/requiresScopes/v0.1", as: "needs") @link(url: "{APOLLO}/policy/v0.1", as: "ruled")', ("login", "needs", "ruled")),
        (f'@link(url: "{APOLLO}/authenticated/v0.1", import: [{{name: "@authenticated", as: "@login"}}]) @link(url: "{APOLLO}/requiresScopes/v0.1", import: [{{name: "@requiresScopes", as: "@needs"}}]) @link(url: "{APOLLO}/policy/v0.1", import: ["@policy"])', ("login", "needs", "policy")),
        (f'@link(url: "{APOLLO}/authenticated/v0.1", as: "auth", import: [{{name: "@authenticated", as: "@login"}}])', ("login", "requiresScopes", "policy")),
        (f'@link(url: "{APOLLO}/authenticated/v0.1", as: "x", import: [{{name: "@authenticated", as: "@login"}}])', ("x", "requiresScopes", "policy")),
        (f'@link(url: "{APOLLO}/federation/v2.9", as: "fed", import: ["@requiresScopes", {{name: "@policy", as: "@ruled"}}])', ("fed__authenticated", "requiresScopes", "ruled")),
        (f'@link(url: "{APOLLO}/federation/v2.9")', ("federation__authenticated", "federation__requiresScopes", "federation__policy")),
        (f'@core(feature: "{APOLLO}/authenticated/v0.1", as: "login")', ("login", "requiresScopes", "policy")),
    ],
)  # fmt: skip
def test_a_directive_counts_under_every_name_it_has(links: str, names: tuple[str, str, str]) -> None:
    types = FIELDS % (names[0], names[1] + SCOPES, names[2] + POLICIES)

    assert denied_to(ANONYMOUS, "{ a b c d }", types, links) == ["a", "b", "c"]
    assert denied_to(KNOWN, "{ a b c d }", types, links) == ["b", "c"]


def test_a_link_may_stand_on_an_extension_of_the_schema() -> None:
    types = FIELDS % ("login", "deprecated", "deprecated")
    link = f'extend schema @link(url: "{APOLLO}/authenticated/v0.1", as: "login")'

    assert denied_to(ANONYMOUS, "{ a d }", f"{types} {link}") == ["a"]


def test_a_directive_of_another_specification_is_not_ours() -> None:
    links = '@link(url: "https://example.com/rules/v1.0", import: ["@policy", {name: "@open", as: "@authenticated"}])'
    types = "type Query @join__type(graph: A) { a: Int @authenticated b: Int @policy(why: 1) }"

    assert denied_to(ANONYMOUS, "{ a b }", types, links) == []


def test_a_composer_that_keeps_the_subgraphs_names_is_understood() -> None:
    with composed_by_apollo():
        federation = Federation("renamed_directives", [], {"Query.open": "o"})

    answer = federation.ask("{ open login scoped ruled thing { id } }")

    assert answer["data"] == {"open": "o", "login": None, "scoped": None, "ruled": None, "thing": None}
    assert federation.resolved() == {("Query", "open")}


def test_the_directives_are_not_part_of_the_api() -> None:
    with composed_by_apollo():
        schema = Federation("renamed_directives", [], {}).supergraph.api_schema

    assert {each.name for each in schema.directives} == {
        "skip",
        "include",
        "deprecated",
        "specifiedBy",
        "oneOf",
    }


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "held", "may"),
    [
        ('[["a"]]', "a", True), ('[["a"]]', "b", False), ('[["a", "b"]]', "a", False), ('[["a", "b"]]', "a b c", True),
        ('[["a"], ["b", "c"]]', "b c", True), ('[["a"], ["b", "c"]]', "b", False),
        ('["a", "b"]', "b", True), ('"a"', "a", True), ('"a"', "", False), ("[]", "a", False),
    ],
)  # fmt: skip
def test_scopes_are_alternatives_of_lists(scopes: str, held: str, *, may: bool) -> None:
    caller = Caller(is_authenticated=True, scopes=frozenset(held.split()))
    types = f"type Query @join__type(graph: A) {{ a: Int @requiresScopes(scopes: {scopes}) }}"

    assert (denied_to(caller, "{ a }", types) == []) == may


def test_no_scope_at_all_still_needs_a_token() -> None:
    types = "type Query @join__type(graph: A) { a: Int @requiresScopes(scopes: [[]]) }"

    assert denied_to(ANONYMOUS, "{ a }", types) == ["a"]
    assert denied_to(KNOWN, "{ a }", types) == []


def test_all_directives_of_a_field_must_be_met() -> None:
    both = '@requiresScopes(scopes: [["a"]]) @requiresScopes(scopes: [["b"]]) @policy(policies: [["p"]])'
    types = f"type Query @join__type(graph: A) {{ a: Int {both} }}"
    almost = Caller(is_authenticated=True, scopes=frozenset({"a", "b"}))

    assert denied_to(almost, "{ a }", types) == ["a"]
    assert denied_to(Caller(True, frozenset("ab"), frozenset("p")), "{ a }", types) == []  # noqa: FBT003


@pytest.mark.parametrize("directive", ["@requiresScopes", "@requiresScopes(scopes: 1)", "@requiresScopes(scopes: [[1]])", "@policy(names: [[\"p\"]])", "@policy(policies: null)", "@requiresScopes(scopes: [{a: 1}])"])  # fmt: skip
def test_a_directive_that_cannot_be_understood_is_not_served(directive: str) -> None:
    with pytest.raises(SupergraphError, match="not a list of lists of names"):
        denied_to(KNOWN, "{ a }", f"type Query @join__type(graph: A) {{ a: Int {directive} }}")


# --- interfaces -------------------------------------------------------------------------------------------------------

NODES = """
type Query %s @join__type(graph: A) { node: Node book: Book film: Film any: Any }
interface Node %s @join__type(graph: A) { name: String %s }
type Book implements Node %s @join__type(graph: A) @join__implements(graph: A, interface: "Node") { name: String %s }
type Film implements Node @join__type(graph: A) @join__implements(graph: A, interface: "Node") { name: String }
union Any @join__type(graph: A) @join__unionMember(graph: A, member: "Book") @join__unionMember(graph: A, member: "Film") = Book | Film
"""
ASKED = "{ film { name } book { name } node { name } any { ... on Film { name } } }"


def nodes(*directives: str) -> Federation:
    """Directives on: Query, Node, Node.name, Book, Book.name."""
    film, book = {"__typename": "Film", "name": "Up"}, {"__typename": "Book", "name": "Emma"}
    sdl = HEAD % ALL + NODES % directives
    subgraph = NODES.replace("%s", "")
    for name in ("@join__type(graph: A)", '@join__implements(graph: A, interface: "Node")', '@join__unionMember(graph: A, member: "Book")', '@join__unionMember(graph: A, member: "Film")'):  # fmt: skip
        subgraph = subgraph.replace(name, "")
    roots = {"Query.node": film, "Query.book": book, "Query.film": film, "Query.any": film}
    return Federation(Composition(sdl, {"a": subgraph}), [film, book], roots)


UP, EMMA = {"name": "Up"}, {"name": "Emma"}
OPEN = {"film": UP, "book": EMMA, "node": UP, "any": UP}


@pytest.mark.parametrize(
    ("directives", "data"),
    [
        (("", "", "", "", ""), OPEN),
        # Only a type's own directive: its objects alone.
        (("", "", "", "@authenticated", ""), OPEN | {"book": None}),
        # What composition makes of that: the interface sums up, and says nothing about films.
        (("", "@authenticated", "", "@authenticated", ""), OPEN | {"book": None}),
        # A directive of the interface's own holds for every object of it, whichever way it is reached.
        (("", "@authenticated", "", "", ""), {"film": None, "book": None, "node": None, "any": None}),
        # The same with fields: summed up, it counts where the field is asked on the interface …
        (("", "", "@authenticated", "", "@authenticated"), OPEN | {"book": {"name": None}, "node": {"name": None}}),
        # … and of the interface's own it counts everywhere.
        (("", "", "@authenticated", "", ""), {each: {"name": None} for each in OPEN}),
        (("@authenticated", "", "", "", ""), dict.fromkeys(OPEN)),
    ],
)  # fmt: skip
def test_interfaces(directives: tuple[str, ...], data: object) -> None:
    assert nodes(*directives).ask(ASKED)["data"] == data


def test_a_sum_of_scopes_is_recognised() -> None:
    def scopes(text: str) -> str:
        return f"@requiresScopes(scopes: {text})"

    summed = nodes("", scopes('[["a", "b"]]'), "", scopes('[["a"], ["b"]]'), "")
    own = nodes("", scopes('[["a"]]'), "", scopes('[["a"], ["b"]]'), "")

    assert own.ask("{ film { name } }")["data"] == {"film": None}
    assert summed.ask("{ film { name } }")["data"] == {"film": None}  # a AND b is more than a OR b
    assert nodes("", scopes('[["b"], ["a"]]'), "", scopes('[["a"], ["b"]]'), "").ask("{ film { name } }")["data"] == {"film": UP}  # fmt: skip


# --- what a field reads -----------------------------------------------------------------------------------------------


def test_a_requirement_is_demanded_even_if_composition_did_not_insist() -> None:
    """Older composers let a field without directives read a protected one."""
    with changed(lambda sdl: sdl.replace('requires: "diagnosis") @authenticated', 'requires: "diagnosis")')):
        federation = clinic()

    answer = federation.ask('{ patient(id: "1") { greeting risk } }')

    assert answer["data"] == {"patient": {"greeting": "Dear Ann", "risk": None}}
    assert ("Patient", "diagnosis") not in federation.resolved()


READS = """
type Query @join__type(graph: A) { t: T  u: U }
type T @join__type(graph: A, key: "id") {
  id: ID!
  one: Int @join__field(graph: A, requires: "two")
  two: Int @join__field(graph: A, requires: "u { ... on S { three } }")
  u: I @join__field(graph: A)
  circle: Int @join__field(graph: A, requires: "turn")
  turn: Int @join__field(graph: A, requires: "circle")
  free: Int @join__field(graph: A, requires: "circle")
}
interface I @join__type(graph: A) { id: ID }
type S implements I @join__type(graph: A) @join__implements(graph: A, interface: "I") { id: ID three: Int @join__field(graph: A, requires: "five { six }") five: U }
type R implements I @join__type(graph: A) @join__implements(graph: A, interface: "I") { id: ID }
type U @join__type(graph: A) { six: Int @authenticated }
"""


@pytest.mark.parametrize(
    ("field", "may"), [("one", False), ("two", False), ("circle", True), ("turn", True), ("free", True)]
)  # fmt: skip
def test_demands_are_passed_on_however_far_they_come(field: str, *, may: bool) -> None:
    rules = load_supergraph(HEAD % ALL + READS).authorization

    assert (("T", field) not in rules.of_fields) == may


# --- what an operation touches ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("{ patient(id: 1) { name } }", 0),
        ("{ patient(id: 1) { diagnosis } }", 1),
        ("{ audit }", 2),
        ("{ found { ... on Doctor { name } } }", 2),
        ("{ found { ... on Doctor { salary } } }", 3),
        ("query A { patient(id: 1) { name } } query B { me { name } }", 0),
        ("query A { patient(id: 1) { name ...F } } fragment F on Patient { doctor { ...G } } fragment G on Doctor { salary }", 2),
        ("{ __schema { types { name } } __typename }", 0),
    ],
)  # fmt: skip
def test_an_operation_knows_what_it_can_touch(query: str, count: int) -> None:
    supergraph = clinic().supergraph
    name = "A" if "query A" in query else None

    touched = prepare(query, name, supergraph.api_schema, Limits()).with_demands(supergraph).touched

    assert len(touched.demands) == count


def test_what_was_not_looked_for_is_denied() -> None:
    """An operation nobody asked about what it demands is that of a caller who has nothing."""
    federation = clinic()

    assert "diagnosis" not in federation.plan("{ patient(id: 1) { name diagnosis } }")
