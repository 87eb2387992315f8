"""Logging in and staying logged in."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from typing import Generic, NoReturn, TypeVar

from sqlalchemy.orm import Session

from user_subgraph.audit import OPERATOR, Action, Caller
from user_subgraph.audit_repository import AuditLog
from user_subgraph.bounds import Throttled
from user_subgraph.challenge_check import ChallengeAnswer, ChallengeCheck, not_active
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import (
    DomainError,
    InvalidCredentialsError,
    InvalidTokenError,
    MfaRequiredError,
)
from user_subgraph.mfa import new_challenge_id
from user_subgraph.passkey_repository import PasskeyRepository
from user_subgraph.passwords import PasswordHashes
from user_subgraph.relying_party import RelyingParty
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_tokens import LoginSuccess, Proof, Refresher, SessionTokens, known_scopes
from user_subgraph.throttling import Throttling
from user_subgraph.user import User, UserId
from user_subgraph.user_input import FieldProblem, email_address
from user_subgraph.user_repository import UserRepository

T = TypeVar("T")
Opening = Callable[[Session, User, Proof], T]
"""What is to be done for a user once all is proved, in the same transaction."""


@dataclass(frozen=True)
class PasskeyChallenge:
    """`options`: PublicKeyCredentialRequestOptionsJSON, for the browser."""

    challenge_id: str
    options: str


@dataclass(frozen=True)
class Login:
    database: Database
    passwords: PasswordHashes
    throttling: Throttling
    session_tokens: SessionTokens
    relying_party: RelyingParty
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
        return self.by_password(email, password, asked_scopes, self._begin_session)

    def by_password(
        self, email: str, password: str, asked_scopes: frozenset[str] | None, opening: Opening[T]
    ) -> T:
        """What *opening* gives. Raises what `log_in` does."""
        with self.throttling.guess(Throttled.LOGIN, email, self.caller):
            while (outcome := self._judged(email, password, asked_scopes, opening)) is None:
                pass  # the password was changed while this one was judged, so it is judged again
            return outcome.opened()

    def begin_with_passkey(self, asked_scopes: frozenset[str] | None) -> PasskeyChallenge:
        """For `complete_mfa` with a passkey alone, whosever it is. Raises `RateLimitedError`."""
        self.throttling.count(Throttled.PASSKEY_LOGIN, None, self.caller)
        challenge_id = new_challenge_id()
        with self.database.writing() as session:
            factors = SecondFactorRepository(session)
            factors.open_challenge(challenge_id, None, known_scopes(asked_scopes), self.clock())
        return PasskeyChallenge(challenge_id, self.relying_party.request_options([], challenge_id.encode()))

    def complete_mfa(self, answer: ChallengeAnswer) -> LoginSuccess:
        """The other half of a login that was answered with `MfaRequiredError`, or begun with `begin_with_passkey`.

        Raises `InvalidTokenError` for a challenge that is unknown, answered or expired; `InvalidCredentialsError` and
        `RateLimitedError` for an answer that is not good; `AccountDisabledError`.
        """
        return self.by_answer(answer, self._begin_session)

    def by_answer(self, answer: ChallengeAnswer, opening: Opening[T]) -> T:
        """What *opening* gives. Raises what `complete_mfa` does."""
        with self.database.writing() as session:
            outcome = self._completed(session, answer, opening)
        return outcome.opened()

    def refresh(self, refresh_token: str) -> LoginSuccess:
        """New tokens for a refresh token of the newest generations; raises `InvalidTokenError`, or `RateLimitedError`.

        An old token in a second hand means that one of the two stole it, so the whole family dies
        (RFC 9700, 4.14.2). `login_session.py` says which ones are old.
        """
        with self.database.writing() as session:
            by = Refresher(self.caller, self.clock())
            success = self.session_tokens.go_on(session, refresh_token, by)
        if success is None:
            # Looked for first: a valid token is good however many others come from the same address.
            self.throttling.count(Throttled.REFRESH_TOKEN, None, self.caller)
            raise InvalidTokenError
        return success

    def _judged(
        self, email: str, password: str, asked_scopes: frozenset[str] | None, opening: Opening[T]
    ) -> "_Outcome[T] | None":
        """No transaction is open while the password is hashed, and an unknown address costs the same hash and the same
        record of a failure. `None`: meanwhile the account got another hash, so this password may not be right any more.
        """
        user_id, stored = self._credentials(email)
        if not self.passwords.matches(password, stored) or user_id is None or stored is None:
            self._record_failure(user_id)
            raise InvalidCredentialsError
        new_hash = self.passwords.rehashed(password, stored)
        with self.database.writing() as session:
            users = UserRepository(session)
            user = users.locked(user_id)
            if user is None or not users.has_hash(user_id, stored):
                return None
            if new_hash:
                users.set_hash(user_id, new_hash)
            return self._let_in(session, users, user, asked_scopes, opening)

    def _let_in(
        self,
        session: Session,
        users: UserRepository,
        user: User,
        asked_scopes: frozenset[str] | None,
        opening: Opening[T],
    ) -> "_Outcome[T]":
        """After the right password."""
        now = self.clock()
        if not user.is_active:
            AuditLog(session, self.caller).record(Action.LOGIN_REFUSED, now, subject=user.id)
            return _Refused(not_active(user))
        if user.mfa_enabled:
            return _Refused(self._challenge(session, user, asked_scopes, now))
        return _opened(session, users, user, Proof("pwd", now, asked_scopes), opening)

    def _challenge(
        self, session: Session, user: User, asked_scopes: frozenset[str] | None, now: datetime
    ) -> MfaRequiredError:
        challenge_id, factors = new_challenge_id(), SecondFactorRepository(session)
        factors.open_challenge(challenge_id, user.id, known_scopes(asked_scopes), now)
        AuditLog(session, self.caller).record(Action.LOGIN_CHALLENGED, now, subject=user.id)
        passkeys = PasskeyRepository(session).of(user.id)
        options = self.relying_party.request_options(passkeys, challenge_id.encode()) if passkeys else None
        return MfaRequiredError(challenge_id, factors.methods_of(user.id), options)

    def _completed(self, session: Session, answer: ChallengeAnswer, opening: Opening[T]) -> "_Outcome[T]":
        users = UserRepository(session)
        check = ChallengeCheck(session, users, self.relying_party, self.caller, self.clock())
        judged = check.judged(answer)
        if isinstance(judged, DomainError):
            return _Refused(judged)
        return _opened(session, users, judged.user, judged.proof, opening)

    def _begin_session(self, session: Session, user: User, proof: Proof) -> LoginSuccess:
        return self.session_tokens.begin(session, user, proof, self.caller)

    def _record_failure(self, subject: UserId | None) -> None:
        """A row for an unknown address too: else the time it takes to write one would tell who has an account here."""
        with self.database.writing() as session:
            AuditLog(session, self.caller).record(Action.LOGIN_FAILED, self.clock(), subject=subject)

    def _credentials(self, email: str) -> tuple[UserId | None, str | None]:
        try:
            address = email_address(email)
        except FieldProblem:
            return None, None
        with self.database.reading() as session:
            return UserRepository(session).credentials_of(address) or (None, None)


@dataclass(frozen=True)
class _Opened(Generic[T]):
    value: T

    def opened(self) -> T:
        return self.value


@dataclass(frozen=True)
class _Refused:
    """A refusal may have written something too, so it is raised when the transaction is committed."""

    error: DomainError

    def opened(self) -> NoReturn:
        raise self.error


_Outcome = _Opened[T] | _Refused


def _opened(
    session: Session, users: UserRepository, user: User, proof: Proof, opening: Opening[T]
) -> "_Outcome[T]":
    users.note_login(user.id, proof.at)
    return _Opened(opening(session, replace(user, last_login_at=proof.at), proof))
