"""LOOK: find out what became of an operation without sending anything."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from payment_subgraph.closing import Closing
from payment_subgraph.operation import (
    Operation,
    OperationKind,
    Rejection,
    RejectionKind,
    absence_is_final,
)
from payment_subgraph.processor import PaymentProcessor, ProcessorError
from payment_subgraph.refresh import Errand, Refresh
from payment_subgraph.repository import Cause
from payment_subgraph.verdicts import judge_of

log = logging.getLogger(__name__)

_CLOCK_SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Looking:
    processor: PaymentProcessor
    refresh: Refresh
    closing: Closing

    async def look(self, operation: Operation) -> None:
        """Not finding anything is proof only after the time of grace."""
        try:
            found = await self._trace(operation)
        except ProcessorError as said:
            log.warning("looking for operation %s failed: %s", operation.id, said)
            await self.closing.leave_open(operation)
            return
        if found:
            return
        payment = await self.closing.payment(operation.payment_id)
        final = absence_is_final(operation, self.closing.clock(), self.closing.patience)
        if final and payment.frozen_reason is None:
            lost = Rejection(RejectionKind.PROVIDER, code="not_found", retryable=True)
            await self.closing.reject(operation, lost, "LOOK")
        else:
            await self.closing.leave_open(operation, looked=True)

    async def _trace(self, operation: Operation) -> bool:
        """Whether the provider's state decided the operation."""
        payment = await self.closing.payment(operation.payment_id)
        intent = payment.provider_payment_id or await self._find_intent(operation)
        if intent is None:
            return False
        errand = Errand(
            operation.payment_id,
            intent,
            Cause("LOOK", operation.id),
            refunds=operation.kind is OperationKind.REFUND,
            settle=(operation, judge_of(operation)),
        )
        await self.refresh(errand)
        return (await self.closing.operation(operation.id)).resolved

    async def _find_intent(self, operation: Operation) -> str | None:
        first = operation.first_sent_at or operation.created_at
        last = operation.last_sent_at or self.closing.clock()
        window = first - _CLOCK_SKEW, last + self.closing.patience.give_up_after
        seen = await self.processor.find_payment(operation.payment_id, *window)
        return seen.provider_payment_id if seen else None
