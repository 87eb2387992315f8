"""Posts what payments say and the ledger does not have: what an older release wrote while a newer one's tables stood."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from payment_subgraph.books import posted_of
from payment_subgraph.database import Database
from payment_subgraph.ledger import Posting, Sums, catching_up
from payment_subgraph.repository import Repository
from payment_subgraph.tables import payments

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class MissingPostings:
    database: Database
    repository: Repository
    clock: Callable[[], datetime]

    async def __call__(self) -> AsyncIterator[Posting]:
        """Each posting, once it is written. A second run finds nothing to post."""
        last = ""
        while ids := await self._next(last):
            for payment_id in ids:
                for posting in await self._post(payment_id):
                    yield posting
            last = ids[-1]

    async def _next(self, after: str) -> list[str]:
        """Payments that may lack something, and always the last one of the batch, to go on from."""
        page = select(payments.c.id, payments.c.amount_captured, payments.c.amount_refunded)
        page = page.where(payments.c.id > after).order_by(payments.c.id).limit(BATCH)
        rows = await self.database.rows(page)
        posted = await posted_of(self.database, [row["id"] for row in rows])
        lacking = [
            row["id"]
            for row in rows
            if posted[row["id"]] != Sums(capture=row["amount_captured"], refund=row["amount_refunded"])
        ]
        return sorted({*lacking, *(row["id"] for row in rows[-1:])})

    async def _post(self, payment_id: str) -> list[Posting]:
        """Under the payment's lock, which everyone holds who posts for it."""
        async with self.repository.writing() as rows:
            payment = await rows.payment(payment_id, lock=True)
            if payment is None:
                raise LookupError(payment_id)
            postings = catching_up(payment, await rows.posted(payment))
            await rows.post(postings, self.clock())
        return postings
