"""Another e-mail address for who knows the password, and reads the mails that are sent there.

The confirmation, too, needs a login to the account: else whoever gets the mail by mistake could make the account theirs.
"""

from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from user_subgraph.accepted import AcceptedSuccess
from user_subgraph.audit import OPERATOR, Action, Caller, changes_of, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.bounds import Throttled
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import (
    EmailTaken,
    FieldCode,
    FieldError,
    InvalidTokenError,
    Unauthenticated,
    ValidationError,
)
from user_subgraph.mail import MailKind
from user_subgraph.one_time_token import Purpose
from user_subgraph.one_time_tokens import OneTimeTokens
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.random_secret import secret_hash
from user_subgraph.reauthentication import Reauthentication
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.throttling import Throttling
from user_subgraph.tokens import Viewer
from user_subgraph.user import User, moved
from user_subgraph.user_input import FieldProblem, email_address
from user_subgraph.user_repository import UserRepository

_DEAD = "The token is not valid for this account, or not any more; ask for the change again."


@dataclass(frozen=True)
class EmailChange:
    database: Database
    reauthentication: Reauthentication
    throttling: Throttling
    clock: Clock
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "EmailChange":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller, reauthentication=self.reauthentication.asked_by(caller))

    def request(self, viewer: Viewer, new_email: str, current_password: str) -> AcceptedSuccess:
        """A mail with a token to the new address. The same answer and work whether somebody else has it.

        Raises `ReauthenticationRequiredError` where there is a second factor and it was not proved of late,
        `ValidationError` for what is no other address, `InvalidCredentialsError`, or `RateLimitedError`.
        """
        account = self.reauthentication.account(viewer)
        address = _other_address(new_email, account.user)
        self.reauthentication.judge(account, current_password)
        self.throttling.count(Throttled.EMAIL_CHANGE, account.user.email, self.caller)
        self.throttling.count(Throttled.MAIL, address, self.caller)
        if not self._is_asked_for(viewer, account.password_hash, address):
            self.reauthentication.refuse(account)
        return AcceptedSuccess()

    def confirm(self, viewer: Viewer, token: str) -> AcceptedSuccess:
        """The viewer's other sessions end, and so does what was mailed to the old address, which is told.

        Raises `InvalidTokenError`, also if somebody else has got the address meanwhile. Nothing is changed then.
        """
        try:
            with self.database.writing() as session:
                self._move(session, viewer, token, self.clock())
        except EmailTaken as error:
            raise InvalidTokenError(_DEAD) from error
        return AcceptedSuccess()

    def _is_asked_for(self, viewer: Viewer, stored: str | None, address: str) -> bool:
        """Not if the password was changed meanwhile: it was right when it was judged, and is not any more."""
        with self.database.writing() as session:
            users, now = UserRepository(session), self.clock()
            user = _locked(users, viewer, now)
            if not users.has_hash(user.id, stored):
                return False
            mails = OutgoingMails(session)
            mails.withdraw(MailKind.CHANGE_EMAIL, user.id)
            mails.ask_for(MailKind.CHANGE_EMAIL, address, now, about=user.id)
            AuditLog(session, self.caller).record(Action.EMAIL_CHANGE_REQUESTED, now, subject=user.id)
        return True

    def _move(self, session: Session, viewer: Viewer, token: str, now: datetime) -> None:
        users = UserRepository(session)
        before = _locked(users, viewer, now)
        # Looked for under the lock: of all who use it at once one finds it.
        found = OneTimeTokens(session).valid(secret_hash(token), (Purpose.CHANGE_EMAIL,), now)
        if found is None or found.user_id != before.id:
            raise InvalidTokenError(_DEAD)
        after = moved(before, found.address, now)
        users.save(after)
        revoked = _shut_out_others(session, viewer, now)
        OutgoingMails(session).notify(MailKind.EMAIL_CHANGED, before, now)
        changes = (*changes_of(before, after), *noted(revoked_sessions=revoked))
        AuditLog(session, self.caller).record(Action.EMAIL_CHANGED, now, subject=after.id, changes=changes)


def _locked(users: UserRepository, viewer: Viewer, now: datetime) -> User:
    users.locked(viewer.user_id)
    user = users.logged_in(viewer.user_id, viewer.session_id, now)
    if user is None:
        raise Unauthenticated
    return user


def _shut_out_others(session: Session, viewer: Viewer, now: datetime) -> int:
    """Whoever came in by the old address, or is about to; gives how many sessions that were."""
    factors = SecondFactorRepository(session)
    factors.close_challenges_of(viewer.user_id)
    factors.end_enrolment(viewer.user_id)
    OneTimeTokens(session).forget(viewer.user_id, *Purpose)
    OutgoingMails(session).withdraw(MailKind.CHANGE_EMAIL, viewer.user_id)
    return SessionRepository(session).revoke_of_user(viewer.user_id, now, besides=viewer.session_id)


def _other_address(email: str, user: User) -> str:
    try:
        address = email_address(email)
    except FieldProblem as problem:
        raise ValidationError([FieldError(("newEmail",), problem.message, problem.code)]) from problem
    if address == user.email:
        message = "This is the address of the account already."
        raise ValidationError([FieldError(("newEmail",), message, FieldCode.INVALID)])
    return address
