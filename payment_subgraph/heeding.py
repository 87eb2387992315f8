"""Events are hints where to look: what they are about is read again, once for all of them; what they say is not used."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from payment_subgraph.adopting import Adopting
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.inbox import Inbox
from payment_subgraph.inbox_event import InboxEvent, InboxState, after_fault, after_park
from payment_subgraph.payment import Payment
from payment_subgraph.processor import PaymentProcessor, ProcessorError, ProviderEvent, Refused
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause, Repository
from payment_subgraph.saved_methods import SavedMethods

log = logging.getLogger(__name__)

_ACTED_ON: Final = ("payment_intent.", "charge.", "refund.", "radar.early_fraud_warning.", "review.")
_WITHOUT_OUR_IDS: Final = ("charge.dispute.", "radar.early_fraud_warning.", "review.")

Heard = tuple[InboxEvent, ProviderEvent]
"""An event of the inbox, and where it says to look."""


@dataclass(frozen=True, slots=True)
class Heeding:
    """Works on claimed events that have a subject in common, and settles each.

    One reading does for all: it begins after they were claimed, so none of them can tell of anything later.
    """

    repository: Repository
    inbox: Inbox
    processor: PaymentProcessor
    refresh: Refresh
    adopting: Adopting
    saved_methods: SavedMethods
    environment: str
    clock: Callable[[], datetime]

    async def __call__(self, events: Sequence[InboxEvent]) -> None:
        crash_point(CrashPoint.W2_CLAIMED, "WEBHOOK")
        heard = [one for event in events if (one := await self._heard(event)) is not None]
        if not heard:
            return
        try:
            states = await self._apply(heard)
            crash_point(CrashPoint.W3_APPLIED, "WEBHOOK")
        except Refused as gone:  # a clear no, e.g. no such object: not mended by waiting for the provider
            await self._settle([(event, after_fault(event)) for event, _ in heard], str(gone))
        except ProcessorError as unread:
            await self._settle([(event, event.state) for event, _ in heard], str(unread))
        except Exception as fault:
            log.exception("events about %s could not be worked on", heard[0][1].subject)
            await self._settle([(event, after_fault(event)) for event, _ in heard], type(fault).__name__)
        else:
            await self._settle(states, None)

    async def _heard(self, event: InboxEvent) -> Heard | None:
        """None, and settled, if nothing can be made of it: it must not keep the others away."""
        if event.kills:
            await self._settle([(event, InboxState.DEAD)], "its worker ended each time")
            return None
        try:
            return event, self.processor.read_event(event.payload)
        except ValueError as unreadable:
            log.exception("event %s could not be worked on", event.provider_event_id)
            await self._settle([(event, after_fault(event))], str(unreadable))
            return None

    async def _settle(self, states: Sequence[tuple[InboxEvent, InboxState]], error: str | None) -> None:
        for event, state in states:
            if state is InboxState.DEAD:
                log.error("ALERT event %s given up: %s", event.provider_event_id, error)
        await self.inbox.settle(states, self.clock(), error)

    async def _apply(self, heard: Sequence[Heard]) -> list[tuple[InboxEvent, InboxState]]:
        acted_on = [hint for _, hint in heard if _is_acted_on(hint)]
        found = await self._heed(_together(acted_on)) if acted_on else InboxState.IGNORED
        return [(event, self._state_after(event, hint, found)) for event, hint in heard]

    def _state_after(self, event: InboxEvent, hint: ProviderEvent, found: InboxState) -> InboxState:
        if not _is_acted_on(hint):
            return InboxState.IGNORED
        return after_park(event, self.clock()) if found is InboxState.PARKED else found

    async def _heed(self, hint: ProviderEvent) -> InboxState:
        """PARKED: it is about something of ours that is not here (yet)."""
        if hint.about_methods:
            followed = await self.saved_methods.follow(hint)
            return InboxState.PROCESSED if followed else self._unknown(hint, hint.customer_id)
        intent = hint.provider_payment_id or ""
        hint = await self._traced(hint, intent)
        payment, cause = await self._payment_of(hint), Cause("WEBHOOK", hint.provider_event_id)
        refunds = hint.about_refunds or payment is None
        if payment is None and hint.payment_id is None and hint.environment is None:
            payment = await self.adopting.payment_of(intent, cause)
        if payment is None:
            return self._unknown(hint, hint.payment_id)
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

    def _unknown(self, hint: ProviderEvent, our_id: str | None) -> InboxState:
        ours = our_id is not None and hint.environment == self.environment
        return InboxState.PARKED if ours else InboxState.IGNORED

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


def _is_acted_on(hint: ProviderEvent) -> bool:
    about_a_payment = hint.type.startswith(_ACTED_ON) and hint.provider_payment_id is not None
    return hint.about_methods or about_a_payment


def _together(hints: Sequence[ProviderEvent]) -> ProviderEvent:
    """One hint for all of them: the last of those that lead to our rows, with everything to read of which any tells."""
    return replace(
        max(reversed(hints), key=_leads),
        about_refunds=any(hint.about_refunds for hint in hints),
        about_disputes=any(hint.about_disputes for hint in hints),
        about_warnings=any(hint.about_warnings for hint in hints),
    )


def _leads(hint: ProviderEvent) -> int:
    """How far: with our own ids, by reading the payment for them, or only if we know the provider's id."""
    if hint.payment_id or hint.customer_id or hint.environment:
        return 2
    return int(hint.type.startswith(_WITHOUT_OUR_IDS))
