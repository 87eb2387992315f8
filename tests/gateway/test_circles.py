"""@requires and keys that seem to go round in circles."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def things() -> Federation:
    """a: `third` needs b's `second`, which needs a's `base`; b: `fourth` needs a's `third`."""
    owner: Object = {"__typename": "Owner", "id": "o", "name": "On"}
    first: Object = {
        "__typename": "Thing", "id": "1", "base": 1, "second": 2, "third": 3, "fourth": 4, "owner": owner, "greeting": "Hi",
    }  # fmt: skip
    owner["thing"] = first
    empty: Object = {
        "__typename": "Thing", "id": "2", "base": None, "second": None, "third": None, "fourth": None, "owner": None, "greeting": None,
    }  # fmt: skip
    return Federation(
        "circles", [first, empty, owner], {"Query.things": [first, empty], "Query.other": empty}
    )


TO_AND_FRO = "{ things { fourth } }"


def test_requirements_go_to_and_fro_between_two_subgraphs() -> None:
    assert things().plans(
        TO_AND_FRO,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              things {
                id
                base
              }
            },
            Flatten(path: "things.@") {
              Fetch(service: "b") {
                {
                  ... on Thing { __typename id base }
                } =>
                {
                  ... on Thing {
                    second
                  }
                }
              }
            },
            Flatten(path: "things.@") {
              Fetch(service: "a") {
                {
                  ... on Thing { __typename id second }
                } =>
                {
                  ... on Thing {
                    third
                  }
                }
              }
            },
            Flatten(path: "things.@") {
              Fetch(service: "b") {
                {
                  ... on Thing { __typename id third }
                } =>
                {
                  ... on Thing {
                    fourth
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(things(), TO_AND_FRO)


NESTED = "{ things { greeting } }"


def test_a_requirement_may_lead_through_other_entities_and_back() -> None:
    assert things().plans(
        NESTED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "a") {
              things {
                id
                owner {
                  id
                  thing {
                    base
                  }
                }
              }
            },
            Flatten(path: "things.@.owner") {
              Fetch(service: "c") {
                {
                  ... on Owner { __typename id }
                } =>
                {
                  ... on Owner {
                    name
                  }
                }
              }
            },
            Flatten(path: "things.@") {
              Fetch(service: "b") {
                {
                  ... on Thing { __typename id owner { name thing { base } } }
                } =>
                {
                  ... on Thing {
                    greeting
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(things(), NESTED)


@pytest.mark.parametrize(
    "query",
    [
        "{ other { third fourth base } }",
        "{ things { third second owner { name thing { fourth } } greeting } }",
        "{ things { second: base third fourth: id } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(things(), query)
