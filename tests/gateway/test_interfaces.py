"""Interfaces and unions whose types, or whose types' fields, differ by subgraph."""

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def store() -> Federation:
    """`store` knows the title of a book but not of a movie; ratings are elsewhere, for each type in its own place."""
    ed: Object = {"__typename": "Person", "name": "Ed", "born": 1900}
    studio: Object = {"__typename": "Studio", "name": "MGM", "city": "Los Angeles"}
    book: Object = {"__typename": "Book", "id": "b", "title": "Emma", "maker": ed, "pages": 10, "rating": 4}
    movie: Object = {
        "__typename": "Movie",
        "id": "m",
        "title": "Up",
        "maker": studio,
        "minutes": 90,
        "rating": 5,
    }
    short: Object = {
        "__typename": "Movie",
        "id": "s",
        "title": "Hi",
        "maker": ed,
        "minutes": 9,
        "rating": None,
    }
    poster: Object = {"__typename": "Poster", "size": "L"}
    roots = {
        "Query.media": [book, movie, None, short],
        "Query.node": lambda **_: movie,
        "Query.fiction": [movie, book],
        "Query.shelf": [book, poster],
    }
    return Federation("interfaces", [ed, studio, book, movie, short], roots)


TITLES = "{ media { id title } }"


def test_a_field_one_type_lacks_is_fetched_for_that_type_only() -> None:
    assert store().plans(
        TITLES,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "store") {
              media {
                __typename
                id
                ... on Movie {
                  id
                }
                ... on Book {
                  title
                }
              }
            },
            Flatten(path: "media.@") {
              Fetch(service: "films") {
                {
                  ... on Movie { __typename id }
                } =>
                {
                  ... on Movie {
                    title
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(store(), TITLES)


BY_TYPE = "{ media { ... on Book { rating maker { ... on Person { born } } } ... on Movie { rating } } }"


def test_type_conditions_on_the_way_are_part_of_the_path() -> None:
    assert store().plans(
        BY_TYPE,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "store") {
              media {
                __typename
                ... on Movie {
                  id
                }
                ... on Book {
                  id
                  maker {
                    __typename
                    ... on Person {
                      name
                    }
                  }
                }
              }
            },
            Parallel {
              Batch {
                Flatten(path: "media.@") {
                  Fetch(service: "films") {
                    {
                      ... on Movie { __typename id }
                    } =>
                    {
                      ... on Movie {
                        rating
                      }
                    }
                  }
                },
                Flatten(path: "media.@|[Book].maker") {
                  Fetch(service: "films") {
                    {
                      ... on Person { __typename name }
                    } =>
                    {
                      ... on Person {
                        born
                      }
                    }
                  }
                },
              },
              Flatten(path: "media.@") {
                Fetch(service: "prints") {
                  {
                    ... on Book { __typename id }
                  } =>
                  {
                    ... on Book {
                      rating
                    }
                  }
                }
              },
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(store(), BY_TYPE)


@pytest.mark.parametrize(
    "query",
    [
        "{ media { __typename } }",
        "{ media { __typename id title } }",
        "{ media { maker { name } } }",
        "{ media { kind: __typename maker { __typename ... on Person { born } ... on Studio { city } } } }",
        "{ media { ... on Movie { maker { ... on Person { born } } } ... on Book { maker { name } } } }",
        "{ node(id: 1) { title ... on Book { pages } } }",
        "{ fiction { ... on Media { id title maker { name } } } }",
        "{ fiction { ... on Book { title } } }",
        "{ fiction { __typename } }",
        "{ shelf { ... on Book { title rating } ... on Poster { size } } }",
        "{ shelf { ... on Media { title } } }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(store(), query)
