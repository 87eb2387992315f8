"""The database: one engine, transactions that read or write, and the migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, ExceptionContext, Select, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from user_subgraph.errors import StartRefused

ALEMBIC_INI = Path(__file__).with_name("alembic.ini")
BUSY_TIMEOUT_S = 10


class Database:
    """A transaction is one `with` block: committed at its end, rolled back by any exception."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine = _engine(make_url(url), pool_size)
        self._writing = self.engine.execution_options(writing=True)
        self._newest_migrations = frozenset(_script().get_heads())

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """SQLite: takes the one write lock at once; a deferred BEGIN fails when it must upgrade under load."""
        with Session(self._writing) as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Bring the tables to the newest version; changes nothing when they are there already."""
        with self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":  # a million rows may take longer than any request may
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            command.upgrade(alembic_config(connection), "head")

    def is_ready(self) -> bool:
        """Whether the database answers and all migrations, and only ours, have run."""
        try:
            with self.engine.connect() as connection:
                heads = MigrationContext.configure(connection).get_current_heads()
        except SQLAlchemyError:
            return False
        return frozenset(heads) == self._newest_migrations

    @property
    def place(self) -> str:
        """Where it was looked for, for people: a file's whole path, or host and name. The URL may hold a password: never shown."""
        url = self.engine.url
        if url.get_backend_name() == "sqlite":
            return str(Path(url.database or ":memory:").absolute())
        return f"{url.host or 'localhost'}/{url.database}"

    def close(self) -> None:
        self.engine.dispose()


def locked_once(ids: Select[str]) -> Select[str]:
    """Those of *ids* that nobody else has locked, for an `IN`: chosen before all else, and only then looked for.

    PostgreSQL may evaluate a plain subquery anew for each row, and each time other rows are the first that are not locked: more than
    its LIMIT would be taken.
    """
    chosen = ids.with_for_update(skip_locked=True).cte("chosen")
    return select(chosen.prefix_with("MATERIALIZED", dialect="postgresql").c[0])


def alembic_config(connection: Connection | None = None) -> Config:
    """The configuration for `alembic.command`; *connection* is the one the migrations run on."""
    config = Config(ALEMBIC_INI)
    config.attributes["connection"] = connection
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())


def _engine(url: URL, pool_size: int) -> Engine:
    # hide_parameters: an exception's text goes to the log, and parameters are personal data.
    if url.get_backend_name() == "sqlite":
        _make_folder(url)
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": "-c lock_timeout=10s -c statement_timeout=15s"},
    )
    event.listen(engine, "handle_error", _keep_rows_out)
    return engine


def _keep_rows_out(context: ExceptionContext) -> None:
    """Of errors' texts, which are logged: PostgreSQL's DETAIL quotes the row it refuses, addresses and hashes included."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\nDETAIL:")[0], *error.args[1:])


def _make_folder(url: URL) -> None:
    if url.database and url.database != ":memory:":
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartRefused(
                f"USER_DATABASE_URL: no folder for {url.database} ({error.strerror})."
            ) from error


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # isolation_level None: the driver must not send its own BEGIN, `_begin_sqlite` does.
    connection.isolation_level = None
    # secure_delete: what is erased must not stay readable in the file's free pages.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
