"""Compares what the provider has with our rows and the ledger, an hour at a time.

First everything of the hour is compared in batches (`book_suspects.py`), which only tells what may be wrong. Each
payment of those is then read again through `refresh.py` (`rereading.py`): a lost webhook is healed by that. What
remains becomes a row of `book_differences`, and so does what cannot be read.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from payment_subgraph.book_difference import BookDifference, BookObject
from payment_subgraph.book_rows import BookRows
from payment_subgraph.book_suspects import NOTHING_MORE, BookSuspects, Suspect
from payment_subgraph.comparing import payment_there, unreadable
from payment_subgraph.job_cursors import JobCursors
from payment_subgraph.processor import PaymentProcessor, ProcessorError, Refused
from payment_subgraph.repository import Repository
from payment_subgraph.rereading import Rereading
from payment_subgraph.unreadable import Unreadable, UnreadableObject

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
            for difference in await self._look_at(payment_id, suspect)
        ]
        for stray in suspects.strays:
            found += await self._told(stray.payment_key, [stray])
        for one in suspects.unread:
            found += await self._unread(one.provider_payment_id or one.provider_object_id, [one])
        return found

    async def look_again(self) -> None:
        """At all that is not resolved yet, of whatever day."""
        last = ""
        while keys := await self.rows.open_payment_keys(last):
            for key in keys:
                await self._look_again_at(key)
            last = keys[-1]

    async def _look_again_at(self, key: str) -> None:
        async with self.repository.reading() as rows:
            payment = await rows.payment(key)
        unread = await self.rows.unread(key)
        if payment is not None:
            intents = [name for name, kind in unread.items() if kind is BookObject.PAYMENT]
            await self._look_at(key, Suspect(intent=next(iter(intents), None)))
        elif unread.get(key, BookObject.PAYMENT) is BookObject.PAYMENT:
            await self._look_at_stray(key)
        else:
            await self._look_at_unread(unread[key], key)

    async def _look_at(self, payment_id: str, suspect: Suspect = NOTHING_MORE) -> list[BookDifference]:
        """At a payment of ours."""
        try:
            return await self._told(payment_id, await self.rereading(payment_id, suspect))
        except Unreadable as other:
            unread = {one.provider_object_id: one for one in (other.object, *suspect.unread)}
            return await self._unread(payment_id, list(unread.values()), payment_id)

    async def _look_at_stray(self, key: str) -> None:
        """At a payment object of the provider's that has no payment here."""
        try:
            seen = await self.processor.fetch_payment(key)
        except Refused:
            await self._told(key, [])  # it is gone
        except Unreadable as other:
            await self._unread(key, [other.object])
        else:
            known = await self.rows.payments_named([], [key])
            await self._told(key, [] if known else [payment_there(seen)])

    async def _look_at_unread(self, kind: BookObject, key: str) -> None:
        """At an object of which nobody could read to which payment it belongs: now its payment is looked at."""
        try:
            intent = await self.processor.payment_of(kind, key)
        except Refused:
            intent = None  # it is gone
        except Unreadable as other:
            await self._unread(key, [other.object])
            return
        movements = {key} if kind is BookObject.BALANCE_TRANSACTION else set()
        for payment in await self.rows.payments_named([], [intent] if intent else []):
            await self._look_at(payment.id, Suspect(movements=movements))
        await self._told(key, [])

    async def _told(self, key: str, found: list[BookDifference]) -> list[BookDifference]:
        """Written down as all there is of *key*; what is new is an alert."""
        _alert(await self.rows.record(key, found, self.clock()))
        return found

    async def _unread(
        self, key: str, objects: Sequence[UnreadableObject], payment_id: str | None = None
    ) -> list[BookDifference]:
        """Written down beside what was told of *key* before: nobody knows whether that is gone."""
        for one in objects:
            log.warning("%s", one)
        found = [unreadable(key, one, payment_id) for one in objects]
        _alert(await self.rows.note(found, self.clock()))
        return found


def _alert(new: Sequence[BookDifference]) -> None:
    for one in new:
        log.error("ALERT the books differ: %s", one)


def next_midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
