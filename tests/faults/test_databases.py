"""How the database of a run dies."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from tests.faults.databases import PostgresDatabase, postgres

DEADLY = 1
"""The seed of a luck that kills what may be killed."""


@pytest.fixture
def database() -> Iterator[PostgresDatabase]:
    with postgres(None) as made:
        assert isinstance(made, PostgresDatabase)
        if made.server is None:
            pytest.skip("a server that is not ours is not killed")
        yield made


def ask(database: PostgresDatabase, statement: str) -> Any:
    with psycopg.connect(database.url, autocommit=True) as connection:
        return connection.execute(statement).fetchone()


def test_postgresql_dies_without_a_word_and_keeps_what_was_committed(database: PostgresDatabase) -> None:
    ask(database, "INSERT INTO job_cursors VALUES ('kept', now(), now()) RETURNING job")
    (folder,) = ask(database, "SHOW data_directory")

    done = asyncio.run(database.disturb(Random(DEADLY)))

    assert done == "PostgreSQL killed"
    assert ask(database, "SELECT job FROM job_cursors") == ("kept",)
    assert "database system was not properly shut down" in Path(folder, "log").read_text()


def test_a_server_that_is_not_ours_is_not_killed(database: PostgresDatabase) -> None:
    born = ask(database, "SELECT pg_postmaster_start_time()")

    done = asyncio.run(PostgresDatabase(database.url).disturb(Random(DEADLY)))

    assert done == "no connection to cut"
    assert ask(database, "SELECT pg_postmaster_start_time()") == born
