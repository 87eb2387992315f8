"""Root fields several subgraphs share, __typename at the root, @skip and @include."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def shared() -> Federation:
    user: Object = {"__typename": "User", "id": "u", "name": "Ann", "age": 4}
    roots = {
        "Query.node": lambda **_: user,
        "Query.viewer": {"__typename": "Viewer", "name": "Ann"},
        "Query.version": 3,
        "Mutation.rename": lambda **given: {"__typename": "Renamed", "user": user | {"name": given["name"]}},
    }
    return Federation("shared_roots", [user], roots)


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("{ node(id: 1) { id } viewer { name } version }", 1),
        ("{ node(id: 1) { id ... on User { name age } } }", 2),
        ("{ __typename }", 0),
        ("{ __typename version }", 1),
        ("{ viewer { __typename } again: viewer { name } }", 1),
    ],
)
def test_one_subgraph_is_asked_when_it_has_everything(query: str, requests: int) -> None:
    federation = shared()

    assert_answers_like_one_schema(federation, query)
    assert federation.request_count() == requests


SKIPPING = "query ($full: Boolean!) { version @skip(if: $full) viewer @include(if: $full) { name } }"


@pytest.mark.parametrize("full", [True, False])
def test_what_is_skipped_is_not_asked(full: bool) -> None:  # noqa: FBT001 — a parameter
    federation = shared()

    assert_answers_like_one_schema(federation, SKIPPING, full=full)
    sent = [request["query"] for each in federation.subgraphs.values() for request in each.requests]
    assert [("viewer" in query, "version" in query) for query in sent] == [(full, not full)]


def test_a_fetch_whose_fields_are_all_skipped_is_not_sent() -> None:
    query = "query ($age: Boolean!) { node(id: 1) { id ... on User @include(if: $age) { name age } } }"
    federation = shared()

    assert_answers_like_one_schema(federation, query, age=False)
    assert federation.request_count() == 1


def test_the_same_field_under_two_conditions_joins_what_is_left() -> None:
    query = """
        query ($a: Boolean!, $b: Boolean!) {
          viewer @include(if: $a) { name }
          viewer @skip(if: $b) { __typename }
        }
    """

    for a, b in [(True, True), (True, False), (False, True), (False, False)]:
        assert_answers_like_one_schema(shared(), query, a=a, b=b)


def test_a_plan_is_made_for_the_values_of_the_conditions() -> None:
    assert shared().plans(
        SKIPPING,
        """
        QueryPlan {
          Fetch(service: "one") {
            viewer {
              name
            }
          }
        }
        """,
        full=True,
    )
    assert shared().plans(
        SKIPPING,
        """
        QueryPlan {
          Fetch(service: "two") {
            version
          }
        }
        """,
        full=False,
    )
