"""Making a customer, or a setup, at the provider: the routine of `operations.py` (T2 to T4 and LOOK) for these two.

The row was written before, with its key and parameters. No money moves by them, so nobody has to be told of a
rejection later: whoever needs a customer or a setup then begins a new one.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from payment_subgraph.carrying import Carrying
from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.customer import Customer, CustomerOperation, CustomerOperationKind, watched
from payment_subgraph.customer_repository import CustomerRepository
from payment_subgraph.operation import OperationState, Patience, Step, absence_is_final, next_step
from payment_subgraph.processor import Busy, KeyMisused, OutcomeUnknown, ProcessorError, Refused
from payment_subgraph.vault import Vault

log = logging.getLogger(__name__)

_CLOCK_SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CustomerOperations:
    repository: CustomerRepository
    vault: Vault
    patience: Patience
    clock: Callable[[], datetime]
    running: set[asyncio.Task[bool]] = field(default_factory=set)

    @property
    def carrying(self) -> Carrying[CustomerOperation]:
        return Carrying(self.advance, self.read, self.clock, self.running)

    async def read(self, operation_id: str) -> CustomerOperation:
        async with self.repository.reading() as rows:
            return await rows.operation(operation_id)

    async def advance(self, operation_id: str) -> bool:
        """One try. False if the operation was not to be had: settled, held by another, or not due."""
        now = self.clock()
        operation = await self.read(operation_id)
        if operation.resolved or operation.due_at > now:
            return False
        step = next_step(operation, now, self.patience)
        claimed = await self._claim(operation, step, now)
        if claimed is None:
            return False
        crash_point(CrashPoint.T2_CLAIMED, "CUSTOMER")
        await (self._send(claimed) if step is Step.SEND else self._look(claimed))
        return True

    async def _claim(
        self, operation: CustomerOperation, step: Step, now: datetime
    ) -> CustomerOperation | None:
        first = operation.first_sent_at or now
        sent = {"first_sent_at": first, "last_sent_at": now} if step is Step.SEND else {}
        async with self.repository.writing() as rows:
            return await rows.change_operation(
                operation,
                state=OperationState.IN_FLIGHT,
                due_at=now + self.patience.lease,
                attempts=operation.attempts + 1,
                **sent,
            )

    async def _send(self, operation: CustomerOperation) -> None:
        """Only a 2xx and a clear no end it."""
        try:
            made = await self.vault.make(operation)
        except ProcessorError as said:
            crash_point(CrashPoint.T3_ANSWERED, "CUSTOMER")
            log.warning("customer operation %s: %s (request %s)", operation.id, said, said.request_id)
            await self._not_made(operation, said)
        else:
            crash_point(CrashPoint.T3_ANSWERED, "CUSTOMER")
            await self._settle(operation, made)

    async def _not_made(self, operation: CustomerOperation, said: ProcessorError) -> None:
        match said:
            case Refused():
                await self._settle(operation, None)
            case Busy():
                await self._leave_open(operation, state=OperationState.IN_FLIGHT)
            case OutcomeUnknown():
                await self._leave_open(operation, must_look=operation.must_look or said.stored)
            case KeyMisused():
                log.error("ALERT the key of %s was used with other parameters", operation.id)
                await self._leave_open(operation, must_look=True)
            case _:
                log.error("ALERT the provider makes nothing for %s: %s", operation.customer_id, said)
                await self._leave_open(operation)

    async def _look(self, operation: CustomerOperation) -> None:
        """Not finding anything is proof only after the time of grace."""
        try:
            found = await self._find(operation)
        except ProcessorError as said:
            log.warning("looking for %s failed: %s", operation.id, said)
            await self._leave_open(operation)
            return
        if found is not None or absence_is_final(operation, self.clock(), self.patience):
            await self._settle(operation, found)
        else:
            await self._leave_open(operation, looks=operation.looks + 1)

    async def _find(self, operation: CustomerOperation) -> str | None:
        first = operation.first_sent_at or operation.created_at
        last = operation.last_sent_at or self.clock()
        async with self.repository.reading() as rows:
            customer = await rows.customer(operation.customer_id)
        window = first - _CLOCK_SKEW, last + self.patience.give_up_after
        return await self.vault.find(operation, customer, *window)

    async def _leave_open(
        self,
        operation: CustomerOperation,
        *,
        state: OperationState = OperationState.UNKNOWN,
        must_look: bool | None = None,
        looks: int | None = None,
    ) -> None:
        async with self.repository.writing() as rows:
            await rows.change_operation(
                operation,
                state=state,
                due_at=self.patience.next_try(operation, self.clock()),
                must_look=operation.must_look if must_look is None else must_look,
                looks=operation.looks if looks is None else looks,
            )

    async def _settle(self, operation: CustomerOperation, made: str | None) -> None:
        """T4: with what was *made*, or as never done."""
        now = self.clock()
        state = OperationState.SUCCEEDED if made else OperationState.REJECTED
        outcome = {"state": state, "resolved_at": now, "provider_object_id": made}
        async with self.repository.writing() as rows:
            customer = await rows.customer(operation.customer_id, lock=True)
            if made:
                settled = await rows.resolve_operation(operation, **outcome)
            else:  # another try that was begun since will tell
                settled = await rows.change_operation(operation, **outcome)
            after = _with(customer, operation.kind, made, now)
            if settled is not None and after != customer:
                await rows.change_customer(after, now)
            crash_point(CrashPoint.T4_WRITTEN, "CUSTOMER")
        crash_point(CrashPoint.T4_COMMITTED, "CUSTOMER")


def _with(customer: Customer, kind: CustomerOperationKind, made: str | None, now: datetime) -> Customer:
    """*customer* with what was made for it, or as one that will never be made."""
    if kind is CustomerOperationKind.SETUP:
        return replace(watched(customer, now), open_setup_id=made) if made else customer
    if made:
        reread_at = now if customer.to_delete else customer.reread_at
        return replace(customer, provider_customer_id=made, reread_at=reread_at)
    return replace(customer, ended_at=customer.ended_at or now, to_delete=False)
