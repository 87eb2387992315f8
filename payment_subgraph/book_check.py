"""Compares what the provider has with our rows and the ledger, an hour of payments at a time.

First everything made in the hour is compared in batches, which only tells what may be wrong. Each payment of those is
then read again through `refresh.py`: a lost webhook is healed by that. What remains becomes a row of
`book_differences`.

What belongs to an hour: of ours, what was created in it here. The provider's clock is another one, so its objects
are listed with a margin, and one that has no row here belongs to the hour in which it was made there.

Disputes and balance transactions are not listed here; a payment that is read again brings its own.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final, TypeVar

from payment_subgraph.book_difference import BookDifference, BookDifferenceCause
from payment_subgraph.book_rows import BATCH, BookRows
from payment_subgraph.comparing import (
    differ,
    not_posted,
    payment_differences,
    payment_here,
    payment_there,
    refund_differences,
)
from payment_subgraph.job_cursors import JobCursors
from payment_subgraph.observation import PaymentSnapshot, RefundSnapshot
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.processor import Made, PaymentProcessor, ProcessorError, Refused
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.refund import Refund
from payment_subgraph.repository import Cause, Repository

log = logging.getLogger(__name__)

BOOKS: Final = "books"
HOUR: Final = timedelta(hours=1)
LEASE: Final = timedelta(minutes=15)
MARGIN: Final = timedelta(minutes=10)
_TRIES: Final = 3

Item = TypeVar("Item")


@dataclass(slots=True)
class _Suspects:
    """Payments by our id, with the provider's object where another than the row's may be meant; and strays."""

    ours: dict[str, str | None] = field(default_factory=dict)
    strays: list[BookDifference] = field(default_factory=list)

    def add(self, payment: Payment, intent: str | None = None) -> None:
        self.ours[payment.id] = payment.provider_payment_id or intent or self.ours.get(payment.id)


@dataclass(frozen=True, slots=True)
class BookCheck:
    """*delay*: a day is compared so long after it ended, when most of what was open has settled."""

    rows: BookRows
    repository: Repository
    processor: PaymentProcessor
    refresh: Refresh
    cursors: JobCursors
    environment: str
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
        suspects = await self._suspects(start, end)
        found = [
            difference
            for payment_id, intent in suspects.ours.items()
            for difference in await self._told(payment_id, await self._differences(payment_id, intent))
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
            return await self._differences(key, None)
        try:
            seen = await self.processor.fetch_payment(key)
        except Refused:
            return []  # the stray is gone
        known = await self.rows.payments_named([], [key])
        return [] if known else [payment_there(seen)]

    async def _told(self, key: str, found: list[BookDifference]) -> list[BookDifference]:
        """Written down; what is new is an alert."""
        if await self.rows.record(key, found, self.clock()):
            for one in found:
                log.error("ALERT the books differ: %s", one)
        return found

    # What may be wrong.

    async def _suspects(self, start: datetime, end: datetime) -> _Suspects:
        suspects = _Suspects()
        await self._suspect_payments(start, end, suspects)
        await self._suspect_refunds(start, end, suspects)
        return suspects

    async def _suspect_payments(self, start: datetime, end: datetime, suspects: _Suspects) -> None:
        listed: set[str] = set()
        made = self.processor.payments_made(start - MARGIN, end + MARGIN)
        async for batch in _in_batches(made):
            listed |= {one.seen.provider_payment_id for one in batch}
            await self._compare_payments(batch, start, end, suspects)
        async for payments in self.rows.payments_made(start, end):
            posted = await self.rows.posted([one.id for one in payments])
            for payment in payments:
                if _missing_there(payment, listed) or differ(not_posted(payment, posted[payment.id])):
                    suspects.add(payment)

    async def _compare_payments(
        self, batch: list[Made[PaymentSnapshot]], start: datetime, end: datetime, suspects: _Suspects
    ) -> None:
        ours = [one.seen.payment_id for one in batch if one.seen.payment_id]
        known = await self.rows.payments_named(ours, [one.seen.provider_payment_id for one in batch])
        by_intent = {one.provider_payment_id: one for one in known}
        by_id = {one.id: one for one in known}
        for one in batch:
            seen = one.seen
            payment = by_intent.get(seen.provider_payment_id) or by_id.get(seen.payment_id or "")
            if payment is not None and payment.provider_payment_id in (None, seen.provider_payment_id):
                if differ(payment_differences(payment, seen)):
                    suspects.add(payment, seen.provider_payment_id)
            elif seen.environment == self.environment and start <= one.made_at < end:
                suspects.strays.append(payment_there(seen))  # also a second object of one payment of ours

    async def _suspect_refunds(self, start: datetime, end: datetime, suspects: _Suspects) -> None:
        listed: set[str] = set()
        made = self.processor.refunds_made(start - MARGIN, end + MARGIN)
        async for batch in _in_batches(made):
            listed |= {one.seen.provider_refund_id for one in batch}
            await self._compare_refunds([one.seen for one in batch], suspects)
        async for refunds in self.rows.refunds_made(start, end):
            missing = {
                one.payment_id
                for one in refunds
                if one.provider_refund_id is not None and one.provider_refund_id not in listed
            }
            for payment in await self.rows.payments_named(missing, []):
                suspects.add(payment)

    async def _compare_refunds(self, batch: list[RefundSnapshot], suspects: _Suspects) -> None:
        """Of a refund only the payment's object says whether it is ours."""
        payments = await self.rows.payments_named([], [one.provider_payment_id for one in batch])
        by_intent = {one.provider_payment_id: one for one in payments}
        ours = [one.refund_id for one in batch if one.refund_id]
        known = await self.rows.refunds_named(ours, [one.provider_refund_id for one in batch])
        for seen in batch:
            payment = by_intent.get(seen.provider_payment_id)
            if payment is not None and differ(refund_differences(payment, _same_refund(known, seen), [seen])):
                suspects.add(payment)

    # What is wrong.

    async def _differences(self, payment_id: str, intent: str | None) -> list[BookDifference]:
        """After reading the payment again. It may just be changing: only what is found twice running is believed."""
        found = await self._differences_now(payment_id, intent)
        for _ in range(_TRIES):
            before, found = found, await self._differences_now(payment_id, intent) if found else []
            if found == before:
                break
        return found

    async def _differences_now(self, payment_id: str, intent: str | None) -> list[BookDifference]:
        async with self.repository.reading() as rows:
            payment = await rows.payment(payment_id)
            waiting = await rows.open_operations(payment_id)
        if payment is None:
            raise LookupError(payment_id)
        intent = payment.provider_payment_id or intent
        missing = payment_here(payment, BookDifferenceCause.MISSING_THERE)
        if intent is None:
            return [] if waiting or payment.status is PaymentStatus.FAILED else [missing]
        errand = Errand(payment.id, intent, Cause("RECONCILER", payment.id), refunds=True, disputes=True)
        try:
            reading = await self.refresh.read(errand)
        except Refused:
            return [missing]
        if reading.payment is None:
            raise AssertionError("a reading without its payment")
        written = await self.refresh(errand, reading)
        async with self.repository.reading() as rows:
            known = await rows.refunds_of(payment.id)
        posted = await self.rows.posted([payment.id])
        return [
            *payment_differences(written, reading.payment),
            *refund_differences(written, known, reading.refunds),
            *not_posted(written, posted[payment.id]),
        ]


def next_midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def _missing_there(payment: Payment, listed: Iterable[str]) -> bool:
    if payment.provider_payment_id is None:
        return payment.status is not PaymentStatus.FAILED
    return payment.provider_payment_id not in listed


def _same_refund(known: list[Refund], seen: RefundSnapshot) -> list[Refund]:
    return [
        one for one in known if one.provider_refund_id == seen.provider_refund_id or one.id == seen.refund_id
    ]


async def _in_batches(items: AsyncIterator[Item]) -> AsyncIterator[list[Item]]:
    batch: list[Item] = []
    async for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
