"""What one request asks of the database, gathered so that a list of N costs as many statements as one."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from strawberry import dataloader

from payment_subgraph.books import Books, Summary
from payment_subgraph.cursors import PageRequest
from payment_subgraph.customer_repository import CustomerRepository, KeptMethod
from payment_subgraph.dispute import Dispute
from payment_subgraph.operation import Operation
from payment_subgraph.pages import Page, Pages, PaymentFilter
from payment_subgraph.payment import Payment
from payment_subgraph.refund import Refund
from payment_subgraph.timeline import PaymentEventRecord, Timeline

Arguments = TypeVar("Arguments", bound=Hashable)
Found = TypeVar("Found")


class DataLoader(dataloader.DataLoader[Arguments, Found]):
    """Many may wait for the same, and one of them that is cancelled must not take the others along."""

    def load(self, key: Arguments) -> Awaitable[Found]:
        return asyncio.shield(super().load(key))


class Grouped(Generic[Arguments, Found]):
    """Loads by (parent id, arguments): one call of *load* per distinct arguments."""

    def __init__(self, load: Callable[[Sequence[str], Arguments], Awaitable[Sequence[Found]]]) -> None:
        self._load = load
        self._loader: DataLoader[tuple[str, Arguments], Found] = DataLoader(self._load_all)

    async def of(self, parent_id: str, arguments: Arguments) -> Found:
        return await self._loader.load((parent_id, arguments))

    async def _load_all(self, keys: list[tuple[str, Arguments]]) -> list[Found]:
        parents: dict[Arguments, list[str]] = defaultdict(list)
        for parent_id, arguments in keys:
            parents[arguments].append(parent_id)
        found: dict[tuple[str, Arguments], Found] = {}
        for arguments, ids in parents.items():
            for parent_id, one in zip(ids, await self._load(ids, arguments), strict=True):
                found[parent_id, arguments] = one
        return [found[key] for key in keys]


class Loaders:
    """One per request, or per state of a watched payment: what it has loaded it does not load again.

    It knows nothing of viewers: whether they may see what was loaded is asked at each field.
    """

    def __init__(self, pages: Pages, books: Books, timeline: Timeline, customers: CustomerRepository) -> None:
        self._pages, self._books, self._timeline, self._customers = pages, books, timeline, customers
        self.payment: DataLoader[str, Payment | None] = DataLoader(self._payments_by_id)
        self.refund: DataLoader[str, Refund | None] = DataLoader(self._refunds_by_id)
        self.dispute: DataLoader[str, Dispute | None] = DataLoader(self._disputes_by_id)
        self.disputes_of: DataLoader[str, list[Dispute]] = DataLoader(self._disputes_of)
        self.open_operations: DataLoader[str, list[Operation]] = DataLoader(self._open_operations)
        self.payments_of = Grouped(self._payments_of)
        self.payment_count_of = Grouped(self._payment_count_of)
        self.refunds_of = Grouped(self._refunds_of)
        self.summary_of = Grouped(self._summary_of)
        self.events_of = Grouped(self._events_of)
        self.methods_of: DataLoader[str, list[KeptMethod]] = DataLoader(self._methods_of)
        self.method_of_provider: DataLoader[str, KeptMethod | None] = DataLoader(self._methods_of_provider)

    async def _payments_by_id(self, ids: list[str]) -> list[Payment | None]:
        found = await self._pages.payments_by_id(ids)
        return [found.get(one) for one in ids]

    async def _refunds_by_id(self, ids: list[str]) -> list[Refund | None]:
        found = await self._pages.refunds_by_id(ids)
        return [found.get(one) for one in ids]

    async def _disputes_by_id(self, ids: list[str]) -> list[Dispute | None]:
        found = await self._pages.disputes_by_id(ids)
        return [found.get(one) for one in ids]

    async def _disputes_of(self, ids: list[str]) -> list[list[Dispute]]:
        found = await self._pages.disputes_of(ids)
        return [found.get(one, []) for one in ids]

    async def _open_operations(self, ids: list[str]) -> list[list[Operation]]:
        found = await self._pages.open_operations_of(ids)
        return [found.get(one, []) for one in ids]

    async def _payments_of(
        self, owners: Sequence[str], asked: tuple[PaymentFilter, PageRequest]
    ) -> list[Page[Payment]]:
        found = await self._pages.payments_of(owners, *asked)
        return [found[one] for one in owners]

    async def _payment_count_of(self, owners: Sequence[str], wanted: PaymentFilter) -> list[int]:
        found = await self._pages.count_payments_of(owners, wanted)
        return [found.get(one, 0) for one in owners]

    async def _refunds_of(self, payments: Sequence[str], page: PageRequest) -> list[Page[Refund]]:
        found = await self._pages.refunds_of(payments, page)
        return [found[one] for one in payments]

    async def _summary_of(self, owners: Sequence[str], currency: str) -> list[Summary]:
        found = await self._books.summaries_of(owners, currency)
        return [found[one] for one in owners]

    async def _events_of(
        self, payments: Sequence[str], asked: tuple[PageRequest, bool]
    ) -> list[Page[PaymentEventRecord]]:
        page, for_staff = asked
        found = await self._timeline.events_of(payments, page, for_staff=for_staff)
        return [found[one] for one in payments]

    async def _methods_of(self, owners: list[str]) -> list[list[KeptMethod]]:
        found = await self._customers.methods_of_owners(owners)
        return [found.get(one, []) for one in owners]

    async def _methods_of_provider(self, provider_ids: list[str]) -> list[KeptMethod | None]:
        found = await self._customers.methods_of_provider(provider_ids)
        return [found.get(one) for one in provider_ids]
