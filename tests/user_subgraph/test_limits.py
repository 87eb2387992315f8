"""How an operation is measured before it is validated."""

import pytest
from graphql import parse

from user_subgraph.errors import QueryTooComplex
from user_subgraph.limits import Limits, check_document, check_text

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
    check_text(query, LIMITS)
    check_document(parse(query), LIMITS)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ a { b { c { d } } } }", "deeper than 3"),
        ("{ ...A } fragment A on T { a { ...B } } fragment B on T { b { c { d } } }", "deeper than 3"),
        ("{ a b c d e f }", "more than 5 fields"),
        ("{ ...A ...A ...A } fragment A on T { a b }", "more than 5 fields"),
        ("{ a } query B { a b c d e f }", "more than 5 fields"),
        ("{ x: a y: b z: c }", "more than 2 aliases"),
        ("{ ...A ...A } fragment A on T { x: a y: b }", "more than 2 aliases"),
    ],
)
def test_beyond_a_limit(query: str, message: str) -> None:
    check_text(query, LIMITS)
    with pytest.raises(QueryTooComplex, match=message):
        check_document(parse(query), LIMITS)


@pytest.mark.parametrize(
    "text", ["{" * 10, "{ a(b: [[[[[[[[[]]]]]]]]]) }", "{ a(b: {c: {c: {c: {c: {c: {c: {c: {c: 1}}}}}}}}) }"]
)
def test_nesting_is_bounded_before_the_parser_recurses(text: str) -> None:
    with pytest.raises(QueryTooComplex, match="nested too deeply"):
        check_text(text, LIMITS)


def test_tokens_are_counted_before_the_parser_builds_anything() -> None:
    check_text("a " * 100, LIMITS)
    with pytest.raises(QueryTooComplex, match="more than 100 tokens"):
        check_text("a " * 101, LIMITS)
