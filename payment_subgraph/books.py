"""What the ledger says, and whether it says the same as the payments: one statement each, so of one moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    RowMapping,
    Select,
    Subquery,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import String

from payment_subgraph.database import Database
from payment_subgraph.ledger import Account, Difference, PostingKind, Sums, differences
from payment_subgraph.report import Takings
from payment_subgraph.tables import ledger_entries, payments

MAX_DIFFERENT: Final = 100
"""Payments whose differences are told at once."""

_SUMS: Final = ("attempted", "succeeded", "captured", "refunded")


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one owner's payments in one currency; amounts in minor units."""

    payments: int = 0
    captured: int = 0
    refunded: int = 0


class Books:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self.clock = clock

    async def balances(self, currency: str) -> dict[Account, int]:
        """Of every account, positive where the debits are more."""
        total = func.sum(ledger_entries.c.amount_minor).label("total")
        query = select(ledger_entries.c.account, total).where(ledger_entries.c.currency == currency)
        rows = await self._database.rows(query.group_by(ledger_entries.c.account))
        return dict.fromkeys(Account, 0) | {row["account"]: int(row["total"]) for row in rows}

    async def balanced(self, currency: str) -> bool:
        """Whether the entries of every transaction add up to zero."""
        entries = ledger_entries.c
        query = select(entries.txn_id).where(entries.currency == currency).group_by(entries.txn_id)
        return not await self._database.rows(query.having(func.sum(entries.amount_minor) != 0).limit(1))

    async def differences(self, currency: str) -> list[Difference]:
        """Between payments and ledger, of the first MAX_DIFFERENT payments that have any."""
        rows = await self._database.rows(_different(currency))
        return [difference for row in rows for difference in _differences(row, currency)]

    async def takings(self, start: datetime, end: datetime, currency: str | None) -> list[Takings]:
        """By UTC days from *start* to before *end*; a day may come in several parts.

        Attempts count when they began, successes when they succeeded, money when it was posted.
        """
        span, entries = _Span(start, end, currency), ledger_entries.c
        attempts = span.by_day(payments.c.created_at, payments.c.currency, attempted=func.count())
        successes = span.by_day(payments.c.succeeded_at, payments.c.currency, succeeded=func.count())
        money = span.by_day(
            entries.effective_at,
            entries.currency,
            captured=_posted(PostingKind.CAPTURE),
            refunded=-_posted(PostingKind.REFUND),
        ).where(entries.account == Account.STRIPE_CLEARING)
        rows = await self._database.rows(select(union_all(attempts, successes, money).subquery()))
        return [_takings(row) for row in rows]

    async def summaries_of(self, owners: Sequence[str], currency: str) -> dict[str, Summary]:
        owned, total = payments.c, func.sum
        query = select(
            owned.owner_id,
            func.count().label("payments"),
            total(owned.amount_captured).label("captured"),
            total(owned.amount_refunded).label("refunded"),
        ).where(owned.owner_id.in_(owners), owned.currency == currency)
        rows = await self._database.rows(query.group_by(owned.owner_id))
        found = {
            row["owner_id"]: Summary(row["payments"], int(row["captured"]), int(row["refunded"]))
            for row in rows
        }
        return dict.fromkeys(owners, Summary()) | found


@dataclass(frozen=True, slots=True)
class _Span:
    start: datetime
    end: datetime
    currency: str | None

    def by_day(
        self, at: Column[Any], currency: Column[Any], **sums: ColumnElement[Any]
    ) -> Select[tuple[Any, ...]]:
        """What happened at *at*, the columns of a `Takings`; those not among *sums* are zero."""
        day = _UtcDay(at)
        columns = [sums.get(name, literal(0)).label(name) for name in _SUMS]
        query = select(day.label("day"), currency.label("currency"), *columns)
        query = query.where(at >= self.start, at < self.end).group_by(day, currency)
        return query if self.currency is None else query.where(currency == self.currency)


def _takings(row: RowMapping) -> Takings:
    sums = {name: int(row[name]) for name in _SUMS}
    return Takings(date.fromisoformat(row["day"]), row["currency"], **sums)


class _UtcDay(FunctionElement[str]):
    """The day of a time in UTC, as text: 2026-11-28."""

    type = String()
    inherit_cache = True


@compiles(_UtcDay, "sqlite")
def _utc_day_in_sqlite(element: _UtcDay, compiler: SQLCompiler, **how: Any) -> str:
    return f"date({compiler.process(element.clauses, **how)})"


@compiles(_UtcDay, "postgresql")
def _utc_day_in_postgresql(element: _UtcDay, compiler: SQLCompiler, **how: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **how)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


def _posted(kind: PostingKind) -> ColumnElement[Any]:
    """The sum of those entries that are of *kind*."""
    return func.sum(case((ledger_entries.c.kind == kind, ledger_entries.c.amount_minor), else_=0))


def _different(currency: str) -> Select[tuple[Any, ...]]:
    """The payments of which row and ledger do not say the same; of another currency a row says nothing."""
    posted, same = _posted_by_payment(currency), payments.c.currency == currency
    sums = {
        "captured": case((same, payments.c.amount_captured), else_=0),
        "refunded": case((same, payments.c.amount_refunded), else_=0),
        "posted_captured": func.coalesce(posted.c.captured, 0),
        "posted_refunded": func.coalesce(posted.c.refunded, 0),
    }
    differs = or_(
        sums["captured"] != sums["posted_captured"],
        sums["refunded"] != sums["posted_refunded"],
    )
    query = select(payments.c.id, *(value.label(name) for name, value in sums.items()))
    query = query.outerjoin_from(payments, posted, posted.c.payment_id == payments.c.id)
    return query.where(differs).order_by(payments.c.id).limit(MAX_DIFFERENT)


def _posted_by_payment(currency: str) -> Subquery:
    """As the account of what the provider holds shows it."""
    entries = ledger_entries.c
    query = select(
        entries.payment_id,
        _posted(PostingKind.CAPTURE).label("captured"),
        (-_posted(PostingKind.REFUND)).label("refunded"),
    ).where(entries.currency == currency, entries.account == Account.STRIPE_CLEARING)
    return query.group_by(entries.payment_id).subquery()


def _differences(row: RowMapping, currency: str) -> list[Difference]:
    expected = Sums(int(row["captured"]), int(row["refunded"]))
    posted = Sums(int(row["posted_captured"]), int(row["posted_refunded"]))
    return differences(row["id"], currency, expected, posted)
