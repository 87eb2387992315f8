"""That payments changed, whoever changed them: this process, another replica, the worker.

PostgreSQL tells it (the triggers of migration 0006 notify when a change commits). SQLite only has a number that is
another one after every commit of others; it is looked at again and again.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from typing import Final, Protocol

from psycopg import AsyncConnection, OperationalError
from sqlalchemy.engine import URL, make_url

from payment_subgraph.postgres_url import conninfo

log = logging.getLogger(__name__)

CHANNEL: Final = "payment_changes"
POLL_S: Final = 0.1
_RECONNECT_S: Final = 0.5

Heard = frozenset[str] | None
"""Ids of payments that changed; None: any may have."""


class Changes(Protocol):
    def heard(self) -> AsyncGenerator[Heard, None]:
        """What changes from now on. The first is None, and comes when nothing will be missed any more.

        Nobody is asked for anything before the first, nor after the generator is closed.
        """


def changes_in(database_url: str) -> Changes:
    url = make_url(database_url)
    return PolledChanges(url) if url.get_backend_name() == "sqlite" else NotifiedChanges(url)


class NotifiedChanges:
    """Listens on a connection of its own. When that is lost, so are notifications: the new one begins with None."""

    def __init__(self, url: URL) -> None:
        self._address = conninfo(url)

    async def heard(self) -> AsyncGenerator[Heard, None]:
        while True:
            try:
                async with await AsyncConnection.connect(self._address, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    yield None
                    async for notification in connection.notifies():
                        yield frozenset((notification.payload,))
            except OperationalError as lost:
                log.warning("the connection that hears of changes is lost: %s", str(lost).partition("\n")[0])
            await asyncio.sleep(_RECONNECT_S)


class PolledChanges:
    """Source: https://www.sqlite.org/pragma.html#pragma_data_version"""

    def __init__(self, url: URL) -> None:
        self._file = url.database or ""

    async def heard(self) -> AsyncGenerator[Heard, None]:
        # Not in a thread: it takes microseconds and waits for nobody. And a thread could still be at work with the
        # connection when it is closed, of which SQLite dies.
        with closing(sqlite3.connect(self._file, timeout=0)) as connection:
            known = None
            while True:
                version = _version(connection)
                if version is not None and version != known:
                    known = version
                    yield None
                await asyncio.sleep(POLL_S)


def _version(connection: sqlite3.Connection) -> int | None:
    """None if it cannot be read at this moment, as while another recovers the file after a crash."""
    try:
        return int(connection.execute("PRAGMA data_version").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return None
