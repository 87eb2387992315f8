"""An owner's customer and setup at the provider: written down first, then made, and never a second one beside it."""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import IntegrityError

from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.customer import Customer, CustomerOperation, CustomerOperationKind, watched
from payment_subgraph.customer_operations import CustomerOperations
from payment_subgraph.customer_repository import CustomerRepository
from payment_subgraph.errors import ProviderRefused, RateLimited
from payment_subgraph.ids import new_customer_id, new_operation_id
from payment_subgraph.methods_refresh import MethodsContended, MethodsRefresh
from payment_subgraph.operation import OperationState
from payment_subgraph.processor import ProcessorError, Refused
from payment_subgraph.vault import Vault

log = logging.getLogger(__name__)

SETUPS_AN_HOUR: Final = 10
"""What an owner may begin: to give a card there is how stolen cards are tried out."""
_HOUR: Final = timedelta(hours=1)
_TRIES: Final = 20
_UNREACHABLE: Final = "The payment provider could not be asked."
NOTHING_IS_KEPT: Final = "The payment provider of this service keeps no payment methods."

Written = tuple[Customer, CustomerOperation | None]
"""The customer's row, and the open operation by which it is made."""


@dataclass(frozen=True, slots=True)
class Customers:
    """*answer_within*: how long a caller waits for the provider."""

    repository: CustomerRepository
    vault: Vault
    operations: CustomerOperations
    refresh: MethodsRefresh
    answer_within: timedelta
    clock: Callable[[], datetime]

    async def set_up(self, owner_id: str) -> str:
        """The client secret of the owner's one open setup. Raises RateLimited and ProviderRefused."""
        if not self.vault.keeps_methods:
            raise ProviderRefused(None, retryable=False, message=NOTHING_IS_KEPT)
        try:
            async with asyncio.timeout(self.answer_within.total_seconds()):
                return await self._set_up(owner_id)
        except Refused as said:
            raise ProviderRefused(said.request_id, retryable=False) from said
        except (TimeoutError, ProcessorError) as said:
            log.warning("no setup for %s: %s", owner_id, said)
            raise ProviderRefused(None, retryable=True, message=_UNREACHABLE) from said

    async def customer_of(self, owner_id: str, within: timedelta) -> Customer:
        """The owner's customer, made if there is none. Raises ProviderRefused if the provider has not answered."""
        customer, operation = await self._written_customer(owner_id)
        if operation is not None:
            crash_point(CrashPoint.T1_COMMITTED, "CUSTOMER")
            await self.operations.carrying.answer(operation.id, within)
        if customer.provider_customer_id is None:
            customer = await self._read(customer.id)
        if customer.provider_customer_id is not None:
            return customer
        if customer.ended_at is None:
            raise ProviderRefused(None, retryable=True, message=_UNREACHABLE)
        raise ProviderRefused(None, retryable=True)  # the next try makes another one, which may be taken

    async def expect_method(self, customer_id: str) -> None:
        """A payment is to save its method: the worker looks for it, whether or not a webhook tells of it."""
        now = self.clock()
        async with self.repository.writing() as rows:
            customer = await rows.customer(customer_id, lock=True)
            await rows.change_customer(watched(customer, now), now)

    async def _written_customer(self, owner_id: str) -> Written:
        """T1. On PostgreSQL another first use may commit between look and write: then its row is found."""
        async with self.repository.reading() as rows:
            found = await rows.customer_of(owner_id)
        if found is not None and found.provider_customer_id is not None:
            return found, None
        try:
            return await self._write_customer(owner_id)
        except IntegrityError:
            return await self._write_customer(owner_id)

    async def _write_customer(self, owner_id: str) -> Written:
        now = self.clock()
        customer = Customer(
            id=new_customer_id(),
            owner_id=owner_id,
            environment=self.repository.environment,
            created_at=now,
            updated_at=now,
        )
        operation = self._creation(customer, now)
        async with self.repository.writing() as rows:
            found = await rows.customer_of(owner_id)
            if found is not None:
                return found, await rows.open_operation(found.id, CustomerOperationKind.CREATE)
            await rows.add_customer(customer)
            await rows.add_operation(operation)
            crash_point(CrashPoint.T1_WRITTEN, "CUSTOMER")
        return customer, operation

    async def _set_up(self, owner_id: str) -> str:
        """A setup that still waits is given again; one that does not makes place for a new one."""
        for _ in range(_TRIES):
            customer = await self.customer_of(owner_id, self.answer_within)
            if customer.open_setup_id is None:
                customer = await self._with_setup(customer)
            setup = await self.refresh.open_setup(customer)
            if setup is not None and setup.waiting:
                return setup.client_secret
            await self.refresh(customer.id)
        raise MethodsContended(owner_id)

    async def _with_setup(self, customer: Customer) -> Customer:
        operation = await self._written_setup(customer)
        if operation is not None:
            crash_point(CrashPoint.T1_COMMITTED, "CUSTOMER")
            operation = await self.operations.carrying.answer(operation.id, self.answer_within)
            if not operation.resolved:
                raise ProviderRefused(None, retryable=True, message=_UNREACHABLE)
            if operation.state is OperationState.REJECTED:
                await self._require_gone(customer)
        return await self._read(customer.id)

    async def _require_gone(self, customer: Customer) -> None:
        """A setup is refused where the customer was deleted at the provider: then another can be made."""
        if (await self.refresh(customer.id)).ended_at is None:
            raise ProviderRefused(None, retryable=False)

    async def _written_setup(self, customer: Customer) -> CustomerOperation | None:
        """T1. The one that is open already, if one is; None if it was made meanwhile. Raises RateLimited."""
        now = self.clock()
        async with self.repository.writing() as rows:
            current = await rows.customer(customer.id, lock=True)
            if current.open_setup_id is not None or current.ended_at is not None:
                return None
            if waiting := await rows.open_operation(customer.id, CustomerOperationKind.SETUP):
                return waiting
            _require_patience(await rows.setups_since(customer.owner_id, now - _HOUR), now)
            operation = self._setup(current, now)
            await rows.add_operation(operation)
            crash_point(CrashPoint.T1_WRITTEN, "CUSTOMER")
        return operation

    def _creation(self, customer: Customer, now: datetime) -> CustomerOperation:
        return CustomerOperation(
            id=new_operation_id(),
            customer_id=customer.id,
            kind=CustomerOperationKind.CREATE,
            provider_key=f"{customer.id}:customer",
            params=self.vault.customer_params(customer),
            provider_version=self.vault.version,
            created_at=now,
            due_at=now,
        )

    def _setup(self, customer: Customer, now: datetime) -> CustomerOperation:
        operation_id = new_operation_id()
        return CustomerOperation(
            id=operation_id,
            customer_id=customer.id,
            kind=CustomerOperationKind.SETUP,
            provider_key=f"{operation_id}:setup",
            params=self.vault.setup_params(customer, operation_id),
            provider_version=self.vault.version,
            created_at=now,
            due_at=now,
        )

    async def _read(self, customer_id: str) -> Customer:
        async with self.repository.reading() as rows:
            return await rows.customer(customer_id)


def _require_patience(begun: list[datetime], now: datetime) -> None:
    if len(begun) >= SETUPS_AN_HOUR:
        wait = begun[-SETUPS_AN_HOUR] + _HOUR - now
        raise RateLimited(max(1, math.ceil(wait.total_seconds())))
