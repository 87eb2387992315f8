"""The one door through which provider state enters our rows.

API answers, lookups, webhooks and the reconciler all come here. Each brings (or fetches) a reading of
the provider's objects together with the count of readings taken in *before* it began; it is written only
if that is still the count. Whoever lost the race reads again. So no order or repetition of hints can
write an older state over a newer one.

Why a count of readings and not the row's version: a reading that finds nothing new changes no version,
and an older one that saw a state in between (A, B, A again) would then be let in after it.

What follows from a change of state belongs into `_apply`, in the same transaction, keyed by the row's id and
new version: never to "an event arrived". Today that is what the ledger posts (`ledger.py`).
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.ids import new_refund_id
from payment_subgraph.ledger import postings
from payment_subgraph.observation import (
    Contradiction,
    PaymentSnapshot,
    RefundSnapshot,
    observe_payment,
    observe_refund,
)
from payment_subgraph.operation import Operation
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.processor import PaymentProcessor
from payment_subgraph.refund import Refund, RefundSource, refund_totals
from payment_subgraph.repository import Cause, Repository, Transaction
from payment_subgraph.verdicts import Judge

log = logging.getLogger(__name__)

_TRIES: Final = 20
_UNRECORDED: Final = frozenset({"client_secret", "made"})


class RefreshContended(Exception):
    """Others changed the payment faster than we could read it, again and again."""


@dataclass(frozen=True, slots=True)
class Basis:
    """How far our rows were before the provider was read."""

    readings: int
    refund_versions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the provider says; *basis* is what we knew before we asked."""

    basis: Basis
    payment: PaymentSnapshot | None = None
    refunds: Sequence[RefundSnapshot] = ()


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be brought up to date, and why.

    *refunds*: read those too. *settle*: the operation that this decides, and who judges it.
    """

    payment_id: str
    provider_payment_id: str
    cause: Cause
    refunds: bool = False
    settle: tuple[Operation, Judge] | None = None


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
                crash_point(CrashPoint.T4_WRITTEN)
            crash_point(CrashPoint.T4_COMMITTED)
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
        return Reading(basis, payment, found)

    async def _write(self, rows: Transaction, errand: Errand, reading: Reading) -> Payment | None:
        """None, with nothing written, if our rows are newer than the reading."""
        payment = await rows.payment(errand.payment_id, lock=True)
        if payment is None:
            raise LookupError(errand.payment_id)
        known = await rows.refunds_of(errand.payment_id)
        if _outdated(payment, known, reading):
            return None
        if payment.frozen_reason is not None:
            log.error(
                "ALERT %s is frozen (%s): %s not taken", payment.id, payment.frozen_reason, errand.cause
            )
            return payment
        try:
            change = _change(payment, known, reading, self._clock())
            await _require_reference(rows, change)
        except Contradiction as reason:
            await _record(rows, errand, reading, known, self._clock())
            return await self._freeze(rows, errand, payment, str(reason))
        return await self._apply(rows, errand, reading, change)

    async def _apply(self, rows: Transaction, errand: Errand, reading: Reading, change: "_Change") -> Payment:
        now = self._clock()
        if change or errand.settle is not None:
            await _record(rows, errand, reading, change.all_refunds.values(), now)
        for before, after in change.refunds:
            if before is None:
                await rows.add_refund(after)
            elif before != after:
                await rows.change_refund(before, after, now)
        payment = await _written(rows, change, now, counted=reading.payment is not None)
        await rows.post(postings(change.before, change.after, change.refunds), now)
        if errand.settle is not None:
            operation, judge = errand.settle
            verdict = judge(payment, change.all_refunds)
            if verdict is not None:
                await rows.resolve_operation(operation.id, verdict.state, now, result=verdict.rejection)
        return payment

    async def _freeze(self, rows: Transaction, errand: Errand, payment: Payment, reason: str) -> Payment:
        log.error("ALERT %s frozen: the provider contradicts us (%s, %s)", payment.id, reason, errand.cause)
        frozen = replace(payment, frozen_reason=reason)
        return await _written(rows, _Change(payment, frozen, [], {}), self._clock(), counted=True)


@dataclass(frozen=True, slots=True)
class _Change:
    """The payment and the refunds seen, each before and after; *all_refunds* by id, as they will stand."""

    before: Payment
    after: Payment
    refunds: list[tuple[Refund | None, Refund]]
    all_refunds: dict[str, Refund]

    def __bool__(self) -> bool:
        return self.before != self.after or any(before != after for before, after in self.refunds)


def _change(payment: Payment, known: list[Refund], reading: Reading, now: datetime) -> _Change:
    """What *reading* makes of our rows. Raises Contradiction."""
    seen = observe_payment(payment, reading.payment, now) if reading.payment else payment
    moves = [_refund_move(payment, known, one, now) for one in reading.refunds]
    current = {refund.id: refund for refund in known} | {after.id: after for _, after in moves}
    refunded, pending = refund_totals(current.values())
    after = replace(seen, amount_refunded=refunded, amount_refund_pending=pending)
    return _Change(payment, after, moves, current)


async def _require_reference(rows: Transaction, change: _Change) -> None:
    """A payment that was given up must not come to life beside the one that took its reference since."""
    before, after = change.before, change.after
    if before.status is not PaymentStatus.FAILED or after.status is PaymentStatus.CANCELED:
        return
    if before.owner_id is None or before.reference is None:
        return
    if await rows.live_payment(before.owner_id, before.reference):
        raise Contradiction("REFERENCE_TAKEN")


def _outdated(payment: Payment, known: list[Refund], reading: Reading) -> bool:
    if reading.payment is not None and payment.readings != reading.basis.readings:
        return True
    versions = {refund.id: refund.version for refund in known}
    mentioned = {found.id for one in reading.refunds if (found := _local(known, one))}
    return any(versions[one] != reading.basis.refund_versions.get(one) for one in mentioned)


def _local(known: Collection[Refund], seen: RefundSnapshot) -> Refund | None:
    """By the provider's id, else by ours, which we wrote on the object: an answer may have been lost."""
    by_provider = (refund for refund in known if refund.provider_refund_id == seen.provider_refund_id)
    return next(by_provider, None) or next((refund for refund in known if refund.id == seen.refund_id), None)


