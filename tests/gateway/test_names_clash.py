"""One response name for different fields: aliased inside, restored outside."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def clash() -> Federation:
    a: Object = {
        "__typename": "A", "id": "a", "text": "text of a", "title": "Title", "area": 5,
        "size": lambda unit=None: {"cm": 200, "m": 2}.get(unit, 0), "child": {"__typename": "C", "value": 1},
    }  # fmt: skip
    b: Object = {
        "__typename": "B", "id": "b", "text": "text of b", "title": None, "area": 7,
        "size": "big", "child": {"__typename": "D", "value": None},
    }  # fmt: skip
    return Federation("names_clash", [a, b], {"Query.all": [a, b], "Query.a": a})


OTHER_ARGUMENT = '{ a { size(unit: "m") area s2: size } }'


def test_a_requirement_with_other_arguments_gets_another_name() -> None:
    assert clash().plans(
        OTHER_ARGUMENT,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "main") {
              a {
                size(unit: "m")
                id
                _0_size: size(unit: "cm")
                s2: size
              }
            },
            Flatten(path: "a") {
              Fetch(service: "extra") {
                {
                  ... on A { __typename id size: _0_size }
                } =>
                {
                  ... on A {
                    area
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(clash(), OTHER_ARGUMENT)


OTHER_NULLABILITY = "{ all { ... on A { title } ... on B { title } } }"


def test_types_that_agree_in_the_api_but_not_in_the_subgraph_are_asked_under_two_names() -> None:
    assert clash().plans(
        OTHER_NULLABILITY,
        """
        QueryPlan {
          Fetch(service: "main") {
            all {
              __typename
              ... on A {
                title
              }
              ... on B {
                _0_title: title
              }
            }
          }
        }
        """,
    )
    assert_answers_like_one_schema(clash(), OTHER_NULLABILITY)


@pytest.mark.parametrize(
    "query",
    [
        "{ all { ... on A { x: text } ... on B { y: text } } }",
        '{ all { ... on A { area size(unit: "m") } ... on B { area } } }',
        "{ a { id: text area } }",
        "{ a { _0_id: text id: title area } }",
        "{ all { ... on A { c: child { value } } ... on B { child { value } } } }",
        "{ all { ... on A { v: area } ... on B { v: area } } }",
        "{ a { kind: __typename __typename } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(clash(), query)
