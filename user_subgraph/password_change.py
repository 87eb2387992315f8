"""A new password for who knows the old one."""

from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta

from user_subgraph.accepted import AcceptedSuccess
from user_subgraph.audit import OPERATOR, Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.bounds import Throttled
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import InvalidCredentialsError, Unauthenticated
from user_subgraph.fresh_login import account_to_prove
from user_subgraph.mail import MailKind
from user_subgraph.one_time_token import SETTING_A_PASSWORD, Purpose
from user_subgraph.one_time_tokens import OneTimeTokens
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.passwords import PasswordHashes, strong_password
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.throttling import Throttling
from user_subgraph.tokens import Viewer
from user_subgraph.user import User
from user_subgraph.user_input import checked
from user_subgraph.user_repository import UserRepository


@dataclass(frozen=True)
class PasswordChange:
    database: Database
    passwords: PasswordHashes
    throttling: Throttling
    clock: Clock
    fresh_for: timedelta
    """How long after a login an account with a second factor takes a new password."""
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "PasswordChange":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def change(self, viewer: Viewer, current: str, new: str) -> AcceptedSuccess:
        """The viewer's other sessions end: somebody else may have opened them with the old password.

        Raises `ReauthenticationRequiredError` where there is a second factor and it was not proved of late,
        `ValidationError` for a weak password, `InvalidCredentialsError` if *current* is wrong, or
        `RateLimitedError` without a look at it.
        """
        user, stored = self._account(viewer)
        rules = {"new_password": lambda password: strong_password(password, user.email)}
        clean = checked({"new_password": new}, rules)["new_password"]
        with self.throttling.guess(Throttled.REAUTHENTICATION, str(user.email), self.caller):
            new_hash = self._hash_if_right(user, current, stored, clean)
        if not self._is_set(viewer, stored, new_hash):
            self._record_failure(user)
            raise InvalidCredentialsError
        return AcceptedSuccess()

    def _account(self, viewer: Viewer) -> tuple[User, str | None]:
        with self.database.reading() as session:
            return account_to_prove(session, viewer, self.clock(), self.fresh_for)

    def _hash_if_right(self, user: User, current: str, stored: str | None, new: str) -> str:
        """No transaction is open while passwords are hashed."""
        if not self.passwords.matches(current, stored):
            self._record_failure(user)
            raise InvalidCredentialsError
        return self.passwords.hash(new)

    def _is_set(self, viewer: Viewer, old_hash: str | None, new_hash: str) -> bool:
        """Not if another change came first: the current password was right when it was judged, and is not any more."""
        with self.database.writing() as session:
            users, now = UserRepository(session), self.clock()
            users.locked(
                viewer.user_id
            )  # before all else: a login at this moment waits, and then sees the new hash
            user = users.logged_in(viewer.user_id, viewer.session_id, now)
            if user is None:
                raise Unauthenticated
            if not users.has_hash(viewer.user_id, old_hash):
                return False
            users.set_hash(viewer.user_id, new_hash)
            factors = SecondFactorRepository(session)
            factors.close_challenges_of(viewer.user_id)
            factors.end_enrolment(viewer.user_id)
            OneTimeTokens(session).forget(viewer.user_id, *SETTING_A_PASSWORD, Purpose.CHANGE_EMAIL)
            mails = OutgoingMails(session)
            mails.withdraw(MailKind.CHANGE_EMAIL, viewer.user_id)
            mails.notify(MailKind.PASSWORD_CHANGED, user, now)
            revoked = SessionRepository(session).revoke_of_user(
                viewer.user_id, now, besides=viewer.session_id
            )
            facts = noted(revoked_sessions=revoked)
            log = AuditLog(session, self.caller)
            log.record(Action.PASSWORD_CHANGED, now, subject=viewer.user_id, changes=facts)
        return True

    def _record_failure(self, user: User) -> None:
        with self.database.writing() as session:
            AuditLog(session, self.caller).record(
                Action.REAUTHENTICATION_FAILED, self.clock(), subject=user.id
            )
