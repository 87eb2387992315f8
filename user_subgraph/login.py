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
from user_subgraph.errors import (
    AccountDisabledError,
    DomainError,
    InvalidCredentialsError,
    InvalidTokenError,
    MfaRequiredError,
)
from user_subgraph.login_session import LoginSession, PresentedToken
from user_subgraph.mail import MailKind
from user_subgraph.mfa import AMR_OF, MfaMethod, new_challenge_id
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.passwords import PasswordHashes
from user_subgraph.second_factor_check import SecondFactorCheck
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.throttling import Throttling
from user_subgraph.tokens import AccessTokens, TokenPair, new_refresh_token, refresh_token_hash
from user_subgraph.user import EVERY_SCOPE, User, UserId, UserStatus
from user_subgraph.user_input import FieldProblem, email_address
from user_subgraph.user_repository import UserRepository


@dataclass(frozen=True)
class LoginSuccess:
    """`session_ends_in_s`: as long as the refresh token, and what descends from it, may be good."""

    tokens: TokenPair
    user: User
    session_ends_in_s: int


_Outcome = LoginSuccess | DomainError
"""A refusal may have written something too, so it is raised when the transaction is committed."""


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
        """Raises `InvalidCredentialsError`; `AccountDisabledError` or `MfaRequiredError` once the password has proved right;
        or `RateLimitedError` without a look at it.
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
            users = UserRepository(session)
            locked = users.locked(user.id)
            if locked is not None and not users.has_hash(user.id, stored):
                return None
            if new_hash and locked is not None:
                users.set_hash(user.id, new_hash)
            outcome = self._let_in(session, users, locked or user, asked_scopes)
        return _success_or_raised(outcome)

    def complete_mfa(self, challenge_id: str, method: MfaMethod, code: str) -> LoginSuccess:
        """The other half of a login that was answered with `MfaRequiredError`.

        Raises `InvalidTokenError` for a challenge that is unknown, answered or expired; `InvalidCredentialsError` and
        `RateLimitedError` for a code that is not good.
        """
        with self.database.writing() as session:
            outcome = self._completed(session, challenge_id, method, code)
        return _success_or_raised(outcome)

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

    def _let_in(
        self, session: Session, users: UserRepository, user: User, asked_scopes: frozenset[str] | None
    ) -> _Outcome:
        """After the right password."""
        now = self.clock()
        if not user.is_active:
            AuditLog(session, self.caller).record(Action.LOGIN_REFUSED, now, subject=user.id)
            return _not_active(user)
        if user.mfa_enabled:
            return self._challenge(session, user, asked_scopes, now)
        users.note_login(user.id, now)
        return self._start_session(session, user, self._new_login(user.id, asked_scopes, now))

    def _challenge(
        self, session: Session, user: User, asked_scopes: frozenset[str] | None, now: datetime
    ) -> MfaRequiredError:
        challenge_id = new_challenge_id()
        SecondFactorRepository(session).open_challenge(challenge_id, user.id, _known(asked_scopes), now)
        AuditLog(session, self.caller).record(Action.LOGIN_CHALLENGED, now, subject=user.id)
        return MfaRequiredError(challenge_id, list(MfaMethod))

    def _completed(self, session: Session, challenge_id: str, method: MfaMethod, code: str) -> _Outcome:
        factors, users, now = SecondFactorRepository(session), UserRepository(session), self.clock()
        challenge = factors.challenge(challenge_id, now)
        user = users.locked(challenge.user_id) if challenge else None
        # Looked up again under the lock: another request may have answered it meanwhile.
        if challenge is None or user is None or factors.challenge(challenge_id, now) is None:
            return InvalidTokenError()
        if not user.is_active:
            return AccountDisabledError()
        if refusal := SecondFactorCheck(session, self.caller, now).refusal(user.id, method, code):
            return refusal
        factors.close_challenge(challenge_id)
        users.note_login(user.id, now)
        login = self._new_login(user.id, challenge.asked_scopes, now)
        return self._start_session(session, user, replace(login, amr=AMR_OF[method]))

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

    def _new_login(self, user_id: UserId, asked_scopes: frozenset[str] | None, now: datetime) -> LoginSession:
        return LoginSession(
            id=f"ses_{ULID()}".lower(),
            user_id=user_id,
            asked_scopes=_known(asked_scopes),
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(seconds=self.session_ttl_s),
            ip_address=self.caller.ip_address,
            user_agent=self.caller.user_agent,
        )

    def _start_session(self, session: Session, user: User, login: LoginSession) -> LoginSuccess:
        now, refresh_token = login.created_at, new_refresh_token()
        sessions = SessionRepository(session)
        sessions.forget_expired(user.id, now)
        sessions.add(login, refresh_token_hash(refresh_token))
        AuditLog(session, self.caller).record(
            Action.LOGIN_SUCCEEDED, now, subject=user.id, actor=user.id, changes=noted(session=login.id)
        )
        return self._success(replace(user, last_login_at=now), login, refresh_token, now)

    def _refreshed(self, session: Session, token_hash: str) -> LoginSuccess | None:
        """`None` refuses; the transaction is committed all the same, because a reuse revokes the family."""
        sessions, now = SessionRepository(session), self.clock()
        presented = sessions.presented(token_hash)
        if presented is None or not presented.session.runs_at(now):
            return None
        user = UserRepository(session).by_ids([presented.session.user_id])[presented.session.user_id]
        if presented.is_replayed_at(now):
            self._end_family(session, user, presented.session.id, now)
            return None
        if not user.is_active:
            return None
        refresh_token, login = new_refresh_token(), self._continued(presented, now)
        sessions.continue_as(login, refresh_token_hash(refresh_token))
        return self._success(user, login, refresh_token, now)

    def _end_family(self, session: Session, user: User, session_id: str, now: datetime) -> None:
        SessionRepository(session).revoke(session_id, now)
        OutgoingMails(session).notify(MailKind.LOGIN_ENDED, user, now)
        family = noted(session=session_id)
        log = AuditLog(session, self.caller)
        log.record(Action.REFRESH_TOKEN_REUSED, now, subject=user.id, changes=family)

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
        tokens = TokenPair(access_token, refresh_token, self.access_tokens.ttl_s, scope)
        return LoginSuccess(tokens, user, int((login.expires_at - now).total_seconds()))


def _success_or_raised(outcome: _Outcome) -> LoginSuccess:
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def _known(asked_scopes: frozenset[str] | None) -> frozenset[str] | None:
    """Words of strangers are not stored."""
    return None if asked_scopes is None else asked_scopes & EVERY_SCOPE


def _not_active(user: User) -> AccountDisabledError:
    if user.status is UserStatus.PENDING_VERIFICATION:
        return AccountDisabledError("Confirm your e-mail address first: a mail says how.")
    return AccountDisabledError()
