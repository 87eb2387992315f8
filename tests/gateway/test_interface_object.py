"""@interfaceObject: subgraphs that add fields to an interface without knowing its types."""

import httpx
import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def media() -> Federation:
    book: Object = {
        "__typename": "Book", "id": "b", "title": "Emma", "pages": 3, "stars": 4, "shelfMark": "E-1", "price": 10,
    }  # fmt: skip
    movie: Object = {
        "__typename": "Movie", "id": "m", "title": "Up", "minutes": 9, "stars": 2, "shelfMark": "U-1", "comments": [],
    }  # fmt: skip
    on_book: Object = {"__typename": "Comment", "text": "Long", "on": book}
    on_movie: Object = {"__typename": "Comment", "text": "Short", "on": movie}
    book["comments"] = [on_book]
    roots = {
        "Query.media": [book, movie],
        "Query.book": book,
        "Query.bestMedia": movie,
        "Query.comments": [on_book, on_movie],
    }
    return Federation("interface_object", [book, movie], roots)


ADDED = "{ media { title stars shelfMark } }"


def test_added_fields_are_fetched_under_the_interfaces_name() -> None:
    assert media().plans(
        ADDED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "media") {
              media {
                __typename
                title
                id
              }
            },
            Parallel {
              Flatten(path: "media.@") {
                Fetch(service: "reviews") {
                  {
                    ... on Media { __typename id }
                  } =>
                  {
                    ... on Media {
                      stars
                    }
                  }
                }
              },
              Flatten(path: "media.@") {
                Fetch(service: "shops") {
                  {
                    ... on Media { __typename id title }
                  } =>
                  {
                    ... on Media {
                      shelfMark
                    }
                  }
                }
              },
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(media(), ADDED)


CONCRETE = "{ comments { on { __typename stars ... on Book { price } } } }"


def test_the_concrete_type_is_asked_of_a_subgraph_that_knows_it() -> None:
    assert media().plans(
        CONCRETE,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "reviews") {
              comments {
                on {
                  id
                  stars
                }
              }
            },
            Flatten(path: "comments.@.on") {
              Fetch(service: "media") {
                {
                  ... on Media { __typename id }
                } =>
                {
                  ... on Media {
                    __typename
                  }
                  ... on Book {
                    id
                  }
                }
              }
            },
            Flatten(path: "comments.@.on") {
              Fetch(service: "prices") {
                {
                  ... on Book { __typename id }
                } =>
                {
                  ... on Book {
                    price
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(media(), CONCRETE)


def test_no_type_is_found_out_when_the_answer_does_not_depend_on_it() -> None:
    federation = media()

    assert_answers_like_one_schema(federation, "{ bestMedia { id stars } }")
    assert federation.request_count() == 1


@pytest.mark.parametrize(
    "query",
    [
        "{ media { id stars } }",
        "{ media { stars comments { text on { title stars } } } }",
        "{ book { stars pages } }",
        "{ bestMedia { __typename } }",
        "{ bestMedia { title } }",
        "{ bestMedia { shelfMark } }",
        "{ bestMedia { ... on Movie { minutes stars } ... on Book { pages } } }",
        "{ media { ... on Book { stars price } } }",
        "{ comments { on { ... on Book { stars } } } }",
        "{ comments { on { ... on Book { stars: title } ... on Movie { stars: title } } } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(media(), query)


def test_a_type_that_could_not_be_found_out_is_never_guessed() -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    federation = media()
    federation.broken["media"] = refused

    answer = federation.ask("{ bestMedia { kind: __typename stars } }")

    assert answer["data"] == {"bestMedia": None}
    assert [(each["path"], each["extensions"]["code"]) for each in answer["errors"]] == [
        (["bestMedia", "kind"], "SUBGRAPH_UNAVAILABLE")
    ]
