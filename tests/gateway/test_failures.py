"""A subgraph that fails, hangs or talks nonsense costs only the fields it owns; errors carry the client's paths."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.gateway.test_entities import library
from tests.gateway.test_keys import warehouse
from tests.gateway.test_requires import shop
from tests.gateway.testbed import Federation, json_response, unhurried
from tests.work import calls_made

UNAVAILABLE = "SUBGRAPH_UNAVAILABLE"


def refused(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused: 10.1.2.3")


async def never(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


def answering(content: Any) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: json_response(content)


def problems(answer: dict[str, Any]) -> list[tuple[list[str | int], str, str]]:
    return [
        (each["path"], each["extensions"]["code"], each["extensions"].get("service"))
        for each in answer["errors"]
    ]


def broken(name: str, how: Callable[[httpx.Request], Any], **settings: Any) -> Federation:
    federation = library()
    if settings:
        federation = Federation(
            "library", list(federation.world.objects), federation.world.roots, settings=unhurried(**settings)
        )
    federation.broken[name] = how
    return federation


def test_a_dead_subgraph_costs_one_error_at_its_field() -> None:
    answer = broken("loans", refused).ask("{ book(isbn: 1) { title loans { days } } }")

    assert answer["data"] == {"book": {"title": "Emma", "loans": None}}
    assert problems(answer) == [(["book", "loans"], UNAVAILABLE, "loans")]


def test_the_log_says_what_failed_and_in_which_request(caplog: pytest.LogCaptureFixture) -> None:
    federation = broken("loans", never, subgraph_timeout_s=0.05)
    federation.broken["books"] = refused

    federation.ask(
        "query($isbn: ID!) { me { email loans { days } } book(isbn: $isbn) { title } }",
        {"isbn": "secret"},
        request_id="r-7",
    )

    assert sorted(record.getMessage() for record in caplog.records) == [
        "request r-7: DEADLINE_EXCEEDED of subgraph loans: no answer in time",
        "request r-7: SUBGRAPH_UNAVAILABLE of subgraph books: ConnectError: Connection refused: 10.1.2.3",
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_many_requests_that_fail_alike_are_one_line(caplog: pytest.LogCaptureFixture) -> None:
    federation = broken("loans", refused, entities_per_request=1)

    federation.ask("{ books { loans { days } } }", request_id="r-8")

    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("request r-8: SUBGRAPH_UNAVAILABLE of subgraph loans: ")
    assert line.endswith(" (and 1 more)")


def test_what_a_subgraph_says_stays_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    def says(_: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("one\nINFO two" + "!" * 1000)

    broken("loans", says).ask("{ book(isbn: 1) { loans { days } } }")

    (line,) = [record.getMessage() for record in caplog.records]
    assert "one INFO two" in line
    assert len(line) < 400


def test_a_request_that_goes_well_leaves_no_line(caplog: pytest.LogCaptureFixture) -> None:
    library().ask("{ book(isbn: 1) { title loans { days } } }")

    assert caplog.records == []


def test_a_non_null_field_of_a_dead_subgraph_takes_its_parent_along_and_no_further() -> None:
    answer = broken("books", refused).ask("{ me { email favourite { isbn title } } }")

    assert answer["data"] == {"me": {"email": "ben@example.com", "favourite": None}}
    assert problems(answer) == [(["me", "favourite", "title"], UNAVAILABLE, "books")]


def test_there_is_one_error_for_each_place() -> None:
    answer = broken("loans", refused).ask("{ books { title late: loans { days } } }")

    assert answer["data"] == {
        "books": [{"title": "Emma", "late": None}, {"title": "Ulysses", "late": None}],
    }
    assert problems(answer) == [
        (["books", 0, "late"], UNAVAILABLE, "loans"),
        (["books", 1, "late"], UNAVAILABLE, "loans"),
    ]


def test_a_dead_subgraph_at_the_root_costs_its_root_fields() -> None:
    answer = broken("members", refused).ask("{ me { email } again: me { id } book(isbn: 1) { title } }")

    assert answer["data"] == {"me": None, "again": None, "book": {"title": "Emma"}}
    assert problems(answer) == [(["me"], UNAVAILABLE, "members"), (["again"], UNAVAILABLE, "members")]


def test_no_error_says_what_happened_inside() -> None:
    answer = broken("loans", refused).ask("{ books { loans { days } } }")

    assert {each["message"] for each in answer["errors"]} == {"The service 'loans' is not available."}


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda _: httpx.Response(200, content=b"<html>"),
        lambda _: httpx.Response(502, content=b"Bad gateway"),
        lambda _: httpx.Response(200, content=b"\xff\xfe"),
        lambda _: httpx.Response(200, content=b""),
        answering([]),
        answering(None),
        answering("data"),
        answering({}),
        answering({"data": []}),
        answering({"data": None}),
        answering({"errors": []}),
        answering({"errors": "no"}),
        answering({"data": {"_entities": None}}),
        answering({"data": {"_entities": {}}}),
        answering({"data": {"_entities": []}}),
        answering({"data": {"_entities": [None, None, None]}}),
        answering({"data": {"other": 1}}),
    ],
)
def test_an_answer_that_is_not_graphql_is_a_dead_subgraph(nonsense: Callable[[httpx.Request], Any]) -> None:
    answer = broken("loans", nonsense).ask("{ books { title loans { days } } }")

    assert [each["title"] for each in answer["data"]["books"]] == ["Emma", "Ulysses"]
    assert problems(answer) == [
        (["books", 0, "loans"], UNAVAILABLE, "loans"),
        (["books", 1, "loans"], UNAVAILABLE, "loans"),
    ]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([1, "x"], ["books", 0, "loans", 0]),
        ({"days": 1}, ["books", 0, "loans"]),
        ("text", ["books", 0, "loans"]),
        ([{"days": "many"}], ["books", 0, "loans", 0, "days"]),
        ([{"days": 2**40}], ["books", 0, "loans", 0, "days"]),
        ([{"days": {}}], ["books", 0, "loans", 0, "days"]),
        ([{"days": None}], ["books", 0, "loans", 0, "days"]),
        ([{}], ["books", 0, "loans", 0, "days"]),
        ([[]], ["books", 0, "loans", 0]),
        ([None], ["books", 0, "loans", 0]),
    ],
)
def test_a_value_that_breaks_the_schema_is_null_and_an_error(value: Any, path: list[str | int]) -> None:
    entities = [{"loans": value}, {"loans": []}]
    answer = broken("loans", answering({"data": {"_entities": entities}})).ask(
        "{ books { title loans { days } } }"
    )

    assert answer["data"] == {"books": [{"title": "Emma", "loans": None}, {"title": "Ulysses", "loans": []}]}
    assert [(at, code) for at, code, _ in problems(answer)] == [(path, "INVALID_SUBGRAPH_VALUE")]


@pytest.mark.parametrize("entity", [1, "x", [], True])
def test_an_entity_that_is_no_object_is_like_none(entity: Any) -> None:
    answer = broken("loans", answering({"data": {"_entities": [entity, None]}})).ask(
        "{ books { loans { days } } }"
    )

    assert answer == {"data": {"books": [{"loans": None}, {"loans": None}]}}


def test_a_slow_subgraph_costs_its_fields_and_says_so() -> None:
    answer = broken("loans", never, subgraph_timeout_s=0.05).ask("{ books { title loans { days } } }")

    assert [each["title"] for each in answer["data"]["books"]] == ["Emma", "Ulysses"]
    assert problems(answer)[0] == (["books", 0, "loans"], "DEADLINE_EXCEEDED", "loans")


def test_the_deadline_of_the_request_bounds_every_subgraph() -> None:
    answer = broken("loans", never, request_timeout_s=0.05).ask("{ books { loans { days } } }")

    assert problems(answer)[0] == (["books", 0, "loans"], "DEADLINE_EXCEEDED", "loans")


def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    read: list[int] = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            while True:
                read.append(1)
                yield b" " * 100_000

    answer = broken("loans", lambda _: httpx.Response(200, stream=Endless())).ask(
        "{ books { loans { days } } }"
    )

    assert problems(answer)[0][1] == UNAVAILABLE
    assert len(read) == 11, "the testbed allows a million bytes"


def hanging_up_once(federation: Federation, name: str) -> list[bytes]:
    """The subgraph closes the connection on the first request, then answers; the bodies it was sent."""
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        if len(bodies) == 1:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return json_response(federation.subgraphs[name].answer(json.loads(request.content)))

    federation.broken[name] = answer
    return bodies


def test_a_query_on_a_connection_that_was_just_closed_is_sent_again() -> None:
    federation = library()
    bodies = hanging_up_once(federation, "books")

    assert federation.ask("{ book(isbn: 1) { title } }") == {"data": {"book": {"title": "Emma"}}}
    assert len(bodies) == 2


def test_a_mutation_is_never_sent_again() -> None:
    federation = library()
    bodies = hanging_up_once(federation, "books")

    answer = federation.ask('mutation { addBook(isbn: 1, title: "x") { isbn } }')

    assert answer["data"] is None
    assert problems(answer) == [(["addBook"], UNAVAILABLE, "books")]
    assert len(bodies) == 1


# --- the subgraphs' own errors --------------------------------------------------------------------------------------


def test_an_entitys_error_is_told_at_the_clients_path() -> None:
    error = {
        "message": "No loans for you",
        "path": ["_entities", 1, "late", 0, "days"],
        "locations": [{"line": 1, "column": 9}],
        "extensions": {"code": "FORBIDDEN", "requiredScopes": [["loans:read"]]},
    }
    content = {"data": {"_entities": [{"late": []}, {"late": None}]}, "errors": [error]}
    answer = broken("loans", answering(content)).ask("{ books { title late: loans { days } } }")

    assert answer["errors"] == [
        {
            "message": "No loans for you",
            "path": ["books", 1, "late", 0, "days"],
            "extensions": {"code": "FORBIDDEN", "requiredScopes": [["loans:read"]], "service": "loans"},
        }
    ]


def test_an_entitys_error_is_told_wherever_the_entity_stands() -> None:
    content = {
        "data": {"_entities": [{"title": None}]},
        "errors": [{"message": "Lost", "path": ["_entities", 0, "title"]}],
    }
    federation = broken("books", answering(content))

    answer = federation.ask("{ me { loans { book { title } } } }")

    assert [at for at, _, _ in problems(answer)] == [
        ["me", "loans", 0, "book", "title"],
        ["me", "loans", 1, "book", "title"],
    ]
    assert answer["data"] == {"me": None}


def test_a_missing_entitys_error_is_told_at_the_fields_it_costs() -> None:
    content = {
        "data": {"_entities": [None, {"loans": []}]},
        "errors": [{"message": "Gone", "path": ["_entities", 0]}],
    }
    answer = broken("loans", answering(content)).ask("{ books { title loans { days } } }")

    assert problems(answer) == [(["books", 0, "loans"], "SUBGRAPH_ERROR", "loans")]


@pytest.mark.parametrize(
    "path",
    [
        None,
        [],
        ["_entities"],
        ["_entities", 9, "loans"],
        ["_entities", -1, "loans"],
        ["other"],
        "x",
        [{}],
        [None, 1],
    ],
)
def test_an_error_that_names_no_place_is_told_at_every_field_of_the_fetch(path: Any) -> None:
    content = {"data": {"_entities": [None, None]}, "errors": [{"message": "Something", "path": path}]}
    answer = broken("loans", answering(content)).ask("{ books { title loans { days } } }")

    assert [at for at, _, _ in problems(answer)] == [["books", 0, "loans"], ["books", 1, "loans"]]


@pytest.mark.parametrize("error", ["x", None, 1, [], {"message": 3}, {"extensions": "x"}])
def test_a_malformed_error_is_still_an_error(error: Any) -> None:
    content = {"data": {"_entities": [None, None]}, "errors": [error]}
    answer = broken("loans", answering(content)).ask("{ books { loans { days } } }")

    assert {each["message"] for each in answer["errors"]} == {"The service 'loans' reported an error."}


def test_an_entitys_error_with_a_path_that_is_none_is_told_at_the_entity() -> None:
    error = {"message": "Something", "path": ["_entities", 1, {"days": []}, None]}
    content = {"data": {"_entities": [None, None]}, "errors": [error]}
    answer = broken("loans", answering(content)).ask("{ books { title loans { days } } }")

    assert [at for at, _, _ in problems(answer)] == [["books", 1]]


@pytest.mark.parametrize("path", [[{}], [[]], [None], ["_entities", 0], [0.5]])
def test_a_root_error_that_names_no_field_of_the_client_is_told_at_every_root_field(path: Any) -> None:
    content = {"data": {"me": None}, "errors": [{"message": "Something", "path": path}]}
    answer = broken("members", answering(content)).ask("{ me { email } }")

    assert [at for at, _, _ in problems(answer)] == [["me"]]


def test_a_root_error_that_took_all_data_along_keeps_its_path() -> None:
    content = {"data": None, "errors": [{"message": "Boom", "path": ["own", "favourite", "isbn"]}]}
    answer = broken("members", answering(content)).ask("{ own: me { favourite { isbn } } }")

    assert answer["data"] == {"own": None}
    assert problems(answer) == [(["own", "favourite", "isbn"], "SUBGRAPH_ERROR", "members")]


def test_a_refused_fetch_is_one_error_for_each_of_its_root_fields() -> None:
    content = {"errors": [{"message": "Log in", "extensions": {"code": "UNAUTHENTICATED"}}]}
    answer = broken("members", answering(content)).ask("{ me { email } book(isbn: 1) { title } }")

    assert answer["data"] == {"me": None, "book": {"title": "Emma"}}
    assert problems(answer) == [(["me"], "UNAUTHENTICATED", "members")]


def test_a_million_places_are_not_a_million_errors() -> None:
    federation = broken("loans", refused)
    federation.world.roots["Query.books"] = lambda **_: list(federation.world.objects[2:]) * 500  # type: ignore[index]

    answer = federation.ask("{ books { loans { days } } }")

    assert len(answer["errors"]) == 200


def test_broken_values_are_told_up_to_a_bound() -> None:
    federation = broken("books", answering({"data": {"books": [{"pages": "many"}] * 1_000}}))

    answer = federation.ask("{ books { pages } }")

    assert answer["data"] == {"books": [{"pages": None}] * 1_000}
    assert len(answer["errors"]) == 200


def test_the_work_of_broken_values_grows_with_their_number_and_not_with_its_square() -> None:
    def calls(values: int) -> int:
        federation = broken("books", answering({"data": {"books": [{"pages": "many"}] * values}}))
        federation.ask("{ books { pages } }")
        return calls_made(lambda: federation.ask("{ books { pages } }"))

    assert calls(4_000) < 3 * calls(2_000)


# --- requirements ---------------------------------------------------------------------------------------------------


def test_a_field_whose_requirement_failed_says_whose_fault_it_is() -> None:
    federation = shop()
    federation.broken["customs"] = refused

    answer = federation.ask("{ products { name label } }")

    assert answer["data"] == {"products": [{"name": "Pen", "label": None}, {"name": "Ink", "label": None}]}
    assert problems(answer) == [
        (["products", 0, "label"], UNAVAILABLE, "customs"),
        (["products", 1, "label"], UNAVAILABLE, "customs"),
    ]
    assert not federation.sent_to("shipping")


# --- null propagation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ books { title } }", None),
        ("{ book(isbn: 1) { title } }", {"book": None}),
        ("{ a: book(isbn: 1) { title } b: book(isbn: 1) { isbn } }", {"a": None, "b": {"isbn": "1"}}),
        (
            "{ me { loans { book { isbn } } } }",
            {"me": {"loans": [{"book": {"isbn": "1"}}, {"book": {"isbn": "1"}}]}},
        ),
        ("{ me { loans { book { title } } } }", {"me": None}),
    ],
)
def test_a_null_where_none_may_be_takes_its_parents_along(query: str, data: Any) -> None:
    federation = library()
    for each in federation.world.objects:
        if each["__typename"] == "Book":
            each["title"] = None

    answer = federation.ask(query)

    assert answer["data"] == data
    assert answer["data"] == federation.truth(query)["data"]
    assert ("errors" in answer) == ("errors" in federation.truth(query))


# --- entities that a subgraph does not know, or does not show -------------------------------------------------------


NO_ENTITY = answering({"data": {"_entities": [None]}})


def test_what_may_be_null_of_an_unknown_entity_is_no_error() -> None:
    answer = broken("loans", NO_ENTITY).ask("{ book(isbn: 1) { title loans { days } } }")

    assert answer == {"data": {"book": {"title": "Emma", "loans": None}}}


def test_an_unknown_entity_is_null_where_a_field_of_it_must_not_be() -> None:
    answer = broken("books", NO_ENTITY).ask("{ me { email favourite { isbn title } } }")

    assert answer["data"] == {"me": {"email": "ben@example.com", "favourite": None}}
    assert problems(answer) == [(["me", "favourite", "title"], "NOT_FOUND", "books")]


def test_an_entity_that_lacks_what_its_subgraph_must_bring_is_not_called_unknown() -> None:
    answer = broken("books", answering({"data": {"_entities": [{}]}})).ask("{ me { favourite { title } } }")

    assert [code for _, code, _ in problems(answer)] == ["INVALID_SUBGRAPH_VALUE"]


def test_a_subgraph_that_says_why_it_shows_no_entity_is_believed() -> None:
    error = {"message": "No.", "path": ["_entities", 0], "extensions": {"code": "FORBIDDEN"}}
    answer = broken("books", answering({"data": {"_entities": [None]}, "errors": [error]})).ask(
        "{ me { favourite { title } } }"
    )

    assert problems(answer) == [(["me", "favourite", "title"], "FORBIDDEN", "books")]


def test_what_only_an_unknown_entity_leads_to_is_unknown_too() -> None:
    federation = warehouse()
    federation.broken["barcodes"] = answering({"data": {"_entities": [None, None]}})

    answer = federation.ask("{ items { shelf { hall } } }")

    assert answer["data"] is None
    assert problems(answer) == [(["items", 0, "shelf"], "NOT_FOUND", "barcodes")]
