"""What is kept between requests, and what must not be; variables, mutations, introspection."""

import pytest

from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation, assert_answers_like_one_schema, unhurried

BOOK = "query ($isbn: ID!) { book(isbn: $isbn) { title isLent } }"


def test_a_cached_plan_uses_each_requests_own_variables() -> None:
    federation = library()

    first = federation.ask(BOOK, {"isbn": "1"})
    second = federation.ask(BOOK, {"isbn": "2"})
    nothing = federation.ask(BOOK, {"isbn": "none"})

    assert first == {"data": {"book": {"title": "Emma", "isLent": True}}}
    assert second == {"data": {"book": {"title": "Ulysses", "isLent": False}}}
    assert nothing == {"data": {"book": None}}


def test_a_cached_plan_uses_each_callers_own_headers() -> None:
    federation = library()

    for token in (b"Bearer ann", b"Bearer ben", b""):
        federation.ask(BOOK, {"isbn": "1"}, headers=((b"authorization", token),) if token else ())

    seen = [headers.get("authorization") for headers in federation.subgraphs["books"].headers]
    assert seen == ["Bearer ann", "Bearer ben", None]


def test_a_plan_is_cached_for_the_values_of_its_conditions_only() -> None:
    query = "query ($isbn: ID!, $lent: Boolean!) { book(isbn: $isbn) { title isLent @include(if: $lent) } }"
    federation = library()

    for isbn in ("1", "2", "3"):
        for lent in (True, False):
            federation.ask(query, {"isbn": isbn, "lent": lent})

    assert len(federation.pipeline._plans) == 2


def test_the_plan_cache_forgets_the_least_recently_used() -> None:
    base = library()
    federation = Federation(
        "library", list(base.world.objects), base.world.roots, settings=unhurried(plan_cache_entries=3)
    )

    for number in range(10):
        federation.ask(f"{{ a{number}: book(isbn: 1) {{ title }} }}")

    assert len(federation.pipeline._plans) == 3


def test_a_large_operation_takes_the_place_of_several_small_ones() -> None:
    base = library()
    federation = Federation(
        "library", list(base.world.objects), base.world.roots, settings=unhurried(plan_cache_entries=10)
    )
    large = "{ " + " ".join(f"a{n}: me {{ id }}" for n in range(20)) + " }"
    commented = "{ me { id } } #" + "x" * 10_000

    kept = []
    for query in (
        "{ me { id } }",
        "{ me { email } }",
        large,
        *[f"{large} #{n}" for n in range(5)],
        commented,
    ):
        assert "errors" not in federation.ask(query)
        kept.append((len(federation.pipeline._operations), len(federation.pipeline._plans)))

    assert kept == [(1, 1), (2, 2), (3, 3), (2, 2), *[(2, 2)] * 5]


def test_only_used_variables_are_sent() -> None:
    query = """query ($isbn: ID!, $first: Int = 1) {
      book(isbn: $isbn) { isLent }
      books(first: $first) { title }
    }"""
    federation = library()

    assert_answers_like_one_schema(federation, query, isbn="2")
    sent = {tuple(sorted(request.get("variables", {}))) for request in federation.sent_to("books")}
    assert sent == {("first", "isbn")}
    assert {tuple(request["variables"]) for request in federation.sent_to("loans")} == {("representations",)}


@pytest.mark.parametrize(
    "variables", [{}, {"isbn": None}, {"isbn": {"x": 1}}, {"isbn": [1, 2]}, {"isbn": True}]
)
def test_a_bad_variable_is_refused_before_anything_is_asked(variables: dict[str, object]) -> None:
    federation = library()

    answer = federation.ask(BOOK, variables)

    assert "data" not in answer
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["BAD_USER_INPUT"]
    assert federation.request_count() == 0


def test_strings_of_every_kind_reach_the_subgraph_as_they_were_written() -> None:
    federation = library()
    seen: list[str] = []
    federation.world.roots["Query.book"] = lambda **given: seen.append(given["isbn"])  # type: ignore[index]

    federation.ask('{ a: book(isbn: "two  spaces \\n \\"quoted\\" \\u00e9 # no comment") { isbn } }')
    federation.ask('{ a: book(isbn: """\n    block\n      of  text\n    """) { isbn } }')

    assert seen == ['two  spaces \n "quoted" é # no comment', "block\n  of  text"]


# --- mutations ------------------------------------------------------------------------------------------------------


def changing() -> tuple[Federation, list[str]]:
    federation = library()
    done: list[str] = []
    emma = federation.world.objects[2]
    roots = federation.world.roots
    roots["Mutation.addBook"] = lambda isbn, **_: done.append(f"add {isbn}") or emma  # type: ignore[index]
    roots["Mutation.lend"] = lambda isbn, **_: done.append(f"lend {isbn}") or emma["loans"][0]  # type: ignore[index]
    roots["Mutation.rename"] = lambda id, **_: done.append(f"rename {id}") or federation.world.objects[1]  # type: ignore[index]  # noqa: A006
    return federation, done


