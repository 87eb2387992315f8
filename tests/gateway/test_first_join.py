"""Join specification v0.1, as Federation 1 composed it; and `Query` reached again below a field."""

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
    roots = {
        "Query.me": ann,
        "Query.posts": [post],
        "Mutation.write": lambda **_: {
            "__typename": "Written",
            "post": post,
            "query": {"__typename": "Query"},
        },
    }
    return Federation("first_join", [ann, post], roots)


AFTER_WRITING = 'mutation { write(body: "x") { post { likes } query { posts { body } me { email } } } }'


def test_the_query_below_a_mutation_reaches_every_subgraph() -> None:
    assert blog().plans(
        AFTER_WRITING,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "posts") {
              write(body: "x") {
                post {
                  id
                }
                query {
                  posts {
                    body
                  }
                }
              }
            },
            Parallel {
              Flatten(path: "write.post") {
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
              Flatten(path: "write.query") {
                Fetch(service: "accounts") {
                  me {
                    email
                  }
                }
              },
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(blog(), AFTER_WRITING)


@pytest.mark.parametrize(
    "query",
    [
        "{ me { posts { id body author { email } } signature liked { likes body } } }",
        "{ posts { author { login liked { id } signature email } likes } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(blog(), query)
