"""The account whose second factor is being changed: it is locked, and whoever asks has logged in just now."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from user_subgraph.audit import Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.database import Database
from user_subgraph.errors import EmailNotVerifiedError, Unauthenticated
from user_subgraph.fresh_login import require_fresh_login
from user_subgraph.mail import MailKind
from user_subgraph.mfa import MfaMethod
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.passkey_repository import PasskeyRepository
from user_subgraph.recovery_codes import new_codes
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.tokens import Viewer
from user_subgraph.user import User, changed
from user_subgraph.user_repository import UserRepository


@dataclass(frozen=True)
class FactorsOfAccount:
    """In the transaction of *session*, in which *users* has locked *user*."""

    session: Session
    users: UserRepository
    user: User
    now: datetime
    caller: Caller

    @property
    def factors(self) -> SecondFactorRepository:
        return SecondFactorRepository(self.session)

    @property
    def passkeys(self) -> PasskeyRepository:
        return PasskeyRepository(self.session)

    @property
    def is_nothing_left(self) -> bool:
        return not self._devices

    @property
    def has_only_passkeys(self) -> bool:
        return self._devices == {MfaMethod.PASSKEY}

    @property
    def _devices(self) -> set[MfaMethod]:
        """Recovery codes are nothing by themselves."""
        return {MfaMethod.TOTP, MfaMethod.PASSKEY}.intersection(self.factors.methods_of(self.user.id))

    def switch_on(self, viewer: Viewer) -> tuple[str, ...]:
        """Gives the recovery codes. The user's other sessions end: they were opened without a second factor."""
        codes = new_codes()
        self.factors.replace_recovery_codes(self.user.id, codes, self.now)
        self.factors.close_challenges_of(self.user.id)
        self._set_enabled(enabled=True)
        sessions = SessionRepository(self.session)
        sessions.revoke_of_user(self.user.id, self.now, besides=viewer.session_id)
        return codes

    def switch_off(self) -> None:
        self.factors.forget(self.user.id)
        self._set_enabled(enabled=False)

    def notify(self, notice: MailKind, what: str | None = None) -> None:
        OutgoingMails(self.session).notify(notice, self.user, self.now, what)

    def record(self, action: Action, **facts: object) -> None:
        log = AuditLog(self.session, self.caller)
        log.record(action, self.now, subject=self.user.id, changes=noted(**facts))

    def _set_enabled(self, *, enabled: bool) -> None:
        self.users.save(changed(self.user, {"mfa_enabled": enabled}, self.now))
        self.record(Action.MFA_ENABLED if enabled else Action.MFA_DISABLED)


@dataclass(frozen=True)
class FactorsOfAccounts:
    """*fresh_for*: how long after a login its second factor may be changed."""

    database: Database
    fresh_for: timedelta

    @contextmanager
    def of(
        self, viewer: Viewer, now: datetime, caller: Caller, *, to_add: bool = False
    ) -> Iterator[FactorsOfAccount]:
        """Raises `Unauthenticated` and `ReauthenticationRequiredError`; *to_add* a factor, `EmailNotVerifiedError` too.

        The owner of the address can take the account back from a stranger who opened it, but for the stranger's factor. The
        address is asked about first: a login of just now may be an old one when the mail has come.
        """
        with self.database.writing() as session:
            users = UserRepository(session)
            users.locked(viewer.user_id)
            user = users.logged_in(viewer.user_id, viewer.session_id, now)
            if user is None:
                raise Unauthenticated
            if to_add and not user.email_verified:
                raise EmailNotVerifiedError
            require_fresh_login(session, viewer, user, now, self.fresh_for)
            yield FactorsOfAccount(session, users, user, now, caller)
