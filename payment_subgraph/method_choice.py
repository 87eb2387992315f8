"""What a payment is to be paid with: the name a client sent, as the provider needs it."""

from dataclasses import dataclass
from datetime import timedelta

from payment_subgraph.customer import SavedMethod
from payment_subgraph.customer_repository import CustomerRepository
from payment_subgraph.customers import NOTHING_IS_KEPT, Customers
from payment_subgraph.errors import InvalidInput
from payment_subgraph.flaw import Flaw
from payment_subgraph.ids import SAVED_METHOD
from payment_subgraph.processor import MethodChoice


@dataclass(frozen=True, slots=True)
class MethodChoices:
    """*within*: how long the provider may take to make a customer, before the payment itself is sent."""

    repository: CustomerRepository
    customers: Customers
    within: timedelta

    async def to_pay(
        self, owner_id: str | None, name: str | None, *, save: bool = False, absent: bool = False
    ) -> MethodChoice:
        """*name*: of a kept method by our id or the provider's, or any other that the provider knows. *absent*: the payer.

        Raises InvalidInput for a kept method that is not the owner's, or that is not kept any more, and where it is to
        be saved but none can be; ProviderRefused if it is to be saved and the owner's customer could not be made.
        """
        if save and not self.customers.vault.keeps_methods:
            raise InvalidInput(Flaw(("savePaymentMethod",), "REFUSED_BY_PROVIDER", NOTHING_IS_KEPT))
        kept = await self._kept(name) if name is not None else None
        if kept is not None:
            return await self._kept_choice(owner_id, kept, absent=absent)
        if name is not None and name.startswith(f"{SAVED_METHOD}_"):
            raise _unknown()
        if not save or owner_id is None:
            return MethodChoice(name)
        customer = await self.customers.customer_of(owner_id, self.within)
        await self.customers.expect_method(customer.id)
        return MethodChoice(name, customer.provider_customer_id, save=True)

    async def attached(self, provider_method_id: str, *, absent: bool) -> MethodChoice:
        """Nothing to choose: the payment has this one already."""
        kept = await self._kept(provider_method_id)
        return MethodChoice(off_session=absent and kept is not None)

    async def _kept_choice(self, owner_id: str | None, method: SavedMethod, *, absent: bool) -> MethodChoice:
        if method.owner_id != owner_id or not method.usable:
            raise _unknown()
        async with self.repository.reading() as rows:
            customer = await rows.customer(method.customer_id)
        return MethodChoice(method.provider_method_id, customer.provider_customer_id, off_session=absent)

    async def _kept(self, name: str) -> SavedMethod | None:
        async with self.repository.reading() as rows:
            return await rows.method(name)


def _unknown() -> InvalidInput:
    return InvalidInput(
        Flaw(("paymentMethodId",), "UNKNOWN_PAYMENT_METHOD", "There is no such payment method.")
    )
