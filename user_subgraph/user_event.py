"""What other services are told of a user, and when to try it again. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from user_subgraph.user import UserId


class UserEventType(StrEnum):
    ERASED = "user.erased"


@dataclass(frozen=True)
class UserEvent:
    """One claimed event. `attempts` is how often it has been tried with this one. `type` may be a newer version's."""

    id: str
    type: str
    user_id: UserId
    attempts: int
    created_at: datetime

    @property
    def body(self) -> bytes:
        """The same at every try."""
        at = self.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return json.dumps(
            {"type": self.type, "timestamp": at, "data": {"user": {"id": self.user_id}}}
        ).encode()


# A claimed event is left so long to who sends it.
LEASE = timedelta(seconds=60)
_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 300, 1_800, 3_600))


def next_try(attempts: int, now: datetime) -> datetime:
    """The last pause stays: an erasure is never given up."""
    return now + _PAUSES[min(attempts, len(_PAUSES)) - 1]
