"""Payments of earlier days: all rows of one that was just made, copied under other ids.

So they are what the service writes today, in whatever tables.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

_OWNERS: Final = 50_000
_DAYS: Final = 2_000
"""So many days before today they were made, evenly."""
_AT_ONCE: Final = 50_000
_NEWEST: Final = """SELECT id, provider_payment_id, owner_id, reference FROM payments
    WHERE status = 'SUCCEEDED' ORDER BY created_at DESC LIMIT 1"""
_OF_PAYMENT: Final = "payment_id = %(payment)s"
_ROWS: Final = {
    "payments": "id = %(payment)s",
    "payment_operations": _OF_PAYMENT,
    "observations": "object_id = %(payment)s",
    "ledger_entries": _OF_PAYMENT,
    "balance_transactions": _OF_PAYMENT,
    "payment_transitions": _OF_PAYMENT,
    "outbox_messages": _OF_PAYMENT,
    "provider_events": "strpos(payload::text, %(intent)s) > 0",
}
_PAYLOAD: Final = {"data": {"object": "x" * 500}}
"""Of an event: the real ones are some kilobytes, which lie beside the table, where no index and no scan meets them."""
_NUMBERED_BY_DATABASE: Final = {"observations": "seq", "ledger_entries": "id"}
_ID: Final = re.compile(r"\b((?:pay|op|whe|trn|evt|pi|ch|txn)_\w{10})\w{8}")
"""Eight characters in the middle give way to the copy's number: what comes after tells ids of one payment apart."""
_DATE: Final = re.compile(r"\b\d{4}-\d\d-\d\d(?=T\d\d:)")


@dataclass(frozen=True, slots=True)
class _Row:
    """*text*: the row as JSON, with marks where copies differ."""

    table: str
    columns: tuple[str, ...]
    text: str


def store(database_url: str, wanted: int, tell: Callable[[str], None]) -> None:
    """Until there are *wanted*; one that has succeeded has to be there. Triggers do not run: what is copied balances."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        there = connection.execute("SELECT count(*) FROM payments").fetchone()
        pattern = list(_pattern(connection))
        connection.execute("SET session_replication_role = replica")
        for first in range(there[0] if there else 0, wanted, _AT_ONCE):
            last = min(first + _AT_ONCE, wanted) - 1
            for row in pattern:
                _copy(connection, row, first, last)
            tell(f"{last + 1:,} of {wanted:,} payments stored, {len(pattern)} rows each")
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _pattern(connection: psycopg.Connection[Any]) -> Iterator[_Row]:
    """The rows of the newest payment that has succeeded."""
    newest = connection.execute(_NEWEST).fetchone()
    if newest is None:
        raise LookupError("no payment has succeeded")
    payment, intent, owner, reference = newest
    keys = connection.execute("SELECT client_key FROM payment_operations WHERE payment_id = %s", [payment])
    marks = {owner: "@owner@"} | {
        word: f"{word[:-8]}@number@" for word in (reference, *(key for (key,) in keys))
    }
    for table, condition in _ROWS.items():
        query = sql.SQL("SELECT row_to_json(one)::text FROM {} AS one WHERE ").format(sql.Identifier(table))
        found = connection.execute(query + sql.SQL(condition), {"payment": payment, "intent": intent})
        columns = tuple(
            name for name in _columns(connection, table) if name != _NUMBERED_BY_DATABASE.get(table)
        )
        yield from (_Row(table, columns, _marked(_shortened(text), marks)) for (text,) in found)


def _columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    return [column.name for column in connection.execute(f"SELECT * FROM {table} LIMIT 0").description or ()]  # noqa: S608


def _shortened(text: str) -> str:
    row = json.loads(text)
    return json.dumps(row | {"payload": _PAYLOAD}) if "provider_event_id" in row else text


def _marked(text: str, marks: Mapping[str, str]) -> str:
    for given, mark in marks.items():
        text = text.replace(given, mark)
    return _DATE.sub("@day@", _ID.sub(r"\1@number@", text))


def _copy(connection: psycopg.Connection[Any], row: _Row, first: int, last: int) -> None:
    table, columns = sql.Identifier(row.table), sql.SQL(", ").join(map(sql.Identifier, row.columns))
    statement = sql.SQL(
        """INSERT INTO {table} ({columns}) SELECT {columns} FROM generate_series({first}::bigint, {last}) AS n,
        json_populate_record(NULL::{table}, replace(replace(replace({text}, '@number@', lpad(n::text, 8, '0')),
            '@owner@', 'usr_stored' || n % {owners}), '@day@', (current_date - (n % {days})::int)::text)::json)"""
    )
    connection.execute(
        statement.format(
            table=table, columns=columns, first=first, last=last, text=row.text, owners=_OWNERS, days=_DAYS
        )
    )
