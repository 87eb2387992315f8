"""The migrations make exactly the tables that the code believes in, on both databases."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url

from payment_subgraph.database import migrate
from payment_subgraph.tables import metadata


def test_migrations_equal_the_models(database_url: str) -> None:
    url = make_url(database_url)
    driver = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = create_engine(url.set(drivername=driver))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_of_the_models})
        differences = compare_metadata(context, metadata)
        indexes = {index["name"] for index in inspect(connection).get_indexes("payments")}
    engine.dispose()

    assert differences == []
    assert "one_live" in indexes


def is_of_the_models(name: str | None, kind: str, _parents: object) -> bool:
    """Not what only the triggers of SQLite use."""
    return (kind, name) != ("table", "ledger_imbalances")


def test_migrating_again_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    before = tables_of(database_url)

    migrate(database_url)

    assert before
    assert tables_of(database_url) == before


def tables_of(database_url: str) -> dict[str, list[str]]:
    """Each table's columns and indexes, by name."""
    engine = create_engine(database_url)
    seen = inspect(engine)
    named = {
        table: [str(each["name"]) for each in (*seen.get_columns(table), *seen.get_indexes(table))]
        for table in seen.get_table_names()
    }
    engine.dispose()
    return named


def test_several_may_migrate_a_new_file_at_once(tmp_path: Path) -> None:
    file = tmp_path / "new" / "payments.sqlite3"
    environment = {**os.environ, "PAYMENT_DATABASE_URL": f"sqlite:///{file}"}
    command = [sys.executable, "-m", "payment_subgraph", "migrate"]

    several = [subprocess.Popen(command, env=environment) for _ in range(4)]

    assert [one.wait(60) for one in several] == [0] * 4


def test_a_migrated_file_is_ready_for_many_connections_at_once(tmp_path: Path) -> None:
    """Were it left to the first connections to turn it to WAL, one of two that meet would fail at once."""
    file = tmp_path / "payments.sqlite3"
    migrate(f"sqlite:///{file}")

    with closing(sqlite3.connect(file)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()

    assert mode == "wal"
