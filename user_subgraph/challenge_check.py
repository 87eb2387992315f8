"""Whether the answer to a login's challenge is good: a code after the password, a passkey after it, or a passkey alone.

A refusal may have written something too, so it is given and not raised: the transaction is to be committed.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from user_subgraph.audit import Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.errors import (
    AccountDisabledError,
    DomainError,
    InvalidCredentialsError,
    InvalidTokenError,
)
from user_subgraph.mfa import AMR_OF, PASSKEY_ALONE, Challenge, MfaMethod
from user_subgraph.passkey_check import PasskeyCheck
from user_subgraph.relying_party import RelyingParty
from user_subgraph.second_factor_check import SecondFactorCheck
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_tokens import Proof
from user_subgraph.user import User, UserStatus
from user_subgraph.user_repository import UserRepository

_NOT_OPEN = "This login is not open any more: it was answered, or took more than five minutes. Begin again."
_PASSKEY_NOT_GOOD = (
    "This passkey is not known here any more, or it has answered something else. Try again, or another way."
)


@dataclass(frozen=True)
class ChallengeAnswer:
    """*code*: of a passkey its AuthenticationResponseJSON."""

    challenge_id: str
    method: MfaMethod
    code: str


@dataclass(frozen=True)
class Proved:
    user: User
    proof: Proof


@dataclass(frozen=True)
class ChallengeCheck:
    """In the transaction of *session*. Who is found out stays locked in *users*."""

    session: Session
    users: UserRepository
    relying_party: RelyingParty
    caller: Caller
    now: datetime

    def judged(self, answer: ChallengeAnswer) -> Proved | DomainError:
        challenge = self._factors.challenge(answer.challenge_id, self.now)
        if challenge is None:
            return InvalidTokenError(_NOT_OPEN)
        if challenge.user_id is None:
            return self._by_passkey_alone(challenge, answer)
        user = self.users.locked(challenge.user_id)
        # Looked up again under the lock: another request may have answered it meanwhile.
        if user is None or self._factors.challenge(answer.challenge_id, self.now) is None:
            return InvalidTokenError(_NOT_OPEN)
        if not user.is_active:
            return not_active(user)
        if refusal := self._refusal(user, answer):
            return refusal
        self._factors.close_challenge(answer.challenge_id)
        return Proved(user, Proof(AMR_OF[answer.method], self.now, challenge.asked_scopes))

    def _refusal(self, user: User, answer: ChallengeAnswer) -> DomainError | None:
        check = SecondFactorCheck(self.session, self.caller, self.now)
        if answer.method is not MfaMethod.PASSKEY:
            return check.refusal(user, answer.method, answer.code)
        return check.refusal_of_guess(
            user.id,
            answer.method,
            lambda: self._passkeys.is_proved(user.id, answer.code, answer.challenge_id),
            InvalidCredentialsError(_PASSKEY_NOT_GOOD),
        )

    def _by_passkey_alone(self, challenge: Challenge, answer: ChallengeAnswer) -> Proved | DomainError:
        """The challenge is spent, however good the answer is: who fails begins anew, which is bounded."""
        if not self._factors.close_challenge(answer.challenge_id):
            return InvalidTokenError(_NOT_OPEN)
        response = answer.code if answer.method is MfaMethod.PASSKEY else ""
        owner = self._passkeys.owner_of(response)
        user = None if owner is None else self.users.locked(owner)
        if user is None:
            return InvalidCredentialsError(_PASSKEY_NOT_GOOD)
        log = AuditLog(self.session, self.caller)
        if not self._passkeys.is_proved(user.id, response, answer.challenge_id):
            log.record(Action.LOGIN_FAILED, self.now, subject=user.id, changes=noted(method=answer.method))
            return InvalidCredentialsError(_PASSKEY_NOT_GOOD)
        if not user.is_active:
            log.record(Action.LOGIN_REFUSED, self.now, subject=user.id)
            return not_active(user)
        return Proved(user, Proof(PASSKEY_ALONE, self.now, challenge.asked_scopes))

    @property
    def _factors(self) -> SecondFactorRepository:
        return SecondFactorRepository(self.session)

    @property
    def _passkeys(self) -> PasskeyCheck:
        return PasskeyCheck(self.session, self.relying_party, self.now)


def not_active(user: User) -> AccountDisabledError:
    """Why *user*, whose password or passkey was right, is not let in."""
    if user.status is UserStatus.PENDING_VERIFICATION:
        return AccountDisabledError("Confirm your e-mail address first: a mail says how.")
    return AccountDisabledError()
