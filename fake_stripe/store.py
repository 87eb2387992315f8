"""The SQLite file behind the fake: one connection, one writer, every Stripe object as a JSON document."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

StripeObject = dict[str, Any]
"""A Stripe object as its JSON: `{"id": …, "object": …, "created": …, …}`."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    object TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL,
    payment_intent TEXT GENERATED ALWAYS AS (json_extract(body, '$.payment_intent')) VIRTUAL,
    charge TEXT GENERATED ALWAYS AS (json_extract(body, '$.charge')) VIRTUAL,
    customer TEXT GENERATED ALWAYS AS (json_extract(body, '$.customer')) VIRTUAL,
    type TEXT GENERATED ALWAYS AS (json_extract(body, '$.type')) VIRTUAL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects(object, seq);
CREATE INDEX IF NOT EXISTS objects_by_payment_intent ON objects(object, payment_intent, seq);
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects(object, charge, seq);
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key TEXT PRIMARY KEY,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    parameters TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created REAL NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_keys_by_age ON idempotency_keys(created);
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    next_attempt_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_result TEXT
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_due ON webhook_deliveries(state, next_attempt_at);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_event ON webhook_deliveries(event);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    remaining INTEGER NOT NULL,
    seconds REAL NOT NULL,
    executed TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS due_work (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    due_at REAL NOT NULL,
    kind TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS due_work_by_time ON due_work(due_at);
"""
_TABLES = ("facts", "objects", "idempotency_keys", "webhook_deliveries", "faults", "due_work")


class Store:
    """The state of the fake. Used from the event loop's thread only, so transactions never overlap."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # Commits survive a killed process; only a power cut may lose the last of them.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA busy_timeout = 5000")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def undoable(self) -> Iterator[None]:
        """A part of a transaction: an exception undoes only what was done inside."""
        self._connection.execute("SAVEPOINT undoable")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO undoable")
            self._connection.execute("RELEASE undoable")
            raise
        self._connection.execute("RELEASE undoable")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a statement."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a statement."""
        found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def insert(self, body: StripeObject) -> StripeObject:
        """Keep a new object; returns it."""
        self._connection.execute(
            "INSERT INTO objects (id, object, created, body) VALUES (?, ?, ?, ?)",
            (body["id"], body["object"], body["created"], json.dumps(body)),
        )
        return body

    def update(self, body: StripeObject) -> StripeObject:
        """Keep an object's new state; returns it."""
        self._connection.execute("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(body), body["id"]))
        return body

    def find(self, kind: str, wanted_id: str) -> StripeObject | None:
        """The object with this id, if it is of this kind."""
        return next(iter(self.select("object = ? AND id = ?", (kind, wanted_id))), None)

    def select(self, where: str, values: Sequence[Any], tail: str = "") -> list[StripeObject]:
        """Objects by a condition on the columns of `objects`; conditions are written by us, values never are."""
        found = self._connection.execute(f"SELECT body FROM objects WHERE {where} {tail}", values)  # noqa: S608 - no input in the text
        return [json.loads(row["body"]) for row in found]

    def sequence_number(self, kind: str, wanted_id: str) -> int | None:
        """Where an object stands in the order of creation."""
        found = self.row("SELECT seq FROM objects WHERE object = ? AND id = ?", kind, wanted_id)
        return found["seq"] if found else None

    def recall(self, name: str) -> str | None:
        """A remembered fact."""
        found = self.row("SELECT value FROM facts WHERE name = ?", name)
        return found["value"] if found else None

    def remember(self, name: str, value: str) -> None:
        """Keep a fact over restarts."""
        self.rows("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", name, value)

    def forget_everything(self) -> None:
        """Empty every table, except for the time that has passed on the clock."""
        for table in _TABLES:
            condition = "WHERE name <> 'clock_offset_s'" if table == "facts" else ""
            self.rows(f"DELETE FROM {table} {condition}")  # noqa: S608 - the names stand above
