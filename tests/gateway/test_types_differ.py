"""Fields whose nullability differs by subgraph, keys with entities inside, provided fields of interfaces."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def entries() -> Federation:
    entry: Object = {"__typename": "Entry", "id": "1", "title": "T", "body": "B"}
    entry["owner"] = {"__typename": "Owner", "entry": entry, "number": 7, "name": "N"}
    roots = {"Query.entry": lambda **_: entry, "Query.entries": [entry, None]}
    return Federation("types_differ", [entry, entry["owner"]], roots)


@pytest.mark.parametrize(
    "query",
    [
        "{ entry(id: 1) { title body } }",
        "{ entries { title body owner { name } } }",
        "{ entries { owner { name entry { owner { number name } body } } } }",
        "{ entry(id: 1) { id: title title: id owner { n: number number: name } } }",
        "{ entry(id: 1) { body owner { entry { id @skip(if: true) } } } }",
        "{ entry(id: 1) { body owner { number @include(if: false) } } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(entries(), query)


def feed() -> Federation:
    text: Object = {"__typename": "Text", "id": "t", "title": "T", "views": 1, "words": 2}
    image: Object = {"__typename": "Image", "id": "i", "title": "I", "views": 3}
    roots = {"Query.feed": [text, image], "Query.pinned": [image, text], "Query.plain": [text, image]}
    return Federation("provides_interface", [text, image], roots)


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("{ feed { title } }", 1),
        ("{ pinned { title } }", 2),
        ("{ plain { title views } }", 2),
        ("{ feed { id title views } pinned { ... on Text { title words } } }", 2),
    ],
)
def test_what_is_provided_below_an_interface_is_not_fetched(query: str, requests: int) -> None:
    federation = feed()

    assert_answers_like_one_schema(federation, query)
    assert federation.request_count() == requests


def people() -> Federation:
    """`best` is a Node in one subgraph and a User in the other; the key `code` is inaccessible to clients."""
    ann: Object = {"__typename": "User", "id": "u", "code": 1, "name": "Ann"}
    group: Object = {"__typename": "Group", "id": "g", "title": "T"}
    ben: Object = {
        "__typename": "User",
        "id": "v",
        "code": 2,
        "name": "Ben",
        "best": ann,
        "group": None,
        "many": None,
    }
    ann.update(best=ben, group=group, many=[ann, ben])
    return Federation("covariant", [ann, ben, group], {"Query.general": ben, "Query.special": ann})


@pytest.mark.parametrize(
    "query",
    [
        "{ special { best { __typename id } } general { best { __typename id } } }",
        "{ special { best { ... on User { name group { title } } ... on Group { title } } } }",
        "{ general { best { ... on User { best { id ... on User { name } } } } } }",
        "{ special { many { id name group { id } } } }",
        "{ general { group { id } many { name } } }",
    ],
)
def test_a_field_may_have_a_narrower_type_in_one_subgraph(query: str) -> None:
    assert_answers_like_one_schema(people(), query)


def test_an_inaccessible_key_serves_the_gateway_only() -> None:
    answer = people().ask("{ general { code } }")

    assert [each["extensions"]["code"] for each in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]


FEED = "{ feed { title } pinned { ... on Text { title words } } }"


def test_what_is_provided_below_an_interface_is_taken_there() -> None:
    assert feed().plans(
        FEED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "feed") {
              feed {
                __typename
                title
              }
              pinned {
                __typename
                ... on Text {
                  title
                  id
                }
              }
            },
            Flatten(path: "pinned.@") {
              Fetch(service: "posts") {
                {
                  ... on Text { __typename id }
                } =>
                {
                  ... on Text {
                    words
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(feed(), FEED)


BEST = "{ special { best { ... on User { name group { title } } ... on Group { title } } } }"


def test_each_subgraph_is_asked_for_the_type_it_says() -> None:
    assert people().plans(
        BEST,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "special") {
              special {
                code
              }
            },
            Flatten(path: "special") {
              Fetch(service: "general") {
                {
                  ... on User { __typename code }
                } =>
                {
                  ... on User {
                    best {
                      __typename
                      ... on User {
                        code
                        group {
                          title
                        }
                      }
                      ... on Group {
                        title
                      }
                    }
                  }
                }
              }
            },
            Flatten(path: "special.best") {
              Fetch(service: "special") {
                {
                  ... on User { __typename code }
                } =>
                {
                  ... on User {
                    name
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(people(), BEST)


OWNERS = "{ entries { owner { name } } }"


def test_a_key_may_hold_an_entity() -> None:
    assert entries().plans(
        OWNERS,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "plain") {
              entries {
                owner {
                  entry {
                    id
                  }
                  number
                }
              }
            },
            Flatten(path: "entries.@.owner") {
              Fetch(service: "loose") {
                {
                  ... on Owner { __typename entry { id } number }
                } =>
                {
                  ... on Owner {
                    name
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(entries(), OWNERS)
