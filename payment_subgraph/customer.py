"""An owner as the provider knows them: a customer, and the payment methods kept with it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from payment_subgraph.ids import new_saved_method_id
from payment_subgraph.operation import OperationState
from payment_subgraph.payment import MethodDetails

WATCH_FOR: Final = timedelta(days=1)
_SHORTEST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Customer:
    """One row of `customers`. An owner has at most one that has not ended, in each environment.

    *open_setup_id* is the provider's id of the setup that still waits for a payment method. *readings* counts the
    readings of the provider's list that were taken in: see methods_refresh.py. *watched_since*: something is expected
    to change at the provider, and from then on the worker reads the list again, at *reread_at* next. *ended_at*: we use
    it no more, because it was never made or is gone, or because its owner is forgotten; then *to_delete* says that the
    provider has yet to delete it.
    """

    id: str
    owner_id: str
    environment: str
    created_at: datetime
    updated_at: datetime
    provider_customer_id: str | None = None
    open_setup_id: str | None = None
    default_method_id: str | None = None
    readings: int = 0
    watched_since: datetime | None = None
    reread_at: datetime | None = None
    ended_at: datetime | None = None
    to_delete: bool = False


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """One row of `saved_payment_methods`.

    *removed_at*: its owner does not want it any more, and we do not use it. *detached_at*: the provider has it no
    more. What it looked like is forgotten with that. *kept_at* is the provider's time, in whole seconds.
    """

    id: str
    customer_id: str
    owner_id: str
    provider_method_id: str
    details: MethodDetails | None
    kept_at: datetime
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None = None
    detached_at: datetime | None = None

    @property
    def usable(self) -> bool:
        return self.removed_at is None and self.detached_at is None

    @property
    def leaving(self) -> bool:
        """Removed here, and still with the provider."""
        return self.removed_at is not None and self.detached_at is None


@dataclass(frozen=True, slots=True)
class MethodSnapshot:
    """One payment method in the provider's list of a customer; the id in *details* is the provider's."""

    details: MethodDetails
    kept_at: datetime


class CustomerOperationKind(StrEnum):
    """What is made at the provider for a customer: the customer itself, or a setup that waits for a method."""

    CREATE = "CREATE"
    SETUP = "SETUP"


@dataclass(frozen=True, slots=True)
class CustomerOperation:
    """One row of `customer_operations`: as `Operation` is for a payment, with the same meaning of the same words.

    *provider_object_id* is what came of it. At most one of a kind is open for a customer.
    """

    id: str
    customer_id: str
    kind: CustomerOperationKind
    provider_key: str
    params: Mapping[str, Any]
    provider_version: str
    created_at: datetime
    due_at: datetime
    state: OperationState = OperationState.PENDING
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    attempts: int = 0
    looks: int = 0
    must_look: bool = False
    provider_object_id: str | None = None
    resolved_at: datetime | None = None

    @property
    def resolved(self) -> bool:
        return self.resolved_at is not None


def taken_in(
    customer: Customer, known: Sequence[SavedMethod], seen: Sequence[MethodSnapshot], now: datetime
) -> list[SavedMethod]:
    """The customer's methods as the provider's whole list makes them: the known ones first, then the new."""
    listed = {one.details.id: one for one in seen}
    kept = [_as_listed(method, listed.pop(method.provider_method_id, None), now) for method in known]
    return kept + [_new(customer, one, now) for one in sorted(listed.values(), key=_age)]


def _as_listed(method: SavedMethod, seen: MethodSnapshot | None, now: datetime) -> SavedMethod:
    if seen is None:
        return replace(method, details=None, detached_at=method.detached_at or now)
    return replace(method, details=None if method.removed_at else seen.details, detached_at=None)


def _age(seen: MethodSnapshot) -> tuple[datetime, str]:
    return seen.kept_at, seen.details.id


def _new(customer: Customer, seen: MethodSnapshot, now: datetime) -> SavedMethod:
    return SavedMethod(
        id=new_saved_method_id(),
        customer_id=customer.id,
        owner_id=customer.owner_id,
        provider_method_id=seen.details.id,
        details=seen.details,
        kept_at=seen.kept_at,
        created_at=now,
        updated_at=now,
        # Its owner was forgotten before we learned of it.
        removed_at=customer.ended_at,
    )


def default_of(customer: Customer, methods: Iterable[SavedMethod]) -> str | None:
    """The default stays while it can be used; then it is the one kept longest. So the first one is it by itself."""
    usable = [method for method in methods if method.usable]
    if any(method.id == customer.default_method_id for method in usable):
        return customer.default_method_id
    first = min(usable, key=lambda method: (method.kept_at, method.created_at, method.id), default=None)
    return first.id if first else None


def watched(customer: Customer, now: datetime) -> Customer:
    """*customer*, of whose list something is expected: to be read soon, then after ever longer pauses."""
    return replace(customer, watched_since=now, reread_at=now + _SHORTEST_PAUSE)


def next_reread(customer: Customer, methods: Iterable[SavedMethod], now: datetime) -> datetime | None:
    """When the worker is to read again at the latest; None: only when it hears of something."""
    since = customer.watched_since
    if since is None:
        return None
    pause = max(_SHORTEST_PAUSE, now - since)
    if customer.to_delete or any(method.leaving for method in methods):
        return now + min(pause, _LONGEST_PAUSE)
    return now + pause if customer.ended_at is None and now - since < WATCH_FOR else None
