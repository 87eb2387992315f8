"""What Federation 1 composed says of value types: a field's subgraphs are not named, only that somebody provides below it."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def groups() -> Federation:
    ann: Object = {"__typename": "Person", "id": "1", "nick": "A.", "age": 40}
    ben: Object = {"__typename": "Person", "id": "2", "nick": None, "age": 30}
    club: Object = {"__typename": "Group", "name": "Chess", "head": ann}
    firm: Object = {"__typename": "Group", "name": "Pens", "head": ben}
    roots = {
        "Query.people": [ann, ben],
        "Query.clubs": [club],
        "Query.firms": [firm, None],
        "Query.captain": ann,
    }
    return Federation("first_values", [ann, ben], roots)


CAPTAIN = "{ captain { nick age } }"


def test_what_an_entitys_field_provides_is_taken_there() -> None:
    assert groups().plans(
        CAPTAIN,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "clubs") {
              captain {
                nick
                id
              }
            },
            Flatten(path: "captain") {
              Fetch(service: "people") {
                {
                  ... on Person { __typename id }
                } =>
                {
                  ... on Person {
                    age
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(groups(), CAPTAIN)


@pytest.mark.parametrize(
    "query",
    [
        "{ clubs { name head { id } } }",
        "{ clubs { head { nick } } firms { head { nick } } }",
        "{ firms { name head { age nick } } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(groups(), query)
