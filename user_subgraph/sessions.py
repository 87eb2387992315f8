"""Seeing and ending sessions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from enum import Enum
from typing import assert_never

from user_subgraph.audit import OPERATOR, Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import Forbidden, NotFoundError, Unauthenticated
from user_subgraph.login_session import LoginSession, is_session_id
from user_subgraph.session_repository import SessionRepository
from user_subgraph.tokens import Viewer
from user_subgraph.user import UserId
from user_subgraph.user_repository import UserRepository

# Of one user, those that were used last. Who has more can end the others all at once.
MAX_LISTED = 50


class LogoutScope(Enum):
    THIS_SESSION = "THIS_SESSION"
    OTHER_SESSIONS = "OTHER_SESSIONS"
    ALL_SESSIONS = "ALL_SESSIONS"


@dataclass(frozen=True)
class LogoutSuccess:
    revoked_sessions: int


@dataclass(frozen=True)
class Sessions:
    database: Database
    clock: Clock
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "Sessions":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def running(self, user_ids: Collection[UserId]) -> Mapping[UserId, Sequence[LoginSession]]:
        """Those of each user, the last used first; a user without one is not there. One statement, however many users."""
        with self.database.reading() as session:
            return SessionRepository(session).running(user_ids, self.clock(), MAX_LISTED)

    def log_out(self, viewer: Viewer, scope: LogoutScope) -> LogoutSuccess:
        """A session that has ended, though its token may still be fresh, ends no other. An app may end its own only."""
        if viewer.client_id is not None and scope is not LogoutScope.THIS_SESSION:
            raise Forbidden([["profile:write"]])
        now = self.clock()
        with self.database.writing() as session:
            if UserRepository(session).logged_in(viewer.user_id, viewer.session_id, now) is None:
                return LogoutSuccess(0)
            sessions = SessionRepository(session)
            match scope:
                case LogoutScope.THIS_SESSION:
                    revoked = sessions.revoke(viewer.session_id, now)
                case LogoutScope.OTHER_SESSIONS:
                    revoked = sessions.revoke_of_user(viewer.user_id, now, besides=viewer.session_id)
                case LogoutScope.ALL_SESSIONS:
                    revoked = sessions.revoke_of_user(viewer.user_id, now)
                case _:
                    assert_never(scope)
            facts = noted(scope=scope, revoked_sessions=revoked)
            log = AuditLog(session, self.caller)
            log.record(Action.SESSION_LOGGED_OUT, now, subject=viewer.user_id, changes=facts)
        return LogoutSuccess(revoked)

    def revoke(self, viewer: Viewer, session_id: str) -> LogoutSuccess:
        """Raises `NotFoundError` for what is no running session of the viewer, whatever else it may be."""
        now = self.clock()
        with self.database.writing() as session:
            if UserRepository(session).logged_in(viewer.user_id, viewer.session_id, now) is None:
                raise Unauthenticated
            sessions = SessionRepository(session)
            if not is_session_id(session_id) or not sessions.revoke(session_id, now, of=viewer.user_id):
                raise NotFoundError(session_id)
            facts = noted(session=session_id)
            AuditLog(session, self.caller).record(
                Action.SESSION_REVOKED, now, subject=viewer.user_id, changes=facts
            )
        return LogoutSuccess(1)
