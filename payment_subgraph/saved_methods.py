"""What becomes of kept payment methods: chosen as the default, removed, forgotten with their owner, followed by the worker."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from payment_subgraph.customer import Customer, CustomerOperationKind, SavedMethod, default_of, watched
from payment_subgraph.customer_operations import CustomerOperations
from payment_subgraph.customer_repository import CustomerRepository, CustomerTransaction
from payment_subgraph.errors import NotFound, ProviderRefused
from payment_subgraph.methods_refresh import MethodsRefresh
from payment_subgraph.processor import ProcessorError, ProviderEvent, Refused
from payment_subgraph.vault import Vault
from payment_subgraph.viewer import Viewer

log = logging.getLogger(__name__)

_BATCH: Final = 10
_KIND: Final = "payment method"
_STILL_THERE: Final = (
    "The method is not used any more, but the payment provider has not confirmed its removal yet."
)


@dataclass(frozen=True, slots=True)
class SavedMethods:
    """The scope of a mutation was checked at the field, ownership is here. *answer_within* is how long a caller waits."""

    repository: CustomerRepository
    vault: Vault
    operations: CustomerOperations
    refresh: MethodsRefresh
    answer_within: timedelta
    lease: timedelta
    clock: Callable[[], datetime]

    async def set_default(self, viewer: Viewer, method_id: str) -> str:
        """The owner's id. Raises NotFound, also for a method that cannot be used."""
        async with self.repository.writing() as rows:
            customer, method = await _locked(rows, viewer, method_id)
            if not method.usable:
                raise NotFound(method_id, _KIND)
            await rows.change_customer(replace(customer, default_method_id=method.id), self.clock())
        return method.owner_id

    async def remove(self, viewer: Viewer, method_id: str) -> str:
        """The owner's id. From here on it is not used; raises ProviderRefused while the provider still keeps it.

        That is mended by the worker, or by asking again. A payment that was sent with it before goes on.
        """
        method = await self._mark_removed(viewer, method_id)
        if method.leaving:
            await self._keep_up_in_time(method.customer_id)
            async with self.repository.reading() as rows:
                method = await _owned(rows, viewer, method_id)
        if method.leaving:
            raise ProviderRefused(None, retryable=True, message=_STILL_THERE)
        return method.owner_id

    async def forget_owner(self, owner_id: str) -> None:
        """Use nothing of the owner's any more, forget what it looked like, and have the provider delete the customer.

        To be called when the owner is erased; may be called again. What the provider does not do at once, the worker
        sees to.
        """
        now = self.clock()
        async with self.repository.writing() as rows:
            customer = await rows.customer_of(owner_id)
            if customer is None:
                return
            customer = await rows.customer(customer.id, lock=True)
            for method in await rows.methods_of(customer.id):
                await rows.change_method(_removed(method, now), now)
            ended = replace(
                customer, ended_at=now, to_delete=True, default_method_id=None, open_setup_id=None
            )
            await rows.change_customer(watched(ended, now), now)
        await self._keep_up_in_time(customer.id)

    async def _mark_removed(self, viewer: Viewer, method_id: str) -> SavedMethod:
        now = self.clock()
        async with self.repository.writing() as rows:
            customer, method = await _locked(rows, viewer, method_id)
            if method.removed_at is not None or method.detached_at is not None:
                return method
            removed = _removed(method, now)
            await rows.change_method(removed, now)
            default = default_of(customer, await rows.methods_of(customer.id))
            await rows.change_customer(watched(replace(customer, default_method_id=default), now), now)
        return removed

    # Following the provider.

    async def follow(self, hint: ProviderEvent) -> bool:
        """Read again what an event is about. False if we have no such customer."""
        customer = await self._customer_of(hint)
        if customer is None:
            return False
        if customer.ended_at and not customer.to_delete and customer.provider_customer_id is None:
            log.error("ALERT customer %s was given up, but exists at the provider", customer.id)
        async with self.repository.writing() as rows:
            await rows.hurry_operations(customer.id, self.clock())
        await self.refresh(customer.id)
        return True

    async def _customer_of(self, hint: ProviderEvent) -> Customer | None:
        """By the provider's id, else by the id of ours that we wrote on the object: its answer may be lost."""
        async with self.repository.reading() as rows:
            found = await rows.customer_of_provider(hint.provider_customer_id or "")
            if found is None and hint.customer_id is not None:
                found = await rows.customer_named(hint.customer_id)
        return found

    async def work(self) -> int:
        """The worker's part: what was not answered, and the lists of which something is expected."""
        now = self.clock()
        async with self.repository.reading() as rows:
            operations = await rows.due_operations(now, _BATCH)
            waiting = await rows.has_customers_to_reread(now)
        customers = await self._claim() if waiting else []
        tries = [_surviving(one, self.operations.advance(one)) for one in operations]
        readings = [_surviving(one, self.keep_up(one)) for one in customers]
        return sum(await asyncio.gather(*tries, *readings))

    async def _claim(self) -> list[str]:
        async with self.repository.writing() as rows:
            return await rows.claim_customers_to_reread(self.clock(), self.lease, _BATCH)

    async def keep_up(self, customer_id: str) -> bool:
        """Have the provider do what is still to be done for the customer, and read what it has. Raises ProcessorError."""
        async with self.repository.reading() as rows:
            customer = await rows.customer(customer_id)
            leaving = [method for method in await rows.methods_of(customer_id) if method.leaving]
        if customer.to_delete:
            await self._delete(customer)
        else:
            for method in leaving:
                await _done_or_gone(self.vault.detach(method.provider_method_id))
        await self.refresh(customer_id)
        return True

    async def _delete(self, customer: Customer) -> None:
        """One that is being made just now is left to the next turn."""
        if customer.provider_customer_id is not None:
            await _done_or_gone(self.vault.delete_customer(customer.provider_customer_id))
            return
        now = self.clock()
        async with self.repository.writing() as rows:
            customer = await rows.customer(customer.id, lock=True)
            under_way = await rows.open_operation(customer.id, CustomerOperationKind.CREATE)
            never_made = customer.provider_customer_id is None and under_way is None
            if never_made:
                await rows.change_customer(replace(customer, to_delete=False, reread_at=None), now)

    async def _keep_up_in_time(self, customer_id: str) -> None:
        try:
            async with asyncio.timeout(self.answer_within.total_seconds()):
                await self.keep_up(customer_id)
        except (TimeoutError, ProcessorError) as said:
            log.warning("customer %s is not up to date: %s", customer_id, said)


