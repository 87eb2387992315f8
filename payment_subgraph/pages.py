"""Bulk reads for the GraphQL layer: one statement each, however many parents there are."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, RowMapping, Select, Table, and_, bindparam, func, or_, select

from payment_subgraph.book_difference import BookDifference, BookDifferenceCause, BookDifferenceRecord
from payment_subgraph.cursors import Cursor, PageRequest, SortField
from payment_subgraph.database import Database
from payment_subgraph.dispute import Dispute, DisputeStatus
from payment_subgraph.inbox_event import EventRecord, InboxState
from payment_subgraph.operation import Operation
from payment_subgraph.payment import FinancialStatus, Payment, PaymentStatus
from payment_subgraph.refund import Refund
from payment_subgraph.repository import FINANCIAL_STATUS
from payment_subgraph.tables import (
    DEAD,
    book_differences,
    disputes,
    payment_operations,
    payments,
    provider_events,
    refunds,
)

Row = TypeVar("Row")

_SORT_COLUMNS: Final = {
    SortField.CREATED_AT: "created_at",
    SortField.UPDATED_AT: "updated_at",
    SortField.AMOUNT: "amount_minor",
}
_TABLES: Final[dict[type, Table]] = {Payment: payments, Refund: refunds}
_RANK: Final = "rank_in_page"
_OPEN_EVENTS: Final = frozenset({InboxState.RECEIVED, InboxState.PARKED})
_PARENTS: Final = "parents"


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """None asks for nothing; hashable."""

    status: frozenset[PaymentStatus] | None = None
    financial_status: frozenset[FinancialStatus] | None = None
    reference: str | None = None
    owner_id: str | None = None
    currency: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """None asks for nothing."""

    state: frozenset[InboxState] | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows in list order; *more*: others lie beyond in the direction of reading."""

    rows: tuple[Row, ...]
    more: bool


