"""What happened on each day, kept as sums, so that a report over years reads days and not payments.

Every entry of the ledger, every new payment and every success is noted by a trigger in `day_changes`, in the
transaction that writes it; the worker moves what it finds there into `day_totals`. Whoever asks adds up both tables in one
statement, so the answer is exact whenever it is asked, however late a transaction commits: nothing is said about which
rows came before which. And no row is written by two payments, so none waits for another.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    Select,
    String,
    Subquery,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from payment_subgraph.database import Database, locked_once
from payment_subgraph.tables import day_changes, day_totals, ledger_entries, payments

ATTEMPTED: Final = "ATTEMPTED"
SUCCEEDED: Final = "SUCCEEDED"

BATCH: Final = 5_000
_KEY: Final = ("day", "currency", "account", "kind")
_SUMS: Final = ("entries", "amount_minor")


@dataclass(frozen=True, slots=True)
class WrongTotal:
    """*entries* and *amount_minor*: what is to be added to the total to make it right."""

    day: date
    currency: str
    account: str
    kind: str
    entries: int
    amount_minor: int

    def __str__(self) -> str:
        what = f"{self.account} {self.kind}".strip()
        return (
            f"total of {self.day} {self.currency} {what}: "
            f"{self.entries:+d} entries and {self.amount_minor:+d} in minor units are missing from it"
        )


class UtcDay(FunctionElement[date]):
    """The day of a time in UTC."""

    type = Date()
    inherit_cache = True


@compiles(UtcDay, "sqlite")
def _utc_day_in_sqlite(element: UtcDay, compiler: SQLCompiler, **how: Any) -> str:
    return f"date({compiler.process(element.clauses, **how)})"


@compiles(UtcDay, "postgresql")
def _utc_day_in_postgresql(element: UtcDay, compiler: SQLCompiler, **how: Any) -> str:
    return f"({compiler.process(element.clauses, **how)} AT TIME ZONE 'UTC')::date"


class MondayOf(FunctionElement[date]):
    """The Monday of a day's week."""

    type = Date()
    inherit_cache = True


@compiles(MondayOf, "sqlite")
def _monday_in_sqlite(element: MondayOf, compiler: SQLCompiler, **how: Any) -> str:
    return f"date({compiler.process(element.clauses, **how)}, '-6 days', 'weekday 1')"


@compiles(MondayOf, "postgresql")
def _monday_in_postgresql(element: MondayOf, compiler: SQLCompiler, **how: Any) -> str:
    return f"date_trunc('week', ({compiler.process(element.clauses, **how)})::timestamp)::date"


class FirstOfMonth(FunctionElement[date]):
    """The first day of a day's month."""

    type = Date()
    inherit_cache = True


@compiles(FirstOfMonth, "sqlite")
def _first_of_month_in_sqlite(element: FirstOfMonth, compiler: SQLCompiler, **how: Any) -> str:
    return f"date({compiler.process(element.clauses, **how)}, 'start of month')"


@compiles(FirstOfMonth, "postgresql")
def _first_of_month_in_postgresql(element: FirstOfMonth, compiler: SQLCompiler, **how: Any) -> str:
    return f"date_trunc('month', ({compiler.process(element.clauses, **how)})::timestamp)::date"


def day_sums() -> Subquery:
    """All rows of both tables, to be added up: a key may come several times."""
    return union_all(*(_kept(table) for table in (day_totals, day_changes))).subquery("day_sums")


def _kept(table: Any, factor: int = 1) -> Select[Any]:
    key = [table.c[name] for name in _KEY]
    return select(*key, *((table.c[name] * factor).label(name) for name in _SUMS))


