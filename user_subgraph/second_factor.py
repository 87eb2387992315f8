"""The second factor of an account: enabling it, asking for it at login, taking it away."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from user_subgraph.accepted import AcceptedSuccess
from user_subgraph.audit import OPERATOR, Action, Caller
from user_subgraph.audit_repository import AuditLog
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import Unauthenticated
from user_subgraph.fresh_login import require_fresh_login
from user_subgraph.mail import MailKind
from user_subgraph.mfa import method_of
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.recovery_codes import new_codes
from user_subgraph.second_factor_check import SecondFactorCheck
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.tokens import Viewer
from user_subgraph.totp import new_secret, otpauth_url
from user_subgraph.user import User, changed
from user_subgraph.user_input import FieldProblem, email_address
from user_subgraph.user_repository import UserRepository


@dataclass(frozen=True)
class TotpEnrollment:
    """`secret` is base32. Nothing is asked for at login before a code of it was seen."""

    secret: str
    otpauth_url: str


@dataclass(frozen=True)
class TotpConfirmed:
    """Told this once; we keep hashes."""

    recovery_codes: tuple[str, ...]


@dataclass(frozen=True)
class SecondFactor:
    """*issuer*: the name that stands in people's apps. *fresh_for*: how long after a login it may be changed."""

    database: Database
    clock: Clock
    issuer: str
    fresh_for: timedelta
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "SecondFactor":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def enroll(self, viewer: Viewer) -> TotpEnrollment:
        """Raises `ReauthenticationRequiredError`. Another one that is enabled stays so until this one is confirmed."""
        secret = new_secret()
        with self._account_of(viewer) as account:
            self._require_fresh_login(account, viewer)
            account.factors.begin_enrolment(account.user.id, secret)
        name = account.user.email or account.user.id
        return TotpEnrollment(secret, otpauth_url(secret, name, self.issuer))

    def confirm(self, viewer: Viewer, code: str) -> TotpConfirmed:
        """The user's other sessions end: they were opened without it.

        Raises `ReauthenticationRequiredError`, `ValidationError` for a code that is not one of the secret that waits, and
        `RateLimitedError`.
        """
        codes = new_codes()
        with self._account_of(viewer) as account:
            self._require_fresh_login(account, viewer)
            refusal = SecondFactorCheck(account.session, self.caller, account.now).refusal_of_enrolment(
                account.user.id, code
            )
            if refusal is None:
                account.factors.replace_recovery_codes(account.user.id, codes, account.now)
                account.factors.close_challenges_of(account.user.id)
                self._set_enabled(account, MailKind.SECOND_FACTOR_ENABLED, enabled=True)
                sessions = SessionRepository(account.session)
                sessions.revoke_of_user(account.user.id, account.now, besides=viewer.session_id)
        if refusal is not None:
            raise refusal
        return TotpConfirmed(codes)

    def disable(self, viewer: Viewer, code: str) -> AcceptedSuccess:
        """With a code of the authenticator, or a recovery code.

        Raises `ReauthenticationRequiredError`, `InvalidCredentialsError` and `RateLimitedError`.
        """
        with self._account_of(viewer) as account:
            self._require_fresh_login(account, viewer)
            check = SecondFactorCheck(account.session, self.caller, account.now)
            refusal = check.refusal(account.user.id, method_of(code), code)
            if refusal is None:
                self._forget(account, MailKind.SECOND_FACTOR_DISABLED)
        if refusal is not None:
            raise refusal
        return AcceptedSuccess()

    def take_away(self, email: str) -> bool:
        """The operator's help for who has lost device and codes; the sessions end too. `False`: there is nothing to take."""
        with self.database.writing() as session:
            users = UserRepository(session)
            known = users.with_password(_normalised(email))
            user = users.locked(known[0].id) if known else None
            if user is None or not user.mfa_enabled:
                return False
            account = _Account(session, users, user, self.clock())
            SessionRepository(session).revoke_of_user(user.id, account.now)
            self._forget(account, MailKind.SECOND_FACTOR_TAKEN)
        return True

    @contextmanager
    def _account_of(self, viewer: Viewer) -> Iterator["_Account"]:
        with self.database.writing() as session:
            users, now = UserRepository(session), self.clock()
            users.locked(viewer.user_id)
            user = users.logged_in(viewer.user_id, viewer.session_id, now)
            if user is None:
                raise Unauthenticated
            yield _Account(session, users, user, now)

    def _require_fresh_login(self, account: "_Account", viewer: Viewer) -> None:
        require_fresh_login(account.session, viewer, account.user, account.now, self.fresh_for)

    def _forget(self, account: "_Account", notice: MailKind) -> None:
        account.factors.forget(account.user.id)
        self._set_enabled(account, notice, enabled=False)

    def _set_enabled(self, account: "_Account", notice: MailKind, *, enabled: bool) -> None:
        after = changed(account.user, {"mfa_enabled": enabled}, account.now)
        account.users.save(after)
        OutgoingMails(account.session).notify(notice, after, account.now)
        action = Action.MFA_ENABLED if enabled else Action.MFA_DISABLED
        AuditLog(account.session, self.caller).record(action, account.now, subject=after.id)


@dataclass(frozen=True)
class _Account:
    """Whose factor it is, locked until the transaction ends."""

    session: Session
    users: UserRepository
    user: User
    now: datetime

    @property
    def factors(self) -> SecondFactorRepository:
        return SecondFactorRepository(self.session)


def _normalised(email: str) -> str:
    try:
        return email_address(email)
    except FieldProblem:
        return email  # nobody has it
