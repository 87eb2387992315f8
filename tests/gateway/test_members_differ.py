"""Unions, enums and inputs whose members differ by subgraph, and members the API does not have."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema

INVALID = {"code": "INVALID_SUBGRAPH_VALUE"}


def boxes() -> Federation:
    cat: Object = {"__typename": "Cat", "name": "Tom"}
    fish: Object = {"__typename": "Fish", "name": "Wanda", "depth": 3}
    ghost: Object = {"__typename": "Ghost", "name": "Boo"}
    held: list[Object] = [
        {"__typename": "Box", "id": "1", "animal": cat, "colour": "RED", "pet": fish, "light": "GREEN"},
        {"__typename": "Box", "id": "2", "animal": cat, "colour": "GREEN", "pet": ghost, "light": "INFRARED"},
    ]
    roots = {
        "Query.boxes": held,
        "Query.box": lambda **_: held[0],
        "Query.pets": lambda **_: [fish, cat],
    }
    return Federation("members_differ", held, roots)


ANIMALS = "{ boxes { animal { ... on Cat { name } ... on Dog { name } ... on Fish { depth } } } }"


def test_a_subgraph_is_asked_only_for_the_members_it_has() -> None:
    assert boxes().plans(
        ANIMALS,
        """
        QueryPlan {
          Fetch(service: "one") {
            boxes {
              animal {
                __typename
                ... on Cat {
                  name
                }
                ... on Dog {
                  name
                }
              }
            }
          }
        }
        """,
    )
    assert_answers_like_one_schema(boxes(), ANIMALS)


@pytest.mark.parametrize(
    "query",
    [
        "{ pets(filter: {limit: 3}, colour: RED) { ... on Cat { name } ... on Fish { name depth } } }",
        "{ box(id: 1) { colour light animal { __typename } pet { __typename } } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(boxes(), query)


def test_a_member_the_api_does_not_have_becomes_null() -> None:
    answer = boxes().ask("{ boxes { pet { __typename } } }")

    assert answer["data"] == {"boxes": [{"pet": {"__typename": "Fish"}}, {"pet": None}]}
    assert [(each["path"], each["extensions"]) for each in answer["errors"]] == [
        (["boxes", 1, "pet"], INVALID)
    ]


def test_an_enum_value_the_api_does_not_have_becomes_null() -> None:
    answer = boxes().ask("{ boxes { light } }")

    assert answer["data"] == {"boxes": [{"light": "GREEN"}, {"light": None}]}
    assert [(each["path"], each["extensions"]) for each in answer["errors"]] == [
        (["boxes", 1, "light"], INVALID)
    ]


def test_a_hidden_enum_value_is_no_input() -> None:
    answer = boxes().ask("query ($c: Colour) { pets(colour: $c) { __typename } }", {"c": "INFRARED"})

    assert [each["extensions"] for each in answer["errors"]] == [{"code": "BAD_USER_INPUT"}]


def test_the_api_schema_has_nothing_inaccessible_and_no_machinery() -> None:
    types = boxes().supergraph.api_schema.type_map

    assert "Ghost" not in types
    assert "secret" not in types["Box"].fields
    assert "INFRARED" not in types["Colour"].values
    assert not [name for name in types if name.startswith(("join__", "link__", "federation__"))]