def _refund_move(
    payment: Payment, known: list[Refund], seen: RefundSnapshot, now: datetime
) -> tuple[Refund | None, Refund]:
    """The refund before and after; before is None for one that was made elsewhere."""
    before = _local(known, seen)
    if before is not None:
        return before, observe_refund(before, seen, payment.currency)
    made = Refund(
        id=new_refund_id(),
        payment_id=payment.id,
        amount_minor=seen.amount.minor if seen.amount else 0,
        created_at=now,
        updated_at=now,
        source=RefundSource.EXTERNAL,
    )
    return None, observe_refund(made, seen, payment.currency)


async def _written(rows: Transaction, change: _Change, now: datetime, *, counted: bool) -> Payment:
    before, after = change.before, change.after
    if after == before:
        if counted:
            await rows.count_reading(before)
        return before
    if before.status is PaymentStatus.FAILED:
        log.error("ALERT %s was given up, but exists at the provider: now %s", before.id, after.status)
    written = await rows.change_payment(before, replace(after, readings=before.readings + counted), now)
    if written is None:
        raise AssertionError("the row was locked, yet its version changed")
    return written


async def _record(
    rows: Transaction, errand: Errand, reading: Reading, refunds: Collection[Refund], now: datetime
) -> None:
    """By our own ids; what a refund made elsewhere has for a `refund_id` may be any text."""
    if reading.payment is not None:
        await rows.observe("payment", errand.payment_id, errand.cause, _plain(reading.payment), now)
    for seen in reading.refunds:
        ours = _local(refunds, seen)
        name = ours.id if ours else seen.provider_refund_id
        await rows.observe("refund", name, errand.cause, _plain(seen), now)


def _plain(snapshot: Any) -> Any:
    """A snapshot as JSON, without what opens a payment to its holder, and what others wrote into it."""
    if isinstance(snapshot, datetime):
        return snapshot.isoformat()
    if hasattr(snapshot, "__dataclass_fields__"):
        named = ((field.name, getattr(snapshot, field.name)) for field in fields(snapshot))
        return {name: _plain(value) for name, value in named if name not in _UNRECORDED}
    return snapshot
