"""What makes everything right in the end: the inbox, open operations, silent payments, missed events.

Any number of these may run. Each row is claimed for a while by one of them; a claim that is not
finished runs out, and another takes it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from payment_subgraph.abandoning import Abandoning
from payment_subgraph.adopting import Adopting
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.inbox import Inbox
from payment_subgraph.inbox_event import InboxEvent, InboxState, after_fault, after_park, next_attempt
from payment_subgraph.job_cursors import JobCursors
from payment_subgraph.operations import Operations
from payment_subgraph.payment import Payment
from payment_subgraph.processor import PaymentProcessor, ProcessorError, ProviderEvent, Refused
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause, Repository
from payment_subgraph.saved_methods import SavedMethods

log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[int]]

BATCH: Final = 10
BACKFILL: Final = "event-backfill"
_OVERLAP: Final = timedelta(hours=1)
_ACTED_ON: Final = ("payment_intent.", "charge.", "refund.", "radar.early_fraud_warning.", "review.")
_WITHOUT_OUR_IDS: Final = ("charge.dispute.", "radar.early_fraud_warning.", "review.")


@dataclass(frozen=True, slots=True)
class Reconciler:
    repository: Repository
    inbox: Inbox
    cursors: JobCursors
    processor: PaymentProcessor
    operations: Operations
    refresh: Refresh
    environment: str
    clock: Callable[[], datetime]
    adopting: Adopting
    saved_methods: SavedMethods
    abandoning: Abandoning
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
        }
        return [partial(_surviving, name, job) for name, job in named.items()]

    async def round(self) -> int:
        """All jobs, one after the other; on how many rows they worked."""
        return sum([await job() for job in self.jobs])

    async def work_inbox(self) -> int:
        events = await self.inbox.claim(self.clock(), BATCH)
        await asyncio.gather(*(self._work_event(event) for event in events))
        return len(events) + await self._work_suspects()

    async def _work_suspects(self) -> int:
        """As many as of the others: each death makes suspects of all that its worker had claimed."""
        for done in range(BATCH):
            suspects = await self.inbox.claim_suspect(self.clock())
            if not suspects:
                return done
            await self._work_event(suspects[0])
        return BATCH

    async def _work_event(self, event: InboxEvent) -> None:
        crash_point(CrashPoint.W2_CLAIMED, "WEBHOOK")
        if event.kills:
            await self._settle(event, InboxState.DEAD, "its worker ended each time")
            return
        now = self.clock()
        try:
            state = await self._apply(event)
            crash_point(CrashPoint.W3_APPLIED, "WEBHOOK")
        except Refused as gone:  # a clear no, e.g. no such object: not mended by waiting for the provider
            await self._settle(event, after_fault(event), str(gone))
        except ProcessorError as unread:
            await self.inbox.put_off(event, event.state, next_attempt(event.attempts, now), str(unread))
        except Exception as fault:
            log.exception("event %s could not be worked on", event.provider_event_id)
            await self._settle(event, after_fault(event), f"{type(fault).__name__}")
        else:
            await self._settle(event, state, None)

    async def _settle(self, event: InboxEvent, state: InboxState, error: str | None) -> None:
        now = self.clock()
        match state:
            case InboxState.RECEIVED | InboxState.PARKED:
                wait = next_attempt(event.attempts, now)
                await self.inbox.put_off(event, state, wait, error or "what it is about is not here")
            case _:
                if state is InboxState.DEAD:
                    log.error("ALERT event %s given up: %s", event.provider_event_id, error)
                await self.inbox.finish(event, state, now, error)

    async def _apply(self, event: InboxEvent) -> InboxState:
        """An event is a hint where to look; what it says is not used."""
        hint = self.processor.read_event(event.payload)
        if hint.about_methods:
            return await self._follow(event, hint)
        intent = hint.provider_payment_id
        if not hint.type.startswith(_ACTED_ON) or intent is None:
            return InboxState.IGNORED
        hint = await self._traced(hint, intent)
        payment, cause = await self._payment_of(hint), Cause("WEBHOOK", event.provider_event_id)
        refunds = hint.about_refunds or payment is None
        if payment is None and hint.payment_id is None and hint.environment is None:
            payment = await self.adopting.payment_of(intent, cause)
        if payment is None:
            return self._unknown(event, hint, hint.payment_id)
        errand = Errand(
            payment.id,
            intent,
            cause,
            refunds=refunds,
            disputes=hint.about_disputes,
            warnings=hint.about_warnings,
        )
        await self.refresh(errand)
        await self._hurry(payment.id)
        return InboxState.PROCESSED

    async def _traced(self, hint: ProviderEvent, intent: str) -> ProviderEvent:
        """Disputes, warnings and reviews do not carry our ids; of a payment whose answer is lost its object does."""
        if not hint.type.startswith(_WITHOUT_OUR_IDS):
            return hint
        async with self.repository.reading() as rows:
            if await rows.payment_of_provider(intent) is not None:
                return hint
        seen = await self.processor.fetch_payment(intent)
        return replace(hint, payment_id=seen.payment_id, environment=seen.environment)

    async def _follow(self, event: InboxEvent, hint: ProviderEvent) -> InboxState:
        if await self.saved_methods.follow(hint):
            return InboxState.PROCESSED
        return self._unknown(event, hint, hint.customer_id)

    def _unknown(self, event: InboxEvent, hint: ProviderEvent, our_id: str | None) -> InboxState:
        ours = our_id is not None and hint.environment == self.environment
        return after_park(event, self.clock()) if ours else InboxState.IGNORED

    async def _payment_of(self, hint: ProviderEvent) -> Payment | None:
        """By the provider's id, else by the id of ours that we wrote on the object: its answer may be lost."""
        async with self.repository.reading() as rows:
            found = await rows.payment_of_provider(hint.provider_payment_id or "")
            if found is None and hint.payment_id is not None:
                found = await rows.payment(hint.payment_id)
        return found

    async def _hurry(self, payment_id: str) -> None:
        """Something happened to this payment: operations with a lost answer need not wait any longer."""
        async with self.repository.writing() as rows:
            await rows.hurry_operations(payment_id, self.clock())

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
        longer than a turn, leaves another to begin again, and what is stored already is known then.
        """
        now = self.clock()
        position = await self.cursors.take_turn(BACKFILL, now, self.backfill_every)
        if position is None:
            return 0
        new = 0
        async for events in self.processor.events_since(position - _OVERLAP):
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
