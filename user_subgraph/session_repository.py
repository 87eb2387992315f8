"""Logins and their refresh tokens in the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.orm import Session, joinedload

from user_subgraph.login_session import LoginSession, PresentedToken, Successor
from user_subgraph.tables import AuthorizationCodeRow, RefreshTokenRow, SessionRow
from user_subgraph.user import UserId


class SessionRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, login: LoginSession, token_hash: str) -> None:
        row = SessionRow(
            id=login.id,
            user_id=login.user_id,
            asked_scopes=stored_scopes(login.asked_scopes),
            amr=login.amr,
            created_at=login.created_at,
            last_used_at=login.last_used_at,
            expires_at=login.expires_at,
            generation=login.generation,
            ip_address=login.ip_address,
            user_agent=login.user_agent,
            client_id=login.client_id,
        )
        self._session.add(row)
        self._session.flush()
        self._add_token(login, token_hash)

    def presented(self, token_hash: str) -> PresentedToken | None:
        """The token and its family, which nobody else can change until this transaction ends."""
        statement = (
            select(RefreshTokenRow.generation, SessionRow)
            .join(SessionRow, SessionRow.id == RefreshTokenRow.session_id)
            .where(RefreshTokenRow.token_hash == token_hash)
            .with_for_update(of=SessionRow)
            .options(_WITH_APP)
        )
        found = self._session.execute(statement).one_or_none()
        if found is None:
            return None
        generation, row = found
        return PresentedToken(generation, self._successor(generation, row), _login(row))

    def continue_as(self, login: LoginSession, token_hash: str) -> None:
        """Write what a refresh changes of a session, and add the token that it gives."""
        session = update(SessionRow).where(SessionRow.id == login.id)
        changes = {
            "generation": login.generation,
            "last_used_at": login.last_used_at,
            "ip_address": login.ip_address,
            "user_agent": login.user_agent,
        }
        self._session.execute(session.values(**changes), **UNSYNCHRONISED)
        self._add_token(login, token_hash)

    def running(
        self, user_ids: Collection[UserId], now: datetime, most: int
    ) -> dict[UserId, list[LoginSession]]:
        """Of each user the *most* that were used last, newest first, in one statement; a user without one is not there."""
        newest_first = (SessionRow.last_used_at.desc(), SessionRow.id.desc())
        place = func.row_number().over(partition_by=SessionRow.user_id, order_by=newest_first).label("place")
        of_users = SessionRow.user_id.in_(user_ids) & _runs_at(now)
        placed = select(SessionRow.id, place).where(of_users).subquery()
        statement = (
            select(SessionRow)
            .join(placed, placed.c.id == SessionRow.id)
            .where(placed.c.place <= most)
            .options(_WITH_APP)
        )
        found: dict[UserId, list[LoginSession]] = {}
        for row in self._session.scalars(statement.order_by(*newest_first)):
            found.setdefault(UserId(row.user_id), []).append(_login(row))
        return found

    def kept_of(self, user_id: UserId) -> list[LoginSession]:
        """All that are stored, running or not, the newest first."""
        newest_first = (SessionRow.created_at.desc(), SessionRow.id.desc())
        rows = select(SessionRow).where(SessionRow.user_id == user_id).order_by(*newest_first)
        return [_login(row) for row in self._session.scalars(rows.options(_WITH_APP))]

    def running_one(self, session_id: str, now: datetime) -> LoginSession | None:
        row = self._session.get(SessionRow, session_id, options=[_WITH_APP])
        login = None if row is None else _login(row)
        return login if login is not None and login.runs_at(now) else None

    def revoke(self, session_id: str, now: datetime, *, of: UserId | None = None) -> int:
        """End one session, if it runs; with *of* only if it is that user's."""
        one = SessionRow.id == session_id
        return self._revoke(one if of is None else one & (SessionRow.user_id == of), now)

    def revoke_of_user(self, user_id: UserId, now: datetime, *, besides: str | None = None) -> int:
        """End every running session of the user except *besides*, and what apps could begin one with; gives how many ran."""
        self._forget_codes_of(user_id)
        mine = SessionRow.user_id == user_id
        return self._revoke(mine if besides is None else mine & (SessionRow.id != besides), now)

    def forget_expired(self, user_id: UserId, now: datetime) -> None:
        """Sessions end up here for good, with their tokens (the foreign key cascades)."""
        expired = (SessionRow.user_id == user_id) & (SessionRow.expires_at <= now)
        self._session.execute(delete(SessionRow).where(expired), **UNSYNCHRONISED)

    def erase_of_user(self, user_id: UserId) -> None:
        """The user's sessions and their tokens (the foreign key cascades), whether they run or not."""
        self._forget_codes_of(user_id)
        self._session.execute(delete(SessionRow).where(SessionRow.user_id == user_id), **UNSYNCHRONISED)

    def _forget_codes_of(self, user_id: UserId) -> None:
        codes = delete(AuthorizationCodeRow).where(AuthorizationCodeRow.user_id == user_id)
        self._session.execute(codes, **UNSYNCHRONISED)

    def _successor(self, generation: int, session: SessionRow) -> Successor | None:
        """Asked for when the session is locked: what was asked together with the lock is from before the wait for it."""
        if generation == session.generation:
            return None
        next_ones = (RefreshTokenRow.session_id == session.id) & (
            RefreshTokenRow.generation == generation + 1
        )
        began_at = self._session.scalars(select(func.min(RefreshTokenRow.created_at)).where(next_ones)).one()
        return Successor(began_at, is_used=generation + 1 < session.generation)

    def _add_token(self, login: LoginSession, token_hash: str) -> None:
        """One more of the session's newest generation."""
        self._session.add(
            RefreshTokenRow(
                token_hash=token_hash,
                session_id=login.id,
                generation=login.generation,
                created_at=login.last_used_at,
            )
        )

    def _revoke(self, which: ColumnElement[bool], now: datetime) -> int:
        statement = update(SessionRow).where(which & _runs_at(now)).values(revoked_at=now)
        result = self._session.execute(statement, **UNSYNCHRONISED)
        assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what an UPDATE gives
        return result.rowcount


# At most one each, so in the same statement.
_WITH_APP = joinedload(SessionRow.client)
# No row of this session is looked at after a bulk statement, so none needs to be brought up to date.
UNSYNCHRONISED: Mapping[str, Any] = {"execution_options": {"synchronize_session": False}}


def _runs_at(now: datetime) -> ColumnElement[bool]:
    return SessionRow.revoked_at.is_(None) & (SessionRow.expires_at > now)


def _login(row: SessionRow) -> LoginSession:
    return LoginSession(
        id=row.id,
        user_id=UserId(row.user_id),
        asked_scopes=read_scopes(row.asked_scopes),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        generation=row.generation,
        ip_address=row.ip_address,
        user_agent=row.user_agent,
        amr=row.amr,
        client_id=row.client_id,
        client_name=None if row.client is None else row.client.name,
    )


def stored_scopes(asked: frozenset[str] | None) -> str | None:
    return None if asked is None else " ".join(sorted(asked))


def read_scopes(stored: str | None) -> frozenset[str] | None:
    return None if stored is None else frozenset(stored.split())
