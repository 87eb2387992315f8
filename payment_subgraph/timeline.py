"""What happened to payments, as the API tells it: one statement, however many payments are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, case, func, select

from payment_subgraph.cursors import Cursor, PageRequest
from payment_subgraph.database import Database
from payment_subgraph.errors import BadUserInput
from payment_subgraph.money import Money
from payment_subgraph.observation import THAW
from payment_subgraph.outbox_message import message_id
from payment_subgraph.pages import Page
from payment_subgraph.tables import payment_operations, payment_transitions
from payment_subgraph.transitions import FOR_STAFF

_TOLD: Final = (
    "payment_id",
    "sequence",
    "type",
    "subject_id",
    "source",
    "cause_id",
    "amount_minor",
    "currency",
    "reason",
    "occurred_at",
)


@dataclass(frozen=True, slots=True)
class PaymentEventRecord:
    """One transition. *actor_id*: who asked for what caused it, if somebody did."""

    payment_id: str
    sequence: int
    type: str
    subject_id: str
    source: str
    cause_id: str
    actor_id: str | None
    amount: Money | None
    reason: str | None
    occurred_at: datetime

    @property
    def id(self) -> str:
        return message_id(self.payment_id, self.sequence)


class Timeline:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def events_of(
        self, payment_ids: Sequence[str], page: PageRequest, *, for_staff: bool
    ) -> dict[str, Page[PaymentEventRecord]]:
        """Of each payment a page, the newest first; only for staff with what payers are not told."""
        groups: dict[str, list[PaymentEventRecord]] = {one: [] for one in payment_ids}
        query = _ranked(payment_ids, page, for_staff=for_staff)
        for row in await self._database.rows(query):
            groups[row["payment_id"]].append(_record(row))
        return {
            one: Page(tuple(rows[: page.size]), more=len(rows) > page.size) for one, rows in groups.items()
        }


def _ranked(payment_ids: Sequence[str], page: PageRequest, *, for_staff: bool) -> Select[Any]:
    column, operation = payment_transitions.c, payment_operations.c
    wanted: list[ColumnElement[bool]] = [column.payment_id.in_(payment_ids)]
    if page.cursor is not None:
        wanted.append(column.sequence < _sequence(page.cursor))
    if not for_staff:
        wanted.append(column.type.not_in(FOR_STAFF))
    rank = func.row_number().over(partition_by=column.payment_id, order_by=column.sequence.desc())
    actor = case((column.source.in_(("SYNC", THAW)), column.cause_id), else_=operation.actor_id)
    ranked = (
        select(*(column[name] for name in _TOLD), actor.label("actor_id"), rank.label("place"))
        .select_from(payment_transitions.outerjoin(payment_operations, operation.id == column.cause_id))
        .where(*wanted)
        .subquery()
    )
    return select(ranked).where(ranked.c.place <= page.size + 1).order_by(ranked.c.place)


def _sequence(cursor: Cursor) -> int:
    text = cursor.id.rpartition("_")[2]
    if not (text.isdigit() and len(text) <= 9):
        raise BadUserInput("This cursor does not belong to this list.")
    return int(text)


def _record(row: RowMapping) -> PaymentEventRecord:
    moved = row["amount_minor"]
    return PaymentEventRecord(
        payment_id=row["payment_id"],
        sequence=row["sequence"],
        type=row["type"],
        subject_id=row["subject_id"],
        source=row["source"],
        cause_id=row["cause_id"],
        actor_id=row["actor_id"],
        amount=None if moved is None else Money(moved, row["currency"]),
        reason=row["reason"],
        occurred_at=row["occurred_at"],
    )


def timeline_cursor_of(record: PaymentEventRecord, page: PageRequest) -> str:
    return Cursor(page.field, record.occurred_at, record.id).encode()
