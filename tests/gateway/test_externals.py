"""@external in all its forms: on keys, on what is required or provided, on a whole type; Federation 1 and 2."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def letters() -> Federation:
    ann: Object = {
        "__typename": "User",
        "id": "1",
        "email": "ann@example.com",
        "name": "Ann",
        "profile": {"__typename": "Profile", "nick": "A."},
        "greeting": "Dear Ann",
        "mails": 3,
        "age": 40,
        "label": "A., 40",
    }
    ben: Object = ann | {
        "id": "2",
        "email": "ben@example.com",
        "profile": None,
        "label": None,
        "lastPost": None,
    }
    post: Object = {"__typename": "Post", "text": "Hello", "author": ann, "reader": ben}
    ann["lastPost"] = post
    roots = {"Query.users": [ann, ben], "Query.posts": [post], "Query.mailed": [ben], "Query.oldest": ann}
    return Federation("externals", [ann, ben], roots)


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("{ posts { author { name } } }", 1),
        ("{ posts { reader { name } } }", 2),
        ("{ posts { author { id } reader { id } } }", 1),
        ("{ posts { author { greeting } } }", 2),
        ("{ mailed { email mails } }", 1),
        ("{ mailed { id } }", 2),
        ("{ mailed { email name mails age } }", 3),
        ("{ oldest { id age } }", 1),
        ("{ oldest { label } }", 3),
        ("{ oldest { label profile { nick } mails } }", 4),
        ("{ users { label greeting mails lastPost { author { name label } } } }", 6),
    ],
)
def test_an_external_field_is_taken_only_where_it_is_promised(query: str, requests: int) -> None:
    federation = letters()

    assert_answers_like_one_schema(federation, query)
    assert federation.request_count() == requests


OLDEST = "{ oldest { label profile { nick } } }"


def test_of_a_type_that_is_external_as_a_whole_nothing_is_taken() -> None:
    assert letters().plans(
        OLDEST,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "ages") {
              oldest {
                id
              }
            },
            Flatten(path: "oldest") {
              Fetch(service: "users") {
                {
                  ... on User { __typename id }
                } =>
                {
                  ... on User {
                    profile {
                      nick
                    }
                  }
                }
              }
            },
            Flatten(path: "oldest") {
              Fetch(service: "ages") {
                {
                  ... on User { __typename id profile { nick } }
                } =>
                {
                  ... on User {
                    label
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(letters(), OLDEST)
