"""Authenticators, recovery codes and open challenges in the database."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CursorResult, delete, exists, func, select
from sqlalchemy.orm import Session

from user_subgraph.database import locked_once
from user_subgraph.mfa import CHALLENGE_LIFE, NO_GUESSES, Challenge, Guesses, MfaMethod
from user_subgraph.passkey_repository import PasskeyRepository
from user_subgraph.recovery_codes import code_hash
from user_subgraph.session_repository import UNSYNCHRONISED, read_scopes, stored_scopes
from user_subgraph.tables import (
    MfaChallengeRow,
    PasskeyEnrolmentRow,
    PasskeyRow,
    RecoveryCodeRow,
    TotpRow,
)
from user_subgraph.totp import accepted_step
from user_subgraph.user import UserId

_FORGOTTEN_AT_ONCE = 100


class SecondFactorRepository:
    """The user is `locked` by the caller of whatever changes something here, so nothing is taken twice."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def begin_enrolment(self, user_id: UserId, secret: str) -> None:
        """*secret* waits for its first code; an authenticator that is enabled stays so until then."""
        row = self._totp(user_id)
        if row is None:
            self._session.add(TotpRow(user_id=user_id, pending_secret=secret, guesses=0))
        else:
            row.pending_secret = secret

    def confirm_enrolment(self, user_id: UserId, code: str, now: datetime) -> bool:
        """Enable what waits, if *code* is one of its codes."""
        row = self._totp(user_id)
        step = accepted_step(row.pending_secret, code, now, None) if row and row.pending_secret else None
        if row is None or step is None:
            return False
        row.secret, row.pending_secret, row.last_step = row.pending_secret, None, step
        return True

    def replace_recovery_codes(self, user_id: UserId, codes: Iterable[str], now: datetime) -> None:
        old = RecoveryCodeRow.user_id == user_id
        self._session.execute(delete(RecoveryCodeRow).where(old), **UNSYNCHRONISED)
        self._session.add_all(
            RecoveryCodeRow(code_hash=code_hash(code), user_id=user_id, created_at=now) for code in codes
        )

    def methods_of(self, user_id: UserId) -> list[MfaMethod]:
        """What the user can prove a second factor with, in the order of `MfaMethod`."""
        asked = select(
            exists().where(TotpRow.user_id == user_id, TotpRow.secret.is_not(None)),
            exists().where(RecoveryCodeRow.user_id == user_id, RecoveryCodeRow.used_at.is_(None)),
            exists().where(PasskeyRow.user_id == user_id),
        )
        has = self._session.execute(asked).one()
        return [method for method, is_there in zip(MfaMethod, has, strict=True) if is_there]

    def forget_authenticator(self, user_id: UserId) -> None:
        """Not the guesses: whoever gets rid of it does not get rid of them."""
        if row := self._totp(user_id):
            row.secret = row.pending_secret = row.last_step = None

    def forget(self, user_id: UserId) -> None:
        """Authenticator, passkeys, recovery codes and open challenges."""
        for table in (TotpRow, PasskeyRow, PasskeyEnrolmentRow, RecoveryCodeRow, MfaChallengeRow):
            self._session.execute(delete(table).where(table.user_id == user_id), **UNSYNCHRONISED)

    def guesses(self, user_id: UserId) -> Guesses:
        row = self._totp(user_id)
        return Guesses(row.guesses, row.guessing_since) if row else NO_GUESSES

    def note_guesses(self, user_id: UserId, guesses: Guesses) -> None:
        row = self._totp(user_id)
        if row is None and guesses == NO_GUESSES:
            return
        if row is None:
            row = TotpRow(user_id=user_id)
            self._session.add(row)
        row.guesses, row.guessing_since = guesses.count, guesses.since

    def take(self, user_id: UserId, method: MfaMethod, code: str, now: datetime) -> bool:
        """Whether *code* is good; it is not a second time."""
        match method:
            case MfaMethod.TOTP:
                return self._take_totp(user_id, code, now)
            case MfaMethod.RECOVERY_CODE:
                return self._take_recovery_code(user_id, code, now)
            case MfaMethod.PASSKEY:
                return False  # no code

    def recovery_codes_left(self, user_id: UserId) -> int:
        good = (RecoveryCodeRow.user_id == user_id) & RecoveryCodeRow.used_at.is_(None)
        return self._session.scalars(select(func.count()).select_from(RecoveryCodeRow).where(good)).one()

    def open_challenge(
        self, challenge_id: str, user_id: UserId | None, asked_scopes: frozenset[str] | None, now: datetime
    ) -> None:
        """*user_id*: `None` for whoever a passkey says. Of the same user's, some that nobody answered in time end up here.

        Not all of them, and none that another login is at: those of nobody are everybody's, and may be very many.
        """
        late = (MfaChallengeRow.user_id == user_id) & (MfaChallengeRow.expires_at <= now)
        some = locked_once(select(MfaChallengeRow.id_hash).where(late).limit(_FORGOTTEN_AT_ONCE))
        forgotten = delete(MfaChallengeRow).where(MfaChallengeRow.id_hash.in_(some))
        self._session.execute(forgotten, **UNSYNCHRONISED)
        row = MfaChallengeRow(
            id_hash=_hash(challenge_id),
            user_id=user_id,
            asked_scopes=stored_scopes(asked_scopes),
            expires_at=now + CHALLENGE_LIFE,
        )
        self._session.add(row)

    def challenge(self, challenge_id: str, now: datetime) -> Challenge | None:
        """The one that is open under this id."""
        found = select(MfaChallengeRow).where(MfaChallengeRow.id_hash == _hash(challenge_id))
        row = self._session.scalar(found.execution_options(populate_existing=True))
        if row is None or row.expires_at <= now:
            return None
        user_id = None if row.user_id is None else UserId(row.user_id)
        return Challenge(user_id, read_scopes(row.asked_scopes), row.expires_at)

    def close_challenge(self, challenge_id: str) -> bool:
        """`False`: somebody else has answered it."""
        answered = MfaChallengeRow.id_hash == _hash(challenge_id)
        result = self._session.execute(delete(MfaChallengeRow).where(answered), **UNSYNCHRONISED)
        assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what a DELETE gives
        return result.rowcount > 0

    def close_challenges_of(self, user_id: UserId) -> None:
        """They were opened by a password that is not right any more, or is not enough any more."""
        asked = MfaChallengeRow.user_id == user_id
        self._session.execute(delete(MfaChallengeRow).where(asked), **UNSYNCHRONISED)

    def end_enrolment(self, user_id: UserId) -> None:
        """Of whatever was begun and not confirmed."""
        if row := self._totp(user_id):
            row.pending_secret = None
        PasskeyRepository(self._session).end_enrolment(user_id)

    def _take_totp(self, user_id: UserId, code: str, now: datetime) -> bool:
        row = self._totp(user_id)
        step = accepted_step(row.secret, code, now, row.last_step) if row and row.secret else None
        if row is None or step is None:
            return False
        row.last_step = step
        return True

    def _take_recovery_code(self, user_id: UserId, code: str, now: datetime) -> bool:
        row = self._session.get(RecoveryCodeRow, code_hash(code))
        if row is None or row.user_id != user_id or row.used_at is not None:
            return False
        row.used_at = now
        return True

    def _totp(self, user_id: UserId) -> TotpRow | None:
        return self._session.get(TotpRow, user_id)


def _hash(challenge_id: str) -> str:
    return hashlib.sha256(challenge_id.encode()).hexdigest()
