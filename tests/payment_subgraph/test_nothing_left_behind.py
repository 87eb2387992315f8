"""A document is gone as soon as nobody holds it: without a look for garbage, for which everybody would have to wait."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import suppress

import pytest
from graphql import GraphQLError, Node, Token

from payment_subgraph.errors import QueryTooComplex
from payment_subgraph.schema import SCHEMA
from payment_subgraph.schema.prepared_document import PreparedDocuments
from payment_subgraph.side_thread import beside_the_loop
from tests.payment_subgraph.world import ADA, World

MANY = " ".join(f"a{number}: id" for number in range(90))


@pytest.fixture(autouse=True)
def no_look_for_garbage() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(*kinds: type) -> int:
    return sum(isinstance(each, kinds) for each in gc.get_objects())


@pytest.mark.parametrize(
    "text",
    [
        f'{{ payment(id: "1") {{ {MANY} }} }}',
        f'{{ payment(id: "1") {{ {MANY} ...F }} }} fragment F on Payment {{ {MANY} }}',
        f'subscription {{ paymentUpdated(paymentId: "1") {{ {MANY} }} }}',
        'subscription { ...F } fragment F on Subscription { paymentUpdated(paymentId: "1") { id } }',
        'subscription { a: paymentUpdated(paymentId: "1") { id } b: paymentUpdated(paymentId: "1") { id } }',
        "query ($id: ID!) { payment(id: $id) { id } ...F } fragment F on Query { b: payment(id: $id) { id } }",
        '{ payment(id: "1") { nothing } }',
        f'{{ payment(id: "1") {{ {MANY.replace("id", "nothing")} }} }}',
        f"{{ {'a ' * 1900} }}",
        f"{{ {'a ' * 2100} }}",
        "{ a b c (",
        "{ a" * 300 + " }" * 300,
    ],
    ids=[
        "good",
        "fragments",
        "subscription",
        "subscription by fragment",
        "two subscriptions",
        "variables",
        "wrong",
        "very wrong",
        "too large",
        "too long",
        "no GraphQL",
        "too deep",
    ],
)
def test_of_a_document(text: str) -> None:
    documents = PreparedDocuments(SCHEMA._schema)

    async def prepare(text: str) -> None:
        with suppress(QueryTooComplex, GraphQLError):
            await documents.prepared(text)
        await beside_the_loop(lambda: None)  # the thread holds what it made last

    asyncio.run(prepare("{ __typename }"))
    documents._remembered.clear()
    before = alive(Node, Token)

    asyncio.run(prepare(text))
    documents._remembered.clear()

    assert alive(Node, Token) <= before


@pytest.mark.anyio
async def test_of_a_request(small_world: World) -> None:
    async def ask(text: str) -> None:
        await small_world.http.post("/graphql", json={"query": text})
        await beside_the_loop(lambda: None)

    await ask("{ __typename }")
    before = alive(Node, Token)

    for number in range(5):
        await ask(f'{{ payment(id: "1") {{ a{number}: nothing {MANY} }} }}')
        await ask(f"{{ a{number} {'a ' * 1900} }}")

    assert alive(Node, Token) <= before


@pytest.mark.anyio
async def test_of_an_event_stream(small_world: World) -> None:
    async def ask(text: str) -> None:
        headers = {"accept": "text/event-stream", "authorization": f"Bearer {ADA.token()}"}
        answer = await small_world.http.post("/graphql", json={"query": text}, headers=headers)
        assert "event: complete" in answer.text
        await beside_the_loop(lambda: None)

    await ask("{ __typename }")
    before = alive(Node, Token)

    for number in range(5):
        await ask(f'subscription {{ paymentUpdated(paymentId: "1") {{ a{number}: nothing {MANY} }} }}')
        await ask(f"subscription {{ a{number} {'a ' * 1900} }}")

    assert alive(Node, Token) <= before