async def _owned(rows: CustomerTransaction, viewer: Viewer, method_id: str) -> SavedMethod:
    method = await rows.method(method_id)
    if method is None or method.id != method_id or not viewer.may_write(method.owner_id):
        raise NotFound(method_id, _KIND)
    return method


async def _locked(rows: CustomerTransaction, viewer: Viewer, method_id: str) -> tuple[Customer, SavedMethod]:
    """The method as it stands under its customer's lock."""
    method = await _owned(rows, viewer, method_id)
    customer = await rows.customer(method.customer_id, lock=True)
    return customer, await _owned(rows, viewer, method_id)


def _removed(method: SavedMethod, now: datetime) -> SavedMethod:
    return replace(method, details=None, removed_at=method.removed_at or now)


async def _done_or_gone(request: Awaitable[None]) -> None:
    """A refusal proves nothing: that it is gone already sounds like that. What there is will be read."""
    try:
        await request
    except Refused as said:
        log.info("refused: %s", said)


async def _surviving(name: str, work: Awaitable[bool]) -> int:
    """A fault of one must not keep the others from their turn."""
    try:
        return await work
    except ProcessorError as said:
        log.warning("%s: the provider was not asked: %s", name, said)
    except Exception:
        log.exception("the worker failed at %s", name)
    return 0
