"""Logins and their refresh tokens in the database."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, select, update
from sqlalchemy.orm import Session

from user_subgraph.login_session import LoginSession, PresentedToken
from user_subgraph.tables import RefreshTokenRow, SessionRow
from user_subgraph.user import UserId


class SessionRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, login: LoginSession, token_hash: str) -> None:
        asked = None if login.asked_scopes is None else " ".join(sorted(login.asked_scopes))
        row = SessionRow(
            id=login.id,
            user_id=login.user_id,
            asked_scopes=asked,
            created_at=login.created_at,
            last_used_at=login.created_at,
            expires_at=login.expires_at,
        )
        self._session.add(row)
        self._session.flush()
        self._session.add(
            RefreshTokenRow(token_hash=token_hash, session_id=login.id, created_at=login.created_at)
        )

    def presented(self, token_hash: str) -> PresentedToken | None:
        """The token and its family, locked until this transaction ends.

        The family first: so does whoever deletes a session, and its tokens with it.
        """
        statement = (
            select(RefreshTokenRow, SessionRow)
            .join(SessionRow, SessionRow.id == RefreshTokenRow.session_id)
            .where(RefreshTokenRow.token_hash == token_hash)
            .with_for_update(of=[SessionRow, RefreshTokenRow])
        )
        found = self._session.execute(statement).one_or_none()
        if found is None:
            return None
        token, session = found
        return PresentedToken(token.token_hash, token.used_at, _login(session))

    def rotate(self, presented: PresentedToken, new_hash: str, now: datetime) -> None:
        """The presented token is used up (from its first use on) and *new_hash* joins the family."""
        session = update(SessionRow).where(SessionRow.id == presented.session.id)
        self._session.execute(session.values(last_used_at=now), **_UNSYNCHRONISED)
        if presented.used_at is None:
            token = update(RefreshTokenRow).where(RefreshTokenRow.token_hash == presented.token_hash)
            self._session.execute(token.values(used_at=now), **_UNSYNCHRONISED)
        self._session.add(
            RefreshTokenRow(token_hash=new_hash, session_id=presented.session.id, created_at=now)
        )

    def revoke(self, session_id: str, now: datetime) -> int:
        return self._revoke(SessionRow.id == session_id, now)

    def revoke_of_user(self, user_id: UserId, now: datetime, *, besides: str | None = None) -> int:
        """End every running session of the user except *besides*; gives how many that were."""
        mine = SessionRow.user_id == user_id
        return self._revoke(mine if besides is None else mine & (SessionRow.id != besides), now)

    def forget_expired(self, user_id: UserId, now: datetime) -> None:
        """Sessions end up here for good, with their tokens (the foreign key cascades)."""
        expired = (SessionRow.user_id == user_id) & (SessionRow.expires_at <= now)
        self._session.execute(delete(SessionRow).where(expired), **_UNSYNCHRONISED)

    def erase_of_user(self, user_id: UserId) -> None:
        """The user's sessions and their tokens (the foreign key cascades), whether they run or not."""
        self._session.execute(delete(SessionRow).where(SessionRow.user_id == user_id), **_UNSYNCHRONISED)

    def _revoke(self, which: ColumnElement[bool], now: datetime) -> int:
        running = SessionRow.revoked_at.is_(None) & (SessionRow.expires_at > now)
        statement = update(SessionRow).where(which & running).values(revoked_at=now)
        result = self._session.execute(statement, **_UNSYNCHRONISED)
        assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what an UPDATE gives
        return result.rowcount


# No row of this session is looked at after a bulk statement, so none needs to be brought up to date.
_UNSYNCHRONISED: Mapping[str, Any] = {"execution_options": {"synchronize_session": False}}


def _login(row: SessionRow) -> LoginSession:
    asked = None if row.asked_scopes is None else frozenset(row.asked_scopes.split())
    return LoginSession(
        id=row.id,
        user_id=UserId(row.user_id),
        asked_scopes=asked,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
