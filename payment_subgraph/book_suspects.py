"""What may differ from the provider's books of an hour: rows and the provider's lists, compared in batches.

What belongs to an hour: of ours, what was created in it here. The provider's clock is another one, so its payment
objects and refunds are listed with a margin, and one that has no row here belongs to the hour in which it was made
there. Disputes and balance transactions carry the provider's own time in our rows too, and need none.

An object of the provider's whose payment is not one of ours is another program's. Only a payment object says itself
that it is ours. One that cannot be read is there all the same: its payment is suspected, and where not even that can be
read, it is told by itself.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from payment_subgraph.book_difference import BookDifference, BookObject
from payment_subgraph.book_rows import BATCH, BookRows
from payment_subgraph.comparing import (
    differ,
    dispute_differences,
    movement_differences,
    not_posted,
    payment_differences,
    payment_there,
    refund_differences,
)
from payment_subgraph.observation import DisputeSnapshot, MovementSnapshot, PaymentSnapshot, RefundSnapshot
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.processor import Made, PaymentProcessor
from payment_subgraph.refund import Refund
from payment_subgraph.unreadable import UnreadableObject

MARGIN: Final = timedelta(minutes=10)

Item = TypeVar("Item")


@dataclass(slots=True)
class Suspect:
    """How a payment is to be read again.

    *intent*: the provider's object, where the row has none. *movements*: balance transactions that the provider's list
    says are its own, and that a reading of the payment may not show. *unread*: what of it could not be read in a list.
    """

    intent: str | None = None
    movements: set[str] = field(default_factory=set)
    unread: list[UnreadableObject] = field(default_factory=list)


NOTHING_MORE: Final = Suspect()


@dataclass(slots=True)
class Suspects:
    """Payments by our id; objects that have none here; and those of which nobody can read whether they have one."""

    ours: dict[str, Suspect] = field(default_factory=dict)
    strays: list[BookDifference] = field(default_factory=list)
    unread: list[UnreadableObject] = field(default_factory=list)

    def add(self, payment_id: str, *, intent: str | None = None, movements: Iterable[str] = ()) -> None:
        suspect = self.ours.setdefault(payment_id, Suspect())
        suspect.intent = intent or suspect.intent
        suspect.movements.update(movements)

    def add_unread(self, payment_id: str, one: UnreadableObject) -> None:
        name, is_movement = one.provider_object_id, one.kind is BookObject.BALANCE_TRANSACTION
        self.add(payment_id, intent=one.provider_payment_id, movements=[name] if is_movement else [])
        self.ours[payment_id].unread.append(one)


@dataclass(frozen=True, slots=True)
class BookSuspects:
    """Raises ProcessorError if the provider cannot be asked."""

    rows: BookRows
    processor: PaymentProcessor
    environment: str

    async def __call__(self, start: datetime, end: datetime) -> Suspects:
        """Of what was made from *start* to before *end*."""
        suspects = Suspects()
        await self._suspect_payments(start, end, suspects)
        await self._suspect_refunds(start, end, suspects)
        await self._suspect_disputes(start, end, suspects)
        await self._suspect_movements(start, end, suspects)
        return suspects

    async def _by_intent(self, intents: Iterable[str]) -> dict[str | None, Payment]:
        return {one.provider_payment_id: one for one in await self.rows.payments_named([], list(intents))}

    # What cannot be read.

    async def _readable(
        self,
        listing: AsyncIterator[Item | UnreadableObject],
        listed: set[str],
        hour: tuple[datetime, datetime],
        suspects: Suspects,
    ) -> AsyncIterator[list[Item]]:
        """In batches. What cannot be read is *listed* all the same, and suspected here."""
        async for batch in _in_batches(listing):
            unread = [one for one in batch if isinstance(one, UnreadableObject)]
            listed.update(one.within or one.provider_object_id for one in unread)
            await self._suspect_unread(unread, hour, suspects)
            if readable := [one for one in batch if not isinstance(one, UnreadableObject)]:
                yield readable

    async def _suspect_unread(
        self, unread: list[UnreadableObject], hour: tuple[datetime, datetime], suspects: Suspects
    ) -> None:
        if not unread:
            return
        start, end = hour
        owners = await self._owners([(one.provider_payment_id, one.payment_id) for one in unread])
        for one, payment in zip(unread, owners, strict=True):
            if payment is not None:
                suspects.add_unread(payment.id, one)
            elif self._may_be_ours(one) and (one.made_at is None or start <= one.made_at < end):
                suspects.unread.append(one)

    def _may_be_ours(self, one: UnreadableObject) -> bool:
        """Though its payment has no row here."""
        return one.environment == self.environment or one.provider_payment_id is None

    async def _owners(self, named: list[tuple[str | None, str | None]]) -> list[Payment | None]:
        """Of each payment object, by its id and by the one of ours that it carries, the payment that has it.

        None also for a second object of one payment of ours.
        """
        known = await self.rows.payments_named(
            [ours for _, ours in named if ours], [intent for intent, _ in named if intent]
        )
        by_intent = {one.provider_payment_id: one for one in known if one.provider_payment_id}
        by_id = {one.id: one for one in known}
        found = [(intent, by_intent.get(intent or "") or by_id.get(ours or "")) for intent, ours in named]
        return [
            payment if payment is not None and payment.provider_payment_id in (None, intent) else None
            for intent, payment in found
        ]

    # Payments.

    async def _suspect_payments(self, start: datetime, end: datetime, suspects: Suspects) -> None:
        listed: set[str] = set()
        made = self.processor.payments_made(start - MARGIN, end + MARGIN)
        async for batch in self._readable(made, listed, (start, end), suspects):
            listed |= {one.seen.provider_payment_id for one in batch}
            await self._compare_payments(batch, start, end, suspects)
        async for payments in self.rows.payments_made(start, end):
            posted = await self.rows.posted([one.id for one in payments])
            for payment in payments:
                if _missing_there(payment, listed) or differ(not_posted(payment, posted[payment.id])):
                    suspects.add(payment.id)

    async def _compare_payments(
        self, batch: list[Made[PaymentSnapshot]], start: datetime, end: datetime, suspects: Suspects
    ) -> None:
        owners = await self._owners([(one.seen.provider_payment_id, one.seen.payment_id) for one in batch])
        for one, payment in zip(batch, owners, strict=True):
            seen = one.seen
            if payment is not None:
                if differ(payment_differences(payment, seen)):
                    suspects.add(payment.id, intent=seen.provider_payment_id)
            elif seen.environment == self.environment and start <= one.made_at < end:
                suspects.strays.append(payment_there(seen))  # also a second object of one payment of ours

    # Refunds.

    async def _suspect_refunds(self, start: datetime, end: datetime, suspects: Suspects) -> None:
        listed: set[str] = set()
        made = self.processor.refunds_made(start - MARGIN, end + MARGIN)
        async for batch in self._readable(made, listed, (start, end), suspects):
            listed |= {one.seen.provider_refund_id for one in batch}
            await self._compare_refunds([one.seen for one in batch], suspects)
        async for refunds in self.rows.refunds_made(start, end):
            for one in refunds:
                if one.provider_refund_id is not None and one.provider_refund_id not in listed:
                    suspects.add(one.payment_id)

    async def _compare_refunds(self, batch: list[RefundSnapshot], suspects: Suspects) -> None:
        payments = await self._by_intent(one.provider_payment_id for one in batch)
        ours = [one.refund_id for one in batch if one.refund_id]
        known = await self.rows.refunds_named(ours, [one.provider_refund_id for one in batch])
        for seen in batch:
            payment = payments.get(seen.provider_payment_id)
            if payment is not None and differ(refund_differences(payment, _same_refund(known, seen), [seen])):
                suspects.add(payment.id)

    # Disputes.

    async def _suspect_disputes(self, start: datetime, end: datetime, suspects: Suspects) -> None:
        listed: set[str] = set()
        made = self.processor.disputes_made(start, end)
        async for batch in self._readable(made, listed, (start, end), suspects):
            listed |= {one.provider_dispute_id for one in batch}
            await self._compare_disputes(batch, suspects)
        async for disputes in self.rows.disputes_made(start, end):
            for one in disputes:
                if one.provider_dispute_id not in listed:
                    suspects.add(one.payment_id)

    async def _compare_disputes(self, batch: list[DisputeSnapshot], suspects: Suspects) -> None:
        payments = await self._by_intent(one.provider_payment_id for one in batch)
        ids = [one.id for one in payments.values()]
        known = {(one.payment_id, one.provider_dispute_id): one for one in await self.rows.disputes_of(ids)}
        lost = await self.rows.losses(ids)
        for seen in batch:
            payment = payments.get(seen.provider_payment_id)
            if payment is None:
                continue
            same = known.get((payment.id, seen.provider_dispute_id))
            posted = {name: one for name, one in lost[payment.id].items() if same and name == same.id}
            if differ(dispute_differences(payment, [same] if same else [], [seen], posted)):
                suspects.add(payment.id)

    # Balance transactions.

    async def _suspect_movements(self, start: datetime, end: datetime, suspects: Suspects) -> None:
        listed: set[str] = set()
        made = self.processor.movements_made(start, end)
        async for batch in self._readable(made, listed, (start, end), suspects):
            listed |= {one.provider_transaction_id for one in batch}
            await self._compare_movements(batch, suspects)
        async for brought in self.rows.movements_made(start, end):
            for one in brought:
                if one.transaction.id not in listed:
                    suspects.add(one.payment_id)

    async def _compare_movements(self, batch: Sequence[MovementSnapshot], suspects: Suspects) -> None:
        payments = await self._by_intent(one.provider_payment_id for one in batch)
        ids = [one.provider_transaction_id for one in batch]
        known = {one.transaction.id: one for one in await self.rows.movements_named(ids)}
        settled = await self.rows.settled(ids)
        for seen in batch:
            payment, name = payments.get(seen.provider_payment_id), seen.provider_transaction_id
            same = known.get(name)
            if same is not None and (payment is None or same.payment_id != payment.id):
                suspects.add(same.payment_id)  # our row says it is this one's, the provider says it is not
                same = None
            ours = [same.transaction] if same else []
            if payment and differ(movement_differences(payment, ours, {name: seen.sums}, settled)):
                suspects.add(payment.id, movements=[name])


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
