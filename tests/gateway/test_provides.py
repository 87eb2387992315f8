"""@provides: plain, nested, and for some members of a union."""

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def reviews() -> Federation:
    address: Object = {"__typename": "Address", "city": "Rome", "street": "Via Appia"}
    ann: Object = {"__typename": "User", "id": "u1", "name": "Ann", "age": 7, "address": address}
    film: Object = {"__typename": "Film", "id": "f1", "title": "Up"}
    song: Object = {"__typename": "Song", "id": "s1", "title": "La mer"}
    found: list[Object] = [
        {"__typename": "Review", "id": "r1", "text": "Good", "author": ann, "subject": film},
        {"__typename": "Review", "id": "r2", "text": "Bad", "author": None, "subject": song},
    ]
    return Federation(
        "provides", [ann, film, song, *found], {"Query.reviews": found, "Query.latestAuthor": ann}
    )


def test_a_provided_field_is_taken_where_it_is() -> None:
    federation = reviews()

    assert_answers_like_one_schema(federation, "{ reviews { author { name address { city } } } }")
    assert federation.request_count() == 1


def test_the_same_field_is_fetched_where_nothing_provides_it() -> None:
    federation = reviews()

    assert_answers_like_one_schema(federation, "{ latestAuthor { name } }")
    assert len(federation.sent_to("users")) == 1


MORE_THAN_PROVIDED = "{ reviews { author { name address { city street } age } } }"


def test_what_is_not_provided_is_fetched() -> None:
    assert reviews().plans(
        MORE_THAN_PROVIDED,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "reviews") {
              reviews {
                author {
                  name
                  id
                }
              }
            },
            Flatten(path: "reviews.@.author") {
              Fetch(service: "users") {
                {
                  ... on User { __typename id }
                } =>
                {
                  ... on User {
                    address {
                      city
                      street
                    }
                    age
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(reviews(), MORE_THAN_PROVIDED)


OF_A_UNION = "{ reviews { subject { ... on Film { title } ... on Song { title } } } }"


def test_a_field_is_provided_for_one_member_of_a_union_only() -> None:
    assert reviews().plans(
        OF_A_UNION,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "reviews") {
              reviews {
                subject {
                  __typename
                  ... on Film {
                    title
                  }
                  ... on Song {
                    id
                  }
                }
              }
            },
            Flatten(path: "reviews.@.subject") {
              Fetch(service: "users") {
                {
                  ... on Song { __typename id }
                } =>
                {
                  ... on Song {
                    title
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(reviews(), OF_A_UNION)
