"""A `Database` without threads: real SQL on SQLite in memory, each transaction in one go.

Between transactions anybody may come; that is where the real one waits, too. A transaction that stays open while
something else is awaited would be met by the next one's BEGIN, which fails.
"""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, create_engine, event
from sqlalchemy.pool import StaticPool

from payment_subgraph import database
from payment_subgraph.database import Database

Turn = Callable[[], Awaitable[None]]


class InstantConnection:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        return self._connection.execute(statement, parameters)


class InstantDatabase(Database):
    """*turn* is awaited before each transaction; it lets others come first, or never returns."""

    def __init__(self, sync_engine: Engine, turn: Turn) -> None:
        self._engine, self._turn = sync_engine, turn

    @property
    def sync_engines(self) -> Sequence[Engine]:
        return [self._engine]

    async def rows(self, query: Any, parameters: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        await self._turn()
        with self._engine.connect() as connection:
            return connection.execute(query, parameters).mappings().all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        await self._turn()
        with self._engine.connect() as connection:
            yield InstantConnection(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        await self._turn()
        with self._engine.connect() as connection:
            immediately = connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            with immediately.begin():
                yield InstantConnection(immediately)

    async def close(self) -> None:
        """The engine is everybody's."""


def memory_engine(connection: sqlite3.Connection) -> Engine:
    """All that connect get this one connection; set up as those to a file are."""
    engine = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: connection)
    event.listen(engine, "connect", database._prepare_sqlite)
    event.listen(engine, "begin", database._begin_sqlite)
    return engine
