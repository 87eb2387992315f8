"""A document is gone as soon as nobody holds it: without a look for garbage, for which everybody would have to wait."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from graphql import Node, Token

from gateway.errors import RequestError
from gateway.operations.operation import prepare
from gateway.operations.request import Request
from gateway.settings import Limits
from tests.gateway.test_entities import library

MANY = " ".join(f"a{number}: id" for number in range(45))
TEXTS = {
    "good": f"{{ me {{ {MANY} }} }}",
    "fragments": f"{{ me {{ {MANY} ...F }} }} fragment F on Member {{ {MANY} }}",
    "variables": "query ($n: ID!) { book(isbn: $n) { isbn } ...F } fragment F on Query { b: book(isbn: $n) { isbn } }",
    "wrong": "{ me { nothing } }",
    "very wrong": f"{{ me {{ {MANY.replace('id', 'nothing')} }} }}",
    "too large": f"{{ {'a ' * 900} }}",
    "too long": f"{{ {'a ' * 9000} }}",
    "no GraphQL": "{ a b c (",
    "too deep": "{ a" * 300 + " }" * 300,
}


@pytest.fixture(autouse=True)
def no_look_for_garbage() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(*kinds: type) -> int:
    return sum(isinstance(each, kinds) for each in gc.get_objects())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_of_a_document(text: str) -> None:
    schema = library().supergraph.api_schema
    before = alive(Node, Token)

    try:
        prepare(text, None, schema, Limits())
    except RequestError as error:
        del error

    assert alive(Node, Token) <= before


def test_of_requests_that_are_refused() -> None:
    pipeline = library().pipeline

    async def ask() -> None:
        for name, text in TEXTS.items():
            if name not in {
                "good",
                "fragments",
                "variables",
            }:  # the subgraphs of this test read documents as well
                await pipeline.answer(Request(text))

    before = alive(Node, Token)

    asyncio.run(ask())

    assert alive(Node, Token) <= before
