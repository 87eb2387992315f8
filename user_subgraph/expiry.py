"""What has run out and is of no use to anybody: logins, mailed tokens, half-done logins, copies of people's data."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from user_subgraph.clock import Clock
from user_subgraph.data_export_repository import DataExportRepository
from user_subgraph.database import Database
from user_subgraph.tables import (
    AuthorizationCodeRow,
    MfaChallengeRow,
    OneTimeTokenRow,
    PasskeyEnrolmentRow,
    SessionRow,
)

Table = (
    type[SessionRow]
    | type[OneTimeTokenRow]
    | type[MfaChallengeRow]
    | type[PasskeyEnrolmentRow]
    | type[AuthorizationCodeRow]
)

_WITH_KEYS: tuple[tuple[Table, InstrumentedAttribute[str]], ...] = (
    (SessionRow, SessionRow.id),
    (OneTimeTokenRow, OneTimeTokenRow.token_hash),
    (MfaChallengeRow, MfaChallengeRow.id_hash),
    (PasskeyEnrolmentRow, PasskeyEnrolmentRow.user_id),
    (AuthorizationCodeRow, AuthorizationCodeRow.code_hash),
)
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Expiry:
    database: Database
    clock: Clock

    def forget(self) -> int:
        """In small transactions, so that nobody waits long for SQLite's one writer; gives how many rows."""
        now, forgotten = self.clock(), 0
        with self.database.writing() as session:
            forgotten += DataExportRepository(session).drop_expired_documents(now)
        for table, key in _WITH_KEYS:
            while some := self._forget_some(table, key, now):
                forgotten += some
        return forgotten

    def _forget_some(self, table: Table, key: InstrumentedAttribute[str], now: datetime) -> int:
        expired = select(key).where(table.expires_at <= now).limit(_AT_ONCE)
        with self.database.writing() as session:
            result = session.execute(
                delete(table).where(key.in_(expired)).execution_options(synchronize_session=False)
            )
        assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what a DELETE gives
        return result.rowcount
