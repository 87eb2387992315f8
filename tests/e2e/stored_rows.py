"""All that a running system has stored, so short that it can be looked at again and again."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from tests.e2e.running_system import RunningSystem

DATABASES = ("users", "payments")


def stored_rows(system: RunningSystem) -> dict[str, str]:
    """Table -> digest of its rows, for each table of both services."""
    return {table: digest for database in DATABASES for table, digest in _tables(system, database)}


def _tables(system: RunningSystem, database: str) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(system.data_dir / f"{database}.sqlite3", timeout=60)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        for (name,) in names.fetchall():
            rows = sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))  # noqa: S608 - a table's own name
            yield f"{database}.{name}", hashlib.sha256("\n".join(rows).encode()).hexdigest()
