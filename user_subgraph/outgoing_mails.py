"""Mails that are to be sent, in the database: asked for in the transaction of what they tell of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session
from ulid import ULID

from user_subgraph.mail import MailKind, OutgoingMail
from user_subgraph.tables import OutgoingMailRow


class OutgoingMails:
    def __init__(self, session: Session) -> None:
        self._session = session

    def ask_for(self, kind: MailKind, recipient: str, now: datetime) -> None:
        """One row, whosever address it is: whether anything is sent is found out by who sends it."""
        row = {
            "id": f"mail_{ULID()}".lower(),
            "kind": kind.value,
            "recipient": recipient,
            "attempts": 0,
            "next_attempt_at": now,
            "created_at": now,
        }
        self._session.execute(insert(OutgoingMailRow).values(row))

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
        return OutgoingMail(row.id, MailKind(row.kind), row.recipient, row.attempts, row.created_at)

    def put_off(self, mail: OutgoingMail, next_attempt_at: datetime) -> None:
        which = update(OutgoingMailRow).where(OutgoingMailRow.id == mail.id)
        self._session.execute(which.values(next_attempt_at=next_attempt_at), **_UNSYNCHRONISED)

    def forget(self, mail: OutgoingMail) -> None:
        """Sent, or not to be sent: neither the address nor anything else of it is kept."""
        self._session.execute(delete(OutgoingMailRow).where(OutgoingMailRow.id == mail.id), **_UNSYNCHRONISED)

    def forget_all_to(self, recipient: str | None) -> None:
        self._session.execute(
            delete(OutgoingMailRow).where(OutgoingMailRow.recipient == recipient), **_UNSYNCHRONISED
        )


# No row of this session is looked at after a bulk statement, so none needs to be brought up to date.
_UNSYNCHRONISED: Mapping[str, Any] = {"execution_options": {"synchronize_session": False}}
