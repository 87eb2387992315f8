"""Mails that are to be sent, in the database: asked for in the transaction of what they tell of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session
from ulid import ULID

from user_subgraph.mail import MailKind, OutgoingMail
from user_subgraph.tables import OutgoingMailRow
from user_subgraph.user import User, UserId


class OutgoingMails:
    def __init__(self, session: Session) -> None:
        self._session = session

    def ask_for(
        self,
        kind: MailKind,
        recipient: str,
        now: datetime,
        *,
        about: UserId | None = None,
        what: str | None = None,
    ) -> None:
        """One row, whosever address it is: whether anything is sent is found out by who sends it."""
        row = {
            "id": f"mail_{ULID()}".lower(),
            "kind": kind.value,
            "recipient": recipient,
            "user_id": about,
            "what": what,
            "attempts": 0,
            "next_attempt_at": now,
            "created_at": now,
        }
        self._session.execute(insert(OutgoingMailRow).values(row))

    def notify(self, kind: MailKind, user: User, now: datetime, what: str | None = None) -> None:
        """Tell the owner of the account, at the address that *user* has; one without an address is told nothing."""
        if user.email is not None:
            self.ask_for(kind, user.email, now, about=user.id, what=what)

    def taken(self, now: datetime, taken_until: datetime) -> OutgoingMail | None:
        """One that is due, which nobody else takes until *taken_until*; others do not wait for it.

        Who dies meanwhile has lost nothing: the mail is due again then.
        """
        row = self._session.scalar(
            select(OutgoingMailRow)
            .where(OutgoingMailRow.next_attempt_at <= now)
            # Others are a newer release's, whose processes send them.
            .where(OutgoingMailRow.kind.in_([kind.value for kind in MailKind]))
            .order_by(OutgoingMailRow.next_attempt_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.attempts += 1
        row.next_attempt_at = taken_until
        about = None if row.user_id is None else UserId(row.user_id)
        kind = MailKind(row.kind)
        return OutgoingMail(row.id, kind, row.recipient, about, row.attempts, row.created_at, row.what)

    def waits(self, mail: OutgoingMail) -> bool:
        """Whether it was not withdrawn since it was taken."""
        row = select(OutgoingMailRow.id).where(OutgoingMailRow.id == mail.id)
        return self._session.scalar(row) is not None

    def put_off(self, mail: OutgoingMail, next_attempt_at: datetime) -> None:
        which = update(OutgoingMailRow).where(OutgoingMailRow.id == mail.id)
        self._session.execute(which.values(next_attempt_at=next_attempt_at), **_UNSYNCHRONISED)

    def forget(self, mail: OutgoingMail) -> None:
        """Sent, or not to be sent: neither the address nor anything else of it is kept."""
        self._session.execute(delete(OutgoingMailRow).where(OutgoingMailRow.id == mail.id), **_UNSYNCHRONISED)

    def withdraw(self, kind: MailKind, about: UserId) -> None:
        which = (OutgoingMailRow.kind == kind.value) & (OutgoingMailRow.user_id == about)
        self._session.execute(delete(OutgoingMailRow).where(which), **_UNSYNCHRONISED)

    def forget_all_of(self, user: User) -> None:
        """Those to the user's address, and those about the user's account to any other."""
        theirs = (OutgoingMailRow.recipient == user.email) | (OutgoingMailRow.user_id == user.id)
        self._session.execute(delete(OutgoingMailRow).where(theirs), **_UNSYNCHRONISED)


# No row of this session is looked at after a bulk statement, so none needs to be brought up to date.
_UNSYNCHRONISED: Mapping[str, Any] = {"execution_options": {"synchronize_session": False}}
