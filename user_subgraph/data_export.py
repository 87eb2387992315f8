"""A copy of what is stored about a person, made for them: how it stands, and how long it is kept. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from user_subgraph.user import UserId

KEPT_FOR = timedelta(days=7)
# One for each: else somebody could keep the services busy with nothing else.
EVERY = timedelta(days=1)
# A service that cannot be asked for longer will not be asked any more: whoever wants it asks anew.
GIVEN_UP_AFTER = timedelta(hours=12)
# Who dies while making one leaves it to another after this time.
LEASE = timedelta(minutes=10)
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=10)


class DataExportStatus(Enum):
    PENDING = "PENDING"
    READY = "READY"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class DataExport:
    """`expires_at`: until when it can be downloaded; `None` before there is anything. `attempts`: how often it was begun."""

    id: str
    user_id: UserId
    stored_status: DataExportStatus
    requested_at: datetime
    expires_at: datetime | None = None
    attempts: int = 0

    def status_at(self, now: datetime) -> DataExportStatus:
        is_over = self.expires_at is not None and now >= self.expires_at
        return DataExportStatus.EXPIRED if is_over else self.stored_status

    def next_one_in(self, now: datetime) -> timedelta | None:
        """How long the person has to wait for the next; `None`: not at all. One that failed counts for nothing."""
        wait = self.requested_at + EVERY - now
        if self.stored_status is DataExportStatus.FAILED or wait <= timedelta(0):
            return None
        return wait

    def next_attempt_at(self, now: datetime) -> datetime | None:
        """After one in which another service could not be asked; `None` gives up."""
        if now - self.requested_at >= GIVEN_UP_AFTER:
            return None
        pause = _FIRST_PAUSE * (1 << min(self.attempts, 12))
        return now + min(pause, _LONGEST_PAUSE)
