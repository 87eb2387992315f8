"""Stripe's customers, setup intents and payment methods as a Vault. Given its client by `stripe_processor.py`.

Source: https://docs.stripe.com/payments/save-and-reuse, https://docs.stripe.com/api/setup_intents
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from payment_subgraph.customer import Customer, CustomerOperation, CustomerOperationKind, MethodSnapshot
from payment_subgraph.processor import Refused
from payment_subgraph.stripe_objects import method_snapshot, setup_snapshot
from payment_subgraph.vault import SetupSnapshot

if TYPE_CHECKING:
    import stripe

_PAGE = 100


class Listing(Protocol):
    def __call__(self, listing: Awaitable[Any]) -> AsyncIterator[dict[str, Any]]: ...


class StripeVault:
    """*ask* awaits a call and translates Stripe's errors; *listed* does so page by page."""

    keeps_methods = True

    def __init__(
        self,
        client: "stripe.StripeClient",
        ask: Callable[[Awaitable[Any]], Awaitable[Any]],
        listed: Listing,
        environment: str,
        version: str,
    ) -> None:
        self._stripe, self._ask, self._listed = client.v1, ask, listed
        self._environment, self.version = environment, version

    def customer_params(self, customer: Customer) -> Mapping[str, Any]:
        return {
            "metadata": {
                "customer_id": customer.id,
                "user_id": customer.owner_id,
                "env": self._environment,
            }
        }

    def setup_params(self, customer: Customer, operation_id: str) -> Mapping[str, Any]:
        return {
            "customer": customer.provider_customer_id,
            "usage": "off_session",
            "automatic_payment_methods": {"enabled": True},
            "metadata": {
                "customer_id": customer.id,
                "operation_id": operation_id,
                "env": self._environment,
            },
        }

    async def make(self, operation: CustomerOperation) -> str:
        params = cast("Any", dict(operation.params))
        options = cast(
            "Any",
            {"idempotency_key": operation.provider_key, "stripe_version": operation.provider_version},
        )
        match operation.kind:
            case CustomerOperationKind.CREATE:
                made = await self._ask(self._stripe.customers.create_async(params, options))
            case CustomerOperationKind.SETUP:
                made = await self._ask(self._stripe.setup_intents.create_async(params, options))
        return str(made.id)

    async def find(
        self, operation: CustomerOperation, customer: Customer, since: datetime, until: datetime
    ) -> str | None:
        params: dict[str, Any] = {
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp()) + 1},
            "limit": _PAGE,
        }
        match operation.kind:
            case CustomerOperationKind.CREATE:
                listing: Awaitable[Any] = self._stripe.customers.list_async(cast("Any", params))
                ours = "customer_id", customer.id
            case CustomerOperationKind.SETUP:
                params["customer"] = customer.provider_customer_id
                listing = self._stripe.setup_intents.list_async(cast("Any", params))
                ours = "operation_id", operation.id
        async for found in self._listed(listing):
            if ours in (found.get("metadata") or {}).items():
                return str(found["id"])
        return None

    async def fetch_setup(self, provider_setup_id: str) -> SetupSnapshot:
        found = await self._ask(self._stripe.setup_intents.retrieve_async(provider_setup_id))
        return setup_snapshot(found.to_dict())

    async def fetch_methods(self, provider_customer_id: str) -> Sequence[MethodSnapshot] | None:
        """A customer that was deleted has no list; it is asked for itself, so that nothing else is taken for that."""
        listing = self._stripe.customers.payment_methods.list_async(provider_customer_id, {"limit": _PAGE})
        try:
            found = [method_snapshot(one) async for one in self._listed(listing)]
        except Refused:
            if await self._is_deleted(provider_customer_id):
                return None
            raise
        return found if found or not await self._is_deleted(provider_customer_id) else None

    async def _is_deleted(self, provider_customer_id: str) -> bool:
        found = await self._ask(self._stripe.customers.retrieve_async(provider_customer_id))
        return bool(found.to_dict().get("deleted"))

    async def detach(self, provider_method_id: str) -> None:
        await self._ask(self._stripe.payment_methods.detach_async(provider_method_id))

    async def delete_customer(self, provider_customer_id: str) -> None:
        await self._ask(self._stripe.customers.delete_async(provider_customer_id))
