"""A new password for who knows the old one."""

from dataclasses import KW_ONLY, dataclass, replace

from user_subgraph.accepted import AcceptedSuccess
from user_subgraph.audit import OPERATOR, Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import Unauthenticated
from user_subgraph.mail import MailKind
from user_subgraph.one_time_token import SETTING_A_PASSWORD, Purpose
from user_subgraph.one_time_tokens import OneTimeTokens
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.passwords import PasswordHashes, strong_password
from user_subgraph.reauthentication import Reauthentication
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.tokens import Viewer
from user_subgraph.user_input import checked
from user_subgraph.user_repository import UserRepository


@dataclass(frozen=True)
class PasswordChange:
    database: Database
    passwords: PasswordHashes
    reauthentication: Reauthentication
    clock: Clock
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "PasswordChange":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller, reauthentication=self.reauthentication.asked_by(caller))

    def change(self, viewer: Viewer, current: str, new: str) -> AcceptedSuccess:
        """The viewer's other sessions end: somebody else may have opened them with the old password.

        Raises `ReauthenticationRequiredError` where there is a second factor and it was not proved of late,
        `ValidationError` for a weak password, `InvalidCredentialsError` if *current* is wrong, or
        `RateLimitedError` without a look at it.
        """
        account = self.reauthentication.account(viewer)
        rules = {"new_password": lambda password: strong_password(password, account.user.email)}
        clean = checked({"new_password": new}, rules)["new_password"]
        self.reauthentication.judge(account, current)
        if not self._is_set(viewer, account.password_hash, self.passwords.hash(clean)):
            self.reauthentication.refuse(account)
        return AcceptedSuccess()

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
