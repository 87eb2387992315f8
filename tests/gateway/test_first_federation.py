"""Federation 1 subgraphs: `extend type`, `@extends`, external keys."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def blog() -> Federation:
    ann: Object = {
        "__typename": "User",
        "id": "u1",
        "login": "ann",
        "email": "ann@example.com",
        "signature": "A.",
    }
    post: Object = {"__typename": "Post", "id": "p1", "author": ann, "body": "Hello", "likes": 3}
    ann["posts"], ann["liked"] = [post], [post, None]
    return Federation("first_federation", [ann, post], {"Query.me": ann, "Query.posts": [post]})


SIGNED = "{ posts { author { signature liked { id } } } }"


def test_extended_types_are_entities_like_others() -> None:
    assert blog().plans(
        SIGNED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "posts") {
              posts {
                author {
                  id
                  email
                }
              }
            },
            Parallel {
              Flatten(path: "posts.@.author") {
                Fetch(service: "posts") {
                  {
                    ... on User { __typename id email }
                  } =>
                  {
                    ... on User {
                      signature
                    }
                  }
                }
              },
              Flatten(path: "posts.@.author") {
                Fetch(service: "accounts") {
                  {
                    ... on User { __typename id }
                  } =>
                  {
                    ... on User {
                      login
                    }
                  }
                }
              },
            },
            Flatten(path: "posts.@.author") {
              Fetch(service: "likes") {
                {
                  ... on User { __typename login }
                } =>
                {
                  ... on User {
                    liked {
                      id
                    }
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(blog(), SIGNED)


@pytest.mark.parametrize(
    "query",
    [
        "{ me { posts { id body author { email } } signature liked { likes body } } }",
        "{ posts { author { id email } } }",
        "{ posts { author { login } likes } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(blog(), query)
