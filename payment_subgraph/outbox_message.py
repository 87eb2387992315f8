"""One message of the outbox, and when to try it again. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final


class OutboxState(StrEnum):
    """DEAD: given up after its last try, waits for a person. SKIPPED: a person said not to deliver it."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One claimed row of `outbox_messages`, as it is sent. *id* is the same at every try."""

    id: str
    payment_id: str
    type: str
    payload: str
    attempts: int


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """One row of `outbox_messages`, as people need it."""

    id: str
    payment_id: str
    sequence: int
    type: str
    payload: str
    state: OutboxState
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None


def message_id(payment_id: str, sequence: int) -> str:
    """Also the id of the event in the payment's timeline. Without a full stop: the signature has those between its parts."""
    return f"trn_{payment_id.removeprefix('pay_')}_{sequence}"


_JITTER: Final = 0.2
LONGEST_WAIT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DeliveryPatience:
    """*back_off*: the pauses between tries; a message is given up when they are used up.

    *lease*: for how long a claimed message is left to its worker; longer than *timeout*, that of one try.
    """

    back_off: tuple[timedelta, ...] = tuple(
        timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    )
    timeout: timedelta = timedelta(seconds=20)
    lease: timedelta = timedelta(seconds=60)

    def given_up(self, attempts: int) -> bool:
        return attempts > len(self.back_off)

    def next_try(
        self, attempts: int, now: datetime, chance: Callable[[], float], asked: timedelta = timedelta(0)
    ) -> datetime:
        """Up to a fifth later than planned, so that those that failed together do not come together again.

        *chance* gives numbers from 0 to 1; *asked* is how long the receiver wants to be left alone.
        """
        planned = self.back_off[min(attempts, len(self.back_off)) - 1] * (1 + _JITTER * chance())
        return now + max(planned, min(asked, LONGEST_WAIT))


def retry_after(header: str | None, now: datetime) -> timedelta:
    """What a `Retry-After` asks for, in either of its forms; nothing, if it is not to be understood."""
    if header is None:
        return timedelta(0)
    if header.isascii() and header.isdigit():
        return min(timedelta(seconds=int(header[:9])), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return timedelta(0)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), LONGEST_WAIT)
