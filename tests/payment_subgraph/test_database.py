"""What the database layer promises to everyone above it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.payment_subgraph.world import World

pytestmark = pytest.mark.anyio


async def test_an_error_does_not_tell_the_parameters(world: World) -> None:
    """Errors nobody expected are logged in full, and a client secret opens a payment to its holder."""
    with pytest.raises(DBAPIError) as failed:
        async with world.parts.database.reading() as connection:
            await connection.execute(text("SELECT 1 FROM nowhere WHERE a = :a"), {"a": "pi_1_secret"})

    assert "nowhere" in str(failed.value)
    assert "pi_1_secret" not in str(failed.value)
