"""What strangers can do with an e-mail address: have mails sent to it, and use what stands in them."""

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass, replace

from sqlalchemy.orm import Session

from user_subgraph.accepted import AcceptedSuccess
from user_subgraph.audit import OPERATOR, Action, Caller, changes_of
from user_subgraph.audit_repository import AuditLog
from user_subgraph.bounds import Throttled
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import FieldError, InvalidTokenError, ValidationError
from user_subgraph.mail import MailKind
from user_subgraph.one_time_token import SETTING_A_PASSWORD, Purpose
from user_subgraph.one_time_tokens import OneTimeTokens
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.passwords import PasswordHashes, strong_password
from user_subgraph.random_secret import secret_hash
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.throttling import Throttling
from user_subgraph.user import User, verified
from user_subgraph.user_input import FieldProblem, email_address
from user_subgraph.user_repository import UserRepository

_DEAD = "The token is not valid any more; ask for a new mail."


@dataclass(frozen=True)
class MailedLinks:
    database: Database
    passwords: PasswordHashes
    throttling: Throttling
    clock: Clock
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "MailedLinks":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def resend_verification(self, email: str) -> AcceptedSuccess:
        return self._ask_for(MailKind.VERIFY_EMAIL, Action.VERIFICATION_REQUESTED, email)

    def request_password_reset(self, email: str) -> AcceptedSuccess:
        return self._ask_for(MailKind.RESET_PASSWORD, Action.PASSWORD_RESET_REQUESTED, email)

    def verify_email(self, token: str) -> AcceptedSuccess:
        """Raises `InvalidTokenError`."""
        with self.database.writing() as session:
            users = UserRepository(session)
            before = self._redeemed(session, users, token, (Purpose.VERIFY_EMAIL,))
            # Begun before this address was confirmed, by whomever: who reads its mails begins anew.
            SecondFactorRepository(session).end_enrolment(before.id)
            self._save_verified(session, users, before, Action.EMAIL_VERIFIED)
        return AcceptedSuccess()

    def reset_password(self, token: str, new_password: str) -> AcceptedSuccess:
        """Raises `InvalidTokenError`, or `ValidationError` for a password that is not fit; the token then stays good.

        No transaction is open while the password is hashed, and without a valid token nothing is hashed.
        """
        with self.database.reading() as session:
            found = OneTimeTokens(session).valid(secret_hash(token), SETTING_A_PASSWORD, self.clock())
        if found is None:
            raise InvalidTokenError(_DEAD)
        password_hash = self.passwords.hash(_fit_password(new_password, found.address))
        with self.database.writing() as session:
            users = UserRepository(session)
            owner = self._redeemed(session, users, token, SETTING_A_PASSWORD)
            users.set_hash(owner.id, password_hash)
            SessionRepository(session).revoke_of_user(owner.id, self.clock())
            OneTimeTokens(session).forget(owner.id, Purpose.CHANGE_EMAIL)
            mails = OutgoingMails(session)
            mails.withdraw(MailKind.CHANGE_EMAIL, owner.id)
            mails.notify(MailKind.PASSWORD_CHANGED, owner, self.clock())
            before = _without_strangers_factor(session, owner)
            if before.mfa_enabled != owner.mfa_enabled:
                AuditLog(session, self.caller).record(Action.MFA_DISABLED, self.clock(), subject=owner.id)
                mails.notify(MailKind.SECOND_FACTOR_DISABLED, owner, self.clock())
            # Who could read the mail has proved the address, too.
            self._save_verified(session, users, before, Action.PASSWORD_RESET)
        return AcceptedSuccess()

    def _ask_for(self, kind: MailKind, action: Action, email: str) -> AcceptedSuccess:
        """The same statements whosever address it is, and whether it is anybody's."""
        address = _address(email)
        self.throttling.count(Throttled.MAIL, address, self.caller)
        now = self.clock()
        with self.database.writing() as session:
            subject = UserRepository(session).id_of(address)
            OutgoingMails(session).ask_for(kind, address, now)
            AuditLog(session, self.caller).record(action, now, subject=subject)
        return AcceptedSuccess()

    def _redeemed(
        self, session: Session, users: UserRepository, token: str, purposes: Collection[Purpose]
    ) -> User:
        """The owner of the token, locked. Of all who use it at once one finds it; it is gone then."""
        tokens, token_hash, now = OneTimeTokens(session), secret_hash(token), self.clock()
        found = tokens.valid(token_hash, purposes, now)
        user = None if found is None else users.locked(found.user_id)
        # Once more: somebody else may have used it while we waited for the lock.
        found = tokens.valid(token_hash, purposes, now)
        if found is None or user is None or not found.still_fits(user):
            raise InvalidTokenError(_DEAD)
        tokens.forget(user.id, *purposes)
        return user

    def _save_verified(self, session: Session, users: UserRepository, before: User, action: Action) -> None:
        after = verified(before, self.clock())
        users.save(after)
        changes = changes_of(before, after)
        log = AuditLog(session, self.caller)
        log.record(action, after.updated_at, subject=after.id, actor=after.id, changes=changes)


def _without_strangers_factor(session: Session, user: User) -> User:
    """Of an address that was never confirmed, somebody else may have opened the account, and enrolled a device of theirs."""
    factors = SecondFactorRepository(session)
    if user.email_verified:
        factors.close_challenges_of(user.id)
        factors.end_enrolment(user.id)
        return user
    factors.forget(user.id)
    return replace(user, mfa_enabled=False)


def _address(email: str) -> str:
    try:
        return email_address(email)
    except FieldProblem as problem:
        raise ValidationError([FieldError(("email",), problem.message, problem.code)]) from problem


def _fit_password(password: str, email: str) -> str:
    try:
        return strong_password(password, email)
    except FieldProblem as problem:
        path = ("input", "newPassword")
        raise ValidationError([FieldError(path, problem.message, problem.code)]) from problem
