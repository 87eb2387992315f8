"""Interfaces with a @key: real ones in two subgraphs, interface objects in two others that build on each other."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def bank() -> Federation:
    """`score` needs `limit` of another interface object; `headroom` needs `balance` of another real interface."""
    ann: Object = {
        "__typename": "Person", "id": "p", "name": "Ann", "born": 1, "balance": 5, "limit": 9, "headroom": 4, "score": 3,
    }  # fmt: skip
    firm: Object = {
        "__typename": "Firm", "id": "f", "name": "Co", "vat": "V", "balance": None, "limit": 8, "headroom": None, "score": 2,
    }  # fmt: skip
    transfers: list[Object] = [
        {"__typename": "Transfer", "from": ann, "to": ann},
        {"__typename": "Transfer", "from": firm, "to": None},
        {"__typename": "Transfer", "from": None, "to": None},
    ]
    roots = {
        "Query.accounts": [ann, firm],
        "Query.person": ann,
        "Query.transfers": transfers,
        "Query.grid": [[ann, None], [firm, ann], None, []],
        "Query.best": [firm, ann, None],
    }
    return Federation("interface_entities", [ann, firm], roots)


BALANCES = "{ accounts { name balance ... on Firm { vat } } }"


def test_a_field_of_the_interface_is_fetched_once_for_all_its_types() -> None:
    assert bank().plans(
        BALANCES,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "accounts") {
              accounts {
                __typename
                name
                id
                ... on Firm {
                  vat
                }
              }
            },
            Flatten(path: "accounts.@") {
              Fetch(service: "balances") {
                {
                  ... on Account { __typename id }
                } =>
                {
                  ... on Account {
                    __typename
                    balance
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(bank(), BALANCES)


SOME_NEED_MORE = "{ accounts { limit ... on Person { headroom } } }"


def test_objects_that_bring_a_requirement_are_kept_apart_from_those_that_do_not() -> None:
    assert bank().plans(
        SOME_NEED_MORE,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "accounts") {
              accounts {
                __typename
                id
                ... on Person {
                  id
                }
              }
            },
            Parallel {
              Flatten(path: "accounts.@") {
                Fetch(service: "limits") {
                  {
                    ... on Account { __typename id }
                  } =>
                  {
                    ... on Account {
                      limit
                    }
                  }
                }
              },
              Flatten(path: "accounts.@") {
                Fetch(service: "balances") {
                  {
                    ... on Person { __typename id }
                  } =>
                  {
                    ... on Person {
                      balance
                    }
                  }
                }
              },
            },
            Flatten(path: "accounts.@") {
              Fetch(service: "limits") {
                {
                  ... on Person { __typename: "Account" id balance }
                } =>
                {
                  ... on Account {
                    headroom
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(bank(), SOME_NEED_MORE)


@pytest.mark.parametrize(
    "query",
    [
        "{ accounts { score headroom } }",
        "{ best { score name __typename } }",
        "{ best { ... on Person { born headroom } ... on Firm { h: headroom } } }",
        "{ grid { id name limit } }",
        "{ grid { ... on Person { score } } }",
        "{ transfers { from { name headroom } to { name score } } }",
        "{ person { name balance limit headroom score } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(bank(), query)
