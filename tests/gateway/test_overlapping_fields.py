"""The linear rule says what graphql-core's says, and stays linear."""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from graphql import (
    GraphQLError,
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    parse,
    validate,
)

from gateway.errors import TooComplex
from gateway.operations.overlapping_fields import LinearOverlappingFieldsRule
from tests.work import calls_made

SCHEMA = build_schema(
    """
    interface Being { name(full: Boolean, style: Style): String mate: Being kin: [Being] one: One id: ID! }
    type One implements Being { name(full: Boolean, style: Style): String mate: One kin: [Being] one: One id: ID! size: Int sizes: [Int] }
    type Two implements Being { name(full: Boolean, style: Style): String mate: Being kin: [Being] one: One id: ID! size: Int! sizes: [Int!] }
    type Three { name: ID mate: [Two] any: Any size: Float }
    union Any = One | Two | Three
    input Style { a: Int b: [Int] c: String }
    type Query { being: Being any: Any one: One two: Two three: Three }
    """
)
TYPES = ["Being", "One", "Two", "Three", "Any", "Query", "Nowhere"]
LEAVES = ["name", "id", "size", "sizes", "nowhere", "__typename"]
OBJECTS = ["mate", "kin", "one", "any", "being", "two", "three"]
ALIASES = ["a", "b", "name", "mate"]
ARGUMENTS = [
    "(full: true)", "(full: $v)", "(full: $w)", "(style: {a: 1, b: [1, 2]})", "(style: {b: [1, 2], a: 1})", "(style: {b: [2, 1], a: 1})",
    '(style: {c: "x"})', '(style: {c: """x"""})', "(style: null)", "(full: true, style: {})", "(style: {}, full: true)",
]  # fmt: skip


def messages(query: str, rule: type = LinearOverlappingFieldsRule) -> list[str]:
    return [error.message for error in validate(SCHEMA, parse(query), [rule])]


def documents(seed: int, count: int) -> Iterator[str]:
    random = Random(seed)

    def head(names: list[str]) -> str:
        alias = f"{random.choice(ALIASES)}: " if random.random() < 0.3 else ""
        name = random.choice(names)
        return alias + name + (random.choice(ARGUMENTS) if name == "name" and random.random() < 0.4 else "")

    def selections(depth: int) -> str:
        return "{ " + " ".join(selection(depth) for _ in range(random.randint(1, 3))) + " }"

    def selection(depth: int) -> str:
        kind = random.random()
        if kind < 0.2:
            return f"...F{random.randint(0, 2)}"
        if kind < 0.4 and depth:
            condition = f"on {random.choice(TYPES)} " if random.random() < 0.9 else ""
            return f"... {condition}{selections(depth - 1)}"
        if kind < 0.75 and depth:
            return f"{head(OBJECTS)} {selections(depth - 1)}"
        return head(LEAVES)

    for _ in range(count):
        fragments = " ".join(f"fragment F{n} on {random.choice(TYPES)} {selections(2)}" for n in range(3))
        yield f"{{ being {selections(3)} any {selections(2)} }} {fragments}"


@pytest.mark.parametrize("seed", range(4))
def test_it_refuses_exactly_what_graphql_core_refuses(seed: int) -> None:
    verdicts: Counter[bool] = Counter()
    for query in documents(seed, 200):
        verdict = bool(messages(query))
        verdicts[verdict] += 1

        assert verdict == bool(messages(query, OverlappingFieldsCanBeMergedRule)), query
    assert min(verdicts.values()) > 20


@pytest.mark.parametrize(
    "query",
    [
        "{ one { a: name a: id } }",
        "{ one { a: name } one { a: id } }",
        "{ one { mate { a: name } } one { mate { a: size } } }",
        "{ one { name name(full: true) } }",
        "{ any { ... on One { a: size } ... on Two { a: size } } }",
        "{ any { ... on One { a: mate { a: sizes } } ... on Two { a: mate { ... on Two { a: sizes } } } } }",
    ],
)
def test_it_says_what_graphql_core_says(query: str) -> None:
    assert messages(query) == messages(query, OverlappingFieldsCanBeMergedRule)


def test_an_error_points_at_both_fields() -> None:
    errors = validate(SCHEMA, parse("{ one { a: name a: id } }"), [LinearOverlappingFieldsRule])

    assert [(each.line, each.column) for each in _locations(errors)] == [(1, 9), (1, 17)]


def _locations(errors: list[GraphQLError]) -> Iterator:
    return (location for error in errors for location in error.locations or ())


def overlapping(times: int) -> dict[str, str]:
    """Documents in which everything overlaps with everything else."""
    each = range(times)
    return {
        "leaves": "{ one { " + "name " * times + "} }",
        "objects": "{ one { " + "mate { name kin { id } } " * times + "} }",
        "fragments": "{ one { " + " ".join(f"...F{n}" for n in each) + " } }"
        + " ".join(f"fragment F{n} on One {{ name mate {{ id }} }}" for n in each),
        "chained fragments": "{ one { ...F0 } }"
        + " ".join(f"fragment F{n} on One {{ name mate {{ name }} ...F{n + 1} }}" for n in each)
        + f"fragment F{times} on One {{ id }}",
        "inline fragments": "{ being { " + "... on One { name } ... on Two { name } ... on Being { name } " * times + "} }",
        "arguments": "{ one { " + "name(full: true, style: {a: 1}) " * times + "} }",
    }  # fmt: skip


@pytest.mark.parametrize("name", overlapping(0))
def test_the_work_grows_with_the_document_and_not_with_its_square(name: str) -> None:
    few, many = (parse(overlapping(times)[name]) for times in (40, 160))

    def work(document: object) -> int:
        return calls_made(lambda: validate(SCHEMA, document, [LinearOverlappingFieldsRule]))

    assert work(many) < 5 * work(few)


def exclusive(levels: int) -> str:
    """At each level two object types, and a field that fits both: 2^levels merged sets, all different."""
    chains = "".join("mate { " * n + "one { id }" + " }" * n for n in range(levels))
    inner = "id"
    for _ in range(levels):
        inner = (
            f"... on One {{ mate {{ {chains} }} }} ... on Two {{ mate {{ id {chains} }} }} mate {{ {inner} }}"
        )
    return "{ being { " + inner + " } }"


def test_what_cannot_be_linear_is_bounded() -> None:
    assert messages(exclusive(3)) == []
    with pytest.raises(TooComplex):
        messages(exclusive(16))
