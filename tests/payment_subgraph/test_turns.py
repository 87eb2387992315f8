"""What costs much is done one at a time, and never keeps the event loop for long."""

import asyncio

import pytest
from graphql import OperationDefinitionNode, execute_sync, parse

from payment_subgraph.schema import SCHEMA
from payment_subgraph.schema.introspection import asks_only_for_the_schema
from payment_subgraph.schema.prepared_document import PreparedDocuments
from payment_subgraph.turns import Turns
from tests.payment_subgraph.world import World


@pytest.mark.anyio
async def test_turns_come_one_after_the_other_in_the_order_asked_for() -> None:
    turns, story = Turns(), []

    async def work(name: str) -> None:
        async with turns.turn():
            story.append(f"{name} begins")
            await asyncio.sleep(0)
            story.append(f"{name} ends")

    await asyncio.gather(*(work(name) for name in "abc"))

    assert story == ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]


@pytest.mark.anyio
async def test_a_turn_that_fails_is_over_too() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns.turn():
            1 / 0  # noqa: B018

    async with asyncio.timeout(60), turns.turn():
        pass


@pytest.mark.anyio
async def test_who_gives_up_waiting_takes_nobody_elses_turn() -> None:
    turns = Turns()

    async def wait() -> None:
        async with turns.turn():
            raise AssertionError("it was not its turn")

    async with turns.turn():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()

    async with asyncio.timeout(60), turns.turn():
        assert waiting.cancelled()


@pytest.mark.anyio
async def test_the_event_loop_goes_on_while_a_large_document_is_prepared() -> None:
    documents = PreparedDocuments(SCHEMA._schema)
    fields = " ".join(f"a{n}: payments {{ nodes {{ id }} }}" for n in range(45))
    preparing = asyncio.create_task(documents.prepared(f"{{ {fields} }}"))

    turns_of_the_loop = 0
    while not preparing.done():
        turns_of_the_loop += 1
        await asyncio.sleep(0)

    assert (await preparing).errors == []
    assert turns_of_the_loop > 10


@pytest.mark.anyio
async def test_a_text_too_long_to_be_remembered_pushes_no_other_out() -> None:
    documents = PreparedDocuments(SCHEMA._schema)
    await documents.prepared("{ __typename }")
    for number in range(6):
        await documents.prepared(f"{{ a{number}: __typename }}" + " " * 20_000)

    assert "{ __typename }" in documents


FIELDS = "fields { name args { name } type { name ofType { name ofType { name ofType { name } } } } }"


@pytest.mark.anyio
async def test_the_event_loop_goes_on_while_the_schema_is_told(small_world: World) -> None:
    whole = f"{{ __schema {{ types {{ name {FIELDS} }} }} }}"
    await small_world.ask(whole, None)  # so that the document is known
    asking = asyncio.create_task(small_world.ask(whole, None))

    turns_of_the_loop = 0
    while not asking.done():
        turns_of_the_loop += 1
        await asyncio.sleep(0)

    told = execute_sync(SCHEMA._schema, parse(whole))
    assert await asking == {"data": told.data}
    assert turns_of_the_loop > 100


@pytest.mark.parametrize(
    "query",
    [
        "query Q($n: String!) { a: __type(name: $n) { name } ...F } fragment F on Query { __schema { queryType { name } } }",
        "query Q($n: String!) { ... on Query { __typename __type(name: $n) { kind } } }",
    ],
)
@pytest.mark.anyio
async def test_the_schema_is_told_as_it_is_asked_for(small_world: World, query: str) -> None:
    told = execute_sync(SCHEMA._schema, parse(query), variable_values={"n": "Payment"})

    assert await small_world.ask(query, None, n="Payment") == {"data": told.data}


@pytest.mark.anyio
async def test_a_variable_of_another_type_is_told_there_too(small_world: World) -> None:
    query = "query Q($n: String!) { __type(name: $n) { name } }"

    answer = await small_world.http.post("/graphql", json={"query": query, "variables": {"n": 7}})

    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.anyio
async def test_beside_the_schema_the_rest_is_answered_as_ever(small_world: World) -> None:
    answer = await small_world.ask('{ __schema { queryType { name } } payment(id: "pay_1") { id } }')

    assert answer == {"data": {"__schema": {"queryType": {"name": "Query"}}, "payment": None}}


def test_only_who_asks_for_the_schema_alone_is_told_it_there() -> None:
    def alone(text: str) -> bool:
        document = parse(text)
        (operation,) = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        return asks_only_for_the_schema(document, operation)

    assert alone("{ __typename __schema { queryType { name } } }")
    assert alone('{ ...F } fragment F on Query { ... { __type(name: "A") { name } } }')
    assert not alone("{ __typename }")
    assert not alone(
        "{ ...F __schema { queryType { name } } } fragment F on Query { payments { totalCount } }"
    )
