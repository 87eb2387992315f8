"""A payment read again at the provider, taken in, and then compared with all that belongs to it: what is wrong."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from payment_subgraph.balance import BalanceSums
from payment_subgraph.book_difference import BookDifference, BookDifferenceCause
from payment_subgraph.book_rows import BookRows
from payment_subgraph.book_suspects import NOTHING_MORE, Suspect
from payment_subgraph.comparing import (
    dispute_differences,
    movement_differences,
    not_posted,
    payment_differences,
    payment_here,
    refund_differences,
)
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.processor import PaymentProcessor, Refused
from payment_subgraph.reading import Reading
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause, Repository

_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Rereading:
    rows: BookRows
    repository: Repository
    processor: PaymentProcessor
    refresh: Refresh

    async def __call__(self, payment_id: str, suspect: Suspect = NOTHING_MORE) -> list[BookDifference]:
        """The payment may just be changing: only what is found twice running is believed.

        Raises Unreadable if one of its objects is: then nothing can be said of the others either.
        """
        found = await self._differences_now(payment_id, suspect)
        for _ in range(_TRIES):
            before, found = found, await self._differences_now(payment_id, suspect) if found else []
            if found == before:
                break
        return found

    async def _differences_now(self, payment_id: str, suspect: Suspect) -> list[BookDifference]:
        async with self.repository.reading() as rows:
            payment = await rows.payment(payment_id)
            waiting = await rows.open_operations(payment_id)
        if payment is None:
            raise LookupError(payment_id)
        intent = payment.provider_payment_id or suspect.intent
        missing = payment_here(payment, BookDifferenceCause.MISSING_THERE)
        if intent is None:
            return [] if waiting or payment.status is PaymentStatus.FAILED else [missing]
        errand = Errand(payment.id, intent, Cause("RECONCILER", payment.id), refunds=True, disputes=True)
        try:
            reading = await self.refresh.read(errand)
        except Refused:
            return [missing]
        if not await self._lacks_what_was_posted(payment, reading):
            payment = await self.refresh(errand, reading)
        return [
            *await self._objects(payment, reading),
            *await self._movements(payment, intent, reading, suspect.movements),
        ]

    async def _lacks_what_was_posted(self, payment: Payment, reading: Reading) -> bool:
        """Whether the row of a balance transaction is gone whose postings are there: they cannot be posted again."""
        known = {one.id for one in await self.rows.movements_of(payment.id)}
        return bool(await self.rows.settled({one.id for one in reading.movements if one} - known))

    async def _objects(self, payment: Payment, reading: Reading) -> list[BookDifference]:
        """Payment, refunds and disputes, and what the ledger has of them."""
        if reading.payment is None:
            raise AssertionError("a reading without its payment")
        async with self.repository.reading() as rows:
            refunds, disputes = await rows.refunds_of(payment.id), await rows.disputes_of(payment.id)
        posted, lost = await self.rows.posted([payment.id]), await self.rows.losses([payment.id])
        return [
            *payment_differences(payment, reading.payment),
            *refund_differences(payment, refunds, reading.refunds),
            *dispute_differences(payment, disputes, reading.disputes or (), lost[payment.id]),
            *not_posted(payment, posted[payment.id]),
        ]

    async def _movements(
        self, payment: Payment, intent: str, reading: Reading, listed: Collection[str]
    ) -> list[BookDifference]:
        """Balance transactions: what the reading shows, and by name whatever else somebody has of it.

        A reading shows those of the attempt that counts, not those of an earlier one that was taken back.
        """
        known = await self.rows.movements_of(payment.id)
        there: dict[str, BalanceSums | None] = {
            one.id: one.sums for one in reading.movements if one is not None
        }
        named = {*listed, *(one.id for one in known), *await self.rows.open_movements(payment.id)}
        for name in sorted(named - there.keys()):
            there |= await self._movement(name, intent)
        return list(movement_differences(payment, known, there, await self.rows.settled([*there])))

    async def _movement(self, name: str, intent: str) -> dict[str, BalanceSums | None]:
        """By its name; nothing if the provider has none such, or it is another payment's."""
        try:
            seen = await self.processor.fetch_movement(name)
        except Refused:
            return {}
        return {name: seen.sums} if seen and seen.provider_payment_id == intent else {}
