"""Limits, and hostile operations that must be cheap to refuse."""

import time

import pytest

from gateway.errors import TooComplex, TooManyFields, TooManyVariables
from gateway.operations.operation import prepare
from gateway.planner import plan_operation
from gateway.settings import Limits
from gateway.supergraph.model import Supergraph
from gateway.supergraph.reader import load_supergraph
from tests.gateway.hostile_supergraphs import explosions
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation, unhurried
from tests.work import calls_made

# Far above what any of these takes, and far below what doubling at each fragment would.
NOT_EXPONENTIAL_S = 20.0


def limited(**limits: int) -> Federation:
    base = library()
    return Federation(
        "library", list(base.world.objects), base.world.roots, settings=unhurried(limits=Limits(**limits))
    )


def nested(levels: int) -> str:
    return "{ me { loans { " + "book { loans { " * levels + "days" + " } }" * levels + " } } }"


@pytest.mark.parametrize(
    ("code", "limits", "fitting", "beyond"),
    [
        ("QUERY_TOO_DEEP", {"depth": 5}, nested(1), nested(2)),
        ("QUERY_TOO_DEEP", {"depth": 2}, "{ me { ...F } } fragment F on Member { id }", "{ me { ...F } } fragment F on Member { favourite { isbn } }"),
        ("TOO_MANY_ALIASES", {"aliases": 2}, "{ a: me { b: id } }", "{ a: me { b: id c: id } }"),
        ("TOO_MANY_ROOT_FIELDS", {"root_fields": 2}, "{ a: me { id } b: me { id } }", "{ a: me { id } ...on Query { b: me { id } c: me { id } } }"),
        ("TOO_MANY_ROOT_FIELDS", {"root_fields": 1}, "{ ...F } fragment F on Query { me { id } }", "{ ...F } fragment F on Query { me { id } b: me { id } }"),
        ("TOO_MANY_DIRECTIVES", {"directives": 1}, "{ me @skip(if: false) { id } }", "{ me @skip(if: false) { id @skip(if: false) } }"),
        ("TOO_MANY_FIELDS", {"fields": 3}, "{ me { id email } }", "{ me { id email favourite { isbn } } }"),
        ("QUERY_TOO_LONG", {"characters": 13}, "{ me { id } }", "{ me  { id } }"),
        ("TOO_MANY_TOKENS", {"tokens": 8}, "{ me { id } }", "{ me { id email id id } }"),
        ("PLAN_TOO_COMPLEX", {"planning_steps": 25}, "{ me { id } }", "{ me { id email favourite { isbn } } }"),
    ],
)  # fmt: skip
def test_each_limit_lets_through_what_fits_and_refuses_what_does_not(
    code: str, limits: dict[str, int], fitting: str, beyond: str
) -> None:
    federation = limited(**limits)

    assert "errors" not in federation.ask(fitting)
    [error] = federation.ask(beyond)["errors"]
    assert error["extensions"] == {"code": code, "limit": next(iter(limits.values()))}
    assert federation.request_count() == 0


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ("fragment F on Member { " + "id " * 1_000 + "} " + " ".join(f"query Q{n} {{ me {{ ...F }} }}" for n in range(5)), TooManyFields),
        (
            "fragment F on Query { book(isbn: [" + "$v " * 1_000 + "]) { isbn } } "
            + " ".join(f"query Q{n}($v: ID!) {{ ...F }}" for n in range(11)),
            TooManyVariables,
        ),
    ],
)  # fmt: skip
def test_many_operations_in_one_document_count_together(document: str, error: type[TooComplex]) -> None:
    with pytest.raises(error):
        prepare(document, "Q0", library().supergraph.api_schema, Limits(tokens=50_000))


def bomb(levels: int) -> str:
    """Each fragment spreads the next one twice: 2^levels fields."""
    fragments = "".join(
        f"fragment F{n} on Book {{ loans {{ book {{ ...F{n + 1} }} }} a: loans {{ book {{ ...F{n + 1} }} }} }} "
        for n in range(levels)
    )
    return "{ books { ...F0 } } " + fragments + f"fragment F{levels} on Book {{ isbn }}"


