"""What the comparison with the provider's books asks of our rows, and the differences it writes down."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, Table, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from payment_subgraph.book_difference import BookDifference
from payment_subgraph.books import posted_of
from payment_subgraph.database import Database
from payment_subgraph.ids import new_book_difference_id
from payment_subgraph.ledger import Sums
from payment_subgraph.payment import Payment
from payment_subgraph.refund import Refund
from payment_subgraph.tables import book_differences, payments, refunds

BATCH: Final = 500

_FOUND: Final = tuple(field.name for field in fields(BookDifference))
_PAYMENT: Final = tuple(payments.c[field.name] for field in fields(Payment))
_REFUND: Final = tuple(refunds.c[field.name] for field in fields(Refund))


class BookRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    # Ours.

    async def payments_named(self, ours: Collection[str], providers: Collection[str]) -> list[Payment]:
        """Those with one of our ids, or with one of the provider's."""
        named = or_(payments.c.id.in_(ours), payments.c.provider_payment_id.in_(providers))
        return [Payment(**row) for row in await self._database.rows(select(*_PAYMENT).where(named))]

    async def refunds_named(self, ours: Collection[str], providers: Collection[str]) -> list[Refund]:
        named = or_(refunds.c.id.in_(ours), refunds.c.provider_refund_id.in_(providers))
        return [Refund(**row) for row in await self._database.rows(select(*_REFUND).where(named))]

    async def payments_made(self, start: datetime, end: datetime) -> AsyncIterator[list[Payment]]:
        """In batches, oldest first."""
        async for rows in self._made(payments, select(*_PAYMENT), start, end):
            yield [Payment(**row) for row in rows]

    async def refunds_made(self, start: datetime, end: datetime) -> AsyncIterator[list[Refund]]:
        async for rows in self._made(refunds, select(*_REFUND), start, end):
            yield [Refund(**row) for row in rows]

    async def _made(
        self, table: Table, query: Select[Any], start: datetime, end: datetime
    ) -> AsyncIterator[Sequence[RowMapping]]:
        at, name = table.c.created_at, table.c.id
        beyond: ColumnElement[bool] = at >= start
        while True:
            page = query.where(beyond, at >= start, at < end).order_by(at, name).limit(BATCH)
            rows = await self._database.rows(page)
            if not rows:
                return
            yield rows
            last = rows[-1]
            beyond = or_(at > last["created_at"], (at == last["created_at"]) & (name > last["id"]))

    async def posted(self, payment_ids: Collection[str]) -> dict[str, Sums]:
        return await posted_of(self._database, payment_ids)

    # Differences.

    async def record(self, payment_key: str, found: Sequence[BookDifference], now: datetime) -> list[str]:
        """Exactly *found* is open of this payment from now on; the ids of those that were not before."""
        async with self._database.writing() as connection:
            new = [name for one in found if (name := await _noted(connection, one, now))]
            column = book_differences.c
            still = tuple_(column.object_id, column.cause).in_([(one.object_id, one.cause) for one in found])
            gone = (column.payment_key == payment_key) & column.resolved_at.is_(None) & ~still
            await connection.execute(update(book_differences).where(gone).values(resolved_at=now))
        return new

    async def open_payment_keys(self, after: str) -> list[str]:
        """Payments with differences that are not resolved; the next ones after *after*."""
        column = book_differences.c.payment_key
        query = select(column).where(book_differences.c.resolved_at.is_(None), column > after)
        rows = await self._database.rows(query.distinct().order_by(column).limit(BATCH))
        return [row["payment_key"] for row in rows]


async def _noted(connection: AsyncConnection, found: BookDifference, now: datetime) -> str | None:
    """The row's id if it is new, or was resolved and has come back."""
    values = {name: getattr(found, name) for name in _FOUND}
    same = (book_differences.c.object_id == found.object_id) & (book_differences.c.cause == found.cause)
    was_open = select(book_differences.c.resolved_at).where(same)
    known = (await connection.execute(was_open)).first()
    table = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = table.insert(book_differences).values(
        id=new_book_difference_id(), first_found_at=now, last_found_at=now, **values
    )
    written = new.on_conflict_do_update(
        index_elements=["object_id", "cause"], set_=values | {"last_found_at": now, "resolved_at": None}
    )
    name = (await connection.execute(written.returning(book_differences.c.id))).scalar_one()
    return str(name) if known is None or known[0] is not None else None
