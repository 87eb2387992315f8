"""Connections to SQLite or PostgreSQL, as reading and writing transactions; and the migrations' state."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    ExceptionContext,
    RowMapping,
    Select,
    create_engine,
    event,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from payment_subgraph.postgres_url import postgres_url

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_BUSY_TIMEOUT_MS: Final = 15_000
_READERS: Final = 4
_MIGRATION_LOCK: Final = 7_210_115  # any number, the same for all who migrate


class Database:
    """One engine. *url* has no driver; the driver is ours to choose."""

    def __init__(self, url: str) -> None:
        self.engine: AsyncEngine = _engine(make_url(url))
        self._alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sqlite = _SqliteReader(make_url(url)) if _is_sqlite(make_url(url)) else None

    @property
    def sync_engines(self) -> Sequence[Engine]:
        """All that statements go through, for who wants to listen to them."""
        return [self.engine.sync_engine, *([self._sqlite.engine] if self._sqlite else [])]

    async def rows(
        self, query: Select[Any], parameters: Mapping[str, Any] | None = None
    ) -> Sequence[RowMapping]:
        """What one statement finds, which needs no transaction around it."""
        if self._sqlite:
            return await self._sqlite.rows(query, parameters)
        async with self._alone.connect() as connection:
            found: CursorResult[Any] = await connection.execute(query, parameters)
            return found.mappings().all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        async with self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Several statements that see one moment; only for reading. SQLite's transactions are so anyway."""
        async with self.engine.connect() as connection:
            if self._sqlite is None:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block.

        On SQLite it takes the write lock at once: a deferred BEGIN that turns into a write fails as
        soon as two of them meet.
        """
        async with self.engine.connect() as connection:
            await connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            async with connection.begin():
                yield connection

    async def migrated(self) -> bool:
        async with self.reading() as connection:
            current = await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_heads()
            )
        return set(current) == set(ScriptDirectory.from_config(_config()).get_heads())

    async def close(self) -> None:
        await self.engine.dispose()
        if self._sqlite:
            await asyncio.to_thread(self._sqlite.close)


class _SqliteReader:
    """Statements that stand alone, each on a thread from its beginning to its end.

    The driver for event loops goes to a thread and back for each step of a statement, seven times or more, and waits
    each time until the loop has done what others ask for.
    """

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url.set(drivername="sqlite"), pool_size=_READERS, hide_parameters=True)
        event.listen(self.engine, "connect", _prepare_sqlite)
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="reading")

    async def rows(self, query: Select[Any], parameters: Mapping[str, Any] | None) -> Sequence[RowMapping]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._rows, query, parameters)

    def _rows(self, query: Select[Any], parameters: Mapping[str, Any] | None) -> Sequence[RowMapping]:
        with self.engine.connect() as connection:
            return connection.execute(query, parameters).mappings().all()

    def close(self) -> None:
        self._threads.shutdown()
        self.engine.dispose()


def locked_once(ids: Select[Any]) -> Select[Any]:
    """Those of *ids* that nobody else has locked, for an `IN`: chosen before all else, and only then looked for.

    PostgreSQL may evaluate a plain subquery anew for each row, and each time other rows are the first that are not locked: more than
    its LIMIT would be taken.
    """
    chosen = ids.with_for_update(skip_locked=True).cte("chosen")
    return select(chosen.prefix_with("MATERIALIZED", dialect="postgresql").c[0])


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _engine(url: URL) -> AsyncEngine:
    """Parameters stay out of error messages, which are logged: a client secret may be among them."""
    if _is_sqlite(url):
        engine = create_async_engine(url.set(drivername="sqlite+aiosqlite"), hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    engine = create_async_engine(postgres_url(url), pool_size=10, pool_pre_ping=True, hide_parameters=True)
    event.listen(engine.sync_engine, "handle_error", _keep_rows_out)
    return engine


def _keep_rows_out(context: ExceptionContext) -> None:
    """Of errors' texts, which are logged: PostgreSQL's DETAIL quotes the row it refuses, secrets of clients included."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\nDETAIL:")[0], *error.args[1:])


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased must not stay readable in free pages
    cursor.execute("PRAGMA trusted_schema = ON")  # some builds have it off; the ledger's triggers need it
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def migrate(url: str) -> None:
    """Bring the database to the newest revision, creating a SQLite file's folder on the way.

    Several may do so at once: each waits for the one before it.
    """
    parsed = make_url(url)
    engine = _migrating_sqlite(parsed) if _is_sqlite(parsed) else _migrating_postgres(parsed)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def _migrating_postgres(url: URL) -> Engine:
    engine = create_engine(postgres_url(url), hide_parameters=True)
    event.listen(engine, "handle_error", _keep_rows_out)
    return engine


def _migrating_sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        _turn_to_wal(url.database)
    engine = create_engine(
        url.set(drivername="sqlite"),
        hide_parameters=True,
        execution_options={"sqlite_begin": "BEGIN IMMEDIATE"},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _turn_to_wal(path: str) -> None:
    """The file remembers it. Here and not at every connect: the change needs the file for itself, and
    SQLite, which else waits for a lock, then fails at once."""
    patience_ends = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    with closing(sqlite3.connect(path)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > patience_ends:
                    raise
                time.sleep(0.02)
            else:
                return


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config