HOSTILE = {
    "fragment bomb": bomb(40),
    "flat fragment bomb": "{ me { ...F0 } } "
    + "".join(f"fragment F{n} on Member {{ ...F{n + 1} ...F{n + 1} }} " for n in range(200))
    + "fragment F200 on Member { id }",
    "fragment chain": "{ me { ...F0 } } "
    + "".join(f"fragment F{n} on Member {{ ...F{n + 1} }} " for n in range(500))
    + "fragment F500 on Member { id }",
    "fragment ring": "{ me { ...F0 } } "
    + "".join(f"fragment F{n} on Member {{ ...F{(n + 1) % 500} }} " for n in range(500)),
    "deep": nested(300),
    "deep through fragments": "{ me { ...F0 } } "
    + "".join(f"fragment F{n} on Member {{ {'... { ' * 150}...F{n + 1}{' }' * 150} }} " for n in range(6))
    + "fragment F6 on Member { id }",
    "one field again and again": "{ me { " + "id " * 4_900 + "} }",
    "one object again and again": "{ " + "me { loans { days } } " * 600 + "}",
    "overlapping fragments": "{ me { " + " ".join(f"...F{n}" for n in range(400)) + " } } "
    + " ".join(f"fragment F{n} on Member {{ id email }}" for n in range(400)),
    "aliases": "{ " + " ".join(f"a{n}: me {{ id }}" for n in range(800)) + " }",
    "directives": "{ me " + "@skip(if: false) " * 700 + "{ id } }",
    "unknown fields": "{ " + " ".join(f"x{n}" for n in range(4_000)) + " }",
    "deep list": '{ book(isbn: ' + "[" * 2_000 + "]" * 2_000 + ") { isbn } }",
    "deep object": "{ book(isbn: " + "{a:" * 1_000 + "1" + "}" * 1_000 + ") { isbn } }",
    "deep introspection": "{ __schema { types { " + "fields { type { " * 10 + "name" + " } }" * 10 + " } } }",
    "comments": "#\n" * 400_000 + "{ me { id } }",
    "one long string": '{ book(isbn: "' + "x" * 900_000 + '") { isbn } }',
    "deep type": "query (" + "$a: " + "[" * 3_000 + "ID" + "]" * 3_000 + ") { me { id } }",
    "brackets": "{" * 4_000,
    "variables": "query (" + " ".join(f"$v{n}: ID" for n in range(1_500)) + ") { me { id } }",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_operation_does_not_explode(name: str) -> None:
    federation = library()
    started = time.process_time()

    answer = federation.ask(HOSTILE[name])

    assert time.process_time() - started < NOT_EXPONENTIAL_S
    assert "errors" in answer or federation.request_count() <= 1


def test_what_is_deep_through_its_fragments_is_refused() -> None:
    (error,) = library().ask(HOSTILE["deep through fragments"])["errors"]

    assert error["message"] == "The document is nested too deeply."


@pytest.mark.parametrize(
    "query", ["fragment A on Book { ...A } { me { id } }", "{ ...A } fragment A on Query { me { id ...A } }"]
)
def test_a_fragment_cannot_spread_itself(query: str) -> None:
    assert [each["extensions"]["code"] for each in library().ask(query)["errors"]] == [
        "GRAPHQL_VALIDATION_FAILED"
    ]


def test_the_usual_introspection_query_passes_the_limits() -> None:
    from graphql import get_introspection_query  # noqa: PLC0415

    answer = library().ask(get_introspection_query(directive_is_repeatable=True, specified_by_url=True))

    assert "errors" not in answer


def wide(subgraphs: int) -> Supergraph:
    """An entity of which every subgraph has a field of its own, and a reference to another one."""
    each = range(subgraphs)
    graphs = "\n".join(f'S{n} @join__graph(name: "s{n}", url: "http://s{n}")' for n in each)
    keys = " ".join(f'@join__type(graph: S{n}, key: "id")' for n in each)
    fields = "\n".join(
        f"f{n}: Int @join__field(graph: S{n})\nt{n}: Thing @join__field(graph: S{n})" for n in each
    )
    return load_supergraph(
        f"enum join__Graph {{ {graphs} }}"
        f" type Query @join__type(graph: S0) {{ thing: Thing }} type Thing {keys} {{ id: ID! {fields} }}"
    )


def calls_for_each_place(subgraphs: int) -> float:
    """The work of planning an operation that asks every subgraph at every one of its places, by place."""
    fields = " ".join(f"f{n}" for n in range(subgraphs))
    inner = f"{fields} " + " ".join(f"t{n} {{ {fields} }}" for n in range(subgraphs))
    query = f"{{ thing {{ {fields} " + " ".join(f"t{n} {{ {inner} }}" for n in range(subgraphs)) + " } }"
    supergraph = wide(subgraphs)
    operation = prepare(query, None, supergraph.api_schema, Limits())
    selection = operation.selection(supergraph, {})
    plans = []
    calls = calls_made(lambda: plans.append(plan_operation(operation.node, selection, supergraph)))
    return calls / sum(len(part.paths) for fetch in plans[0].fetches for part in fetch.parts)


def test_the_work_of_a_plan_grows_with_its_places_and_not_with_their_square() -> None:
    few, many = calls_for_each_place(6), calls_for_each_place(12)  # eight times the places

    assert many < 2 * few


EXPLOSIONS = explosions()
CALLS_FOR_A_STEP = 60
"""Twice what the dearest takes: a step of any kind must cost about the same, or counting steps bounds nothing."""


@pytest.mark.parametrize("name", EXPLOSIONS)
def test_an_operation_of_very_many_plans_stops_at_the_planning_limit(name: str) -> None:
    supergraph, query = EXPLOSIONS[name]
    operation = prepare(query, None, supergraph.api_schema, Limits())
    limit = 10_000

    def plan() -> None:
        with pytest.raises(TooComplex, match="planning steps"):
            plan_operation(operation.node, operation.selection(supergraph, {}), supergraph, step_limit=limit)

    assert calls_made(plan) < CALLS_FOR_A_STEP * limit
