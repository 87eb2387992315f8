"""An operation: one intention of a client against the provider, and when to try it again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from payment_subgraph.money import Money


class OperationKind(StrEnum):
    CREATE = "CREATE"
    CONFIRM = "CONFIRM"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"


PAYING: Final = frozenset({OperationKind.CREATE, OperationKind.CONFIRM})
"""Attempts to pay: what an issuer may decline, and what two of at once could charge twice."""


class OperationState(StrEnum):
    """UNKNOWN: sent, answer lost; the reconciler settles it. Never shown as failure."""

    PENDING = "PENDING"
    IN_FLIGHT = "IN_FLIGHT"
    SUCCEEDED = "SUCCEEDED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


RESOLVED: Final = frozenset({OperationState.SUCCEEDED, OperationState.REJECTED})


class RejectionKind(StrEnum):
    """Which typed error a rejected operation is answered with, now and at every replay."""

    DECLINED = "DECLINED"
    INVALID_INPUT = "INVALID_INPUT"
    INVALID_STATE = "INVALID_STATE"
    DUPLICATE = "DUPLICATE"
    REFUND_EXCEEDS = "REFUND_EXCEEDS"
    DISPUTED = "DISPUTED"
    PROVIDER = "PROVIDER"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why an operation was rejected. *code* is one of `RefusedFor`, or for a decline the issuer's word."""

    kind: RejectionKind
    code: str = ""
    decline_code: str | None = None
    field: str | None = None
    request_id: str | None = None
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of `payment_operations`.

    *params* and *provider_version* are frozen when the row is written: a deploy between two tries that
    changed either would turn a safe retry under *provider_key* into a refused one. *due_at* is when
    anybody may take the operation again: the end of a lease or of a back-off. *attempts* is also the
    fencing token: whoever writes a try's outcome names the attempt it belongs to.
    *must_look* says that sending again under the same key is of no use (a 5xx would be replayed).
    """

    id: str
    payment_id: str
    kind: OperationKind
    actor_id: str
    client_key: str
    request_hash: str
    provider_key: str
    params: Mapping[str, Any]
    provider_version: str
    created_at: datetime
    due_at: datetime
    refund_id: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    note: str | None = None
    state: OperationState = OperationState.PENDING
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    attempts: int = 0
    looks: int = 0
    must_look: bool = False
    result: Rejection | None = None
    resolved_at: datetime | None = None

    @property
    def amount(self) -> Money | None:
        """What it moves or is to move, where it names a sum."""
        if self.amount_minor is None or self.currency is None:
            return None
        return Money(self.amount_minor, self.currency)

    @property
    def resolved(self) -> bool:
        return self.state in RESOLVED


class Tries(Protocol):
    """What is remembered of the tries to do something at the provider: of an `Operation`, and of others like it."""

    @property
    def first_sent_at(self) -> datetime | None: ...
    @property
    def last_sent_at(self) -> datetime | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def looks(self) -> int: ...
    @property
    def must_look(self) -> bool: ...


class Step(StrEnum):
    SEND = "SEND"
    LOOK = "LOOK"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an operation is held, repeated and waited for.

    The provider forgets keys after 24 h, so *resend_within* stays below that. A 5xx may still be
    finished by the provider later, hence *grace* and *least_looks* before "not found" is believed.
    """

    lease: timedelta = timedelta(seconds=90)
    resend_within: timedelta = timedelta(hours=23)
    give_up_after: timedelta = timedelta(hours=24)
    grace: timedelta = timedelta(minutes=15)
    least_looks: int = 3
    back_off: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(hours=1),
    )

    def next_try(self, operation: Tries, now: datetime) -> datetime:
        return now + self.back_off[min(max(operation.attempts - 1, 0), len(self.back_off) - 1)]


def next_step(operation: Tries, now: datetime, patience: Patience) -> Step:
    """Send (again, under the same key), or only look what became of it."""
    if operation.must_look:
        return Step.LOOK
    first = operation.first_sent_at
    return Step.LOOK if first is not None and now - first >= patience.resend_within else Step.SEND


def absence_is_final(operation: Tries, now: datetime, patience: Patience) -> bool:
    """Whether not finding the operation's trace at the provider now proves that it never happened."""
    first, last = operation.first_sent_at, operation.last_sent_at
    if first is None or last is None or now - first >= patience.give_up_after:
        return True
    return now - last >= patience.grace and operation.looks + 1 >= patience.least_looks
