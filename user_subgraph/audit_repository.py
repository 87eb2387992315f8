"""The audit log in the database: written by whoever does something, in the transaction that does it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload
from ulid import ULID, ULIDGenerator

from user_subgraph.audit import Action, AuditChange, AuditEvent, Caller
from user_subgraph.audit_page import AuditFilter, AuditPageRequest
from user_subgraph.database import locked_once
from user_subgraph.tables import AuditEventRow, AuditOriginRow, UserRow
from user_subgraph.user import UserId, UserStatus, is_user_id
from user_subgraph.user_page import Page

# Of its own: within a millisecond it counts on, so what this process does in turn is told in turn.
_ids = ULIDGenerator()
# Before and after all of them.
FIRST_ID, LAST_ID = f"aud_{'0' * 26}", f"aud_{'z' * 26}"
# Looked for as everybody is: nothing looks for a null.
_NOBODY = f"usr_{'0' * 26}"

Column = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]


class AuditLog:
    """What *caller* does in the transaction of *session*."""

    def __init__(self, session: Session, caller: Caller) -> None:
        self._session = session
        self._caller = caller

    def record(
        self,
        action: Action,
        at: datetime,
        *,
        subject: UserId | None,
        actor: UserId | None = None,
        changes: Iterable[AuditChange] = (),
    ) -> None:
        """One row. *actor* is who has just proved to be that user, where the caller is not known by a token."""
        actor = actor or self._caller.user_id
        row = {
            "id": f"aud_{_ids.generate(at)}".lower(),
            "action": action.value,
            "actor_id": actor,
            "subject_id": subject,
            "changes": [_stored(change) for change in changes],
            "created_at": at,
        }
        self._session.execute(insert(AuditEventRow).values(row))
        if self._caller.ip_address or self._caller.request_id:
            self._keep_origin(str(row["id"]), actor or subject)

    def _keep_origin(self, event_id: str, owner: UserId | None) -> None:
        """Unless *owner* has been erased: by this transaction, or while it was under way.

        The same statements for an owner nobody knows, and as much to look for: their time must not tell who has an account.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            self._session.execute(select(func.pg_advisory_xact_lock_shared(_origins_of(owner))))
        origin = (event_id, owner, self._caller.ip_address, self._caller.request_id)
        columns = ["event_id", "owner_id", "ip_address", "request_id"]
        values = [literal(value, String) for value in origin]
        erased = exists().where(
            UserRow.id == literal(owner or _NOBODY, String),
            UserRow.status == UserStatus.DELETED.value,
            UserRow.email.is_(None),
        )
        self._session.execute(insert(AuditOriginRow).from_select(columns, select(*values).where(~erased)))


def forget_origins_of(session: Session, user_id: UserId) -> None:
    """Where the user's acts came from; the last thing that a transaction which erases somebody does.

    Whoever is about to keep another one is waited for, or waits (PostgreSQL; SQLite has one writer).
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_origins_of(user_id))))
    session.execute(delete(AuditOriginRow).where(AuditOriginRow.owner_id == user_id), **_UNSYNCHRONISED)


def forget_origins_before(session: Session, moment: datetime, *, at_most: int) -> int:
    """The oldest origins of acts before *moment*; gives how many. Whoever else is at it is not waited for."""
    first_id_of_then = f"{f'aud_{ULID.from_datetime(moment)}'.lower()[:14]}{'0' * 16}"
    old = select(AuditOriginRow.event_id).where(AuditOriginRow.event_id < first_id_of_then)
    some = old.order_by(AuditOriginRow.event_id).limit(at_most)
    forgotten = delete(AuditOriginRow).where(AuditOriginRow.event_id.in_(locked_once(some)))
    # Not counted by the driver: SQLite's counts nothing that begins with WITH.
    return len(session.scalars(forgotten.returning(AuditOriginRow.event_id), **_UNSYNCHRONISED).all())


def _origins_of(owner: UserId | None) -> ColumnElement[int]:
    """The key of the lock that keeping and forgetting somebody's origins wait at."""
    return func.hashtextextended(f"audit_origins {owner}", 0)


# No row of this session is looked at after a bulk statement, so none needs to be brought up to date.
_UNSYNCHRONISED: Mapping[str, Any] = {"execution_options": {"synchronize_session": False}}


def audit_page(session: Session, chosen: AuditFilter, request: AuditPageRequest) -> Page[AuditEvent]:
    if chosen.user_id is not None and not is_user_id(chosen.user_id):
        return Page((), has_more=False)
    rows = session.scalars(newest_events(chosen, request)).all()
    return Page(tuple(_event(row) for row in rows[: request.size]), len(rows) > request.size)


def newest_events(chosen: AuditFilter, request: AuditPageRequest) -> Select[Any]:
    """One row more than asked for. An index leads to them, and however many there are, none is read for nothing.

    Only of a user and an action together are the user's other events read too.
    """
    statement = select(AuditEventRow).options(joinedload(AuditEventRow.origin))
    if chosen.user_id is None:
        column = None if chosen.action is None else AuditEventRow.action
        return _newest(statement, column, chosen.action, request)
    # `actor_id = … OR subject_id = …` would read all of the user's events: no index has both in order.
    done_by, done_to = (
        _of_user(column, chosen, request).subquery()
        for column in (AuditEventRow.actor_id, AuditEventRow.subject_id)
    )
    ids = union(select(done_by.c.id), select(done_to.c.id))
    return _newest(statement.where(AuditEventRow.id.in_(ids)), None, None, request)


def _of_user(column: Column, chosen: AuditFilter, request: AuditPageRequest) -> Select[Any]:
    statement = select(AuditEventRow.id)
    if chosen.action is not None:
        statement = statement.where(AuditEventRow.action == chosen.action)
    return _newest(statement, column, chosen.user_id, request)


def _newest(
    statement: Select[Any], column: Column | None, value: str | None, request: AuditPageRequest
) -> Select[Any]:
    """Those whose *column* has the *value*, in the order of the index on that column and the id.

    Not `column = value`: PostgreSQL would then walk along the ids instead, for ever if the value has become rare.
    """
    before = request.after or LAST_ID
    if column is None:
        statement = statement.where(AuditEventRow.id < before).order_by(AuditEventRow.id.desc())
    else:
        here = tuple_(column, AuditEventRow.id)
        statement = statement.where(here < tuple_(literal(value), literal(before)))
        statement = statement.where(here > tuple_(literal(value), literal(FIRST_ID)))
        statement = statement.order_by(column.desc(), AuditEventRow.id.desc())
    return statement.limit(request.size + 1)


def _stored(change: AuditChange) -> dict[str, str | None]:
    return {"field": change.field, "from": change.before, "to": change.after}


def _change(stored: Mapping[str, str | None]) -> AuditChange:
    return AuditChange(str(stored["field"]), stored["from"], stored["to"])


def _event(row: AuditEventRow) -> AuditEvent:
    return AuditEvent(
        id=row.id,
        action=row.action,
        actor_id=None if row.actor_id is None else UserId(row.actor_id),
        subject_id=None if row.subject_id is None else UserId(row.subject_id),
        ip_address=None if row.origin is None else row.origin.ip_address,
        request_id=None if row.origin is None else row.origin.request_id,
        changes=tuple(_change(stored) for stored in row.changes),
        created_at=row.created_at,
    )
