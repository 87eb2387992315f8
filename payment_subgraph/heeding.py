"""Events are hints where to look: what they are about is read again, once for all of them; what they say is not used."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from payment_subgraph.adopting import Adopting
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.inbox import Inbox
from payment_subgraph.inbox_event import InboxEvent, InboxState, after_fault, after_park
from payment_subgraph.observation import PaymentSnapshot
from payment_subgraph.payment import Payment
from payment_subgraph.processor import (
    Busy,
    OutcomeUnknown,
    PaymentProcessor,
    ProcessorError,
    ProviderEvent,
    Refused,
)
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause, Repository
from payment_subgraph.saved_methods import SavedMethods

log = logging.getLogger(__name__)

_ACTED_ON: Final = ("payment_intent.", "charge.", "refund.", "radar.early_fraud_warning.", "review.")
_TELLS_WHOSE: Final = "payment_intent."
_WITHOUT_ERROR: Final = {
    InboxState.PARKED: "what it is about is not here",
    InboxState.DEAD: "what it is about did not come",
}

Heard = tuple[InboxEvent, ProviderEvent]
"""An event of the inbox, and where it says to look."""


@dataclass(frozen=True, slots=True)
class Heeding:
    """Works on claimed events and settles each.

    One reading, with everything that any of them asks for, does for all that have a subject in common: it begins after
    they were claimed, so none of them can tell of anything later.
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
        heard = [one for event in events if (one := await self._heard(event)) is not None]
        await asyncio.gather(*(self._work(group) for group in _by_subject(heard)))

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

    async def _work(self, heard: Sequence[Heard]) -> None:
        crash_point(CrashPoint.W2_CLAIMED, "WEBHOOK")
        try:
            states = await self._apply(heard)
            crash_point(CrashPoint.W3_APPLIED, "WEBHOOK")
        except (Busy, OutcomeUnknown) as unread:
            await self._settle([(event, event.state) for event, _ in heard], str(unread))
        except Exception as fault:  # noqa: BLE001 - told there, of the one that it came of
            await self._one_by_one(heard, fault)
        else:
            await self._settle(states, None)

    async def _one_by_one(self, heard: Sequence[Heard], fault: Exception) -> None:
        """What only one of them asks for must not keep the others from being answered."""
        if len(heard) > 1:
            for one in heard:
                await self._work([one])
            return
        event, hint = heard[0]
        match fault:
            case Refused():  # a clear no, e.g. no such object: not mended by waiting for the provider
                await self._settle([(event, after_fault(event))], str(fault))
            case ProcessorError():
                await self._settle([(event, event.state)], str(fault))
            case _:
                log.error("event %s about %s could not be worked on", event.id, hint.subject, exc_info=fault)
                await self._settle([(event, after_fault(event))], type(fault).__name__)

    async def _settle(self, states: Sequence[tuple[InboxEvent, InboxState]], error: str | None) -> None:
        outcomes = [(event, state, error or _WITHOUT_ERROR.get(state)) for event, state in states]
        for event, state, why in outcomes:
            if state is InboxState.DEAD:
                log.error("ALERT event %s given up: %s", event.provider_event_id, why)
        await self.inbox.settle(outcomes, self.clock())

    async def _apply(self, heard: Sequence[Heard]) -> list[tuple[InboxEvent, InboxState]]:
        acted_on = [hint for _, hint in heard if _is_acted_on(hint)]
        found = await self._heed(acted_on) if acted_on else InboxState.IGNORED
        return [(event, self._state_after(event, hint, found)) for event, hint in heard]

    def _state_after(self, event: InboxEvent, hint: ProviderEvent, found: InboxState) -> InboxState:
        if not _is_acted_on(hint):
            return InboxState.IGNORED
        return after_park(event, self.clock()) if found is InboxState.PARKED else found

    async def _heed(self, hints: Sequence[ProviderEvent]) -> InboxState:
        """PARKED: they are about something of ours that is not here (yet)."""
        hint = hints[-1]
        if hint.about_methods:
            followed = await self.saved_methods.follow(hint)
            return InboxState.PROCESSED if followed else self._missing(hint.customer_id, hint.environment)
        intent, cause = hint.provider_payment_id or "", Cause("WEBHOOK", hint.provider_event_id)
        payment = await self._known(intent)
        if payment is not None:
            return await self._read_again(payment, hints, cause)
        if self._is_nobodys(hints):
            return InboxState.IGNORED
        seen = await self._seen(intent, hints)
        if seen is None:
            return InboxState.IGNORED
        payment = await self._payment_of(seen, cause)
        if payment is None:
            return self._missing(seen.payment_id, seen.environment)
        return await self._read_again(payment, hints, cause, refunds=True)

    async def _known(self, intent: str) -> Payment | None:
        async with self.repository.reading() as rows:
            return await rows.payment_of_provider(intent)

    def _is_nobodys(self, hints: Sequence[ProviderEvent]) -> bool:
        """An intent's own events carry what we wrote on it. What others wrote matters only where it may be adopted."""
        told = [hint for hint in hints if hint.type.startswith(_TELLS_WHOSE)]
        return bool(told) and not self.adopting.enabled and all(hint.payment_id is None for hint in told)

    async def _seen(self, intent: str, hints: Sequence[ProviderEvent]) -> PaymentSnapshot | None:
        """The object itself says whose it is: its answer may be lost, and few events carry our ids.

        None if it is not ours to read, as that of an account whose events reach us, too.
        """
        try:
            return await self.processor.fetch_payment(intent)
        except Refused as said:
            if any(hint.environment == self.environment for hint in hints):
                raise
            log.info("%s is not there to be read: %s", intent, said)
            return None

    async def _payment_of(self, seen: PaymentSnapshot, cause: Cause) -> Payment | None:
        if seen.payment_id is None:
            return await self.adopting(seen, cause)
        async with self.repository.reading() as rows:
            return await rows.payment(seen.payment_id)

    async def _read_again(
        self, payment: Payment, hints: Sequence[ProviderEvent], cause: Cause, *, refunds: bool = False
    ) -> InboxState:
        errand = Errand(
            payment.id,
            hints[-1].provider_payment_id or "",
            cause,
            refunds=refunds or any(hint.about_refunds for hint in hints),
            disputes=any(hint.about_disputes for hint in hints),
            warnings=any(hint.about_warnings for hint in hints),
        )
        await self.refresh(errand)
        async with self.repository.writing() as rows:
            # Something happened to this payment: operations with a lost answer need not wait any longer.
            await rows.hurry_operations(payment.id, self.clock())
        return InboxState.PROCESSED

    def _missing(self, our_id: str | None, environment: str | None) -> InboxState:
        ours = our_id is not None and environment == self.environment
        return InboxState.PARKED if ours else InboxState.IGNORED


def _by_subject(heard: Sequence[Heard]) -> list[list[Heard]]:
    groups: dict[str, list[Heard]] = {}
    for event, hint in heard:
        groups.setdefault(hint.subject, []).append((event, hint))
    return list(groups.values())


def _is_acted_on(hint: ProviderEvent) -> bool:
    about_a_payment = hint.type.startswith(_ACTED_ON) and hint.provider_payment_id is not None
    return hint.about_methods or about_a_payment
