"""Entities of several types in one list, with a key that reaches into an object."""

import httpx

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def archive() -> Federation:
    def place(row: int | None) -> Object:
        return {"__typename": "Place", "row": row}

    items: list[Object] = [
        {"__typename": "Book", "id": "1", "place": place(7), "rating": 4},
        {"__typename": "Tape", "id": "1", "rating": 5},
        {"__typename": "Book", "id": "2", "place": place(None), "rating": 3},
        {"__typename": "Book", "id": "3", "place": None, "rating": None},
    ]
    return Federation("union_entities", items, {"Query.items": items})


RATINGS = "{ items { ... on Book { rating } ... on Tape { stars: rating } } }"


def test_entities_of_several_types_travel_in_one_request() -> None:
    federation = archive()

    assert_answers_like_one_schema(federation, RATINGS)
    assert len(federation.sent_to("ratings")) == 1


def test_a_key_travels_with_the_nulls_in_it() -> None:
    federation = archive()

    federation.ask(RATINGS)

    assert federation.sent_to("ratings")[0]["variables"]["representations"] == [
        {"__typename": "Book", "id": "1", "place": {"row": 7}},
        {"__typename": "Tape", "id": "1"},
        {"__typename": "Book", "id": "2", "place": {"row": None}},
        {"__typename": "Book", "id": "3", "place": None},
    ]


def test_an_object_misses_only_the_fields_of_its_own_type() -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    federation = archive()
    federation.broken["ratings"] = refused

    answer = federation.ask(RATINGS)

    assert [each["path"] for each in answer["errors"]] == [
        ["items", 0, "rating"],
        ["items", 1, "stars"],
        ["items", 2, "rating"],
        ["items", 3, "rating"],
    ]
