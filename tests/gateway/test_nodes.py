"""`Query.node`, shared by subgraphs that know different types: an id of another's object is nothing to a subgraph."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema

USER: Object = {"__typename": "User", "id": "u", "name": "Ann", "age": 4}
POST: Object = {"__typename": "Post", "id": "p", "title": "Hello", "likes": 3}
SHOP: Object = {"__typename": "Shop", "id": "s", "street": "High Street"}


def nodes() -> Federation:
    held: dict[str, list[Object]] = {"people": [USER], "posts": [USER, POST], "shops": [USER, SHOP]}

    def node_among(objects: list[Object]) -> dict[str, object]:
        return {
            "Query.node": lambda **given: next((each for each in objects if each["id"] == given["id"]), None)
        }

    return Federation(
        "nodes",
        [USER, POST, SHOP],
        node_among([USER, POST, SHOP]) | {"Query.nodes": [USER, None]},
        own={name: node_among(objects) for name, objects in held.items()},
    )


@pytest.mark.parametrize(
    ("selection", "known", "requests"),
    [
        ("... on User { name }", "u", 1),
        ("... on User { name age }", "u", 2),
        ("id ... on User { name } ... on Post { title }", "up", 3),
        ("... on Post { title }", "p", 1),
        ("... on Post { likes }", "p", 2),
        ("... on Post { title } ... on Shop { street }", "ps", 2),
        ("id", "ups", 2),
        ("__typename", "ups", 2),
    ],
)
def test_subgraphs_are_asked_that_know_every_type_in_question(
    selection: str, known: str, requests: int
) -> None:
    federation = nodes()

    for each in (*known, "nobody's"):
        assert_answers_like_one_schema(federation, f'{{ node(id: "{each}") {{ {selection} }} }}')
        assert federation.request_count() <= requests


def test_each_type_is_asked_of_a_subgraph_that_knows_it() -> None:
    assert nodes().plans(
        '{ node(id: "p") { id ... on Shop { street } } }',
        """
        QueryPlan {
          Parallel {
            Fetch(service: "posts") {
              node(id: "p") {
                __typename
                ... on Post {
                  id
                }
                ... on User {
                  id
                }
              }
            },
            Fetch(service: "shops") {
              node(id: "p") {
                __typename
                ... on Shop {
                  id
                  street
                }
              }
            },
          }
        }
        """,
    )


def test_one_subgraph_is_enough_when_it_knows_every_type_in_question() -> None:
    assert nodes().plans(
        '{ node(id: "p") { ... on User { id } ... on Post { likes } } }',
        """
        QueryPlan {
          Sequence {
            Fetch(service: "posts") {
              node(id: "p") {
                __typename
                ... on Post {
                  id
                }
                ... on User {
                  id
                }
              }
            },
            Flatten(path: "node") {
              Fetch(service: "likes") {
                {
                  ... on Post { __typename id }
                } =>
                {
                  ... on Post {
                    likes
                  }
                }
              }
            },
          }
        }
        """,
    )


def test_an_object_of_a_type_that_is_not_in_question_may_be_nothing() -> None:
    assert nodes().ask('{ node(id: "s") { ... on Post { title } } }') == {"data": {"node": None}}


def test_lists_are_asked_of_one_subgraph() -> None:
    federation = nodes()

    assert_answers_like_one_schema(federation, "{ nodes { __typename ... on User { id } } }")
    assert [name for name, each in federation.subgraphs.items() if each.requests] == ["posts"]
