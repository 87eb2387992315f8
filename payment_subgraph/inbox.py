"""Rows of `provider_events`: stored once by the webhook's door, claimed by one worker at a time."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from payment_subgraph.database import Database, locked_once
from payment_subgraph.ids import new_inbox_id
from payment_subgraph.inbox_event import BACK_OFF, EventRecord, InboxEvent, InboxState, next_attempt
from payment_subgraph.processor import ProviderEvent
from payment_subgraph.tables import SUSPECTED_EVENTS, provider_events

_EVENT: Final = tuple(provider_events.c[field.name] for field in fields(InboxEvent))
_RECORD: Final = tuple(provider_events.c[field.name] for field in fields(EventRecord))
_OPEN: Final = provider_events.c.processed_at.is_(None)
_FIRST: Final = provider_events.c.next_attempt_at, provider_events.c.id
_MOST_AT_ONCE: Final = 50


class Inbox:
    """*provider*: whose events these are. *lease*: for how long a claimed one is left to its worker.

    *back_off*: the pauses between tries; the last one stays.
    """

    def __init__(
        self,
        database: Database,
        provider: str,
        lease: timedelta = timedelta(seconds=90),
        back_off: Sequence[timedelta] = BACK_OFF,
    ) -> None:
        self._database, self._provider, self._lease, self._back_off = database, provider, lease, back_off

    async def store(self, events: list[ProviderEvent], now: datetime) -> int:
        """How many of them were new. Committed when it returns."""
        async with self._database.writing() as connection:
            table = postgresql if connection.dialect.name == "postgresql" else sqlite
            stored = 0
            for event in events:
                statement = (
                    table.insert(provider_events).values(self._row(event, now)).on_conflict_do_nothing()
                )
                # psycopg's rowcount is -1 here; what was inserted is known by RETURNING alone
                stored += (
                    await connection.execute(statement.returning(provider_events.c.id))
                ).first() is not None
        return stored

    async def unknown(self, events: Sequence[ProviderEvent]) -> list[ProviderEvent]:
        """Those of *events* that are not stored."""
        column = provider_events.c
        names = [event.provider_event_id for event in events]
        same = (column.provider == self._provider) & column.provider_event_id.in_(names)
        async with self._database.reading() as connection:
            known = set((await connection.execute(select(column.provider_event_id).where(same))).scalars())
        return [event for event in events if event.provider_event_id not in known]

    async def claim(self, now: datetime, subjects: int) -> list[InboxEvent]:
        """Open events whose time has come, of at most so many *subjects*, in order of arrival.

        Nobody else gets them before the lease ends.
        """
        return await self._claim(now, subjects, _MOST_AT_ONCE, ~SUSPECTED_EVENTS)

    async def claim_suspect(self, now: datetime) -> list[InboxEvent]:
        """At most one of those whose last two workers were not heard of again: once is chance, they end for many reasons.

        Alone: if it ends this worker too, no other event is taken for the one that did.
        """
        return await self._claim(now, 1, 1, SUSPECTED_EVENTS)

    async def _claim(
        self, now: datetime, subjects: int, most: int, which: ColumnElement[bool]
    ) -> list[InboxEvent]:
        """Counted as lost until it is settled: a killed worker can count nothing any more."""
        column = provider_events.c
        waiting = _OPEN & (column.next_attempt_at <= now) & which
        async with self._database.reading() as connection:
            if (await connection.execute(select(column.id).where(waiting).limit(1))).first() is None:
                return []
        async with self._database.writing() as connection:
            first = select(column.id, column.subject).where(waiting).order_by(*_FIRST)
            found = await connection.execute(first.limit(subjects).with_for_update(skip_locked=True))
            due = select(column.id).where(waiting, _of_the_same([*found]))
            due = due.order_by(*_FIRST).limit(most)
            claimed = (
                update(provider_events)
                .where(column.id.in_(locked_once(due)))
                .values(
                    attempts=column.attempts + 1,
                    lost_claims=column.lost_claims + 1,
                    next_attempt_at=now + self._lease,
                )
                .returning(*_EVENT)
            )
            rows = (await connection.execute(claimed)).mappings().all()
        events = (InboxEvent(**{**row, "lost_claims": row["lost_claims"] - 1}) for row in rows)
        return sorted(events, key=lambda event: event.id)

    async def settle(
        self, outcomes: Sequence[tuple[InboxEvent, InboxState, str | None]], now: datetime
    ) -> None:
        """What became of each, and why if that is to be told; nothing to one that somebody else claimed meanwhile.

        One that is open still waits for its next try.
        """
        column = provider_events.c
        mine = (column.id == bindparam("event_id")) & (column.attempts == bindparam("tried")) & _OPEN
        change = (
            update(provider_events)
            .where(mine)
            .values(
                lost_claims=0,
                last_error=bindparam("why"),
                state=bindparam("now_is"),
                next_attempt_at=bindparam("try_at"),
                processed_at=bindparam("done_at"),
            )
        )
        rows = [
            {
                "event_id": event.id,
                "tried": event.attempts,
                "now_is": state,
                "why": why,
                "try_at": next_attempt(event.attempts, now, self._back_off),
                "done_at": None if state.waits else now,
            }
            for event, state, why in outcomes
        ]
        async with self._database.writing() as connection:
            await connection.execute(change, rows)

    async def replay(self, event_id: str, now: datetime) -> EventRecord | None:
        """Have it worked on once more, with all its tries, whatever came of it; None if there is no such event.

        A worker that holds it just now goes on: to work twice on an event does no harm.
        """
        again = update(provider_events).where(provider_events.c.id == event_id)
        fresh = {"state": InboxState.RECEIVED, "attempts": 0, "lost_claims": 0}
        again = again.values(**fresh, next_attempt_at=now, processed_at=None)
        async with self._database.writing() as connection:
            row = (await connection.execute(again.returning(*_RECORD))).mappings().first()
        return None if row is None else EventRecord(**row)

    def _row(self, event: ProviderEvent, now: datetime) -> dict[str, Any]:
        return {
            "id": new_inbox_id(),
            "provider": self._provider,
            "provider_event_id": event.provider_event_id,
            "type": event.type,
            "subject": event.subject,
            "livemode": event.livemode,
            "payload": event.payload,
            "state": InboxState.RECEIVED,
            "attempts": 0,
            "next_attempt_at": now,
            "received_at": now,
        }


def _of_the_same(found: Sequence[Row[Any]]) -> ColumnElement[bool]:
    """Everything about what those *found* are about; one that an older release stored names nothing but itself."""
    column = provider_events.c
    subjects = [row.subject for row in found if row.subject is not None]
    return column.subject.in_(subjects) | column.id.in_([row.id for row in found])
