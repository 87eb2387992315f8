"""The one door through which provider state enters our rows.

API answers, lookups, webhooks and the reconciler all come here. Each brings (or fetches) a reading of
the provider's objects together with the count of readings taken in *before* it began; it is written only
if that is still the count. Whoever lost the race reads again. So no order or repetition of hints can
write an older state over a newer one.

Why a count of readings and not the row's version: a reading that finds nothing new changes no version,
and an older one that saw a state in between (A, B, A again) would then be let in after it.

What follows from a change of state (ledger entries, outbox messages) belongs into `_write`, in the same
transaction, keyed by payment id and new version: never to "an event arrived".
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from payment_subgraph.ids import new_refund_id
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
_SECRET: Final = frozenset({"client_secret"})


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


class Refresh:
    """Brings a payment (and its refunds) to what the provider says."""

    def __init__(
        self, repository: Repository, processor: PaymentProcessor, clock: Callable[[], datetime]
    ) -> None:
        self._repository, self._processor, self._clock = repository, processor, clock

    async def basis(self, payment_id: str) -> Basis:
        async with self._repository.reading() as rows:
            payment = await rows.payment(payment_id)
            if payment is None:
                raise LookupError(payment_id)
            known = await rows.refunds_of(payment_id)
        return Basis(payment.readings, {refund.id: refund.version for refund in known})

    async def read(self, payment_id: str, provider_payment_id: str, *, refunds: bool) -> Reading:
        basis = await self.basis(payment_id)
        payment = await self._processor.fetch_payment(provider_payment_id)
        found = await self._processor.fetch_refunds(provider_payment_id) if refunds else ()
        return Reading(basis, payment, found)

    async def __call__(
        self,
        payment_id: str,
        provider_payment_id: str,
        cause: Cause,
        *,
        reading: Reading | None = None,
        refunds: bool = False,
        settle: tuple[Operation, Judge] | None = None,
    ) -> Payment:
        """Write *reading* (or a fresh one, with *refunds* if asked), and settle the operation with it."""
        for _ in range(_TRIES):
            reading = reading or await self.read(payment_id, provider_payment_id, refunds=refunds)
            async with self._repository.writing() as rows:
                written = await self._write(rows, payment_id, reading, cause, settle)
            if written is not None:
                return written
            refunds = refunds or bool(reading.refunds)
            reading = None
        raise RefreshContended(payment_id)

    async def _write(
        self,
        rows: Transaction,
        payment_id: str,
        reading: Reading,
        cause: Cause,
        settle: tuple[Operation, Judge] | None,
    ) -> Payment | None:
        """None, with nothing written, if our rows are newer than the reading."""
        payment = await rows.payment(payment_id, lock=True)
        if payment is None:
            raise LookupError(payment_id)
        known = await rows.refunds_of(payment_id)
        if _outdated(payment, known, reading):
            return None
        if payment.frozen_reason is not None:
            log.error(
                "ALERT payment %s is frozen (%s); %s not applied", payment.id, payment.frozen_reason, cause
            )
            return payment
        return await self._apply(rows, payment, known, reading, cause, settle)

    async def _apply(
        self,
        rows: Transaction,
        payment: Payment,
        known: list[Refund],
        reading: Reading,
        cause: Cause,
        settle: tuple[Operation, Judge] | None,
    ) -> Payment:
        now = self._clock()
        try:
            seen = observe_payment(payment, reading.payment, now) if reading.payment else payment
            moves = [_refund_move(payment, known, one, now) for one in reading.refunds]
        except Contradiction as reason:
            return await self._freeze(rows, payment, str(reason), reading, cause, now)
        current = {refund.id: refund for refund in known} | {after.id: after for _, after in moves}
        refunded, pending = refund_totals(current.values())
        after = replace(seen, amount_refunded=refunded, amount_refund_pending=pending)
        changes = [move for move in moves if move[0] != move[1]]
        if changes or after != payment or settle is not None:
            await _record(rows, payment, reading, cause, now)
        await _write_refunds(rows, changes, now)
        changed = await _changed(rows, payment, after, now, read=reading.payment is not None)
        verdict = settle[1](changed, current) if settle else None
        if settle and verdict:
            await rows.resolve_operation(settle[0].id, verdict.state, now, result=verdict.rejection)
        return changed

    async def _freeze(
        self, rows: Transaction, payment: Payment, reason: str, reading: Reading, cause: Cause, now: datetime
    ) -> Payment:
        log.error("ALERT payment %s frozen: the provider contradicts us (%s, %s)", payment.id, reason, cause)
        await _record(rows, payment, reading, cause, now)
        return await _changed(rows, payment, replace(payment, frozen_reason=reason), now)


def _outdated(payment: Payment, known: list[Refund], reading: Reading) -> bool:
    if reading.payment is not None and payment.readings != reading.basis.readings:
        return True
    versions = {refund.id: refund.version for refund in known}
    mentioned = {found.id for one in reading.refunds if (found := _local(known, one))}
    return any(versions[one] != reading.basis.refund_versions.get(one) for one in mentioned)


def _local(known: list[Refund], seen: RefundSnapshot) -> Refund | None:
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


async def _write_refunds(
    rows: Transaction, changes: list[tuple[Refund | None, Refund]], now: datetime
) -> None:
    for before, after in changes:
        if before is None:
            await rows.add_refund(after)
        else:
            await rows.change_refund(before, after, now)


async def _changed(
    rows: Transaction, before: Payment, after: Payment, now: datetime, *, read: bool = True
) -> Payment:
    if after == before:
        if read:
            await rows.count_reading(before)
        return before
    after = replace(after, readings=before.readings + read)
    if before.status is PaymentStatus.FAILED:
        log.error(
            "ALERT payment %s was given up, but exists at the provider: now %s", before.id, after.status
        )
    changed = await rows.change_payment(before, after, now)
    if changed is None:
        raise AssertionError("the row was locked, yet its version changed")
    return changed


async def _record(rows: Transaction, payment: Payment, reading: Reading, cause: Cause, now: datetime) -> None:
    if reading.payment is not None:
        await rows.observe("payment", payment.id, cause, _plain(reading.payment), now)
    for refund in reading.refunds:
        await rows.observe(
            "refund", refund.refund_id or refund.provider_refund_id, cause, _plain(refund), now
        )


def _plain(snapshot: Any) -> Any:
    """A snapshot as JSON, without what opens a payment to its holder."""
    if isinstance(snapshot, datetime):
        return snapshot.isoformat()
    if hasattr(snapshot, "__dataclass_fields__"):
        named = ((field.name, getattr(snapshot, field.name)) for field in fields(snapshot))
        return {name: _plain(value) for name, value in named if name not in _SECRET}
    return snapshot