class Totals:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def sum_up(self) -> int:
        """Move what was noted into the totals; how many notes that were. Several may do so at once."""
        moved = 0
        while taken := await self._sum_up_some():
            moved += taken
            if taken < BATCH:
                break
        return moved

    async def _sum_up_some(self) -> int:
        oldest = select(day_changes.c.id).order_by(day_changes.c.id).limit(BATCH)
        if not await self._database.rows(oldest.limit(1)):
            return 0
        taken = delete(day_changes).where(day_changes.c.id.in_(locked_once(oldest)))
        async with self._database.writing() as connection:
            rows = (await connection.execute(taken.returning(*_columns(day_changes)))).mappings().all()
            await _add(connection, _added_up(rows))
        return len(rows)

    async def wrong(self, currency: str | None = None, limit: int | None = None) -> list[WrongTotal]:
        """Totals that are not the sums of what they are made of. Reads every payment and every entry."""
        rows = await self._database.rows(_missing(currency).limit(limit))
        return [WrongTotal(**{**row, **{name: int(row[name]) for name in _SUMS}}) for row in rows]

    async def correct(self) -> int:
        """Add what is missing to them; how many were wrong.

        One statement and so one moment: what others write meanwhile notes itself, before or after.
        """
        fill = insert(day_changes).from_select([*_KEY, *_SUMS], _missing(None))
        async with self._database.writing() as connection:
            return len((await connection.execute(fill.returning(day_changes.c.id))).all())


def _columns(table: Any) -> list[Any]:
    return [table.c[name] for name in (*_KEY, *_SUMS)]


def _added_up(rows: Any) -> list[dict[str, Any]]:
    """In the order of their keys: two workers must lock totals in the same order."""
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        total = sums[tuple(row[name] for name in _KEY)]
        for place, name in enumerate(_SUMS):
            total[place] += row[name]
    return [
        dict(zip((*_KEY, *_SUMS), (*key, *total), strict=True))
        for key, total in sorted(sums.items(), key=lambda pair: pair[0])
    ]


async def _add(connection: AsyncConnection, sums: list[dict[str, Any]]) -> None:
    if not sums:
        return
    table = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = table.insert(day_totals)
    more = {name: day_totals.c[name] + new.excluded[name] for name in _SUMS}
    await connection.execute(new.on_conflict_do_update(index_elements=list(_KEY), set_=more), sums)


def _missing(currency: str | None) -> Select[Any]:
    """By key, what the rows add up to less what is kept; only where that is not zero."""
    both = _both(currency).subquery()
    sums = [cast(func.sum(both.c[name]), day_changes.c[name].type).label(name) for name in _SUMS]
    query = select(*(both.c[name] for name in _KEY), *sums).group_by(*(both.c[name] for name in _KEY))
    query = query.having(or_(*(func.sum(both.c[name]) != 0 for name in _SUMS)))
    return query.order_by(*(both.c[name] for name in _KEY))


def _both(currency: str | None) -> CompoundSelect[Any]:
    entries = ledger_entries.c
    parts = [
        _summed(entries.effective_at, entries.currency, entries.account, entries.kind, entries.amount_minor),
        _counted(payments.c.created_at, ATTEMPTED),
        _counted(payments.c.succeeded_at, SUCCEEDED).where(payments.c.succeeded_at.is_not(None)),
        _kept(day_totals, -1),
        _kept(day_changes, -1),
    ]
    if currency is not None:
        tables = (ledger_entries, payments, payments, day_totals, day_changes)
        parts = [part.where(table.c.currency == currency) for part, table in zip(parts, tables, strict=True)]
    return union_all(*parts)


def _counted(at: ColumnElement[Any], kind: str) -> Select[Any]:
    return _summed(at, payments.c.currency, literal(""), literal(kind), literal(0))


def _summed(
    at: ColumnElement[Any],
    currency: ColumnElement[Any],
    account: ColumnElement[Any],
    kind: ColumnElement[Any],
    amount: ColumnElement[Any],
) -> Select[Any]:
    """Summed up here already: PostgreSQL would else carry a million rows through the union."""
    day = UtcDay(at).label("day")
    return select(
        day,
        currency.label("currency"),
        type_coerce(account, String).label("account"),
        type_coerce(kind, String).label("kind"),
        func.count().label("entries"),
        cast(func.sum(amount), day_changes.c.amount_minor.type).label("amount_minor"),
    ).group_by(day, currency, account, kind)