class Pages:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def payments_of(
        self, owners: Sequence[str], wanted: PaymentFilter, page: PageRequest
    ) -> dict[str, Page[Payment]]:
        """Each owner's own page, by one windowed statement."""
        # What is kept must not hold clients' texts.
        usual = wanted == PaymentFilter() and page.cursor is None
        build = _payments_by_owner if usual else _payments_by_owner.__wrapped__
        return await self._grouped(Payment, payments.c.owner_id, owners, page, build(wanted, page))

    async def payments(self, wanted: PaymentFilter, page: PageRequest) -> Page[Payment]:
        query = select(*_columns(Payment, payments)).where(*_filtered(wanted), *_beyond(payments, page))
        rows = await self._database.rows(query.order_by(*_order(payments, page)).limit(page.size + 1))
        return _page([Payment(**row) for row in rows], page)

    async def count_payments(self, wanted: PaymentFilter) -> int:
        query = select(func.count()).select_from(payments).where(*_filtered(wanted))
        return int((await self._database.rows(query))[0]["count_1"])

    async def count_payments_of(self, owners: Sequence[str], wanted: PaymentFilter) -> dict[str, int]:
        query = select(payments.c.owner_id, func.count().label("total"))
        query = query.where(payments.c.owner_id.in_(owners), *_filtered(wanted)).group_by(payments.c.owner_id)
        return {row["owner_id"]: row["total"] for row in await self._database.rows(query)}

    async def refunds_of(self, payment_ids: Sequence[str], page: PageRequest) -> dict[str, Page[Refund]]:
        build = _refunds_by_payment if page.cursor is None else _refunds_by_payment.__wrapped__
        return await self._grouped(Refund, refunds.c.payment_id, payment_ids, page, build(page))

    async def disputes(self, status: frozenset[DisputeStatus] | None, page: PageRequest) -> Page[Dispute]:
        query = select(*_columns(Dispute, disputes)).where(*_beyond(disputes, page))
        if status is not None:
            query = query.where(disputes.c.status.in_(status))
        rows = await self._database.rows(query.order_by(*_order(disputes, page)).limit(page.size + 1))
        return _page([Dispute(**row) for row in rows], page)

    async def disputes_of(self, payment_ids: Sequence[str]) -> dict[str, list[Dispute]]:
        """All of each payment's, oldest first: there are hardly ever two."""
        query = select(*_columns(Dispute, disputes)).where(disputes.c.payment_id.in_(payment_ids))
        found: dict[str, list[Dispute]] = defaultdict(list)
        for row in await self._database.rows(query.order_by(disputes.c.created_at, disputes.c.id)):
            found[row["payment_id"]].append(Dispute(**row))
        return found

    async def disputes_by_id(self, ids: Sequence[str]) -> dict[str, Dispute]:
        query = select(*_columns(Dispute, disputes)).where(disputes.c.id.in_(ids))
        return {row["id"]: Dispute(**row) for row in await self._database.rows(query)}

    async def webhook_events(self, wanted: EventFilter, page: PageRequest) -> Page[EventRecord]:
        """Newest first, by their ids: those begin with the time, and have an index."""
        column = provider_events.c
        conditions = [
            column.state.in_(wanted.state) if wanted.state is not None else None,
            # In the words of the partial indexes: only then do the databases use them.
            DEAD if wanted.state == frozenset({InboxState.DEAD}) else None,
            column.processed_at.is_(None) if wanted.state and wanted.state <= _OPEN_EVENTS else None,
            column.type == wanted.type if wanted.type is not None else None,
            column.id < page.cursor.id if page.cursor is not None else None,
        ]
        query = select(*_columns(EventRecord, provider_events))
        query = query.where(*(condition for condition in conditions if condition is not None))
        rows = await self._database.rows(query.order_by(column.id.desc()).limit(page.size + 1))
        return _page([EventRecord(**row) for row in rows], page)

    async def book_differences(
        self, page: PageRequest, causes: Collection[BookDifferenceCause] | None, *, resolved: bool | None
    ) -> Page[BookDifferenceRecord]:
        """Newest first, by their ids: those begin with the time. *resolved* None: whether or not."""
        column = book_differences.c
        conditions = [
            column.cause.in_(causes) if causes is not None else None,
            column.resolved_at.is_not(None) if resolved else None,
            column.resolved_at.is_(None) if resolved is False else None,
            column.id < page.cursor.id if page.cursor is not None else None,
        ]
        query = select(book_differences).where(*(one for one in conditions if one is not None))
        rows = await self._database.rows(query.order_by(column.id.desc()).limit(page.size + 1))
        return _page([_difference(row) for row in rows], page)

    async def payments_by_id(self, ids: Sequence[str]) -> dict[str, Payment]:
        query = select(*_columns(Payment, payments)).where(payments.c.id.in_(ids))
        return {row["id"]: Payment(**row) for row in await self._database.rows(query)}

    async def refunds_by_id(self, ids: Sequence[str]) -> dict[str, Refund]:
        query = select(*_columns(Refund, refunds)).where(refunds.c.id.in_(ids))
        return {row["id"]: Refund(**row) for row in await self._database.rows(query)}

    async def open_operations_of(self, payment_ids: Sequence[str]) -> dict[str, list[Operation]]:
        table = payment_operations
        query = select(*_columns(Operation, table)).where(table.c.payment_id.in_(payment_ids))
        query = query.where(table.c.resolved_at.is_(None)).order_by(table.c.created_at, table.c.id)
        found: dict[str, list[Operation]] = defaultdict(list)
        for row in await self._database.rows(query):
            found[row["payment_id"]].append(Operation(**row))
        return found

    async def _grouped(
        self,
        kind: type[Row],
        parent: Column[Any],
        parents: Sequence[str],
        page: PageRequest,
        query: Select[Any],
    ) -> dict[str, Page[Row]]:
        """A page of rows for each of *parents*, which *parent* names in the rows' table."""
        groups: dict[str, list[Row]] = {one: [] for one in parents}
        for row in await self._database.rows(query, {_PARENTS: list(parents)}):
            groups[row[parent.name]].append(kind(**{name: row[name] for name in row if name != _RANK}))
        return {one: _page(rows, page) for one, rows in groups.items()}


