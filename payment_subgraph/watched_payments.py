"""What those who watch payments are told from: the rows, and by what to see that something changed. One statement each."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import RowMapping, String, cast, func, select

from payment_subgraph.database import Database
from payment_subgraph.payment import Payment
from payment_subgraph.tables import disputes, payment_operations, payments, refunds

_OPERATIONS: Final = payment_operations.c
_ROW: Final = tuple(payments.c[field.name] for field in fields(Payment))
_REFUNDS: Final = (
    select(func.sum(refunds.c.version)).where(refunds.c.payment_id == payments.c.id).scalar_subquery()
)
_DISPUTES: Final = (
    select(func.sum(disputes.c.version)).where(disputes.c.payment_id == payments.c.id).scalar_subquery()
)
_OPEN: Final = (
    select(
        func.aggregate_strings(
            _OPERATIONS.id + ":" + cast(_OPERATIONS.state, String) + ":" + cast(_OPERATIONS.attempts, String),
            ",",
        )
    )
    .where(_OPERATIONS.payment_id == payments.c.id, _OPERATIONS.resolved_at.is_(None))
    .scalar_subquery()
)
_MARK: Final = (
    _REFUNDS.label("refund_versions"),
    _DISPUTES.label("dispute_versions"),
    _OPEN.label("operations"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Another one after every change that can be seen: of the payment, its refunds, its disputes or its open operations."""

    version: int
    refunds: int
    disputes: int
    operations: frozenset[str]

    @classmethod
    def of(cls, row: RowMapping) -> "Mark":
        """Refunds and disputes are never deleted, and their versions only grow: so do the sums."""
        operations = frozenset((row["operations"] or "").split(","))
        refunded, disputed = int(row["refund_versions"] or 0), int(row["dispute_versions"] or 0)
        return cls(row["version"], refunded, disputed, operations)


class WatchedPayments:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, ids: Collection[str]) -> list[tuple[Payment, Mark]]:
        """Those that exist, each with the mark of the same moment."""
        rows = await self._database.rows(select(*_ROW, *_MARK).where(payments.c.id.in_(ids)))
        return [(_payment(row), Mark.of(row)) for row in rows]

    async def marks(self, ids: Collection[str]) -> dict[str, Mark]:
        query = select(payments.c.id, payments.c.version, *_MARK).where(payments.c.id.in_(ids))
        return {row["id"]: Mark.of(row) for row in await self._database.rows(query)}


def _payment(row: RowMapping) -> Payment:
    values: dict[str, Any] = {column.name: row[column.name] for column in _ROW}
    return Payment(**values)
