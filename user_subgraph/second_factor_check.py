"""Whether a code proves the second factor: it is used up, or counted as a guess, in the transaction that asks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from user_subgraph.audit import Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.errors import (
    DomainError,
    FieldCode,
    FieldError,
    InvalidCredentialsError,
    RateLimitedError,
    ValidationError,
)
from user_subgraph.mail import MailKind
from user_subgraph.mfa import NO_GUESSES, MfaMethod
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.recovery_codes import how_many_are_left
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.user import User, UserId

_WRONG = "The code is wrong, or it was used before."
_NO_CODE_OF_IT = FieldError(
    ("code",),
    "This is no code of the secret that was shown last. Is the clock of the device right?",
    FieldCode.INVALID,
)


@dataclass(frozen=True)
class SecondFactorCheck:
    """In the transaction of *session*, in which the user is `locked`."""

    session: Session
    caller: Caller
    now: datetime

    def refusal(self, user: User, method: MfaMethod, code: str) -> DomainError | None:
        """`None`: it is proved. What comes else is to be raised once the transaction is committed: the guess has to count."""
        factors = SecondFactorRepository(self.session)
        refusal = self.refusal_of_guess(
            user.id,
            method,
            lambda: factors.take(user.id, method, code, self.now),
            InvalidCredentialsError(_WRONG),
        )
        if refusal is None and method is MfaMethod.RECOVERY_CODE:
            self._tell_of_used_code(user, factors.recovery_codes_left(user.id))
        return refusal

    def refusal_of_enrolment(self, user_id: UserId, code: str) -> DomainError | None:
        """The same of the code that is to enable what waits; guesses of both are counted together."""
        factors = SecondFactorRepository(self.session)
        return self.refusal_of_guess(
            user_id,
            MfaMethod.TOTP,
            lambda: factors.confirm_enrolment(user_id, code, self.now),
            ValidationError([_NO_CODE_OF_IT]),
        )

    def refusal_of_guess(
        self, user_id: UserId, method: MfaMethod, is_right: Callable[[], bool], wrong: DomainError
    ) -> DomainError | None:
        """*is_right* is not asked of who has guessed too often; *wrong* is what comes where it says no."""
        factors = SecondFactorRepository(self.session)
        guesses = factors.guesses(user_id)
        if wait_s := guesses.wait_s(self.now):
            return RateLimitedError(wait_s)
        if is_right():
            factors.note_guesses(user_id, NO_GUESSES)
            return None
        factors.note_guesses(user_id, guesses.one_more(self.now))
        log = AuditLog(self.session, self.caller)
        log.record(Action.MFA_FAILED, self.now, subject=user_id, changes=noted(method=method))
        return wrong

    def _tell_of_used_code(self, user: User, left: int) -> None:
        log = AuditLog(self.session, self.caller)
        log.record(Action.RECOVERY_CODE_USED, self.now, subject=user.id, actor=user.id)
        mails = OutgoingMails(self.session)
        mails.notify(MailKind.RECOVERY_CODE_USED, user, self.now, how_many_are_left(left))
