"""Making the data exports that were asked for, beside the requests."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from user_subgraph.clock import Clock
from user_subgraph.data_export import DataExport
from user_subgraph.data_export_repository import DataExportRepository
from user_subgraph.database import Database
from user_subgraph.errors import OtherServiceSilent
from user_subgraph.mail import MailKind
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.own_record import own_record
from user_subgraph.payments_of_owner import PaymentService
from user_subgraph.tokens import AccessTokens
from user_subgraph.user import User
from user_subgraph.user_repository import UserRepository

logger = logging.getLogger(__name__)

FORMAT = 1


@dataclass(frozen=True)
class DataExportMaking:
    """*payments*: `None` where there is no payment service to ask; the export then has nothing of it."""

    database: Database
    payments: PaymentService | None
    access_tokens: AccessTokens
    clock: Clock

    def make_all_due(self) -> int:
        """Gives how many became ready."""
        ready = 0
        while (export := self._claimed()) is not None:
            ready += self._made(export)
        return ready

    def _claimed(self) -> DataExport | None:
        now = self.clock()
        with self.database.reading() as session:
            if not DataExportRepository(session).has_due(now):
                return None
        with self.database.writing() as session:
            return DataExportRepository(session).claim(now)

    def _made(self, export: DataExport) -> bool:
        """No transaction is open while another service is asked."""
        try:
            document = self._document(export)
        except OtherServiceSilent as error:
            self._put_off(export, error.reason)
            return False
        except Exception as fault:
            logger.exception("data export could not be made", extra={"export": export.id})
            self._put_off(export, type(fault).__name__)
            return False
        if document is None:
            self._fail(export, "the account is not active")
            return False
        return self._finished(export, document)

    def _document(self, export: DataExport) -> str | None:
        """`None`: nobody can log in to the account any more."""
        with self.database.reading() as session:
            user = UserRepository(session).by_ids([export.user_id])[export.user_id]
            if not user.is_active:
                return None
            mine = own_record(session, user)
        whole = {"format": FORMAT, "madeAt": _moment(self), **mine, **self._of_payments(export, user)}
        return json.dumps(whole, ensure_ascii=False, indent=2)

    def _of_payments(self, export: DataExport, user: User) -> Mapping[str, Any]:
        if self.payments is None:
            return {}
        return self.payments.record_of(
            user.id,
            lambda: self.access_tokens.in_the_name_of(user, "payments:read", export.id, self.clock()),
        )

    def _finished(self, export: DataExport, document: str) -> bool:
        now = self.clock()
        with self.database.writing() as session:
            user = UserRepository(session).locked(export.user_id)
            finished = DataExportRepository(session).finish(export, document, now)
            if finished and user is not None:
                OutgoingMails(session).notify(MailKind.DATA_EXPORT_READY, user, now)
        logger.info(
            "data export ready" if finished else "data export not wanted", extra={"export": export.id}
        )
        return finished

    def _put_off(self, export: DataExport, reason: str) -> None:
        again_at = export.next_attempt_at(self.clock())
        if again_at is None:
            return self._fail(export, reason)
        with self.database.writing() as session:
            DataExportRepository(session).put_off(export, again_at)
        logger.warning("data export not made yet", extra={"export": export.id, "reason": reason})
        return None

    def _fail(self, export: DataExport, reason: str) -> None:
        with self.database.writing() as session:
            DataExportRepository(session).fail(export)
        logger.error("data export given up", extra={"export": export.id, "reason": reason})


def _moment(making: DataExportMaking) -> str:
    return making.clock().astimezone(UTC).isoformat().replace("+00:00", "Z")
