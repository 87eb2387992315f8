"""What the ledger says, and whether it says the same as the payments: one statement each, so of one moment.

Reports and balances read sums (`totals.py`); what compares reads everything.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    RowMapping,
    Select,
    Subquery,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from payment_subgraph.balance import MovementKind
from payment_subgraph.database import Database
from payment_subgraph.dispute import DisputeStatus
from payment_subgraph.ledger import Account, Difference, PostingKind, Sums, differences
from payment_subgraph.report import ReportInterval, Takings, whole_days
from payment_subgraph.tables import balance_transactions, disputes, ledger_entries, payments
from payment_subgraph.totals import (
    ATTEMPTED,
    SUCCEEDED,
    FirstOfMonth,
    MondayOf,
    Totals,
    UtcDay,
    WrongTotal,
    day_sums,
)

MAX_DIFFERENT: Final = 100
"""Payments whose differences are told at once."""

_SUMS: Final = ("attempted", "succeeded", "captured", "refunded", "disputed", "fees")
_REPORTED: Final = (Account.STRIPE_CLEARING, Account.DISPUTES_HELD, Account.STRIPE_FEES)


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one owner's payments in one currency; amounts in minor units."""

    payments: int = 0
    captured: int = 0
    refunded: int = 0
    disputed: int = 0


class Books:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._totals = Totals(database)
        self.clock = clock

    async def balances(self, currency: str) -> dict[Account, int]:
        """Of every account, positive where the debits are more."""
        kept = day_sums()
        query = select(kept.c.account, func.sum(kept.c.amount_minor).label("total"))
        query = query.where(kept.c.currency == currency, kept.c.account != "").group_by(kept.c.account)
        rows = await self._database.rows(query)
        return dict.fromkeys(Account, 0) | {Account(row["account"]): int(row["total"]) for row in rows}

    async def wrong_totals(self, currency: str) -> list[WrongTotal]:
        """Of the sums that balances and reports are made of."""
        return await self._totals.wrong(currency, MAX_DIFFERENT)

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

    async def takings(
        self, start: datetime, end: datetime, currency: str | None, interval: ReportInterval
    ) -> list[Takings]:
        """Of periods, or of days within them, from *start* to before *end*; a period may come in several parts.

        Attempts count when they began, successes when they succeeded, money when it was posted. Whole days are kept
        summed up; only what is left of the first and the last is counted here.
        """
        first, last = whole_days(start, end)
        parts = [_whole_days(first.date(), last.date(), currency, interval)] if first < last else []
        for span in (_Span(start, first, currency), _Span(last, end, currency)):
            parts += span.parts() if span.start < span.end else []
        rows = await self._database.rows(select(union_all(*parts).subquery()))
        return [_takings(row) for row in rows]

    async def summaries_of(self, owners: Sequence[str], currency: str) -> dict[str, Summary]:
        owned = payments.c
        query = select(
            owned.owner_id,
            func.count().label("payments"),
            func.sum(owned.amount_captured).label("captured"),
            func.sum(owned.amount_refunded).label("refunded"),
            func.sum(owned.amount_disputed).label("disputed"),
        ).where(owned.owner_id.in_(owners), owned.currency == currency)
        rows = await self._database.rows(query.group_by(owned.owner_id))
        return dict.fromkeys(owners, Summary()) | {row["owner_id"]: _summary(row) for row in rows}


def _summary(row: RowMapping) -> Summary:
    return Summary(row["payments"], *(int(row[name]) for name in ("captured", "refunded", "disputed")))


@dataclass(frozen=True, slots=True)
class _Span:
    start: datetime
    end: datetime
    currency: str | None

    def parts(self) -> list[Select[Any]]:
        entries = ledger_entries.c
        money = self._by_day(entries.effective_at, entries.currency, **_money(entries))
        return [
            self._by_day(payments.c.created_at, payments.c.currency, attempted=func.count()),
            self._by_day(payments.c.succeeded_at, payments.c.currency, succeeded=func.count()),
            money.where(entries.account.in_(_REPORTED)),
        ]

    def _by_day(
        self, at: Column[Any], currency: Column[Any], **sums: ColumnElement[Any]
    ) -> Select[tuple[Any, ...]]:
        """What happened at *at*, the columns of a `Takings`; those not among *sums* are zero."""
        day = UtcDay(at)
        columns = [sums.get(name, literal(0)).label(name) for name in _SUMS]
        query = select(day.label("day"), currency.label("currency"), *columns)
        query = query.where(at >= self.start, at < self.end).group_by(day, currency)
        return query if self.currency is None else query.where(currency == self.currency)


