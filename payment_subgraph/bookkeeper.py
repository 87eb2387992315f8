"""What the worker does for the books beside its rounds: sums, and once a day the comparison and the verification.

A loop of its own: none of it is urgent, and some of it takes long.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from payment_subgraph.book_check import BookCheck
from payment_subgraph.job_cursors import JobCursors
from payment_subgraph.totals import Totals
from payment_subgraph.verification import Verification

log = logging.getLogger(__name__)

VERIFICATION: Final = "verification"
MOST_TOLD: Final = 100


@dataclass(frozen=True, slots=True)
class Bookkeeper:
    """*verify_every*: None for never. Several may run; each job is done by one of them at a time."""

    totals: Totals
    book_check: BookCheck
    verification: Verification
    cursors: JobCursors
    clock: Callable[[], datetime]
    verify_every: timedelta | None = None

    async def round(self) -> int:
        """How many hours were compared: with some, more may wait."""
        await _surviving("summing up", self.totals.sum_up)
        await _surviving("verifying", self.verify)
        return await _surviving("comparing the books", self.book_check.round)

    async def verify(self) -> int:
        """How many things are wrong, if its turn has come; the first of them are alerts."""
        if self.verify_every is None:
            return 0
        if await self.cursors.take_turn(VERIFICATION, self.clock(), self.verify_every) is None:
            return 0
        wrong = 0
        async for told in self.verification():
            wrong += 1
            if wrong <= MOST_TOLD:
                log.error("ALERT %s", told)
        log.log(logging.ERROR if wrong else logging.INFO, "the tables were verified: %d differences", wrong)
        return wrong


async def _surviving(name: str, job: Callable[[], Awaitable[int]]) -> int:
    """A fault in one job must not keep the others from their turn."""
    try:
        return await job()
    except Exception:
        log.exception("ALERT the bookkeeper failed at %s", name)
        return 0
