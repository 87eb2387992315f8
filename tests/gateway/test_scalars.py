"""Custom scalars are the subgraphs' business: objects, lists and large numbers pass as they are, in keys too."""

from typing import Any

import pytest

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def documents() -> Federation:
    document: Object = {
        "__typename": "Document",
        "id": {"shelf": 1, "path": ["a", {"b": None}]},
        "size": 2**53 + 1,
        "content": {"id": 1, "__typename": "Page", "parts": [1, 2.5, {"text": "é"}]},
        "pages": [{"a": 1}, None, [1, [2]], "three", True],
        "ratio": 1,
        "copies": 5,
        "sheets": 10,
    }
    echo = {"Query.echo": lambda json=None, sizes=None: {"json": json, "sizes": sizes}}
    return Federation("scalars", [document], {"Query.document": document} | echo)


@pytest.mark.parametrize(
    "query",
    [
        "{ document { id size content pages ratio } }",
        "{ document { copies } }",
        "{ document { sheets } }",
        '{ echo(json: {a: [1, {b: null}], c: "d", e: ENUM}) }',
        "{ echo(sizes: 9007199254740993) }",
    ],
)
def test_answers(query: str) -> None:
    assert_answers_like_one_schema(documents(), query)


ECHO = "query ($json: JSON, $sizes: [BigInt!] = [1]) { echo(json: $json, sizes: $sizes) }"


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"json": None, "sizes": None},
        {"json": {"a": [1, {"b": None}]}, "sizes": [2**53 + 1]},
        {"json": [[]], "sizes": 5},
        {"json": "text"},
    ],
)
def test_variables_pass_unchanged(variables: dict[str, Any]) -> None:
    assert_answers_like_one_schema(documents(), ECHO, **variables)


def test_a_variable_that_is_not_given_is_not_sent() -> None:
    federation = documents()

    federation.ask("query ($json: JSON) { echo(json: $json) }")

    assert [sent.get("variables", {}) for sent in federation.sent_to("documents")] == [{}]


def test_a_key_that_is_an_object_is_sent_as_one() -> None:
    federation = documents()

    federation.ask("{ document { sheets } }")

    assert federation.sent_to("printing")[0]["variables"]["representations"] == [
        {
            "__typename": "Document",
            "id": {"shelf": 1, "path": ["a", {"b": None}]},
            "content": {"id": 1, "__typename": "Page", "parts": [1, 2.5, {"text": "é"}]},
        }
    ]


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "-9223372036854775809", "1e999"])
def test_a_default_that_no_request_to_a_subgraph_could_carry_is_refused(number: str) -> None:
    federation = documents()

    answer = federation.ask(f"query ($sizes: [BigInt!] = [1, {number}]) {{ echo(sizes: $sizes) }}")

    [error] = answer["errors"]
    assert error["message"] == "Variable '$sizes' holds a number of more than 64 bits."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert federation.subgraphs["documents"].requests == []
