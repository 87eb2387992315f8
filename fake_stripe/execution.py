"""What an endpoint gets: the request it answers and the account it may change."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from fake_stripe.bell import Bell
from fake_stripe.clock import Clock
from fake_stripe.parameters import Parameters
from fake_stripe.store import Store


class ApiKey(Enum):
    """Whose key came with a request."""

    SECRET = "sk"  # noqa: S105 - the prefix of a key, not a key
    PUBLISHABLE = "pk"


@dataclass(frozen=True)
class Cause:
    """Who made something happen; both None when Stripe itself did."""

    request_id: str | None = None
    idempotency_key: str | None = None


STRIPE_ITSELF = Cause()


@dataclass(frozen=True)
class ApiRequest:
    """A request that has passed authentication and the check of its parameters."""

    request_id: str
    method: str
    path: str
    object_id: str
    """The id in the path; empty where there is none."""
    parameters: Parameters
    idempotency_key: str | None
    api_key: ApiKey

    @property
    def cause(self) -> Cause:
        """What events say about who made them happen."""
        return Cause(self.request_id, self.idempotency_key)


@dataclass(frozen=True)
class Account:
    """The account's settings that show in its objects."""

    public_url: str
    api_version: str
    delivers_webhooks: bool
    refund_settle_s: float
    async_capture_s: float
    settlement_currency: str | None = None
    """What the balance is kept in, lower case; None: each currency by itself."""


@dataclass(frozen=True)
class Execution:
    """One run of an endpoint, inside one transaction."""

    store: Store
    clock: Clock
    account: Account
    cause: Cause


@dataclass(frozen=True)
class Runtime:
    """The running fake, shared by the API, the admin API and the background work."""

    store: Store
    clock: Clock
    account: Account
    bells: tuple[Bell, ...]
    """Who wants to know that something may have changed."""

    @contextmanager
    def execution(self, cause: Cause = STRIPE_ITSELF) -> Iterator[Execution]:
        """Change the account in one transaction, then let the background look at what there is to do."""
        with self.store.transaction():
            yield Execution(self.store, self.clock, self.account, cause)
        for bell in self.bells:
            bell.ring()
