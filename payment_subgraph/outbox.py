"""Rows of `outbox_messages`: claimed by one worker at a time, settled, listed, and sent once more.

Of one payment a message is claimed only when none before it is still to be delivered, so they arrive in order. One
that is given up lets the next go on. No other payment waits for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Update, delete, exists, literal_column, or_, select, update

from payment_subgraph.cursors import Cursor, PageRequest
from payment_subgraph.database import Database, locked_once
from payment_subgraph.outbox_message import DeliveryPatience, OutboxMessage, OutboxRecord, OutboxState
from payment_subgraph.pages import Page
from payment_subgraph.tables import DEAD, WAITING_MESSAGES, outbox_messages

_MESSAGE: Final = tuple(outbox_messages.c[field.name] for field in fields(OutboxMessage))
_RECORD: Final = tuple(outbox_messages.c[field.name] for field in fields(OutboxRecord))
_PRUNED: Final = (OutboxState.DELIVERED, OutboxState.SKIPPED)
_BATCH: Final = 1000
# Written into the statement: only so do the databases see that a partial index has all that is wanted.
_PENDING: Final[ColumnElement[str]] = literal_column("'PENDING'")


@dataclass(frozen=True, slots=True)
class OutboxFilter:
    """None asks for nothing."""

    state: frozenset[OutboxState] | None = None
    type: str | None = None
    payment_id: str | None = None


class Outbox:
    def __init__(self, database: Database, patience: DeliveryPatience, clock: Callable[[], datetime]) -> None:
        self._database, self.patience, self._clock = database, patience, clock

    # For the workers.

    async def claim(self, limit: int) -> list[OutboxMessage]:
        """Messages whose time and turn have come; nobody else gets them before the lease ends."""
        now = self._clock()
        due = _due(now)
        async with self._database.reading() as connection:
            if (await connection.execute(due.limit(1))).first() is None:
                return []
        first = due.order_by(outbox_messages.c.next_attempt_at).limit(limit)
        claimed = (
            update(outbox_messages)
            .where(outbox_messages.c.id.in_(locked_once(first)))
            .values(attempts=outbox_messages.c.attempts + 1, next_attempt_at=now + self.patience.lease)
            .returning(*_MESSAGE)
        )
        async with self._database.writing() as connection:
            rows = (await connection.execute(claimed)).mappings().all()
        return [OutboxMessage(**row) for row in rows]

    async def delivered(self, message: OutboxMessage) -> None:
        now = self._clock()
        await self._settle(message, state=OutboxState.DELIVERED, delivered_at=now, last_error=None)

    async def put_off(self, message: OutboxMessage, until: datetime, error: str) -> None:
        """Those behind it are not looked at before either: many may wait, and each look asks who is before them."""
        await self._settle(message, next_attempt_at=until, last_error=error)
        behind = _untried(message.payment_id) & (outbox_messages.c.next_attempt_at < until)
        async with self._database.writing() as connection:
            await connection.execute(update(outbox_messages).where(behind).values(next_attempt_at=until))

    async def give_up(self, message: OutboxMessage, error: str) -> None:
        await self._settle(message, state=OutboxState.DEAD, last_error=error)

    async def _settle(self, message: OutboxMessage, **changes: Any) -> None:
        """Nothing, if the lease ended and another has claimed it: that one will tell."""
        column = outbox_messages.c
        mine = (column.id == message.id) & (column.attempts == message.attempts) & WAITING_MESSAGES
        async with self._database.writing() as connection:
            await connection.execute(update(outbox_messages).where(mine).values(**changes))

    # For those who look after them.

    async def records(self, wanted: OutboxFilter, page: PageRequest) -> Page[OutboxRecord]:
        """Newest first."""
        column = outbox_messages.c
        query = select(*_RECORD).where(*_conditions(wanted))
        if (cursor := page.cursor) is not None:
            same_time = (column.created_at == cursor.value) & (column.id < cursor.id)
            query = query.where(or_(column.created_at < cursor.value, same_time))
        query = query.order_by(column.created_at.desc(), column.id.desc()).limit(page.size + 1)
        rows = [OutboxRecord(**row) for row in await self._database.rows(query)]
        return Page(tuple(rows[: page.size]), more=len(rows) > page.size)

    async def replay(self, message_id: str) -> OutboxRecord | None:
        """Have it sent once more, with all its tries, whatever came of it; None if there is no such message."""
        now = self._clock()
        again = _again(now).where(outbox_messages.c.id == message_id).returning(*_RECORD)
        async with self._database.writing() as connection:
            row = (await connection.execute(again)).mappings().first()
            if row is None:
                return None
            behind = update(outbox_messages).where(_untried(row["payment_id"]))
            await connection.execute(behind.values(next_attempt_at=now))
        return OutboxRecord(**row)

    async def replay_since(self, since: datetime) -> int:
        """All that was written from *since* on, for a receiver that lost what it had; how many those are."""
        return await self._change_many(_again(self._clock()), outbox_messages.c.created_at >= since)

    async def skip_before(self, before: datetime) -> int:
        """What was written before, and waits, is not to be delivered; how many messages that are."""
        waiting = WAITING_MESSAGES & (outbox_messages.c.created_at < before)
        return await self._change_many(update(outbox_messages).values(state=OutboxState.SKIPPED), waiting)

    async def _change_many(self, change: Update, wanted: ColumnElement[bool]) -> int:
        async with self._database.writing() as connection:
            return (await connection.execute(change.where(wanted))).rowcount

    async def prune(self, before: datetime) -> int:
        """Delete what is done with and was written before *before*; how many messages those were.

        Their transitions stay in the timeline. In small steps: workers want to write in between.
        """
        column, deleted = outbox_messages.c, 0
        old = select(column.id).where((column.created_at < before) & column.state.in_(_PRUNED)).limit(_BATCH)
        while True:
            async with self._database.writing() as connection:
                count = (await connection.execute(delete(outbox_messages).where(column.id.in_(old)))).rowcount
            deleted += count
            if count == 0:
                return deleted


def _due(now: datetime) -> Any:
    """Ids of messages whose time has come and that are the first of their payment to wait."""
    message, earlier = outbox_messages, outbox_messages.alias("earlier")
    before = (earlier.c.payment_id == message.c.payment_id) & (earlier.c.sequence < message.c.sequence)
    waiting_before = exists().where(before & (earlier.c.state == _PENDING))
    return select(message.c.id).where(
        message.c.state == _PENDING, message.c.next_attempt_at <= now, ~waiting_before
    )


def _untried(payment_id: str) -> ColumnElement[bool]:
    """Of one payment, what waits and was never tried: what stands behind others, or is due now."""
    column = outbox_messages.c
    return (column.payment_id == payment_id) & (column.attempts == 0) & WAITING_MESSAGES


def _again(now: datetime) -> Update:
    fresh = {"state": OutboxState.PENDING, "attempts": 0, "next_attempt_at": now, "delivered_at": None}
    return update(outbox_messages).values(fresh)


def _conditions(wanted: OutboxFilter) -> Sequence[Any]:
    column = outbox_messages.c
    conditions = [
        column.state.in_(wanted.state) if wanted.state is not None else None,
        # In the words of the partial indexes: only then do the databases use them.
        DEAD if wanted.state == frozenset({OutboxState.DEAD}) else None,
        WAITING_MESSAGES if wanted.state == frozenset({OutboxState.PENDING}) else None,
        column.type == wanted.type if wanted.type is not None else None,
        column.payment_id == wanted.payment_id if wanted.payment_id is not None else None,
    ]
    return [condition for condition in conditions if condition is not None]


def outbox_cursor_of(record: OutboxRecord, page: PageRequest) -> str:
    return Cursor(page.field, record.created_at, record.id).encode()
