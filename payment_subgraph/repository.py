"""Rows in and out: payments, refunds, operations, observations, ledger. Each method is one SQL statement.

What a change of a payment, refund or dispute means is noted where the row is written, in here, and written when the
transaction ends (`history.py`): no change is without its transitions.

Whoever decides opens a transaction here (`writing()`), reads, decides by the pure rules, writes.
No transaction is ever open while the provider is asked.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import RowMapping, case, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from payment_subgraph.balance import BalanceTransaction, MovementKind
from payment_subgraph.database import Database, locked_once
from payment_subgraph.dispute import Dispute, DisputeStanding
from payment_subgraph.history import History
from payment_subgraph.ledger import Account, Posting, PostingKind, Sums
from payment_subgraph.operation import Operation, OperationKind, OperationState
from payment_subgraph.payment import FinancialStatus, Payment, PaymentStatus
from payment_subgraph.refund import Refund
from payment_subgraph.tables import (
    LIVE,
    balance_transactions,
    disputes,
    ledger_entries,
    observations,
    payment_operations,
    payments,
    refunds,
)
from payment_subgraph.transitions import dispute_transitions, payment_transitions, refund_transitions

Row = TypeVar("Row")

_PAYMENT: Final = tuple(payments.c[field.name] for field in fields(Payment))
_REFUND: Final = tuple(refunds.c[field.name] for field in fields(Refund))
_DISPUTE: Final = tuple(disputes.c[field.name] for field in fields(Dispute))
_OPERATION: Final = tuple(payment_operations.c[field.name] for field in fields(Operation))
_OPEN: Final = payment_operations.c.resolved_at.is_(None)

FINANCIAL_STATUS: Final = case(
    (payments.c.dispute_standing == DisputeStanding.LOST, FinancialStatus.CHARGED_BACK.value),
    (payments.c.dispute_standing == DisputeStanding.WITHDRAWN, FinancialStatus.DISPUTED.value),
    (
        (payments.c.amount_captured > 0) & (payments.c.amount_refunded >= payments.c.amount_captured),
        FinancialStatus.REFUNDED.value,
    ),
    (
        (payments.c.amount_captured > 0) & (payments.c.amount_refunded > 0),
        FinancialStatus.PARTIALLY_REFUNDED.value,
    ),
    (payments.c.amount_captured > 0, FinancialStatus.PAID.value),
    (payments.c.amount_capturable > 0, FinancialStatus.AUTHORIZED.value),
    (payments.c.status == PaymentStatus.CANCELED, FinancialStatus.VOIDED.value),
    else_=FinancialStatus.UNPAID.value,
)
"""`payment.financial_status` in SQL."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a row changes: *source* is REQUEST, or why the provider was read; *id* names what caused it.

    REQUEST, ANSWER and LOOK: the operation. WEBHOOK: the event. RECONCILER: the payment. SYNC and THAW (on the
    command line): who asked for it.
    """

    source: str
    id: str


class Repository:
    """*reread_after*: how long an open payment may stay silent before the reconciler reads it again."""

    def __init__(self, database: Database, reread_after: timedelta = timedelta(minutes=15)) -> None:
        self._database = database
        self._reread_after = reread_after

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Transaction"]:
        async with self._database.reading() as connection:
            yield Transaction(connection, self._reread_after)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["Transaction"]:
        async with self._database.writing() as connection:
            rows = Transaction(connection, self._reread_after)
            yield rows
            await rows.write_history()


class Transaction:
    """What can be asked and written inside one open transaction."""

    def __init__(self, connection: AsyncConnection, reread_after: timedelta) -> None:
        self._connection = connection
        self._reread_after = reread_after
        self._history = History(connection)

    async def write_history(self) -> None:
        await self._history.write()

    # Payments.

    async def payment(self, payment_id: str, *, lock: bool = False) -> Payment | None:
        """*lock* holds the row until the transaction ends (SQLite: the whole database, since its BEGIN)."""
        query = select(*_PAYMENT).where(payments.c.id == payment_id)
        found = _one(Payment, await self._first(query.with_for_update() if lock else query))
        if found is not None:
            self._history.know(found)
        return found

    async def payment_of_provider(self, provider_payment_id: str) -> Payment | None:
        query = select(*_PAYMENT).where(payments.c.provider_payment_id == provider_payment_id)
        return _one(Payment, await self._first(query))

    async def live_payment(self, owner_id: str, reference: str) -> Payment | None:
        owned = (payments.c.owner_id == owner_id) & (payments.c.reference == reference) & LIVE
        return _one(Payment, await self._first(select(*_PAYMENT).where(owned)))

    async def add_payment(self, payment: Payment, cause: Cause) -> None:
        row = _values(payment) | {"reread_at": payment.created_at + self._reread_after}
        await self._connection.execute(insert(payments).values(row))
        self._history.know(payment)
        self._history.note(payment_transitions(None, payment), cause.source, cause.id, payment.updated_at)

    async def change_payment(
        self, before: Payment, after: Payment, cause: Cause, now: datetime
    ) -> Payment | None:
        """Write *after* if the row still is *before*; None when somebody was faster."""
        changed = replace(after, version=before.version + 1, updated_at=now)
        reread = None if changed.quiet else func.coalesce(payments.c.reread_at, now + self._reread_after)
        unchanged = (payments.c.id == before.id) & (payments.c.version == before.version)
        statement = update(payments).where(unchanged).values(_values(changed) | {"reread_at": reread})
        if (await self._connection.execute(statement.returning(payments.c.id))).first() is None:
            return None
        self._history.know(changed)
        self._history.note(payment_transitions(before, changed), cause.source, cause.id, now)
        return changed

    async def count_reading(self, payment: Payment) -> None:
        more: dict[str, Any] = {"readings": payment.readings + 1}
        if payment.quiet:
            more["reread_at"] = None
        await self._connection.execute(update(payments).where(payments.c.id == payment.id).values(more))

    async def has_silent_payments(self, now: datetime) -> bool:
        return (
            await self._first(select(payments.c.id).where(payments.c.reread_at <= now).limit(1)) is not None
        )

    async def claim_silent_payments(self, now: datetime, limit: int) -> list[str]:
        """Ids of open payments whose reread is due; each is given to one caller only."""
        due = (
            select(payments.c.id)
            .where(payments.c.reread_at <= now)
            .order_by(payments.c.reread_at)
            .limit(limit)
        )
        claim = (
            update(payments)
            .where(payments.c.id.in_(locked_once(due)))
            .values(reread_at=now + self._reread_after)
        )
        return list((await self._connection.execute(claim.returning(payments.c.id))).scalars())

    # Refunds.

    async def refund(self, refund_id: str) -> Refund | None:
        return _one(Refund, await self._first(select(*_REFUND).where(refunds.c.id == refund_id)))

    async def refunds_of(self, payment_id: str) -> list[Refund]:
        query = select(*_REFUND).where(refunds.c.payment_id == payment_id).order_by(refunds.c.id)
        return [_made(Refund, row) for row in (await self._connection.execute(query)).mappings()]

    async def add_refund(self, refund: Refund, cause: Cause) -> None:
        """Only under the payment's lock, or with a new payment."""
        await self._connection.execute(insert(refunds).values(_values(refund)))
        currency = self._history.known(refund.payment_id).currency
        self._history.note(
            refund_transitions(currency, None, refund), cause.source, cause.id, refund.created_at
        )

    async def change_refund(self, before: Refund, after: Refund, cause: Cause, now: datetime) -> Refund:
        """Only under the payment's lock: that is what makes the plain write safe."""
        changed = replace(after, version=before.version + 1, updated_at=now)
        await self._connection.execute(
            update(refunds).where(refunds.c.id == before.id).values(_values(changed))
        )
        currency = self._history.known(before.payment_id).currency
        self._history.note(refund_transitions(currency, before, changed), cause.source, cause.id, now)
        return changed

    # Disputes, and what moved the provider's balance. Both are written under the payment's lock.

    async def disputes_of(self, payment_id: str) -> list[Dispute]:
        query = select(*_DISPUTE).where(disputes.c.payment_id == payment_id).order_by(disputes.c.id)
        return [_made(Dispute, row) for row in (await self._connection.execute(query)).mappings()]

    async def add_dispute(self, dispute: Dispute, cause: Cause, now: datetime) -> None:
        await self._connection.execute(insert(disputes).values(_values(dispute)))
        self._history.note(dispute_transitions(None, dispute), cause.source, cause.id, now)

    async def change_dispute(self, before: Dispute, after: Dispute, cause: Cause, now: datetime) -> None:
        changed = replace(after, version=before.version + 1, updated_at=now)
        await self._connection.execute(
            update(disputes).where(disputes.c.id == before.id).values(_values(changed))
        )
        self._history.note(dispute_transitions(before, changed), cause.source, cause.id, now)

    async def known_balance_transactions(self, ids: Sequence[str]) -> frozenset[str]:
        known = select(balance_transactions.c.id).where(balance_transactions.c.id.in_(ids))
        return frozenset((await self._connection.execute(known)).scalars())

    async def add_balance_transactions(self, payment_id: str, new: Sequence[BalanceTransaction]) -> None:
        rows = [_values(one) | {"payment_id": payment_id} for one in new]
        if rows:
            await self._connection.execute(insert(balance_transactions).values(rows))

    async def reread_unsettled(self, now: datetime) -> int:
        """Have every payment read again of which we do not know what it brought; how many those are."""
        known = exists().where(
            balance_transactions.c.payment_id == payments.c.id,
            balance_transactions.c.kind == MovementKind.CHARGE,
        )
        unsettled = (payments.c.amount_captured > 0) & payments.c.frozen_reason.is_(None) & ~known
        marked = await self._connection.execute(update(payments).where(unsettled).values(reread_at=now))
        return marked.rowcount

    # Operations.

    async def operation(self, operation_id: str) -> Operation | None:
        found = select(*_OPERATION).where(payment_operations.c.id == operation_id)
        return _one(Operation, await self._first(found))

    async def operation_of_key(self, actor_id: str, kind: OperationKind, client_key: str) -> Operation | None:
        table = payment_operations.c
        same = (table.actor_id == actor_id) & (table.kind == kind) & (table.client_key == client_key)
        return _one(Operation, await self._first(select(*_OPERATION).where(same)))

    async def open_operations(self, payment_id: str) -> list[Operation]:
        query = select(*_OPERATION).where((payment_operations.c.payment_id == payment_id) & _OPEN)
        return [_made(Operation, row) for row in (await self._connection.execute(query)).mappings()]

    async def due_operations(self, now: datetime, limit: int) -> list[str]:
        """Only a list of candidates: `change_operation` decides who gets which."""
        due = select(payment_operations.c.id).where(_OPEN & (payment_operations.c.due_at <= now))
        return list(
            (await self._connection.execute(due.order_by(payment_operations.c.due_at).limit(limit))).scalars()
        )

    async def hurry_operations(self, payment_id: str, now: datetime) -> None:
        waiting = (payment_operations.c.payment_id == payment_id) & _OPEN
        unknown = payment_operations.c.state == OperationState.UNKNOWN
        later = payment_operations.c.due_at > now
        await self._connection.execute(
            update(payment_operations).where(waiting & unknown & later).values(due_at=now)
        )

    async def add_operation(self, operation: Operation) -> None:
        await self._connection.execute(insert(payment_operations).values(_values(operation)))

    async def change_operation(self, before: Operation, **changes: Any) -> Operation | None:
        """Write *changes* if the operation is still open and at the same attempt; None otherwise."""
        same = (payment_operations.c.id == before.id) & (payment_operations.c.attempts == before.attempts)
        statement = update(payment_operations).where(same & _OPEN).values(**changes)
        return _one(Operation, await self._first(statement.returning(*_OPERATION)))

    async def resolve_operation(
        self, operation_id: str, state: OperationState, now: datetime, **changes: Any
    ) -> Operation | None:
        """Settle it, whichever attempt the proof comes from; None if it was settled before."""
        open_one = (payment_operations.c.id == operation_id) & _OPEN
        statement = update(payment_operations).where(open_one).values(state=state, resolved_at=now, **changes)
        return _one(Operation, await self._first(statement.returning(*_OPERATION)))

    # Observations.

    async def observe(
        self, kind: str, object_id: str, cause: Cause, snapshot: Mapping[str, Any], now: datetime
    ) -> None:
        row = {
            "object_type": kind,
            "object_id": object_id,
            "source": cause.source,
            "cause_id": cause.id,
            "snapshot": snapshot,
            "observed_at": now,
        }
        await self._connection.execute(insert(observations).values(row))

    async def last_seen(self, payment_id: str) -> Mapping[str, Any] | None:
        """The newest reading of the payment's object that the log has."""
        about = (observations.c.object_type == "payment") & (observations.c.object_id == payment_id)
        newest = select(observations.c.snapshot).where(about).order_by(observations.c.seq.desc()).limit(1)
        found: Mapping[str, Any] | None = (await self._connection.execute(newest)).scalar()
        return found

    # The ledger.

    async def post(self, postings: Sequence[Posting], now: datetime) -> None:
        """Fails on a posting that was written before: its key is unique."""
        entries = [entry for posting in postings for entry in posting.entries()]
        written = {"effective_at": now, "created_at": now}
        if entries:
            await self._connection.execute(
                insert(ledger_entries).values([_values(entry) | written for entry in entries])
            )

    async def posted(self, payment: Payment) -> Sums:
        """What the ledger has of it so far, in its currency."""
        entries = ledger_entries.c
        query = select(entries.kind, func.sum(entries.amount_minor).label("total")).group_by(entries.kind)
        of = (entries.payment_id == payment.id) & (entries.currency == payment.currency)
        query = query.where(of, entries.account == Account.STRIPE_CLEARING)
        totals = {row.kind: int(row.total) for row in await self._connection.execute(query)}
        return Sums(capture=totals.get(PostingKind.CAPTURE, 0), refund=-totals.get(PostingKind.REFUND, 0))

    async def _first(self, statement: Any) -> RowMapping | None:
        return (await self._connection.execute(statement)).mappings().first()


def _made(kind: type[Row], row: RowMapping) -> Row:
    return kind(**row)


def _one(kind: type[Row], row: RowMapping | None) -> Row | None:
    return None if row is None else _made(kind, row)


def _values(record: Any) -> dict[str, Any]:
    """Column names to values; not `asdict`, which would take the small value objects apart."""
    return {field.name: getattr(record, field.name) for field in fields(record)}