ACROSS = """mutation {
  lend(isbn: 1, member: "m") { days book { title } }
  first: addBook(isbn: "2", title: "x") { isbn }
  second: addBook(isbn: "3", title: "y") { isLent }
  rename(id: "m1", email: "x") { email }
}"""


def test_mutations_run_one_after_another_across_subgraphs() -> None:
    federation, done = changing()

    answer = federation.ask(ACROSS)

    assert done == ["lend 1", "add 2", "add 3", "rename m1"]
    assert list(answer["data"]) == ["lend", "first", "second", "rename"]
    assert answer["data"]["second"] == {"isLent": True}


def test_each_mutation_is_finished_before_the_next_one_starts() -> None:
    federation, _ = changing()

    assert federation.plans(
        ACROSS,
        """
        QueryPlan {
          Sequence {
            Fetch(service: "loans") {
              lend(isbn: 1, member: "m") {
                days
                book {
                  isbn
                }
              }
            },
            Flatten(path: "lend.book") {
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
            Fetch(service: "books") {
              first: addBook(isbn: "2", title: "x") {
                isbn
              }
              second: addBook(isbn: "3", title: "y") {
                isbn
              }
            },
            Flatten(path: "second") {
              Fetch(service: "loans") {
                {
                  ... on Book { __typename isbn }
                } =>
                {
                  ... on Book {
                    isLent
                  }
                }
              }
            },
            Fetch(service: "members") {
              rename(id: "m1", email: "x") {
                email
              }
            },
          }
        }
        """,
    )


# --- introspection --------------------------------------------------------------------------------------------------


def test_introspection_is_answered_here_beside_other_fields() -> None:
    query = """query ($name: String!) {
      ...Types
      book(isbn: 1) { title }
      __type(name: $name) { fields(includeDeprecated: true) { name deprecationReason } }
    }
    fragment Types on Query { __schema { queryType { name } } __typename }"""

    assert_answers_like_one_schema(library(), query, name="Book")


def test_introspection_keeps_descriptions_and_hides_the_machinery() -> None:
    answer = library().ask(
        '{ __type(name: "Book") { description } __schema { types { name } directives { name } } }'
    )

    assert answer["data"]["__type"] == {"description": "What the library owns."}
    names = {each["name"] for kind in ("types", "directives") for each in answer["data"]["__schema"][kind]}
    assert not {name for name in names if name.startswith(("join", "link", "core"))}


@pytest.mark.parametrize("introspection", [True, False])
def test_names_are_suggested_only_to_those_who_may_read_the_schema(*, introspection: bool) -> None:
    base = library()
    federation = Federation("library", [], base.world.roots, settings=unhurried(introspection=introspection))

    answer = federation.ask("{ me { emial } }")

    assert ("Did you mean 'email'?" in answer["errors"][0]["message"]) is introspection


def test_introspection_can_be_switched_off() -> None:
    base = library()
    federation = Federation("library", [], base.world.roots, settings=unhurried(introspection=False))

    answer = federation.ask("{ a: __schema { queryType { name } } }")

    assert [each["extensions"]["code"] for each in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
    assert federation.ask("{ __typename }") == {"data": {"__typename": "Query"}}


# --- operations -----------------------------------------------------------------------------------------------------

TWO = "query A { me { id } } query B { me { email } }"


def test_the_operation_name_chooses() -> None:
    assert library().ask(TWO, operation_name="B") == {"data": {"me": {"email": "ben@example.com"}}}


@pytest.mark.parametrize(
    ("query", "name", "code"),
    [
        (TWO, None, "BAD_REQUEST"),
        (TWO, "C", "BAD_REQUEST"),
        ("{ me", None, "GRAPHQL_PARSE_FAILED"),
        ("", None, "GRAPHQL_PARSE_FAILED"),
        ("{ me { nothing } }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("fragment A on Book { isbn }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("type A { b: Int }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...A } fragment A on Query { ...A }", None, "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
            None,
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ _entities { x } }", None, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_a_refused_operation_has_a_code_and_no_data(query: str, name: str | None, code: str) -> None:
    answer = library().ask(query, operation_name=name)

    assert "data" not in answer
    assert {each["extensions"]["code"] for each in answer["errors"]} == {code}


def test_the_plan_is_shown_on_request_where_that_is_allowed() -> None:
    base = library()
    federation = Federation(
        "library", list(base.world.objects), base.world.roots, settings=unhurried(show_plans=True)
    )

    shown = federation.ask("{ me { id } }", wants_plan=True)

    assert shown["extensions"]["queryPlan"].startswith("QueryPlan {")
    assert "extensions" not in federation.ask("{ me { id } }")
    assert "extensions" not in library().ask("{ me { id } }", wants_plan=True)
