"""The plain case: entities by one key, asked in as few requests as possible."""

import json

import httpx

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema, json_response, unhurried


def library() -> Federation:
    ada: Object = {"__typename": "Author", "id": "a1", "name": "Ada"}
    emma: Object = {
        "__typename": "Book",
        "isbn": "1",
        "title": "Emma",
        "pages": 400,
        "author": ada,
        "isLent": True,
    }
    ulysses: Object = {"__typename": "Book", "isbn": "2", "title": "Ulysses", "pages": None, "isLent": False}
    ben: Object = {"__typename": "Member", "id": "m1", "email": "ben@example.com", "favourite": ulysses}
    loan: Object = {"__typename": "Loan", "book": emma, "member": ben, "days": 3}
    emma["loans"], ulysses["loans"], ben["loans"] = [loan, loan], [], [loan, loan]
    books = [emma, ulysses]
    roots = {
        "Query.books": lambda first: books[:first],
        "Query.book": lambda isbn: next((each for each in books if each["isbn"] == isbn), None),
        "Query.me": ben,
        "Query.members": [ben, None],
    }
    return Federation("library", [ada, ben, *books], roots)


ONE_PAGE = "{ me { email loans { days book { title isLent author { name } } } favourite { title } } }"


def test_fetches_that_need_nothing_from_each_other_run_side_by_side() -> None:
    assert library().plans(
        ONE_PAGE,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "members") {
              me {
                email
                id
                favourite {
                  isbn
                }
              }
            },
            Parallel {
              Flatten(path: "me") {
                Fetch(service: "loans") {
                  {
                    ... on Member { __typename id }
                  } =>
                  {
                    ... on Member {
                      loans {
                        days
                        book {
                          isbn
                          isLent
                        }
                      }
                    }
                  }
                }
              },
              Flatten(path: "me.favourite") {
                Fetch(service: "books") {
                  {
                    ... on Book { __typename isbn }
                  } =>
                  {
                    ... on Book {
                      title
                    }
                  }
                }
              },
            },
            Flatten(path: "me.loans.@.book") {
              Fetch(service: "books") {
                {
                  ... on Book { __typename isbn }
                } =>
                {
                  ... on Book {
                    title
                    author {
                      name
                    }
                  }
                }
              }
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(library(), ONE_PAGE)


BOTH_WAYS = "{ books { loans { member { email } } } members { loans { book { title } } } }"


def test_entities_wanted_at_one_step_from_one_subgraph_share_a_request() -> None:
    federation = library()

    assert federation.plans(
        BOTH_WAYS,
        """
        QueryPlan {
          Sequence {
            Parallel {
              Fetch(service: "books") {
                books {
                  isbn
                }
              },
              Fetch(service: "members") {
                members {
                  id
                }
              },
            },
            Batch {
              Flatten(path: "books.@") {
                Fetch(service: "loans") {
                  {
                    ... on Book { __typename isbn }
                  } =>
                  {
                    ... on Book {
                      loans {
                        member {
                          id
                        }
                      }
                    }
                  }
                }
              },
              Flatten(path: "members.@") {
                Fetch(service: "loans") {
                  {
                    ... on Member { __typename id }
                  } =>
                  {
                    ... on Member {
                      loans {
                        book {
                          isbn
                        }
                      }
                    }
                  }
                }
              },
            },
            Parallel {
              Flatten(path: "books.@.loans.@.member") {
                Fetch(service: "members") {
                  {
                    ... on Member { __typename id }
                  } =>
                  {
                    ... on Member {
                      email
                    }
                  }
                }
              },
              Flatten(path: "members.@.loans.@.book") {
                Fetch(service: "books") {
                  {
                    ... on Book { __typename isbn }
                  } =>
                  {
                    ... on Book {
                      title
                    }
                  }
                }
              },
            },
          }
        }
        """,
    )
    assert_answers_like_one_schema(federation, BOTH_WAYS)
    assert {name: len(federation.sent_to(name)) for name in federation.subgraphs} == {
        "books": 2,
        "loans": 1,
        "members": 2,
    }


def test_a_reference_needs_no_request_when_only_its_key_is_asked() -> None:
    federation = library()

    assert_answers_like_one_schema(federation, "{ me { favourite { isbn } } }")
    assert federation.request_count() == 1


def test_a_subgraph_with_an_unresolvable_key_is_never_asked_for_the_entity() -> None:
    query = "{ books { title isLent } }"
    federation = library()

    assert_answers_like_one_schema(federation, query)
    assert not federation.sent_to("members")


def test_the_same_field_twice_in_different_shapes_is_answered_in_both() -> None:
    query = "{ a: book(isbn: 1) { t: title title } b: book(isbn: 2) { title: pages loans { days } } c: book(isbn: 3) { title } }"

    assert_answers_like_one_schema(library(), query)


def test_fragments_are_merged_into_one_selection() -> None:
    query = """
        query Q { me { ...M loans { ...L } } }
        fragment M on Member { id loans { days } }
        fragment L on Loan { ...D book { ...B } }
        fragment D on Loan { book { title } }
        fragment B on Book { isLent title }
    """
    federation = library()

    assert_answers_like_one_schema(federation, query)
    assert federation.request_count() == 3


# --- more entities than one request may ask about -------------------------------------------------------------------


def many_books(count: int, **settings: int) -> Federation:
    books: list[Object] = [
        {"__typename": "Book", "isbn": str(n), "title": f"Book {n}", "isLent": n % 2 == 0, "loans": []}
        for n in range(count)
    ]
    roots = {"Query.books": books, "Query.members": []}
    return Federation("library", books, roots, settings=unhurried(**settings))


def asked_at_once(federation: Federation) -> list[int]:
    """For each request to `loans`, how many representations it carried."""
    return [
        sum(len(each) for each in request["variables"].values()) for request in federation.sent_to("loans")
    ]


def test_many_entities_are_asked_about_in_portions() -> None:
    federation = many_books(250)

    data = assert_answers_like_one_schema(federation, "{ books { isbn isLent } }")

    assert len(data["books"]) == 250
    assert asked_at_once(federation) == [100, 100, 50]


def test_a_portion_counts_all_entities_fields_of_a_request() -> None:
    federation = many_books(5, entities_per_request=4)

    assert_answers_like_one_schema(federation, "{ books { isLent } other: books { loans { days } } }")

    assert asked_at_once(federation) == [4, 4, 2]


def test_no_entities_are_no_request() -> None:
    federation = many_books(0)

    assert federation.ask("{ books { isLent } }") == {"data": {"books": []}}
    assert asked_at_once(federation) == []


def test_a_portion_that_fails_costs_its_own_entities_only() -> None:
    federation = many_books(5, entities_per_request=2)
    failing = json.dumps("2")

    def answer(request: httpx.Request) -> httpx.Response:
        if failing.encode() in request.content:
            raise httpx.ConnectError("Connection refused")
        return json_response(federation.subgraphs["loans"].answer(json.loads(request.content)))

    federation.broken["loans"] = answer

    found = federation.ask("{ books { loans { days } } }")

    assert [each["loans"] for each in found["data"]["books"]] == [[], [], None, None, []]
    assert [each["path"] for each in found["errors"]] == [["books", 2, "loans"], ["books", 3, "loans"]]


def test_an_error_in_a_later_portion_is_told_at_its_own_place() -> None:
    federation = many_books(3, entities_per_request=2)

    def answer(request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)["variables"]["representations"]
        error = {"message": "Lost", "path": ["_entities", len(sent) - 1, "loans"]}
        return json_response({"data": {"_entities": [{"loans": None}] * len(sent)}, "errors": [error]})

    federation.broken["loans"] = answer

    found = federation.ask("{ books { loans { days } } }")

    assert [each["path"] for each in found["errors"]] == [["books", 1, "loans"], ["books", 2, "loans"]]
