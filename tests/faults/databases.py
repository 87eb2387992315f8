"""The database of a run, how its connections are cut, and how it dies."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

import psycopg

from tests.payment_subgraph.databases import OwnPostgres, postgres_server

_DEATH_CHANCE = 0.25
_AWAY_S = (0.3, 3.0)


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
    """*server*: None if it is not ours to kill."""

    url: str
    server: OwnPostgres | None = None
    name: str = "PostgreSQL"
    _dying: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def disturb(self, luck: Random) -> str:
        if self.server is not None and luck.random() < _DEATH_CHANCE:
            return await self._kill(self.server, luck.uniform(*_AWAY_S))
        return await self._cut(luck.choice([0.2, 0.5, 1.0]))

    async def _kill(self, server: OwnPostgres, away_s: float) -> str:
        """The server dies as a whole, is away for a while, and recovers."""
        async with self._dying, server.away():
            await asyncio.sleep(away_s)
        return "PostgreSQL killed"

    async def _cut(self, share: float) -> str:
        """Some or all connections of services and workers end, whatever they are in the middle of."""
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
    """At *url*, or on a server of our own, which may die."""
    if url is not None:
        yield PostgresDatabase(url)
        return
    with postgres_server() as server, server.fresh() as fresh:
        yield PostgresDatabase(fresh, server.ours)
