"""Data exports in the database: of each person the newest only, and its document until it expires."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, RowMapping, delete, insert, select, update
from sqlalchemy.orm import Session
from ulid import ULID

from user_subgraph.data_export import KEPT_FOR, LEASE, DataExport, DataExportStatus
from user_subgraph.database import locked_once
from user_subgraph.tables import DataExportRow
from user_subgraph.user import UserId

_UNSYNCHRONISED: Mapping[str, Any] = {"execution_options": {"synchronize_session": False}}
# All but the document, which may be large.
_COLUMNS = (
    DataExportRow.id,
    DataExportRow.user_id,
    DataExportRow.status,
    DataExportRow.requested_at,
    DataExportRow.expires_at,
    DataExportRow.attempts,
)


class DataExportRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def replace(self, user_id: UserId, now: datetime) -> DataExport:
        """A new one, to be made at once, instead of the one before. The user is `locked`."""
        self.forget_of(user_id)
        export = DataExport(f"exp_{ULID()}".lower(), user_id, DataExportStatus.PENDING, now)
        row = {
            "id": export.id,
            "user_id": user_id,
            "status": export.stored_status.value,
            "requested_at": now,
            "attempts": 0,
            "next_attempt_at": now,
        }
        self._session.execute(insert(DataExportRow).values(row))
        return export

    def of(self, user_id: UserId) -> DataExport | None:
        found = self._session.execute(select(*_COLUMNS).where(DataExportRow.user_id == user_id))
        row = found.mappings().one_or_none()
        return None if row is None else _export(row)

    def document(self, export_id: str, user_id: UserId, now: datetime) -> str | None:
        """What can be downloaded: only of one that is this user's, is ready, and has not expired."""
        ready = (DataExportRow.status == DataExportStatus.READY.value) & (DataExportRow.expires_at > now)
        newest = select(DataExportRow.id, DataExportRow.document).where(
            DataExportRow.user_id == user_id, ready
        )
        found = self._session.execute(newest).one_or_none()
        # Compared here: what somebody sends as an id may be no text for a database.
        return found.document if found is not None and found.id == export_id else None

    def has_due(self, now: datetime) -> bool:
        return self._session.scalar(select(DataExportRow.id).where(_due(now)).limit(1)) is not None

    def claim(self, now: datetime) -> DataExport | None:
        """One that is to be made; nobody else gets it before the lease ends."""
        due = select(DataExportRow.id).where(_due(now)).order_by(DataExportRow.next_attempt_at).limit(1)
        claimed = update(DataExportRow).where(DataExportRow.id.in_(locked_once(due)))
        claimed = claimed.values(attempts=DataExportRow.attempts + 1, next_attempt_at=now + LEASE)
        found = self._session.execute(claimed.returning(*_COLUMNS), **_UNSYNCHRONISED)
        row = found.mappings().one_or_none()
        return None if row is None else _export(row)

    def finish(self, export: DataExport, document: str, now: datetime) -> bool:
        """`False`: it was erased meanwhile, replaced, or made by somebody else who took it over."""
        values = {"status": DataExportStatus.READY.value, "document": document, "expires_at": now + KEPT_FOR}
        return self._settle(export, **values)

    def put_off(self, export: DataExport, next_attempt_at: datetime) -> None:
        self._settle(export, next_attempt_at=next_attempt_at)

    def fail(self, export: DataExport) -> bool:
        return self._settle(export, status=DataExportStatus.FAILED.value)

    def forget_of(self, user_id: UserId) -> None:
        self._session.execute(
            delete(DataExportRow).where(DataExportRow.user_id == user_id), **_UNSYNCHRONISED
        )

    def drop_expired_documents(self, now: datetime) -> int:
        expired = (DataExportRow.expires_at <= now) & DataExportRow.document.is_not(None)
        return self._changed(update(DataExportRow).where(expired).values(document=None))

    def _settle(self, export: DataExport, **values: Any) -> bool:
        mine = (DataExportRow.id == export.id) & (DataExportRow.attempts == export.attempts)
        pending = DataExportRow.status == DataExportStatus.PENDING.value
        return self._changed(update(DataExportRow).where(mine & pending).values(**values)) == 1

    def _changed(self, statement: Any) -> int:
        result = self._session.execute(statement, **_UNSYNCHRONISED)
        assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what an UPDATE gives
        return result.rowcount


def _due(now: datetime) -> ColumnElement[bool]:
    return (DataExportRow.status == DataExportStatus.PENDING.value) & (DataExportRow.next_attempt_at <= now)


def _export(row: RowMapping) -> DataExport:
    return DataExport(
        id=row["id"],
        user_id=UserId(row["user_id"]),
        stored_status=DataExportStatus(row["status"]),
        requested_at=row["requested_at"],
        expires_at=row["expires_at"],
        attempts=row["attempts"],
    )
