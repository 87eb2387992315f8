"""Whether the tables still say what follows from the log, and the ledger what follows from the tables.

Reads only, some hundred payments at a time, each batch as it was at one moment.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from payment_subgraph.books import posted_by_payment
from payment_subgraph.database import Database
from payment_subgraph.dispute import Dispute
from payment_subgraph.ledger import Sums, differences
from payment_subgraph.operation import Operation, OperationKind, OperationState
from payment_subgraph.payment import Payment
from payment_subgraph.rebuild import History, Observation, deviations
from payment_subgraph.refund import Refund
from payment_subgraph.tables import (
    disputes,
    ledger_entries,
    observations,
    payment_operations,
    payments,
    refunds,
)
from payment_subgraph.totals import Totals

BATCH: Final = 200


@dataclass(slots=True)
class Progress:
    payments: int = 0


@dataclass(frozen=True, slots=True)
class Verification:
    database: Database

    async def __call__(self, progress: Progress | None = None) -> AsyncIterator[str]:
        """One sentence for each thing that is wrong."""
        seen, last = progress or Progress(), ""
        while histories := await self._batch(last):
            for history, posted in histories:
                for told in _wrong(history, posted):
                    yield told
            seen.payments += len(histories)
            last = histories[-1][0].payment.id
            await asyncio.sleep(0)  # the worker has other things to do, too
        async for told in self._without_rows():
            yield told
        for wrong in await Totals(self.database).wrong():
            yield str(wrong)

    async def _batch(self, after: str) -> list[tuple[History, dict[str, Sums]]]:
        async with self.database.snapshot() as connection:
            page = _all(Payment, payments).where(payments.c.id > after)
            found = await _made(connection, Payment, page.order_by(payments.c.id).limit(BATCH))
            return await _histories(connection, found)

    async def _without_rows(self) -> AsyncIterator[str]:
        """Observed as ours, but not here: a row was lost."""
        last = ""
        ours = exists().where(payments.c.id == observations.c.object_id)
        lost = select(observations.c.object_id).where(observations.c.object_type == "payment", ~ours)
        while True:
            page = lost.where(observations.c.object_id > last).distinct()
            rows = await self.database.rows(page.order_by(observations.c.object_id).limit(BATCH))
            if not rows:
                return
            for row in rows:
                yield f"{row['object_id']}: is in the log, but not in the table"
            last = rows[-1]["object_id"]


def _wrong(history: History, posted: dict[str, Sums]) -> list[str]:
    payment = history.payment
    expected = Sums(capture=payment.amount_captured, refund=payment.amount_refunded)
    told = [str(one) for one in deviations(history)]
    for currency in sorted({payment.currency, *posted}):
        own = expected if currency == payment.currency else Sums()
        told += [
            f"{payment.id}: the ledger has {one.posted.minor} {currency} of {one.kind}, the payment "
            f"{one.expected.minor} (in minor units)"
            for one in differences(payment.id, currency, own, posted.get(currency, Sums()))
        ]
    return told


async def _histories(
    connection: AsyncConnection, found: Sequence[Payment]
) -> list[tuple[History, dict[str, Sums]]]:
    ids = [one.id for one in found]
    back = await _made(connection, Refund, _all(Refund, refunds).where(refunds.c.payment_id.in_(ids)))
    disputed = await _made(connection, Dispute, _all(Dispute, disputes).where(disputes.c.payment_id.in_(ids)))
    operation = payment_operations.c
    made_something = operation.refund_id.is_not(None) | (operation.kind == OperationKind.CREATE)
    refused = operation.payment_id.in_(ids) & (operation.state == OperationState.REJECTED) & made_something
    rejected = await _made(connection, Operation, _all(Operation, payment_operations).where(refused))
    named = observations.c.object_id.in_([*ids, *(one.id for one in (*back, *disputed))])
    seen = await _made(
        connection, Observation, _all(Observation, observations).where(named).order_by(observations.c.seq)
    )
    posted: dict[str, dict[str, Sums]] = defaultdict(dict)
    sums = posted_by_payment(ledger_entries.c.payment_id.in_(ids))
    for row in (await connection.execute(select(sums))).mappings():
        posted[row["payment_id"]][row["currency"]] = Sums(
            capture=int(row["capture"]), refund=int(row["refund"])
        )
    payment_of = {one.id: one.payment_id for one in (*back, *disputed)} | {one: one for one in ids}
    return [
        (
            History(
                payment,
                [one for one in back if one.payment_id == payment.id],
                [one for one in disputed if one.payment_id == payment.id],
                [one for one in rejected if one.payment_id == payment.id],
                [one for one in seen if payment_of[one.object_id] == payment.id],
            ),
            posted[payment.id],
        )
        for payment in found
    ]


def _all(kind: type, table: Any) -> Select[Any]:
    return select(*(table.c[field.name] for field in fields(kind)))


async def _made(connection: AsyncConnection, kind: Any, query: Select[Any]) -> list[Any]:
    return [kind(**row) for row in (await connection.execute(query)).mappings()]
