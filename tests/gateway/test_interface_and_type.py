"""An object asked about as its interface and as its type in one request: both bring a part of the same inner object."""

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def people() -> Federation:
    ann: Object = {"__typename": "Author", "id": "a", "age": 40, "nickname": "older than Ben"}
    ben: Object = {"__typename": "Author", "id": "b", "age": 30, "nickname": None, "friend": ann}
    ann["friend"] = ben
    lone: Object = {"__typename": "Author", "id": "c", "age": 20, "nickname": "alone", "friend": None}
    everybody = [ann, ben, lone]
    return Federation("interface_and_type", everybody, {"Query.people": everybody})


BOTH = "{ people { friend { id } ... on Author { nickname } } }"


def test_what_two_parts_of_a_request_bring_of_one_object_is_joined() -> None:
    assert people().plans(
        BOTH,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "people") {
              people {
                __typename
                id
                ... on Author {
                  id
                }
              }
            },
            Batch {
              Flatten(path: "people.@") {
                Fetch(service: "friends") {
                  {
                    ... on Person { __typename id }
                  } =>
                  {
                    ... on Person {
                      __typename
                      friend {
                        id
                      }
                    }
                  }
                }
              },
              Flatten(path: "people.@") {
                Fetch(service: "friends") {
                  {
                    ... on Author { __typename id }
                  } =>
                  {
                    ... on Author {
                      friend {
                        age
                      }
                    }
                  }
                }
              },
            },
            Flatten(path: "people.@") {
              Fetch(service: "names") {
                {
                  ... on Author { __typename id friend { age } }
                } =>
                {
                  ... on Author {
                    nickname
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(people(), BOTH)
