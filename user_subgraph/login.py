"""Logging in and staying logged in."""

from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from ulid import ULID

from user_subgraph.audit import OPERATOR, Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.bounds import Throttled
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import AccountDisabledError, InvalidCredentialsError, InvalidTokenError
from user_subgraph.login_session import LoginSession, PresentedToken
from user_subgraph.passwords import PasswordHashes
from user_subgraph.session_repository import SessionRepository
from user_subgraph.throttling import Throttling
from user_subgraph.tokens import AccessTokens, TokenPair, new_refresh_token, refresh_token_hash
from user_subgraph.user import EVERY_SCOPE, User
from user_subgraph.user_input import FieldProblem, email_address
from user_subgraph.user_repository import UserRepository


@dataclass(frozen=True)
class LoginSuccess:
    tokens: TokenPair
    user: User


@dataclass(frozen=True)
class Login:
    database: Database
    passwords: PasswordHashes
    throttling: Throttling
    access_tokens: AccessTokens
    session_ttl_s: int
    clock: Clock
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "Login":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def log_in(self, email: str, password: str, asked_scopes: frozenset[str] | None) -> LoginSuccess:
        """Raises `InvalidCredentialsError`, `AccountDisabledError` once the password has proved right, or
        `RateLimitedError` without a look at it.
        """
        with self.throttling.guess(Throttled.LOGIN, email, self.caller):
            while (success := self._logged_in(email, password, asked_scopes)) is None:
                pass  # the password was changed while this one was judged, so it is judged again
            return success

    def _logged_in(
        self, email: str, password: str, asked_scopes: frozenset[str] | None
    ) -> LoginSuccess | None:
        """No transaction is open while the password is hashed, and an unknown address costs the same hash and the same
        record of a failure. `None`: meanwhile the account got another hash, so this password may not be right any more.
        """
        user, stored = self._account(email)
        if not self.passwords.matches(password, stored) or user is None or stored is None:
            self._record_failure(user)
            raise InvalidCredentialsError
        new_hash = self.passwords.rehashed(password, stored)
        with self.database.writing() as session:
            users, now = UserRepository(session), self.clock()
            locked = users.locked(user.id)
            if locked is not None and not users.has_hash(user.id, stored):
                return None
            if locked is not None and locked.is_active:
                users.note_login(user.id, now)
                if new_hash:
                    users.set_hash(user.id, new_hash)
                return self._start_session(session, replace(locked, last_login_at=now), asked_scopes, now)
            AuditLog(session, self.caller).record(Action.LOGIN_REFUSED, now, subject=user.id)
        raise AccountDisabledError

    def refresh(self, refresh_token: str) -> LoginSuccess:
        """New tokens for a refresh token of the newest generations; raises `InvalidTokenError`, or `RateLimitedError`.

        An old token in a second hand means that one of the two stole it, so the whole family dies
        (RFC 9700, 4.14.2). `login_session.py` says which ones are old.
        """
        with self.database.writing() as session:
            success = self._refreshed(session, refresh_token_hash(refresh_token))
        if success is None:
            # Looked for first: a valid token is good however many others come from the same address.
            self.throttling.count(Throttled.REFRESH_TOKEN, None, self.caller)
            raise InvalidTokenError
        return success

    def _record_failure(self, user: User | None) -> None:
        """A row for an unknown address too: else the time it takes to write one would tell who has an account here."""
        with self.database.writing() as session:
            subject = None if user is None else user.id
            AuditLog(session, self.caller).record(Action.LOGIN_FAILED, self.clock(), subject=subject)

    def _account(self, email: str) -> tuple[User | None, str | None]:
        try:
            address = email_address(email)
        except FieldProblem:
            return None, None
        with self.database.reading() as session:
            return UserRepository(session).with_password(address) or (None, None)

    def _start_session(
        self, session: Session, user: User, asked_scopes: frozenset[str] | None, now: datetime
    ) -> LoginSuccess:
        login = LoginSession(
            id=f"ses_{ULID()}".lower(),
            user_id=user.id,
            # Words of strangers are not stored.
            asked_scopes=None if asked_scopes is None else asked_scopes & EVERY_SCOPE,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(seconds=self.session_ttl_s),
            ip_address=self.caller.ip_address,
            user_agent=self.caller.user_agent,
        )
        refresh_token = new_refresh_token()
        sessions = SessionRepository(session)
        sessions.forget_expired(user.id, now)
        sessions.add(login, refresh_token_hash(refresh_token))
        AuditLog(session, self.caller).record(
            Action.LOGIN_SUCCEEDED, now, subject=user.id, actor=user.id, changes=noted(session=login.id)
        )
        return self._success(user, login, refresh_token, now)

    def _refreshed(self, session: Session, token_hash: str) -> LoginSuccess | None:
        """`None` refuses; the transaction is committed all the same, because a reuse revokes the family."""
        sessions, now = SessionRepository(session), self.clock()
        presented = sessions.presented(token_hash)
        if presented is None or not presented.session.runs_at(now):
            return None
        if presented.is_replayed_at(now):
            sessions.revoke(presented.session.id, now)
            family = noted(session=presented.session.id)
            log = AuditLog(session, self.caller)
            log.record(Action.REFRESH_TOKEN_REUSED, now, subject=presented.session.user_id, changes=family)
            return None
        user = UserRepository(session).by_ids([presented.session.user_id])[presented.session.user_id]
        if not user.is_active:
            return None
        refresh_token, login = new_refresh_token(), self._continued(presented, now)
        sessions.continue_as(login, refresh_token_hash(refresh_token))
        return self._success(user, login, refresh_token, now)

    def _continued(self, presented: PresentedToken, now: datetime) -> LoginSession:
        return replace(
            presented.session,
            generation=presented.next_generation,
            last_used_at=now,
            ip_address=self.caller.ip_address,
            user_agent=self.caller.user_agent,
        )

    def _success(self, user: User, login: LoginSession, refresh_token: str, now: datetime) -> LoginSuccess:
        access_token, scope = self.access_tokens.issue(user, login, now)
        return LoginSuccess(TokenPair(access_token, refresh_token, self.access_tokens.ttl_s, scope), user)
