"""How an operation is measured before it is validated."""

from dataclasses import replace

import pytest
from graphql import GraphQLSyntaxError

from user_subgraph.errors import QueryTooComplex
from user_subgraph.limits import MAX_DEFINITIONS, Limits, check_document
from user_subgraph.parsing import MAX_CHARACTERS, MAX_COMMENTS, parsed

LIMITS = Limits(max_tokens=100, max_depth=3, max_fields=5, max_aliases=2)


@pytest.mark.parametrize(
    "query",
    [
        "{ a { b { c } } }",
        "{ a b c d e }",
        "{ x: a y: b }",
        "{ a { ... { ... { ... { b } } } } }",  # inline fragments are no level of the answer
        "{ ...A } fragment A on T { a { ...B } } fragment B on T { b { c } }",
        "{ a } query B { a b c d e }",
        "{ ...A } fragment A on T { a ...A }",  # a cycle is for validation to refuse
    ],
)
def test_within_the_limits(query: str) -> None:
    check_document(parsed(query, LIMITS), LIMITS)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ a { b { c { d } } } }", "deeper than 3"),
        ("{ ...A } fragment A on T { a { ...B } } fragment B on T { b { c { d } } }", "deeper than 3"),
        ("{ a b c d e f }", "more than 5 fields"),
        ("{ ...A ...A ...A } fragment A on T { a b }", "more than 5 fields"),
        ("{ a } query B { a b c d e f }", "more than 5 fields"),
        ("{ x: a y: b z: c }", "more than 2 aliases"),
        ("{ ...A y: a } fragment A on T { x: a z: b }", "more than 2 aliases"),
    ],
)
def test_beyond_a_limit(query: str, message: str) -> None:
    document = parsed(query, LIMITS)

    with pytest.raises(QueryTooComplex, match=message):
        check_document(document, LIMITS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ " + "a " * 98 + "}", None),
        ("{ " + "a " * 99 + "}", "more than 100 tokens"),
        ("#\n" * MAX_COMMENTS + "{ a }", None),
        ("#\n" * MAX_COMMENTS + "{ a } #", f"more than {MAX_COMMENTS} comments"),
        ("{ a }" + " " * (MAX_CHARACTERS - 5), None),
        ("{ a }" + " " * (MAX_CHARACTERS - 4), f"more than {MAX_CHARACTERS} code points"),
    ],
)
def test_a_text_is_bounded_before_anything_is_built_of_it(text: str, message: str | None) -> None:
    if message is None:
        assert parsed(text, LIMITS).definitions
    else:
        with pytest.raises(QueryTooComplex, match=message):
            parsed(text, LIMITS)


@pytest.mark.parametrize("text", ["{ a" * 300 + " }" * 300, "{ a(b: " + "[" * 300 + "]" * 300 + ") }"])
def test_nesting_is_bounded_where_the_parser_recurses(text: str) -> None:
    with pytest.raises(QueryTooComplex, match="nested too deeply"):
        parsed(text, replace(LIMITS, max_tokens=10_000))


def test_what_is_no_graphql_is_a_syntax_error() -> None:
    with pytest.raises(GraphQLSyntaxError):
        parsed("{ a", LIMITS)


def test_definitions_are_counted() -> None:
    within = " ".join(f"query Q{n} {{ a }}" for n in range(MAX_DEFINITIONS))
    wide = replace(LIMITS, max_tokens=10_000)

    check_document(parsed(within, wide), wide)
    with pytest.raises(QueryTooComplex, match=f"more than {MAX_DEFINITIONS} operations and fragments"):
        check_document(parsed(within + " fragment F on T { a }", wide), wide)


@pytest.mark.parametrize("field", ["__schema { a }", '__type(name: "A") { a }', "_service { sdl }"])
def test_the_schema_is_described_three_times_at_most(field: str) -> None:
    roomy = replace(LIMITS, max_fields=100, max_aliases=100)
    times = "{{ {} }}".format

    check_document(parsed(times(" ".join(f"a{n}: {field}" for n in range(3))), roomy), roomy)
    with pytest.raises(QueryTooComplex, match="describes the schema more than 3 times"):
        check_document(parsed(times(" ".join(f"a{n}: {field}" for n in range(4))), roomy), roomy)
