"""Rows of `erased_owners`, and what is taken out of the rows that an erased person leaves behind.

What stays is in docs/personal-data.md, with the reason.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from payment_subgraph.database import Database, locked_once
from payment_subgraph.tables import erased_owners, payment_operations, payments, refunds

_BATCH: Final = 100
_RESOLVED: Final = payment_operations.c.resolved_at.is_not(None)
_RETURN_URL: Final = "return_url"


class ErasedOwners:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, owner_id: str, now: datetime) -> bool:
        """Whether it was new. Committed when it returns."""
        async with self._database.writing() as connection:
            table = postgresql if connection.dialect.name == "postgresql" else sqlite
            row = {"owner_id": owner_id, "erased_at": now, "due_at": now}
            statement = table.insert(erased_owners).values(row).on_conflict_do_nothing()
            return (
                await connection.execute(statement.returning(erased_owners.c.owner_id))
            ).first() is not None

    async def claim(self, now: datetime, lease: timedelta, limit: int) -> list[tuple[str, datetime]]:
        """Ids, and when they were erased; nobody else gets them before the lease ends."""
        column = erased_owners.c
        due = select(column.owner_id).where(column.due_at <= now).order_by(column.due_at).limit(limit)
        async with self._database.reading() as connection:
            if (await connection.execute(due)).first() is None:
                return []
        mine = column.owner_id.in_(locked_once(due))
        claim = update(erased_owners).where(mine).values(due_at=now + lease)
        async with self._database.writing() as connection:
            rows = (await connection.execute(claim.returning(column.owner_id, column.erased_at))).all()
        return [(row.owner_id, row.erased_at) for row in rows]

    async def settle(self, owner_id: str, due_at: datetime | None) -> None:
        change = update(erased_owners).where(erased_owners.c.owner_id == owner_id)
        async with self._database.writing() as connection:
            await connection.execute(change.values(due_at=due_at))

    async def has_open_operations(self, owner_id: str) -> bool:
        """Those need what they are to send."""
        column = payment_operations.c
        theirs = column.payment_id.in_(select(payments.c.id).where(payments.c.owner_id == owner_id))
        mine = ~_RESOLVED & or_(theirs, column.actor_id == owner_id)
        async with self._database.reading() as connection:
            return (await connection.execute(select(column.id).where(mine).limit(1))).first() is not None

    async def clear(self, owner_id: str, now: datetime) -> None:
        """Take out of the owner's payments what people wrote, in small steps: others want to write in between."""
        last: str | None = ""
        while last is not None:
            async with self._database.writing() as connection:
                last = await _clear_some(connection, owner_id, last, now)

    async def forget_keys(self, owner_id: str) -> None:
        """The keys that the person's client chose for what is done. Before, they keep it from being done twice."""
        column = payment_operations.c
        change = update(payment_operations).where(_RESOLVED & (column.actor_id == owner_id))
        async with self._database.writing() as connection:
            await connection.execute(change.values(client_key=column.id, request_hash=""))


async def _clear_some(connection: AsyncConnection, owner_id: str, last: str, now: datetime) -> str | None:
    """The id of the last payment of a batch; None if there was none. The payments' locks keep writers out."""
    column = payments.c
    batch = select(column.id).where((column.owner_id == owner_id) & (column.id > last)).order_by(column.id)
    found = await connection.execute(batch.limit(_BATCH).with_for_update())
    ids: list[str] = list(found.scalars())
    if not ids:
        return None
    await _clear_payments(connection, ids, now)
    await connection.execute(update(refunds).where(refunds.c.payment_id.in_(ids)).values(note=None))
    await _clear_operations(connection, ids)
    return ids[-1]


async def _clear_payments(connection: AsyncConnection, ids: Sequence[str], now: datetime) -> None:
    """As a new version: who has read a payment before would otherwise write the old texts back."""
    column = payments.c
    told = or_(column.description.is_not(None), column.return_url.is_not(None), column.metadata != ())
    cleared: dict[str, Any] = {"description": None, _RETURN_URL: None, "metadata": ()}
    change = update(payments).where(column.id.in_(ids) & told)
    await connection.execute(change.values(**cleared, version=column.version + 1, updated_at=now))


async def _clear_operations(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Only what is resolved: the others are still to be sent, to the letter."""
    column = payment_operations.c
    done = column.payment_id.in_(ids) & _RESOLVED
    await connection.execute(update(payment_operations).where(done).values(note=None))
    for row in (await connection.execute(select(column.id, column.params).where(done))).all():
        if _RETURN_URL in row.params:
            params = {name: value for name, value in row.params.items() if name != _RETURN_URL}
            await connection.execute(
                update(payment_operations).where(column.id == row.id).values(params=params)
            )