def _takings(row: RowMapping) -> Takings:
    return Takings(row["day"], row["currency"], **{name: int(row[name]) for name in _SUMS})


def _whole_days(
    first: date, last: date, currency: str | None, interval: ReportInterval
) -> Select[tuple[Any, ...]]:
    """Added up by period here, so that no more rows travel than are told."""
    of = day_sums().c
    period = _period(of.day, interval)
    sums = {
        "attempted": _sum(of.kind == ATTEMPTED, of.entries),
        "succeeded": _sum(of.kind == SUCCEEDED, of.entries),
        **_money(of),
    }
    query = select(period.label("day"), of.currency, *(sums[name].label(name) for name in _SUMS))
    query = query.where(of.day >= first, of.day < last, of.account.in_(("", *_REPORTED)))
    query = query.group_by(period, of.currency)
    return query if currency is None else query.where(of.currency == currency)


def _period(day: ColumnElement[date], interval: ReportInterval) -> ColumnElement[date]:
    """`report.period_start` in SQL."""
    match interval:
        case ReportInterval.DAY:
            return day
        case ReportInterval.WEEK:
            return MondayOf(day)
        case ReportInterval.MONTH:
            return FirstOfMonth(day)


def _money(of: ReadOnlyColumnCollection[str, Any]) -> dict[str, ColumnElement[Any]]:
    """The sums of money in a `Takings`, from entries or from sums of entries."""
    clearing = of.account == Account.STRIPE_CLEARING
    return {
        "captured": _sum(clearing & (of.kind == PostingKind.CAPTURE), of.amount_minor),
        "refunded": _sum(clearing & (of.kind == PostingKind.REFUND), -of.amount_minor),
        "disputed": _sum(
            (of.account == Account.DISPUTES_HELD) & (of.kind == PostingKind.DISPUTE), of.amount_minor
        ),
        "fees": _sum(of.account == Account.STRIPE_FEES, of.amount_minor),
    }


def _sum(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """As BIGINT: PostgreSQL's own type for such a sum takes long to read in thousands of rows."""
    return cast(func.sum(case((condition, value), else_=0)), BigInteger)


def _posted(kind: PostingKind) -> ColumnElement[Any]:
    """The sum of those entries that are of *kind*."""
    return _sum(ledger_entries.c.kind == kind, ledger_entries.c.amount_minor)


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


async def posted_of(database: Database, payment_ids: Collection[str]) -> dict[str, Sums]:
    """What the ledger has of captures and refunds of each, in the payment's own currency."""
    posted = posted_by_payment(ledger_entries.c.payment_id.in_(payment_ids))
    same = (payments.c.id == posted.c.payment_id) & (payments.c.currency == posted.c.currency)
    rows = await database.rows(select(posted).join_from(posted, payments, same))
    found = {row["payment_id"]: Sums(capture=int(row["capture"]), refund=int(row["refund"])) for row in rows}
    return dict.fromkeys(payment_ids, Sums()) | found


def posted_by_payment(*conditions: ColumnElement[bool]) -> Subquery:
    """Captures and refunds, by payment and currency, as what is under way shows them."""
    entries = ledger_entries.c
    query = select(
        entries.payment_id,
        entries.currency,
        _posted(PostingKind.CAPTURE).label("capture"),
        (-_posted(PostingKind.REFUND)).label("refund"),
    ).where(entries.account == Account.STRIPE_CLEARING, *conditions)
    return query.group_by(entries.payment_id, entries.currency).subquery()


def _differences(row: RowMapping, currency: str) -> list[Difference]:
    expected, posted = (
        Sums(**{kind: int(row[f"{side}_{kind}"]) for kind in _KINDS}) for side in ("expected", "posted")
    )
    return differences(row["id"], currency, expected, posted)
