"""A document is gone as soon as nobody holds it: without a look for garbage, for which everybody would have to wait."""

import gc
from collections.abc import Iterator
from contextlib import suppress

import pytest
from graphql import Node, Token

from tests.user_subgraph.service import Service
from user_subgraph.operation import OperationRefused

MANY = " ".join(f"a{number}: id" for number in range(45))


@pytest.fixture(autouse=True)
def no_look_for_garbage() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(*kinds: type) -> int:
    return sum(isinstance(each, kinds) for each in gc.get_objects())


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(
    "text",
    [
        f"{{ me {{ {MANY} }} }}",
        f"{{ me {{ {MANY} ...F }} }} fragment F on User {{ {MANY} }}",
        "query ($id: ID!) { user(id: $id) { id } ...F } fragment F on Query { b: user(id: $id) { id } }",
        "{ me { nothing } }",
        f"{{ me {{ {MANY.replace('id', 'nothing')} }} }}",
        f"{{ {'a ' * 1900} }}",
        f"{{ {'a ' * 2100} }}",
        "{ a b c (",
        "{ a" * 300 + " }" * 300,
    ],
    ids=[
        "good",
        "fragments",
        "variables",
        "wrong",
        "very wrong",
        "too large",
        "too long",
        "no GraphQL",
        "too deep",
    ],
)
def test_of_a_document(service: Service, text: str) -> None:
    operations = service.parts.view.operations
    operations.chosen("{ __typename }", None)
    operations.memory._documents.clear()
    before = alive(Node, Token)

    with suppress(OperationRefused):
        operations.chosen(text, None)
    operations.memory._documents.clear()

    assert alive(Node, Token) <= before
