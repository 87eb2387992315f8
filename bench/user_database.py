"""A database of the user subgraph's, for as long as it is measured."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from bench.postgresql import postgresql
from user_subgraph.database import Database

KINDS: Final = ("sqlite", "postgresql")


@contextmanager
def user_database(kind: str) -> Iterator[str]:
    """Its address. It is migrated, empty, and gone with the block."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        if kind == "sqlite":
            yield _migrated(f"sqlite:///{folder / 'users.sqlite3'}")
        else:
            with postgresql(folder) as (url, _):
                yield _migrated(url.replace("postgresql://", "postgresql+psycopg://", 1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _migrated(url: str) -> str:
    with closing(Database(url)) as database:
        database.migrate()
    return url
