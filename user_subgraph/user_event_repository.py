"""The outbox: events are added in the transaction of what they tell, and claimed by one sender at a time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from ulid import ULID

from user_subgraph.database import locked_once
from user_subgraph.tables import UserEventRow
from user_subgraph.user import UserId
from user_subgraph.user_event import LEASE, UserEvent, UserEventType

_UNSYNCHRONISED: Mapping[str, Any] = {"execution_options": {"synchronize_session": False}}


class UserEventRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, event_type: UserEventType, user_id: UserId, now: datetime) -> None:
        row = UserEventRow(
            id=f"evt_{ULID()}".lower(),
            type=event_type.value,
            user_id=user_id,
            attempts=0,
            next_attempt_at=now,
            created_at=now,
        )
        self._session.add(row)
        self._session.flush()

    def has_due(self, now: datetime) -> bool:
        return self._session.scalar(_due(now).limit(1)) is not None

    def claim(self, now: datetime, limit: int) -> list[UserEvent]:
        """Nobody else gets them before the lease ends; a claim is a try."""
        due = _due(now).order_by(UserEventRow.next_attempt_at).limit(limit)
        claimed = update(UserEventRow).where(UserEventRow.id.in_(locked_once(due)))
        claimed = claimed.values(attempts=UserEventRow.attempts + 1, next_attempt_at=now + LEASE)
        columns = (UserEventRow.id, UserEventRow.type, UserEventRow.user_id, UserEventRow.attempts)
        rows = self._session.execute(claimed.returning(*columns, UserEventRow.created_at), **_UNSYNCHRONISED)
        return [UserEvent(*row) for row in rows]

    def settle(self, event: UserEvent, **changes: Any) -> None:
        """Nothing, if the lease has ended and another sender has claimed it: that one will tell."""
        mine = (UserEventRow.id == event.id) & (UserEventRow.attempts == event.attempts)
        self._session.execute(update(UserEventRow).where(mine).values(**changes), **_UNSYNCHRONISED)


def _due(now: datetime) -> Any:
    waiting = UserEventRow.delivered_at.is_(None) & (UserEventRow.next_attempt_at <= now)
    return select(UserEventRow.id).where(waiting)
