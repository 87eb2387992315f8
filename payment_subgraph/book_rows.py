"""What the comparison with the provider's books asks of our rows, and the differences it writes down."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, Table, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from payment_subgraph.balance import BalanceTransaction
from payment_subgraph.book_difference import BookDifference, BookDifferenceCause, BookObject
from payment_subgraph.books import posted_of
from payment_subgraph.database import Database
from payment_subgraph.dispute import Dispute
from payment_subgraph.ids import new_book_difference_id
from payment_subgraph.ledger import Account, Sums
from payment_subgraph.money import Money
from payment_subgraph.payment import Payment
from payment_subgraph.refund import Refund
from payment_subgraph.tables import (
    balance_transactions,
    book_differences,
    disputes,
    ledger_entries,
    payments,
    refunds,
)

BATCH: Final = 500

_FOUND: Final = tuple(field.name for field in fields(BookDifference))
_PAYMENT: Final = tuple(payments.c[field.name] for field in fields(Payment))
_REFUND: Final = tuple(refunds.c[field.name] for field in fields(Refund))
_DISPUTE: Final = tuple(disputes.c[field.name] for field in fields(Dispute))


@dataclass(frozen=True, slots=True)
class Brought:
    """A balance transaction and the payment it belongs to by our rows."""

    payment_id: str
    transaction: BalanceTransaction


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

    async def disputes_of(self, payment_ids: Collection[str]) -> list[Dispute]:
        of_them = select(*_DISPUTE).where(disputes.c.payment_id.in_(payment_ids))
        return [Dispute(**row) for row in await self._database.rows(of_them)]

    async def movements_named(self, ids: Collection[str]) -> list[Brought]:
        named = select(balance_transactions).where(balance_transactions.c.id.in_(ids))
        return [_brought(row) for row in await self._database.rows(named)]

    async def movements_of(self, payment_id: str) -> list[BalanceTransaction]:
        row = balance_transactions.c
        of_it = select(balance_transactions).where(row.payment_id == payment_id).order_by(row.id)
        return [_brought(found).transaction for found in await self._database.rows(of_it)]

    async def payments_made(self, start: datetime, end: datetime) -> AsyncIterator[list[Payment]]:
        """In batches, oldest first."""
        async for rows in self._made(payments, select(*_PAYMENT), start, end):
            yield [Payment(**row) for row in rows]

    async def refunds_made(self, start: datetime, end: datetime) -> AsyncIterator[list[Refund]]:
        async for rows in self._made(refunds, select(*_REFUND), start, end):
            yield [Refund(**row) for row in rows]

    async def disputes_made(self, start: datetime, end: datetime) -> AsyncIterator[list[Dispute]]:
        async for rows in self._made(disputes, select(*_DISPUTE), start, end):
            yield [Dispute(**row) for row in rows]

    async def movements_made(self, start: datetime, end: datetime) -> AsyncIterator[list[Brought]]:
        async for rows in self._made(balance_transactions, select(balance_transactions), start, end):
            yield [_brought(row) for row in rows]

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

    async def losses(self, payment_ids: Collection[str]) -> dict[str, dict[str, Money]]:
        """What of each payment the ledger has as lost, by our ids of the disputes; nothing where it is zero.

        A posting is named after the dispute's id and its version.
        """
        entry = ledger_entries.c
        query = select(entry.payment_id, entry.txn_id, entry.amount_minor, entry.currency)
        lost = query.where(entry.payment_id.in_(payment_ids), entry.account == Account.CHARGEBACK_LOSSES)
        found: dict[str, dict[str, Money]] = {one: {} for one in payment_ids}
        for row in await self._database.rows(lost):
            of_payment, name = found[row["payment_id"]], row["txn_id"].rpartition(":")[0]
            before = of_payment[name].minor if name in of_payment else 0
            of_payment[name] = Money(before + row["amount_minor"], row["currency"])
        return {key: {name: lost for name, lost in of.items() if lost.minor} for key, of in found.items()}

    async def settled(self, movement_ids: Collection[str]) -> dict[str, int]:
        """What reached the balance by the ledger with each; those that posted nothing are not among them."""
        entry = ledger_entries.c
        names = {f"{one}:net": one for one in movement_ids}
        query = select(entry.txn_id, func.sum(entry.amount_minor).label("net")).group_by(entry.txn_id)
        posted = query.where(entry.txn_id.in_(list(names)), entry.account == Account.STRIPE_BALANCE)
        return {names[row["txn_id"]]: int(row["net"]) for row in await self._database.rows(posted)}

    # Differences.

    async def record(
        self, payment_key: str, found: Sequence[BookDifference], now: datetime
    ) -> list[BookDifference]:
        """Exactly *found* is open of this payment from now on; those of them that were not before."""
        async with self._database.writing() as connection:
            new = [one for one in found if await _noted(connection, one, now)]
            column = book_differences.c
            still = tuple_(column.object_id, column.cause).in_([(one.object_id, one.cause) for one in found])
            gone = (column.payment_key == payment_key) & column.resolved_at.is_(None) & ~still
            await connection.execute(update(book_differences).where(gone).values(resolved_at=now))
        return new

    async def note(self, found: Sequence[BookDifference], now: datetime) -> list[BookDifference]:
        """*found* is open beside what is open already; those of them that were not before."""
        async with self._database.writing() as connection:
            return [one for one in found if await _noted(connection, one, now)]

    async def open_payment_keys(self, after: str) -> list[str]:
        """Payments with differences that are not resolved; the next ones after *after*."""
        column = book_differences.c.payment_key
        query = select(column).where(book_differences.c.resolved_at.is_(None), column > after)
        rows = await self._database.rows(query.distinct().order_by(column).limit(BATCH))
        return [row["payment_key"] for row in rows]

    async def open_movements(self, payment_key: str) -> list[str]:
        """The ids of its balance transactions of which a difference is not resolved."""
        column = book_differences.c
        of_it = (column.payment_key == payment_key) & (column.object_type == BookObject.BALANCE_TRANSACTION)
        query = select(column.object_id).where(of_it, column.resolved_at.is_(None))
        return [row["object_id"] for row in await self._database.rows(query)]

    async def unread(self, payment_key: str) -> dict[str, BookObject]:
        """What of it could not be read, by the provider's id, and cannot still."""
        column = book_differences.c
        of_it = (column.payment_key == payment_key) & (column.cause == BookDifferenceCause.UNREADABLE)
        query = select(column.object_id, column.object_type).where(of_it, column.resolved_at.is_(None))
        return {row["object_id"]: row["object_type"] for row in await self._database.rows(query)}


def _brought(row: RowMapping) -> Brought:
    values = {field.name: row[field.name] for field in fields(BalanceTransaction)}
    return Brought(row["payment_id"], BalanceTransaction(**values))


async def _noted(connection: AsyncConnection, found: BookDifference, now: datetime) -> bool:
    """Whether it is new, or was resolved and has come back."""
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
    await connection.execute(written)
    return known is None or known[0] is not None