# Building such a statement takes as long as all the rest that a small request asks of Python here.
@lru_cache(maxsize=64)
def _payments_by_owner(wanted: PaymentFilter, page: PageRequest) -> Select[Any]:
    return _ranked(Payment, payments.c.owner_id, _filtered(wanted), page)


@lru_cache(maxsize=64)
def _refunds_by_payment(page: PageRequest) -> Select[Any]:
    return _ranked(Refund, refunds.c.payment_id, [], page)


def _ranked(
    kind: type, parent: Column[Any], conditions: Sequence[ColumnElement[bool]], page: PageRequest
) -> Select[Any]:
    """The first rows of each parent, whose ids come as the parameter `parents`."""
    table: Table = _TABLES[kind]
    wanted = [parent.in_(bindparam(_PARENTS, expanding=True)), *conditions, *_beyond(table, page)]
    rank = func.row_number().over(partition_by=parent, order_by=_order(table, page)).label(_RANK)
    ranked = select(*_columns(kind, table), rank).where(*wanted).subquery()
    return select(ranked).where(ranked.c[_RANK] <= page.size + 1).order_by(ranked.c[_RANK])


def cursor_of(row: Payment | Refund | Dispute, page: PageRequest) -> str:
    return Cursor(page.field, getattr(row, _SORT_COLUMNS[page.field]), row.id).encode()


def event_cursor_of(event: EventRecord, page: PageRequest) -> str:
    return Cursor(page.field, event.received_at, event.id).encode()


def _difference(row: RowMapping) -> BookDifferenceRecord:
    return BookDifferenceRecord(
        id=row["id"],
        found=BookDifference(**{field.name: row[field.name] for field in fields(BookDifference)}),
        first_found_at=row["first_found_at"],
        last_found_at=row["last_found_at"],
        resolved_at=row["resolved_at"],
    )


def _columns(kind: type, table: Table) -> list[Column[Any]]:
    return [table.c[field.name] for field in fields(kind)]


def _filtered(wanted: PaymentFilter) -> list[ColumnElement[bool]]:
    column = payments.c
    conditions = [
        column.status.in_(wanted.status) if wanted.status is not None else None,
        FINANCIAL_STATUS.in_(wanted.financial_status) if wanted.financial_status is not None else None,
        column.reference == wanted.reference if wanted.reference is not None else None,
        column.owner_id == wanted.owner_id if wanted.owner_id is not None else None,
        column.currency == wanted.currency if wanted.currency is not None else None,
        column.created_at > wanted.created_after if wanted.created_after is not None else None,
        column.created_at < wanted.created_before if wanted.created_before is not None else None,
    ]
    return [condition for condition in conditions if condition is not None]


def _beyond(table: Table, page: PageRequest) -> list[ColumnElement[bool]]:
    """Rows past the cursor. Written out: SQLite and PostgreSQL use the index for this form alike."""
    if page.cursor is None:
        return []
    column, value, row_id = table.c[_SORT_COLUMNS[page.field]], page.cursor.value, page.cursor.id
    if page.descending is not page.backward:
        return [or_(column < value, and_(column == value, table.c.id < row_id))]
    return [or_(column > value, and_(column == value, table.c.id > row_id))]


def _order(table: Table, page: PageRequest) -> list[ColumnElement[Any]]:
    columns = (table.c[_SORT_COLUMNS[page.field]], table.c.id)
    falling = page.descending is not page.backward
    return [column.desc() if falling else column.asc() for column in columns]


def _page(rows: list[Row], page: PageRequest) -> Page[Row]:
    kept = rows[: page.size]
    return Page(tuple(reversed(kept) if page.backward else kept), more=len(rows) > page.size)
