"""One stored webhook, and when to try it again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

MAX_TRIES: Final = 10
MAX_LOST_CLAIMS: Final = 5
PARK_FOR: Final = timedelta(days=3)
BACK_OFF: Final = (*(timedelta(seconds=5 << doubled) for doubled in range(10)), timedelta(hours=1))
"""The pauses between tries; the last one stays."""


class InboxState(StrEnum):
    """PARKED: about an object of ours that is not there (yet). DEAD: given up, waits for a person."""

    RECEIVED = "RECEIVED"
    PROCESSED = "PROCESSED"
    IGNORED = "IGNORED"
    PARKED = "PARKED"
    DEAD = "DEAD"

    @property
    def waits(self) -> bool:
        """Somebody will work on it (again)."""
        return self in {InboxState.RECEIVED, InboxState.PARKED}


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """One row of `provider_events`, as the reconciler needs it.

    *lost_claims*: how many workers have had it before, one after the other, of whom nothing was heard.
    """

    id: str
    provider_event_id: str
    type: str
    payload: Mapping[str, Any]
    state: InboxState
    attempts: int
    lost_claims: int
    received_at: datetime

    @property
    def kills(self) -> bool:
        """Whoever works on it ends before he can say what came of it, again and again."""
        return self.lost_claims >= MAX_LOST_CLAIMS


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One row of `provider_events`, as people need it: what became of it, not what it says."""

    id: str
    provider_event_id: str
    type: str
    state: InboxState
    attempts: int
    last_error: str | None
    received_at: datetime
    processed_at: datetime | None


def next_attempt(attempts: int, now: datetime, back_off: Sequence[timedelta]) -> datetime:
    return now + back_off[min(max(attempts - 1, 0), len(back_off) - 1)]


def after_park(event: InboxEvent, now: datetime) -> InboxState:
    return InboxState.DEAD if now - event.received_at >= PARK_FOR else InboxState.PARKED


def after_fault(event: InboxEvent) -> InboxState:
    """A fault of ours on this event, or a clear no of the provider's; one out of reach does not count."""
    return InboxState.DEAD if event.attempts >= MAX_TRIES else event.state
