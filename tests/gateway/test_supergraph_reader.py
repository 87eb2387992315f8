"""What supergraphs may look like: older versions of the join specification, unknown machinery, nonsense."""

import pytest

from gateway.errors import SupergraphError
from gateway.supergraph.reader import load_supergraph

HEAD = """
    schema
      @link(url: "https://specs.apollo.dev/link/v1.0")
      @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
      @link(url: "https://example.com/unknown/v1.0", import: ["@shiny", {name: "Gloss", as: "Varnish"}])
    { query: Query }
    enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b", url: "http://b") }
"""


def test_machinery_nobody_knows_is_left_alone() -> None:
    supergraph = load_supergraph(
        HEAD
        + """
        directive @shiny(as: Varnish) on FIELD_DEFINITION
        directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments) repeatable on
          SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION
        scalar join__DirectiveArguments
        scalar Varnish
        scalar unknown__Polish
        type Query @join__type(graph: A) @join__directive(graphs: [A], name: "x", args: {y: [1]}) {
          version: Int @shiny(as: "v") @join__directive(graphs: [A, B], name: "z")
        }
        """
    )

    types = [name for name in supergraph.api_schema.type_map if not name.startswith("__")]
    assert sorted(types) == ["Boolean", "Int", "Query", "String"]
    assert [
        each.name for each in supergraph.api_schema.directives if each.name in {"shiny", "join__directive"}
    ] == []


def test_a_field_nobody_joins_belongs_to_every_subgraph_of_its_type_and_one_joined_to_nobody_to_none() -> (
    None
):
    supergraph = load_supergraph(
        HEAD
        + """
        type Query @join__type(graph: A) @join__type(graph: B) { all: Int none: Int @join__field one: Int @join__field(graph: B) }
        """
    )

    fields = supergraph.types["Query"].fields
    assert {name: [*holders] for name, holders in fields.items()} == {
        "all": ["A", "B"],
        "none": [],
        "one": ["B"],
    }


def test_before_join_0_3_a_union_has_the_members_a_subgraph_has_types_for() -> None:
    supergraph = load_supergraph(
        HEAD
        + """
        type Query @join__type(graph: A) @join__type(graph: B) { any: Any @join__field(graph: A) }
        union Any @join__type(graph: A) @join__type(graph: B) = Cat | Dog
        type Cat @join__type(graph: A) { name: String }
        type Dog @join__type(graph: A) @join__type(graph: B) { name: String }
        """
    )

    assert supergraph.possible_types("Any", "A") == ("Cat", "Dog")
    assert supergraph.possible_types("Any", "B") == ("Dog",)


@pytest.mark.parametrize(
    ("sdl", "said"),
    [
        ("type Query {", "not a valid schema"),
        ("type Query { version: Int }", "names no subgraphs"),
        (HEAD.replace("Query }", "Nothing }") + "type Query { version: Int }", "not a valid schema"),
        (
            HEAD
            + 'type Query { price: Int @join__field(graph: A, contextArguments: [{context: "a__x", name: "c", type: "Int", selection: "{ c }"}]) }',
            "@fromContext",
        ),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(sdl: str, said: str) -> None:
    with pytest.raises(SupergraphError, match=said):
        load_supergraph(sdl)
