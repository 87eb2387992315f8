"""What a payment processor that keeps payment methods must be able to do: a part of `processor.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from payment_subgraph.customer import Customer, CustomerOperation, MethodSnapshot


@dataclass(frozen=True, slots=True)
class SetupSnapshot:
    """One reading of a setup. *waiting*: it still waits for a payment method, which *client_secret* lets a browser give."""

    provider_setup_id: str
    waiting: bool
    client_secret: str


class Vault(Protocol):
    """Every coroutine raises ProcessorError. Ids are the provider's own strings."""

    keeps_methods: bool
    """False where nothing can be kept (a bank transfer, say): then it is never asked to keep anything."""

    version: str
    """The provider's API version new operations are sent with."""

    def customer_params(self, customer: Customer) -> Mapping[str, Any]:
        """Our ids and nothing personal."""

    def setup_params(self, customer: Customer, operation_id: str) -> Mapping[str, Any]: ...

    async def make(self, operation: CustomerOperation) -> str:
        """Do what the row says, under its key, parameters and version; the id of what was made."""

    async def find(
        self, operation: CustomerOperation, customer: Customer, since: datetime, until: datetime
    ) -> str | None:
        """What *operation* made, by our id on it, among what was made in the window."""

    async def fetch_setup(self, provider_setup_id: str) -> SetupSnapshot: ...

    async def fetch_methods(self, provider_customer_id: str) -> Sequence[MethodSnapshot] | None:
        """All payment methods kept with the customer; None: the customer was deleted."""

    async def detach(self, provider_method_id: str) -> None:
        """Keep the method no more. Refused for one that is not kept; nobody can use it again."""

    async def delete_customer(self, provider_customer_id: str) -> None:
        """For good, and its methods with it. Refused for one that is gone."""
