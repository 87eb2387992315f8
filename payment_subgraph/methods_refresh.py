"""The one door through which the provider's list of a customer's payment methods enters our rows.

The whole list is read, and written only if no other reading was written since it began. Webhooks, users and the worker
all come this way, so any order, repetition or loss of webhooks leads to the same rows.

No reading is kept in `observations`: nothing follows from what was in the list before, and what a card looked like is to
be forgotten with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from payment_subgraph.crash_points import CrashPoint, crash_point
from payment_subgraph.customer import Customer, MethodSnapshot, default_of, next_reread, taken_in
from payment_subgraph.customer_repository import CustomerRepository, CustomerTransaction
from payment_subgraph.processor import Refused
from payment_subgraph.vault import SetupSnapshot, Vault

_TRIES: Final = 20


class MethodsContended(Exception):
    """Others read the customer's list faster than we could, again and again."""


@dataclass(frozen=True, slots=True)
class MethodsReading:
    """What the provider says; *before* is the customer as it was before we asked. *methods* None: it was deleted."""

    before: Customer
    setup: SetupSnapshot | None
    methods: Sequence[MethodSnapshot] | None


@dataclass(frozen=True, slots=True)
class MethodsRefresh:
    repository: CustomerRepository
    vault: Vault
    clock: Callable[[], datetime]

    async def __call__(self, customer_id: str, reading: MethodsReading | None = None) -> Customer:
        """Write *reading*, or a fresh one if there is none or it came too late. Raises ProcessorError."""
        for _ in range(_TRIES):
            reading = reading or await self.read(customer_id)
            if reading is None:
                async with self.repository.reading() as rows:
                    return await rows.customer(customer_id)
            async with self.repository.writing() as rows:
                written = await self._write(rows, reading)
                crash_point(CrashPoint.T4_WRITTEN, "METHODS")
            crash_point(CrashPoint.T4_COMMITTED, "METHODS")
            if written is not None:
                return written
            reading = None
        raise MethodsContended(customer_id)

    async def read(self, customer_id: str) -> MethodsReading | None:
        """None for a customer that the provider has not made yet."""
        async with self.repository.reading() as rows:
            before = await rows.customer(customer_id)
        if before.provider_customer_id is None:
            return None
        # First the setup, then the list: once we have seen it end, its method is in the list.
        setup = await self.open_setup(before)
        return MethodsReading(before, setup, await self.vault.fetch_methods(before.provider_customer_id))

    async def open_setup(self, customer: Customer) -> SetupSnapshot | None:
        """None also for one that the provider does not know (any more)."""
        if customer.open_setup_id is None:
            return None
        try:
            return await self.vault.fetch_setup(customer.open_setup_id)
        except Refused:
            return None

    async def _write(self, rows: CustomerTransaction, reading: MethodsReading) -> Customer | None:
        """None, with nothing written, if another reading was taken in since this one began."""
        now = self.clock()
        customer = await rows.customer(reading.before.id, lock=True)
        if customer.readings != reading.before.readings:
            return None
        known = await rows.methods_of(customer.id)
        methods = taken_in(customer, known, reading.methods or (), now)
        for was, method in zip(known, methods, strict=False):
            if was != method:
                await rows.change_method(method, now)
        for method in methods[len(known) :]:
            await rows.add_method(method)
        after = replace(_seen(customer, reading, now), default_method_id=default_of(customer, methods))
        return await rows.change_customer(replace(after, reread_at=next_reread(after, methods, now)), now)


def _seen(customer: Customer, reading: MethodsReading, now: datetime) -> Customer:
    over = reading.setup is None or not reading.setup.waiting
    same = customer.open_setup_id == reading.before.open_setup_id
    seen = replace(
        customer,
        readings=customer.readings + 1,
        open_setup_id=None if over and same else customer.open_setup_id,
    )
    if reading.methods is not None:
        return seen
    return replace(seen, open_setup_id=None, to_delete=False, ended_at=customer.ended_at or now)
