"""Compares what the provider has with our rows and the ledger, an hour at a time.

First everything of the hour is compared in batches (`book_suspects.py`), which only tells what may be wrong. Each
payment of those is then read again through `refresh.py` (`rereading.py`): a lost webhook is healed by that. What
remains becomes a row of `book_differences`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from payment_subgraph.book_difference import BookDifference
from payment_subgraph.book_rows import BookRows
from payment_subgraph.book_suspects import BookSuspects
from payment_subgraph.comparing import payment_there
from payment_subgraph.job_cursors import JobCursors
from payment_subgraph.processor import PaymentProcessor, ProcessorError, Refused
from payment_subgraph.repository import Repository
from payment_subgraph.rereading import Rereading

log = logging.getLogger(__name__)

BOOKS: Final = "books"
HOUR: Final = timedelta(hours=1)
LEASE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class BookCheck:
    """*delay*: a day is compared so long after it ended, when most of what was open has settled."""

    suspects: BookSuspects
    rereading: Rereading
    rows: BookRows
    repository: Repository
    processor: PaymentProcessor
    cursors: JobCursors
    clock: Callable[[], datetime]
    delay: timedelta = HOUR

    async def round(self) -> int:
        """The next hour whose day is over, if it is this worker's turn; how many hours that were.

        One that dies at it leaves the turn to another after a while, which begins that hour again.
        """
        now = self.clock()
        position = await self.cursors.take_turn(BOOKS, now, LEASE)
        if position is None:
            return 0
        start = position.replace(minute=0, second=0, microsecond=0)
        ready = next_midnight(start) + self.delay
        if now < ready:
            await self.cursors.move(BOOKS, position, start, ready)
            return 0
        try:
            if start.hour == 0:
                await self.look_again()
            await self.check(start, start + HOUR)
        except ProcessorError as unread:
            log.warning("the books of %s were not compared: %s", start.isoformat(), unread)
            return 0
        await self.cursors.move(BOOKS, position, start + HOUR, self.clock())
        return 1

    async def check(self, start: datetime, end: datetime) -> list[BookDifference]:
        """What differs of what was made from *start* to before *end*, after what could be healed was.

        Raises ProcessorError if the provider cannot be asked.
        """
        suspects = await self.suspects(start, end)
        found = [
            difference
            for payment_id, suspect in suspects.ours.items()
            for difference in await self._told(payment_id, await self.rereading(payment_id, suspect))
        ]
        for stray in suspects.strays:
            found += await self._told(stray.payment_key, [stray])
        return found

    async def look_again(self) -> None:
        """At all that is not resolved yet, of whatever day."""
        last = ""
        while keys := await self.rows.open_payment_keys(last):
            for key in keys:
                await self._told(key, await self._of_key(key))
            last = keys[-1]

    async def _of_key(self, key: str) -> list[BookDifference]:
        async with self.repository.reading() as rows:
            payment = await rows.payment(key)
        if payment is not None:
            return await self.rereading(key)
        try:
            seen = await self.processor.fetch_payment(key)
        except Refused:
            return []  # the stray is gone
        known = await self.rows.payments_named([], [key])
        return [] if known else [payment_there(seen)]

    async def _told(self, key: str, found: list[BookDifference]) -> list[BookDifference]:
        """Written down; what is new is an alert."""
        for one in await self.rows.record(key, found, self.clock()):
            log.error("ALERT the books differ: %s", one)
        return found


def next_midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
