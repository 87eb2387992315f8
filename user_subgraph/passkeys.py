"""The passkeys of an account: adding one, and taking one away. The first turns its second factor on, the last one off."""

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass, replace

from user_subgraph.accepted import AcceptedSuccess
from user_subgraph.audit import OPERATOR, Action, Caller
from user_subgraph.clock import Clock
from user_subgraph.errors import FieldCode, FieldError, NotFoundError, PasskeyNotGood, ValidationError
from user_subgraph.factors_of_account import FactorsOfAccount, FactorsOfAccounts
from user_subgraph.mail import MailKind
from user_subgraph.passkey import MOST_PASSKEYS, Credential, Passkey, new_passkey, passkey_name
from user_subgraph.passkey_repository import PasskeyRepository
from user_subgraph.relying_party import RelyingParty
from user_subgraph.tokens import Viewer
from user_subgraph.user import UserId
from user_subgraph.user_input import checked

_NAME_RULES = {"name": passkey_name}
_NOT_GOOD = FieldError(
    ("input", "response"),
    "This is not what the device was asked for, or it took more than five minutes: begin again.",
    FieldCode.INVALID,
)
_TOO_MANY = FieldError(
    (), f"An account may have {MOST_PASSKEYS} passkeys: remove one first.", FieldCode.NOT_ALLOWED
)


@dataclass(frozen=True)
class PasskeyEnrollment:
    """`options`: PublicKeyCredentialCreationOptionsJSON, for the browser."""

    options: str


@dataclass(frozen=True)
class PasskeyConfirmed:
    """`recovery_codes`: told this once; empty for who has got some before."""

    passkey: Passkey
    recovery_codes: tuple[str, ...]


@dataclass(frozen=True)
class Passkeys:
    accounts: FactorsOfAccounts
    relying_party: RelyingParty
    clock: Clock
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "Passkeys":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def of(self, user_id: UserId) -> Sequence[Passkey]:
        with self.accounts.database.reading() as session:
            return PasskeyRepository(session).of(user_id)

    def enroll(self, viewer: Viewer) -> PasskeyEnrollment:
        """What a device is to be asked.

        Raises `EmailNotVerifiedError`, `ReauthenticationRequiredError`, and `ValidationError` for one too many.
        """
        challenge = secrets.token_bytes(32)
        with self._account_of(viewer, to_add=True) as account:
            known = _known(account)
            account.passkeys.begin_enrolment(account.user.id, challenge, account.now)
        return PasskeyEnrollment(self.relying_party.creation_options(account.user, known, challenge))

    def confirm(self, viewer: Viewer, name: str, response: str) -> PasskeyConfirmed:
        """*response*: the device's, in JSON. With the account's first factor its other sessions end.

        Raises `EmailNotVerifiedError`, `ReauthenticationRequiredError` and `ValidationError`.
        """
        clean = checked({"name": name}, _NAME_RULES)
        try:
            with self._account_of(viewer, to_add=True) as account:
                _known(account)
                passkey = new_passkey(
                    account.user.id, clean["name"], self._credential(account, response), account.now
                )
                return PasskeyConfirmed(passkey, _add(account, passkey, viewer))
        except PasskeyNotGood as error:
            raise ValidationError([_NOT_GOOD]) from error

    def remove(self, viewer: Viewer, passkey_id: str) -> AcceptedSuccess:
        """Raises `ReauthenticationRequiredError` and `NotFoundError`."""
        with self._account_of(viewer) as account:
            removed = account.passkeys.remove(account.user.id, passkey_id)
            if removed is None:
                raise NotFoundError(passkey_id)
            account.record(Action.PASSKEY_REMOVED, passkey=passkey_id)
            if account.is_nothing_left:
                account.switch_off()
                account.notify(MailKind.SECOND_FACTOR_DISABLED)
            else:
                account.notify(MailKind.PASSKEY_REMOVED, removed.in_words)
        return AcceptedSuccess()

    def _credential(self, account: FactorsOfAccount, response: str) -> Credential:
        challenge = account.passkeys.enrolment(account.user.id, account.now)
        if challenge is None:
            raise PasskeyNotGood
        account.passkeys.end_enrolment(account.user.id)
        return self.relying_party.created(response, challenge)

    def _account_of(
        self, viewer: Viewer, *, to_add: bool = False
    ) -> AbstractContextManager[FactorsOfAccount]:
        return self.accounts.of(viewer, self.clock(), self.caller, to_add=to_add)


def _known(account: FactorsOfAccount) -> Sequence[Passkey]:
    known = account.passkeys.of(account.user.id)
    if len(known) >= MOST_PASSKEYS:
        raise ValidationError([_TOO_MANY])
    return known


def _add(account: FactorsOfAccount, passkey: Passkey, viewer: Viewer) -> tuple[str, ...]:
    account.passkeys.add(passkey)
    account.record(Action.PASSKEY_ADDED, passkey=passkey.id)
    account.notify(MailKind.PASSKEY_ADDED, passkey.in_words)
    return () if account.user.mfa_enabled else account.switch_on(viewer)
