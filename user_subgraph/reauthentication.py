"""The password once more, of somebody who is logged in: what could cost the account asks for it."""

from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta
from typing import NoReturn

from user_subgraph.audit import OPERATOR, Action, Caller
from user_subgraph.audit_repository import AuditLog
from user_subgraph.bounds import Throttled
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import InvalidCredentialsError, Unauthenticated
from user_subgraph.fresh_login import require_fresh_login
from user_subgraph.passwords import PasswordHashes
from user_subgraph.throttling import Throttling
from user_subgraph.tokens import Viewer
from user_subgraph.user import User
from user_subgraph.user_repository import UserRepository


@dataclass(frozen=True)
class Account:
    """Of the viewer, as it was read. `password_hash` is what the password is judged by."""

    user: User
    password_hash: str | None


@dataclass(frozen=True)
class Reauthentication:
    """*fresh_for*: how long after a login the password will do, where the login has to be fresh."""

    database: Database
    passwords: PasswordHashes
    throttling: Throttling
    clock: Clock
    fresh_for: timedelta
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "Reauthentication":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def account(self, viewer: Viewer, *, fresh_only: bool = False) -> Account:
        """Raises `Unauthenticated`, or `ReauthenticationRequiredError` for an old login: with *fresh_only* of everybody, else where
        there is a second factor, since whoever has found out the password shall not get by on that.
        """
        now = self.clock()
        with self.database.reading() as session:
            users = UserRepository(session)
            user = users.logged_in(viewer.user_id, viewer.session_id, now)
            if user is None:
                raise Unauthenticated
            if fresh_only or user.mfa_enabled:
                require_fresh_login(session, viewer, user, now, self.fresh_for)
            return Account(user, users.password_hash_of(user.id))

    def judge(self, account: Account, password: str) -> None:
        """No transaction may be open. Raises `InvalidCredentialsError`, or `RateLimitedError` without a look at the password."""
        with self.throttling.guess(Throttled.REAUTHENTICATION, str(account.user.email), self.caller):
            if not self.passwords.matches(password, account.password_hash):
                self.refuse(account)

    def refuse(self, account: Account) -> NoReturn:
        """Also a password that was right when it was judged, and is not any more. No transaction may be open."""
        with self.database.writing() as session:
            log = AuditLog(session, self.caller)
            log.record(Action.REAUTHENTICATION_FAILED, self.clock(), subject=account.user.id)
        raise InvalidCredentialsError("The password is wrong.")
