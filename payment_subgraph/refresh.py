"""The one door through which provider state enters our rows.

API answers, lookups, webhooks and the reconciler all come here. Each brings (or fetches) a reading of
the provider's objects together with the count of readings taken in *before* it began; it is written only
if that is still the count. Whoever lost the race reads again. So no order or repetition of hints can
write an older state over a newer one.

Why a count of readings and not the row's version: a reading that finds nothing new changes no version,
and an older one that saw a state in between (A, B, A again) would then be let in after it.

What follows from a change of state belongs into `_apply`, in the same transaction, keyed by the row's id and
new version: never to "an event arrived". That is what the ledger posts (`ledger.py`); what timeline and outbox tell
(`transitions.py`) follows wherever a row is changed, here or elsewhere, and `repository.py` sees to it.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from payment_subgraph.balance import BalanceTransaction
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.dispute import Dispute
from payment_subgraph.logged_snapshots import logged
from payment_subgraph.observation import (
    REFERENCE_TAKEN,
    Contradiction,
    DisputeSnapshot,
    PaymentSnapshot,
    known_movements,
)
from payment_subgraph.operation import Operation
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.processor import PaymentProcessor
from payment_subgraph.reading import (
    Basis,
    Change,
    Reading,
    change_by,
    is_outdated,
    known_refund,
    may_be_disputed,
)
from payment_subgraph.refund import Refund
from payment_subgraph.repository import Cause, Repository, Transaction
from payment_subgraph.verdicts import Judge

log = logging.getLogger(__name__)

_TRIES: Final = 20


class ReferenceNotTaken(Exception):
    """A payment gives its reference up only to another that has it."""


class RefreshContended(Exception):
    """Others changed the payment faster than we could read it, again and again."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be brought up to date, and why.

    *refunds*, *disputes*, *warnings* (of fraud): read those too; disputes are read anyhow where the charge says
    that there are some. *settle*: the operation that this decides, and who judges it. *thaw*: of a frozen payment the
    reading is judged like any other's, and if it contradicts us still, Contradiction is raised and nothing written;
    *without_reference*: the payment leaves its reference to another that has it; ReferenceNotTaken if none has.
    """

    payment_id: str
    provider_payment_id: str
    cause: Cause
    refunds: bool = False
    disputes: bool = False
    warnings: bool = False
    settle: tuple[Operation, Judge] | None = None
    thaw: bool = False
    without_reference: bool = False

    @property
    def under_way(self) -> str:
        return self.settle[0].kind if self.settle else self.cause.source


class Refresh:
    """Brings a payment (and its refunds) to what the provider says."""

    def __init__(
        self, repository: Repository, processor: PaymentProcessor, clock: Callable[[], datetime]
    ) -> None:
        self._repository, self._processor, self._clock = repository, processor, clock

    async def __call__(self, errand: Errand, reading: Reading | None = None) -> Payment:
        """Write *reading*, or a fresh one if there is none or it came too late."""
        for _ in range(_TRIES):
            reading = reading or await self.read(errand)
            async with self._repository.writing() as rows:
                written = await self._write(rows, errand, reading)
                crash_point(CrashPoint.T4_WRITTEN, errand.under_way)
            crash_point(CrashPoint.T4_COMMITTED, errand.under_way)
            if written is not None:
                return written
            reading = None
        raise RefreshContended(errand.payment_id)

    async def basis(self, payment_id: str) -> Basis:
        async with self._repository.reading() as rows:
            payment = await rows.payment(payment_id)
            if payment is None:
                raise LookupError(payment_id)
            known = await rows.refunds_of(payment_id)
        return Basis(payment.readings, {refund.id: refund.version for refund in known})

    async def read(self, errand: Errand) -> Reading:
        basis = await self.basis(errand.payment_id)
        payment = await self._processor.fetch_payment(errand.provider_payment_id)
        found = await self._processor.fetch_refunds(errand.provider_payment_id) if errand.refunds else ()
        if errand.warnings and await self._processor.warned_of_fraud(errand.provider_payment_id):
            payment = replace(payment, fraud_warned=True)
        disputes = await self._disputes(errand, payment)
        crash_point(CrashPoint.READ, errand.under_way)
        return Reading(basis, payment, found, errand.refunds, disputes)

    async def _disputes(self, errand: Errand, payment: PaymentSnapshot) -> Sequence[DisputeSnapshot] | None:
        """None if there is no reason to ask: of what was not collected nothing can be disputed."""
        told = payment.charge is not None and payment.charge.disputed
        collected = payment.captured is None or payment.captured.minor > 0
        if not told and not (errand.disputes and collected):
            return None
        return await self._processor.fetch_disputes(errand.provider_payment_id)

    async def _write(self, rows: Transaction, errand: Errand, reading: Reading) -> Payment | None:
        """None, with nothing written, if our rows are newer than the reading."""
        payment = await rows.payment(errand.payment_id, lock=True)
        if payment is None:
            raise LookupError(errand.payment_id)
        known = await rows.refunds_of(errand.payment_id)
        disputes = await rows.disputes_of(errand.payment_id) if may_be_disputed(payment, reading) else []
        if is_outdated(payment, known, reading):
            return None
        if payment.frozen_reason is not None and not errand.thaw:
            log.error(
                "ALERT %s is frozen (%s): %s not taken", payment.id, payment.frozen_reason, errand.cause
            )
            return payment
        if errand.thaw and payment.frozen_reason is None:
            return payment  # somebody else was faster
        try:
            change = change_by(payment, known, disputes, reading, self._clock())
            change = replace(change, moved=await _news(rows, reading))
            if errand.thaw:
                change = await _thawed(rows, change, without_reference=errand.without_reference)
            await _require_reference(rows, change)
        except Contradiction as reason:
            if errand.thaw:
                raise
            await _record(rows, errand, reading, known, disputes, self._clock())
            return await self._freeze(rows, errand, payment, str(reason))
        return await self._apply(rows, errand, reading, change)

    async def _apply(self, rows: Transaction, errand: Errand, reading: Reading, change: Change) -> Payment:
        now = self._clock()
        if change or errand.settle is not None:
            disputes = [after for _, after in change.disputes]
            await _record(rows, errand, reading, change.all_refunds.values(), disputes, now)
        await _write_moves(rows, change, errand.cause, now)
        payment = await _written(rows, change, errand.cause, now, counted=reading.payment is not None)
        await rows.add_balance_transactions(payment.id, change.moved)
        await rows.post(change.postings(), now)
        if errand.settle is not None:
            operation, judge = errand.settle
            verdict = judge(payment, change.all_refunds)
            if verdict is not None:
                await rows.resolve_operation(operation.id, verdict.state, now, result=verdict.rejection)
        return payment

    async def _freeze(self, rows: Transaction, errand: Errand, payment: Payment, reason: str) -> Payment:
        log.error("ALERT %s frozen: the provider contradicts us (%s, %s)", payment.id, reason, errand.cause)
        frozen = replace(payment, frozen_reason=reason)
        change = Change(payment, frozen, [], {})
        return await _written(rows, change, errand.cause, self._clock(), counted=True)


async def _news(rows: Transaction, reading: Reading) -> Sequence[BalanceTransaction]:
    """What the reading tells of that was not taken in before: each by the provider's id, and once.

    Raises Contradiction.
    """
    told = {one.id: one for one in known_movements(reading.movements)}
    known = await rows.known_balance_transactions(list(told)) if told else frozenset()
    return [one for one in told.values() if one.id not in known]


async def _thawed(rows: Transaction, change: Change, *, without_reference: bool) -> Change:
    after = replace(change.after, frozen_reason=None)
    if without_reference and after.status is not PaymentStatus.CANCELED:
        if not await _reference_taken(rows, after):
            raise ReferenceNotTaken(after.id)
        after = replace(after, reference=None)
    return replace(change, after=after)


async def _reference_taken(rows: Transaction, payment: Payment) -> bool:
    if payment.owner_id is None or payment.reference is None:
        return False
    living = await rows.live_payment(payment.owner_id, payment.reference)
    return living is not None and living.id != payment.id


async def _require_reference(rows: Transaction, change: Change) -> None:
    """A payment that was given up must not come to life beside the one that took its reference since."""
    before, after = change.before, change.after
    if before.status is not PaymentStatus.FAILED or after.status is PaymentStatus.CANCELED:
        return
    if await _reference_taken(rows, after):
        raise Contradiction(REFERENCE_TAKEN)


async def _write_moves(rows: Transaction, change: Change, cause: Cause, now: datetime) -> None:
    """What changed of the refunds and disputes seen."""
    for before, after in change.refunds:
        if before is None:
            await rows.add_refund(after, cause)
        elif before != after:
            await rows.change_refund(before, after, cause, now)
    for was, is_now in change.disputes:
        if was is None:
            await rows.add_dispute(is_now, cause, now)
        elif was != is_now:
            await rows.change_dispute(was, is_now, cause, now)


async def _written(
    rows: Transaction, change: Change, cause: Cause, now: datetime, *, counted: bool
) -> Payment:
    before, after = change.before, change.after
    if after == before:
        if counted:
            await rows.count_reading(before)
        return before
    if before.status is PaymentStatus.FAILED:
        log.error("ALERT %s was given up, but exists at the provider: now %s", before.id, after.status)
    after = replace(after, readings=before.readings + counted)
    written = await rows.change_payment(before, after, cause, now)
    if written is None:
        raise AssertionError("the row was locked, yet its version changed")
    return written


async def _record(  # noqa: PLR0913, PLR0917 - what was read, why, and by which ids we know it
    rows: Transaction,
    errand: Errand,
    reading: Reading,
    refunds: Collection[Refund],
    disputes: Collection[Dispute],
    now: datetime,
) -> None:
    """By our own ids; what a refund made elsewhere has for a `refund_id` may be any text."""
    if reading.payment is not None:
        await rows.observe("payment", errand.payment_id, errand.cause, logged(reading.payment), now)
    for seen in reading.refunds:
        ours = known_refund(refunds, seen)
        name = ours.id if ours else seen.provider_refund_id
        await rows.observe("refund", name, errand.cause, logged(seen), now)
    names = {one.provider_dispute_id: one.id for one in disputes}
    for dispute in reading.disputes or ():
        name = names.get(dispute.provider_dispute_id, dispute.provider_dispute_id)
        await rows.observe("dispute", name, errand.cause, logged(dispute), now)
