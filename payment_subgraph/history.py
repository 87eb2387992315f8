"""What happens to payments in one transaction: noted while rows change, written before it commits.

Each transition becomes a row of the timeline and a message of the outbox. The key of a row is the changed row's id
and new version and the type, so whoever would write a transition twice fails, and his change with him.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from payment_subgraph.outbox_message import OutboxState, message_id
from payment_subgraph.payment import Payment
from payment_subgraph.tables import outbox_messages, payment_transitions
from payment_subgraph.transitions import Transition, payload


@dataclass(frozen=True, slots=True)
class _Happened:
    """*source* and *cause_id* are a `Cause`."""

    transition: Transition
    source: str
    cause_id: str
    at: datetime

    @property
    def about_the_payment(self) -> bool:
        return self.transition.subject_id == self.transition.payment_id


class History:
    """Of the payments in it the rows must be locked, or new: that makes the sequence without gaps."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._payments: dict[str, Payment] = {}
        self._happened: dict[str, list[_Happened]] = defaultdict(list)

    def know(self, payment: Payment) -> None:
        """How *payment* stands now; the messages tell the last that was known."""
        self._payments[payment.id] = payment

    def known(self, payment_id: str) -> Payment:
        return self._payments[payment_id]

    def note(self, transitions: Iterable[Transition], source: str, cause_id: str, at: datetime) -> None:
        for one in transitions:
            self._happened[one.payment_id].append(_Happened(one, source, cause_id, at))

    async def write(self) -> None:
        """In the order in which they are to be told: that a payment was paid, before that it was paid back."""
        for payment_id, happened in self._happened.items():
            told = sorted(happened, key=lambda one: not one.about_the_payment)
            first = await self._length(payment_id) + 1
            await self._insert(self._payments[payment_id], list(enumerate(told, first)))
        self._happened.clear()

    async def _length(self, payment_id: str) -> int:
        column = payment_transitions.c
        last = select(func.coalesce(func.max(column.sequence), 0)).where(column.payment_id == payment_id)
        return int((await self._connection.execute(last)).scalar_one())

    async def _insert(self, payment: Payment, told: Sequence[tuple[int, _Happened]]) -> None:
        rows = [_row(sequence, one) for sequence, one in told]
        messages = [_message(payment, sequence, one) for sequence, one in told]
        await self._connection.execute(insert(payment_transitions).values(rows))
        await self._connection.execute(insert(outbox_messages).values(messages))


def _row(sequence: int, happened: _Happened) -> dict[str, Any]:
    one = happened.transition
    return {
        "payment_id": one.payment_id,
        "sequence": sequence,
        "type": one.type,
        "subject_id": one.subject_id,
        "subject_version": one.subject_version,
        "source": happened.source,
        "cause_id": happened.cause_id,
        "amount_minor": one.amount.minor if one.amount else None,
        "currency": one.amount.currency if one.amount else None,
        "reason": one.reason,
        "occurred_at": happened.at,
    }


def _message(payment: Payment, sequence: int, happened: _Happened) -> dict[str, Any]:
    occurred_at = happened.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    body = payload(happened.transition, payment, sequence, occurred_at)
    return {
        "id": message_id(payment.id, sequence),
        "payment_id": payment.id,
        "sequence": sequence,
        "type": happened.transition.type,
        "payload": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        "state": OutboxState.PENDING,
        "attempts": 0,
        "next_attempt_at": happened.at,
        "created_at": happened.at,
    }
