"""The authenticator of an account (TOTP): enabling it, taking it away; and the help for who has lost all factors."""

from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass, replace

from user_subgraph.accepted import AcceptedSuccess
from user_subgraph.audit import OPERATOR, Action, Caller
from user_subgraph.clock import Clock
from user_subgraph.factors_of_account import FactorsOfAccount, FactorsOfAccounts
from user_subgraph.mail import MailKind
from user_subgraph.mfa import method_of
from user_subgraph.second_factor_check import SecondFactorCheck
from user_subgraph.session_repository import SessionRepository
from user_subgraph.tokens import Viewer
from user_subgraph.totp import new_secret, otpauth_url
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
    """*issuer*: the name that stands in people's apps."""

    accounts: FactorsOfAccounts
    clock: Clock
    issuer: str
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "SecondFactor":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def enroll(self, viewer: Viewer) -> TotpEnrollment:
        """Another one that is enabled stays so until this one is confirmed.

        Raises `EmailNotVerifiedError` and `ReauthenticationRequiredError`.
        """
        secret = new_secret()
        with self._account_of(viewer, to_add=True) as account:
            account.factors.begin_enrolment(account.user.id, secret)
        name = account.user.email or account.user.id
        return TotpEnrollment(secret, otpauth_url(secret, name, self.issuer))

    def confirm(self, viewer: Viewer, code: str) -> TotpConfirmed:
        """The user's other sessions end, and recovery codes that they had are good no more.

        Raises `EmailNotVerifiedError`, `ReauthenticationRequiredError`, `ValidationError` for a code that is not one of the
        secret that waits, and `RateLimitedError`.
        """
        with self._account_of(viewer, to_add=True) as account:
            check = SecondFactorCheck(account.session, self.caller, account.now)
            refusal = check.refusal_of_enrolment(account.user.id, code)
            if refusal is None:
                codes = account.switch_on(viewer)
                account.notify(MailKind.SECOND_FACTOR_ENABLED)
        if refusal is not None:
            raise refusal
        return TotpConfirmed(codes)

    def disable(self, viewer: Viewer, code: str) -> AcceptedSuccess:
        """With a code of the authenticator, or a recovery code. Passkeys stay.

        Raises `ReauthenticationRequiredError`, `InvalidCredentialsError` and `RateLimitedError`.
        """
        with self._account_of(viewer) as account:
            if account.has_only_passkeys:
                return AcceptedSuccess()  # a recovery code of theirs would be used up for nothing
            check = SecondFactorCheck(account.session, self.caller, account.now)
            refusal = check.refusal(account.user, method_of(code), code)
            if refusal is None:
                _take_authenticator(account)
        if refusal is not None:
            raise refusal
        return AcceptedSuccess()

    def take_away(self, email: str) -> bool:
        """The operator's help for who has lost devices and codes; the sessions end too. `False`: there is nothing to take."""
        with self.accounts.database.writing() as session:
            users = UserRepository(session)
            known = users.id_of(_normalised(email))
            user = None if known is None else users.locked(known)
            if user is None or not user.mfa_enabled:
                return False
            account = FactorsOfAccount(session, users, user, self.clock(), self.caller)
            SessionRepository(session).revoke_of_user(user.id, account.now)
            account.switch_off()
            account.notify(MailKind.SECOND_FACTOR_TAKEN)
        return True

    def _account_of(
        self, viewer: Viewer, *, to_add: bool = False
    ) -> AbstractContextManager[FactorsOfAccount]:
        return self.accounts.of(viewer, self.clock(), self.caller, to_add=to_add)


def _take_authenticator(account: FactorsOfAccount) -> None:
    account.factors.forget_authenticator(account.user.id)
    if account.is_nothing_left:
        account.switch_off()
        account.notify(MailKind.SECOND_FACTOR_DISABLED)
    else:
        account.record(Action.AUTHENTICATOR_REMOVED)
        account.notify(MailKind.AUTHENTICATOR_REMOVED)


def _normalised(email: str) -> str:
    try:
        return email_address(email)
    except FieldProblem:
        return email  # nobody has it
