"""What makes everything right in the end: the inbox, open operations, silent payments, missed events.

Any number of these may run. Each row is claimed for a while by one of them; a claim that is not
finished runs out, and another takes it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from payment_subgraph.abandoning import Abandoning
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.forgetting import Forgetting
from payment_subgraph.heeding import Heeding
from payment_subgraph.inbox import Inbox
from payment_subgraph.job_cursors import JobCursors
from payment_subgraph.operations import Operations
from payment_subgraph.processor import PaymentProcessor, ProcessorError
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause, Repository
from payment_subgraph.saved_methods import SavedMethods

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[int]]

BATCH: Final = 10
BACKFILL: Final = "event-backfill"
_LEAST_OVERLAP: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Reconciler:
    repository: Repository
    inbox: Inbox
    cursors: JobCursors
    processor: PaymentProcessor
    operations: Operations
    refresh: Refresh
    heeding: Heeding
    clock: Callable[[], datetime]
    saved_methods: SavedMethods
    abandoning: Abandoning
    forgetting: Forgetting
    backfill_every: timedelta = timedelta(minutes=10)

    @property
    def jobs(self) -> list[Job]:
        """Each does a little, survives its faults, and says on how many rows it worked; none waits for another."""
        named: dict[str, Job] = {
            "working on events": self.work_inbox,
            "working on operations": self.work_operations,
            "reading payments again": self.reread_payments,
            "reading missed events": self.backfill_events,
            "following customers": self.saved_methods.work,
            "forgetting who was erased": self.forgetting.work,
        }
        return [partial(_surviving, name, job) for name, job in named.items()]

    async def round(self) -> int:
        """All jobs, one after the other; on how many rows they worked."""
        return sum([await job() for job in self.jobs])

    async def work_inbox(self) -> int:
        events = await self.inbox.claim(self.clock(), BATCH)
        await self.heeding(events)
        return len(events) + await self._work_suspects()

    async def _work_suspects(self) -> int:
        """As many as of the others: each death makes suspects of all that its worker had claimed."""
        for done in range(BATCH):
            suspect = await self.inbox.claim_suspect(self.clock())
            if not suspect:
                return done
            await self.heeding(suspect)
        return BATCH

    async def work_operations(self) -> int:
        async with self.repository.reading() as rows:
            due = await rows.due_operations(self.clock(), BATCH)
        tries = (_surviving(one, partial(self.operations.advance, one)) for one in due)
        return sum(await asyncio.gather(*tries))

    async def reread_payments(self) -> int:
        """Open payments about which nothing was heard for long: a webhook may have been lost."""
        async with self.repository.reading() as rows:
            if not await rows.has_silent_payments(self.clock()):
                return 0
        async with self.repository.writing() as rows:
            silent = await rows.claim_silent_payments(self.clock(), BATCH)
        return sum([await _surviving(one, partial(self._reread, one)) for one in silent])

    async def _reread(self, payment_id: str) -> bool:
        async with self.repository.reading() as rows:
            payment = await rows.payment(payment_id)
        if payment is None or payment.provider_payment_id is None:
            return False
        cause = Cause("RECONCILER", payment.id)
        errand = Errand(payment.id, payment.provider_payment_id, cause, refunds=True, disputes=True)
        try:
            await self.abandoning(await self.refresh(errand))
        except ProcessorError as unread:
            log.warning("payment %s was not read again: %s", payment.id, unread)
            return False
        return True

    async def backfill_events(self) -> int:
        """Events the provider had and we never got, through the same inbox.

        How far it came is noted only at the end: the provider tells the newest first. Who dies on the way, or takes
        longer than a turn, leaves another to begin again, and what is stored already is known then. What was read in the
        turn before is read again: an event may appear in the list later than its time says.
        """
        now = self.clock()
        position = await self.cursors.take_turn(BACKFILL, now, self.backfill_every)
        if position is None:
            return 0
        new, overlap = 0, max(self.backfill_every, _LEAST_OVERLAP)
        async for events in self.processor.events_since(position - overlap):
            ours = [event for event in events if event.livemode is self.processor.livemode]
            if missed := await self.inbox.unknown(ours):
                new += await self.inbox.store(missed, now)
                crash_point(CrashPoint.B_STORED, "BACKFILL")
        await self.cursors.advance(BACKFILL, now)
        if new:
            log.warning("%d events had not reached us by webhook", new)
        return new


async def _surviving(name: str, job: Job) -> int:
    """A fault in one job, or on one row, must not keep the others from their turn."""
    try:
        return await job()
    except Exception:
        log.exception("the reconciler failed at %s", name)
        return 0
