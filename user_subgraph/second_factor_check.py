"""Whether a code proves the second factor: it is used up, or counted as a guess, in the transaction that asks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from user_subgraph.audit import Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.errors import DomainError, InvalidCredentialsError, RateLimitedError
from user_subgraph.mfa import NO_GUESSES, MfaMethod
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.user import UserId

_WRONG = "The code is wrong, or it was used before."


@dataclass(frozen=True)
class SecondFactorCheck:
    """In the transaction of *session*, in which the user is `locked`."""

    session: Session
    caller: Caller
    now: datetime

    def refusal(self, user_id: UserId, method: MfaMethod, code: str) -> DomainError | None:
        """`None`: it is proved. What comes else is to be raised once the transaction is committed: the guess has to count."""
        factors = SecondFactorRepository(self.session)
        guesses, log = factors.guesses(user_id), AuditLog(self.session, self.caller)
        if wait_s := guesses.wait_s(self.now):
            return RateLimitedError(wait_s)
        if not factors.take(user_id, method, code, self.now):
            factors.note_guesses(user_id, guesses.one_more(self.now))
            log.record(Action.MFA_FAILED, self.now, subject=user_id, changes=noted(method=method))
            return InvalidCredentialsError(_WRONG)
        factors.note_guesses(user_id, NO_GUESSES)
        if method is MfaMethod.RECOVERY_CODE:
            log.record(Action.RECOVERY_CODE_USED, self.now, subject=user_id, actor=user_id)
        return None
