"""Asking for a copy of one's own data, seeing how it stands, and fetching it."""

import math
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from user_subgraph.audit import OPERATOR, Action, Caller
from user_subgraph.audit_repository import AuditLog
from user_subgraph.clock import Clock
from user_subgraph.data_export import DataExport, DataExportStatus
from user_subgraph.data_export_repository import DataExportRepository
from user_subgraph.database import Database
from user_subgraph.errors import RateLimitedError, Unauthenticated
from user_subgraph.fresh_login import require_fresh_login
from user_subgraph.tokens import Viewer
from user_subgraph.user import User
from user_subgraph.user_repository import UserRepository

PATH = "/data-exports"


@dataclass(frozen=True)
class ShownDataExport:
    """`download_url`: only while there is something to be downloaded."""

    id: str
    status: DataExportStatus
    download_url: str | None
    requested_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class DataExportSuccess:
    data_export: ShownDataExport


@dataclass(frozen=True)
class DataExports:
    """*public_url*: where clients find this service."""

    database: Database
    clock: Clock
    fresh_for: timedelta
    public_url: str
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "DataExports":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller)

    def request(self, viewer: Viewer) -> DataExportSuccess:
        """Takes the place of the one before. Raises `ReauthenticationRequiredError`, and `RateLimitedError` for a second in a day."""
        now = self.clock()
        with self.database.writing() as session:
            UserRepository(session).locked(viewer.user_id)
            user = self._freshly_logged_in(session, viewer, now)
            exports = DataExportRepository(session)
            before = exports.of(user.id)
            if before is not None and (wait := before.next_one_in(now)) is not None:
                raise RateLimitedError(math.ceil(wait.total_seconds()), "There is one copy a day")
            export = exports.replace(user.id, now)
            AuditLog(session, self.caller).record(Action.DATA_EXPORT_REQUESTED, now, subject=user.id)
        return DataExportSuccess(self._shown(export, now))

    def newest(self, viewer: Viewer) -> ShownDataExport | None:
        now = self.clock()
        with self.database.reading() as session:
            if UserRepository(session).logged_in(viewer.user_id, viewer.session_id, now) is None:
                raise Unauthenticated
            export = DataExportRepository(session).of(viewer.user_id)
        return None if export is None else self._shown(export, now)

    def document(self, viewer: Viewer, export_id: str) -> str | None:
        """`None`: there is none of the viewer's, or not any more. Raises `ReauthenticationRequiredError`."""
        now = self.clock()
        with self.database.writing() as session:
            user = self._freshly_logged_in(session, viewer, now)
            document = DataExportRepository(session).document(export_id, user.id, now)
            if document is not None:
                AuditLog(session, self.caller).record(Action.DATA_EXPORT_DOWNLOADED, now, subject=user.id)
        return document

    def _freshly_logged_in(self, session: Session, viewer: Viewer, now: datetime) -> User:
        user = UserRepository(session).logged_in(viewer.user_id, viewer.session_id, now)
        if user is None:
            raise Unauthenticated
        require_fresh_login(session, viewer, user, now, self.fresh_for)
        return user

    def _shown(self, export: DataExport, now: datetime) -> ShownDataExport:
        status = export.status_at(now)
        url = f"{self.public_url}{PATH}/{export.id}" if status is DataExportStatus.READY else None
        return ShownDataExport(export.id, status, url, export.requested_at, export.expires_at)
