"""@override: at once, and progressively by label. The old subgraph would answer something else."""

import pytest

from gateway.supergraph.override_labels import labels_on
from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def bank(drawn: float = 0.99) -> Federation:
    account: Object = {
        "__typename": "Account",
        "id": "1",
        "name": "Savings",
        "balance": 5,
        "owner": "Ann",
        "plan": "gold",
        "isRich": True,
    }
    stale = {"Account.balance": -1, "Account.owner": "nobody", "Account.plan": "old gold"}
    return Federation(
        "override", [account], {"Query.accounts": [account]}, own={"old": stale}, draw=lambda: drawn
    )


OVERRIDDEN = "{ accounts { name balance owner } }"


def test_an_overridden_field_comes_from_its_new_subgraph() -> None:
    assert bank().plans(
        OVERRIDDEN,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "old") {
              accounts {
                name
                id
              }
            },
            Flatten(path: "accounts.@") {
              Fetch(service: "new") {
                {
                  ... on Account { __typename id name }
                } =>
                {
                  ... on Account {
                    balance
                    owner
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(bank(), OVERRIDDEN)


REQUIRED = "{ accounts { isRich } }"


def test_a_requirement_on_an_overridden_field_is_met_by_the_new_subgraph() -> None:
    assert bank().plans(
        REQUIRED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "old") {
              accounts {
                id
              }
            },
            Flatten(path: "accounts.@") {
              Fetch(service: "new") {
                {
                  ... on Account { __typename id }
                } =>
                {
                  ... on Account {
                    balance
                  }
                }
              }
            },
            Flatten(path: "accounts.@") {
              Fetch(service: "third") {
                {
                  ... on Account { __typename id balance }
                } =>
                {
                  ... on Account {
                    isRich
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(bank(), REQUIRED)


PROGRESSIVE = "{ accounts { plan } }"
LABEL = frozenset({"percent(5)"})


def test_a_labelled_override_stays_with_the_old_subgraph_while_the_label_is_off() -> None:
    federation = bank()

    assert federation.ask(PROGRESSIVE) == {"data": {"accounts": [{"plan": "old gold"}]}}
    assert federation.request_count() == 1


def test_a_labelled_override_moves_when_the_label_is_on() -> None:
    assert bank().plans(
        PROGRESSIVE,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "old") {
              accounts {
                id
              }
            },
            Flatten(path: "accounts.@") {
              Fetch(service: "new") {
                {
                  ... on Account { __typename id }
                } =>
                {
                  ... on Account {
                    plan
                  }
                }
              }
            },
          }
        }
        """,
        labels=LABEL,
    )


@pytest.mark.parametrize(
    ("drawn", "plan"), [(0.0, "gold"), (0.0499, "gold"), (0.05, "old gold"), (0.99, "old gold")]
)
def test_a_percentage_of_the_requests_moves(drawn: float, plan: str) -> None:
    assert bank(drawn).ask(PROGRESSIVE) == {"data": {"accounts": [{"plan": plan}]}}


@pytest.mark.parametrize(
    ("labels", "switched_on", "drawn", "on"),
    [
        (["percent(0)", "percent(100)"], [], 0.0, ["percent(100)"]),
        (["percent(100)"], [], 0.999, ["percent(100)"]),
        (["percent(12.5)"], [], 0.124, ["percent(12.5)"]),
        (["beta", "gamma"], ["beta", "unknown"], 0.0, ["beta"]),
        (["percent(x)", "percent(50) "], [], 0.0, []),
    ],
)
def test_labels_are_on_by_percentage_or_by_setting(
    labels: list[str], switched_on: list[str], drawn: float, on: list[str]
) -> None:
    assert labels_on(labels, frozenset(switched_on), lambda: drawn) == frozenset(on)
