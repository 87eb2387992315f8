"""What the ledger says, and whether it says the same as the payments: one statement each, so of one moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
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

from payment_subgraph.balance import MovementKind
from payment_subgraph.database import Database
from payment_subgraph.dispute import DisputeStatus
from payment_subgraph.ledger import Account, Difference, PostingKind, Sums, differences
from payment_subgraph.report import Takings
from payment_subgraph.tables import balance_transactions, disputes, ledger_entries, payments

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

    async def provider_balances(self) -> dict[str, int]:
        """What the ledger says that the provider holds for us, by currency.

        It is the sum of `net` of the provider's balance transactions: `ledger.off_from_provider` compares.
        """
        held, total = ledger_entries.c, func.sum(ledger_entries.c.amount_minor).label("total")
        query = select(held.currency, total).where(held.account == Account.STRIPE_BALANCE)
        rows = await self._database.rows(query.group_by(held.currency))
        return {row["currency"]: int(row["total"]) for row in rows}

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
    """The payments of which rows and ledger do not say the same, each kind of posting by itself."""
    told, brought, lost, posted = (
        _by_rows(currency),
        _by_balance_transactions(currency),
        _by_disputes(currency),
        _by_ledger(currency),
    )
    of_rows = {"capture": told, "refund": told, "chargeback": lost}
    expected = {kind: _zero(of_rows.get(kind, brought), kind) for kind in _KINDS}
    booked = {kind: _zero(posted, kind) for kind in _KINDS}
    query = select(
        payments.c.id,
        *(value.label(f"expected_{kind}") for kind, value in expected.items()),
        *(value.label(f"posted_{kind}") for kind, value in booked.items()),
    ).select_from(payments)
    for found in (told, brought, lost, posted):
        query = query.outerjoin(found, found.c.payment_id == payments.c.id)
    differs = or_(*(expected[kind] != booked[kind] for kind in _KINDS))
    return query.where(differs).order_by(payments.c.id).limit(MAX_DIFFERENT)


_KINDS: Final = tuple(field.name for field in fields(Sums))


def _zero(found: Subquery, kind: str) -> ColumnElement[Any]:
    return func.coalesce(found.c[kind], 0)


def _by_rows(currency: str) -> Subquery:
    """What payments say was captured and refunded; of another currency than their own they say nothing."""
    row = payments.c
    query = select(
        row.id.label("payment_id"), row.amount_captured.label("capture"), row.amount_refunded.label("refund")
    )
    return query.where(row.currency == currency).subquery()


def _by_balance_transactions(currency: str) -> Subquery:
    """What they moved in *currency*; of an exchange both sides, of which the payment's own has its currency."""
    row, total = balance_transactions.c, func.sum
    settled, disputed = row.currency == currency, row.kind == MovementKind.DISPUTE
    given = (payments.c.currency == currency) & ~settled & ~disputed
    taken = settled & (payments.c.currency != currency) & ~disputed
    query = select(
        row.payment_id,
        total(case((settled, row.fee_minor), else_=0)).label("fee"),
        total(case((settled & disputed, -row.amount_minor), else_=0)).label("dispute"),
        total(case((given, -row.payment_minor), (taken, row.amount_minor), else_=0)).label("exchange"),
        total(case((settled, row.net_minor), else_=0)).label("settlement"),
    ).join_from(balance_transactions, payments, payments.c.id == row.payment_id)
    return query.where(settled | given).group_by(row.payment_id).subquery()


def _by_disputes(currency: str) -> Subquery:
    """What of them is lost: `Dispute.lost_minor` in SQL."""
    row = disputes.c
    away = row.status.in_((DisputeStatus.LOST, DisputeStatus.PREVENTED)) | ~row.funds_withdrawn
    query = select(row.payment_id, func.sum(row.held_minor).label("chargeback"))
    return query.where(away, row.held_currency == currency).group_by(row.payment_id).subquery()


def _by_ledger(currency: str) -> Subquery:
    """As what is under way shows it, and of chargebacks the losses."""
    entries = ledger_entries.c
    query = select(
        entries.payment_id,
        _posted(PostingKind.CAPTURE).label("capture"),
        (-_posted(PostingKind.REFUND)).label("refund"),
        (-_posted(PostingKind.FEE)).label("fee"),
        (-_posted(PostingKind.DISPUTE)).label("dispute"),
        _posted(PostingKind.CHARGEBACK).label("chargeback"),
        _posted(PostingKind.EXCHANGE).label("exchange"),
        (-_posted(PostingKind.SETTLEMENT)).label("settlement"),
    ).where(
        entries.currency == currency,
        entries.account.in_((Account.STRIPE_CLEARING, Account.CHARGEBACK_LOSSES)),
    )
    return query.group_by(entries.payment_id).subquery()


def _differences(row: RowMapping, currency: str) -> list[Difference]:
    expected, posted = (
        Sums(**{kind: int(row[f"{side}_{kind}"]) for kind in _KINDS}) for side in ("expected", "posted")
    )
    return differences(row["id"], currency, expected, posted)
