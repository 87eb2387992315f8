"""What the database layer promises to everyone above it."""

import asyncio
import socket
import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from payment_subgraph.database import Database
from payment_subgraph.postgres_url import conninfo, postgres_url
from tests.payment_subgraph.world import World

pytestmark = pytest.mark.anyio


async def test_an_error_does_not_tell_the_parameters(world: World) -> None:
    """Errors nobody expected are logged in full, and a client secret opens a payment to its holder."""
    with pytest.raises(DBAPIError) as failed:
        async with world.parts.database.reading() as connection:
            await connection.execute(text("SELECT 1 FROM nowhere WHERE a = :a"), {"a": "pi_1_secret"})

    assert "nowhere" in str(failed.value)
    assert "pi_1_secret" not in str(failed.value)


async def test_an_error_does_not_tell_the_row_that_was_refused(world: World) -> None:
    """PostgreSQL quotes it whole, and SQLAlchemy repeats that."""
    await world.pay()
    with pytest.raises(DBAPIError) as failed:
        async with world.parts.database.writing() as connection:
            await connection.execute(text("UPDATE payments SET version = NULL"))

    logged = "".join(traceback.format_exception(failed.value))
    assert "version" in str(failed.value.orig)
    assert "usr_ada" not in logged


async def test_a_server_that_does_not_answer_is_not_waited_for_for_long() -> None:
    """Its machine may be gone without a word: of itself the driver waits for two minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(f"postgresql://user:secret@127.0.0.1:{silent.getsockname()[1]}/payments")
        async with asyncio.timeout(60):
            with pytest.raises(OperationalError):
                async with database.reading():
                    pytest.fail("nobody answered")
        await database.close()


def test_what_the_address_says_of_waiting_holds() -> None:
    url = postgres_url(make_url("postgresql://user:secret@host/payments?connect_timeout=60"))

    assert url.query["connect_timeout"] == "60"
    assert postgres_url(make_url("postgresql://host/payments")).query["connect_timeout"] == "5"
    assert url.query["keepalives_idle"] == "15"
    assert conninfo(url).startswith("postgresql://user:secret@host/payments?")
