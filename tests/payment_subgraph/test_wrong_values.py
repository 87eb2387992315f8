"""What is said of values of the wrong type: where they stand, once each."""

import pytest

from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio

NO_DATE = "DateTime must be an RFC 3339 timestamp with its zone."


async def told(world: World, query: str) -> list[tuple[str, str, list[dict[str, int]]]]:
    answer = await world.ask(query, STAFF)
    return [(error["extensions"]["code"], error["message"], error["locations"]) for error in answer["errors"]]


async def test_wrong_values_are_told_with_the_argument_at_which_they_stand(small_world: World) -> None:
    query = '{ paymentReport(from: "2026-13-01T00:00:00Z", to: "2026-12-01", interval: DAY) { currency } }'

    assert await told(small_world, query) == [
        ("GRAPHQL_VALIDATION_FAILED", f'Argument "from": {NO_DATE}', [{"line": 1, "column": 23}]),
        ("GRAPHQL_VALIDATION_FAILED", f'Argument "to": {NO_DATE}', [{"line": 1, "column": 51}]),
    ]


async def test_a_wrong_value_inside_another_is_told_with_its_path(small_world: World) -> None:
    query = (
        '{ payments(first: 1, filter: { createdAfter: "soon", status: [SUCCEEDED, NEVER] }) { totalCount } }'
    )

    messages = [message for _, message, _ in await told(small_world, query)]

    assert f'Argument "filter.createdAfter": {NO_DATE}' in messages
    assert any(message.startswith('Argument "filter.status.1": ') for message in messages)


async def test_a_wrong_default_is_told_with_its_variable(small_world: World) -> None:
    query = 'query($after: DateTime = "soon") { payments(first: 1, filter: { createdAfter: $after }) { totalCount } }'

    assert [message for _, message, _ in await told(small_world, query)] == [
        f'Default of "$after": {NO_DATE}'
    ]
