"""Passkeys, and those that somebody is about to add, in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from user_subgraph.errors import PasskeyNotGood
from user_subgraph.mfa import CHALLENGE_LIFE
from user_subgraph.passkey import Credential, Passkey
from user_subgraph.session_repository import UNSYNCHRONISED
from user_subgraph.tables import PasskeyEnrolmentRow, PasskeyRow
from user_subgraph.user import UserId


class PasskeyRepository:
    """The user is `locked` by the caller of whatever changes something here."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, user_id: UserId) -> Sequence[Passkey]:
        """The oldest first."""
        owned = select(PasskeyRow).where(PasskeyRow.user_id == user_id).order_by(PasskeyRow.id)
        return [_passkey(row) for row in self._session.scalars(owned)]

    def by_credential_id(self, credential_id: bytes) -> Passkey | None:
        named = select(PasskeyRow).where(PasskeyRow.credential_id == credential_id)
        row = self._session.scalar(named.execution_options(populate_existing=True))
        return None if row is None else _passkey(row)

    def add(self, passkey: Passkey) -> None:
        """Raises `PasskeyNotGood` for an id that somebody's has already; the transaction can only be given up then."""
        credential = passkey.credential
        row = PasskeyRow(
            id=passkey.id,
            user_id=passkey.user_id,
            name=passkey.name,
            credential_id=credential.id,
            public_key=credential.public_key,
            sign_count=credential.sign_count,
            transports=" ".join(credential.transports),
            created_at=passkey.created_at,
            last_used_at=passkey.last_used_at,
        )
        self._session.add(row)
        try:
            self._session.flush()
        except IntegrityError as error:
            # Devices choose it at random, so that somebody has copied this one.
            if "credential_id" in str(error.orig):
                raise PasskeyNotGood from error
            raise

    def note_use(self, passkey: Passkey, sign_count: int, now: datetime) -> None:
        row = self._session.get_one(PasskeyRow, passkey.id)
        row.sign_count, row.last_used_at = sign_count, now

    def remove(self, user_id: UserId, passkey_id: str) -> Passkey | None:
        """The one that is gone; `None`: the user has none of this id."""
        # Compared here: what somebody sends as an id may be no text for a database.
        found = next((passkey for passkey in self.of(user_id) if passkey.id == passkey_id), None)
        if found is not None:
            self._session.execute(delete(PasskeyRow).where(PasskeyRow.id == found.id), **UNSYNCHRONISED)
        return found

    def begin_enrolment(self, user_id: UserId, challenge: bytes, now: datetime) -> None:
        """One that was begun before is forgotten."""
        self.end_enrolment(user_id)
        row = PasskeyEnrolmentRow(user_id=user_id, challenge=challenge, expires_at=now + CHALLENGE_LIFE)
        self._session.add(row)

    def enrolment(self, user_id: UserId, now: datetime) -> bytes | None:
        """Its challenge, while it is open."""
        row = self._session.get(PasskeyEnrolmentRow, user_id)
        return row.challenge if row is not None and now < row.expires_at else None

    def end_enrolment(self, user_id: UserId) -> None:
        begun = PasskeyEnrolmentRow.user_id == user_id
        self._session.execute(delete(PasskeyEnrolmentRow).where(begun), **UNSYNCHRONISED)


def _passkey(row: PasskeyRow) -> Passkey:
    credential = Credential(row.credential_id, row.public_key, row.sign_count, tuple(row.transports.split()))
    return Passkey(row.id, UserId(row.user_id), row.name, credential, row.created_at, row.last_used_at)
