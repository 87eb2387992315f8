"""The database of a run, and how its connections are cut."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

import psycopg

from tests.payment_subgraph.databases import postgres_server


class RunDatabase(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...

    async def disturb(self, luck: Random) -> str:
        """What was done."""


@dataclass(frozen=True, slots=True)
class SqliteFile:
    path: Path
    name: str = "SQLite"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    async def disturb(self, luck: Random) -> str:
        """Another program holds the write lock for a while."""
        try:
            await asyncio.to_thread(self._hold, luck.uniform(0.2, 2.5))
        except sqlite3.OperationalError:  # held by somebody who is suspended just now
            return "write lock not to be had"
        return "write lock held"

    def _hold(self, seconds: float) -> None:
        connection = sqlite3.connect(self.path, timeout=15, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    url: str
    name: str = "PostgreSQL"

    async def disturb(self, luck: Random) -> str:
        """Some or all connections of services and workers end, whatever they are in the middle of."""
        share = luck.choice([0.2, 0.5, 1.0])
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            cut = await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND random() < %s",
                (share,),
            )
            return (
                f"connections cut: {'all' if share == 1 else 'some'}"
                if cut.rowcount
                else "no connection to cut"
            )


@contextmanager
def sqlite_file(folder: Path) -> Iterator[RunDatabase]:
    yield SqliteFile(folder / "payments.sqlite3")


@contextmanager
def postgres(url: str | None) -> Iterator[RunDatabase]:
    """At *url*, or on a server of our own."""
    if url is not None:
        yield PostgresDatabase(url)
        return
    with postgres_server() as server, server.fresh() as own:
        yield PostgresDatabase(own)
