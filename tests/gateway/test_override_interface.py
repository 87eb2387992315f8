"""@override of a field that an interface has too, and from a subgraph that is gone. The old subgraph is out of date."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def posts() -> Federation:
    image: Object = {
        "__typename": "ImagePost", "id": "i", "createdAt": "today", "url": "/i.png", "width": 3, "height": 4,
    }  # fmt: skip
    text: Object = {"__typename": "TextPost", "id": "t", "createdAt": "yesterday", "body": "Hello"}
    roots = {"Query.feed": [image, text, None], "Query.image": image, "Query.images": [image]}
    return Federation(
        "override_interface", [image, text], roots, own={"old": {"ImagePost.createdAt": "long ago"}}
    )


FEED = "{ feed { id createdAt } }"


def test_a_field_of_an_interface_is_asked_type_by_type_where_one_has_moved() -> None:
    federation = posts()

    # TextPost.createdAt is the same resolver in the old subgraph, and stays there.
    assert federation.plans(
        FEED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "old") {
              feed {
                __typename
                id
                ... on ImagePost {
                  id
                }
                ... on TextPost {
                  createdAt
                }
              }
            },
            Flatten(path: "feed.@") {
              Fetch(service: "new") {
                {
                  ... on ImagePost { __typename id }
                } =>
                {
                  ... on ImagePost {
                    createdAt
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(federation, FEED)


@pytest.mark.parametrize(
    "query",
    [
        "{ image { createdAt url } }",
        "{ images { createdAt } }",
        "{ feed { ... on ImagePost { createdAt } ... on TextPost { body } } }",
        "{ feed { __typename created: createdAt } images { ... on ImagePost { url } } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(posts(), query)


def test_a_field_that_comes_from_a_subgraph_that_is_gone_has_moved() -> None:
    assert_answers_like_one_schema(posts(), "{ image { width height } }")
