"""What a dispute is, and what disputes make of their payment. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from payment_subgraph.money import Money


class DisputeStatus(StrEnum):
    """WARNING_*: an inquiry, which moves no money and may escalate to a chargeback."""

    WARNING_NEEDS_RESPONSE = "WARNING_NEEDS_RESPONSE"
    WARNING_UNDER_REVIEW = "WARNING_UNDER_REVIEW"
    WARNING_CLOSED = "WARNING_CLOSED"
    NEEDS_RESPONSE = "NEEDS_RESPONSE"
    UNDER_REVIEW = "UNDER_REVIEW"
    WON = "WON"
    LOST = "LOST"
    PREVENTED = "PREVENTED"


class DisputeStanding(StrEnum):
    """How a payment stands by the worst of its disputes; the later word is the worse.

    CHARGEBACK: a bank decides, and holds nothing. WITHDRAWN: a bank holds money. LOST: it is gone.
    """

    CLOSED = "CLOSED"
    INQUIRY = "INQUIRY"
    CHARGEBACK = "CHARGEBACK"
    WITHDRAWN = "WITHDRAWN"
    LOST = "LOST"


BLOCKING: Final = frozenset({DisputeStanding.CHARGEBACK, DisputeStanding.WITHDRAWN, DisputeStanding.LOST})
"""While a payment stands so, the provider refunds nothing of it."""

_WORSE: Final = list(DisputeStanding)
_INQUIRIES: Final = frozenset({DisputeStatus.WARNING_NEEDS_RESPONSE, DisputeStatus.WARNING_UNDER_REVIEW})
_CHARGEBACKS: Final = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})
_MONEY_STAYS_AWAY: Final = frozenset({DisputeStatus.LOST, DisputeStatus.PREVENTED})


@dataclass(frozen=True, slots=True)
class Dispute:
    """One row of `disputes`. *amount_minor*, of *currency*, may be more than was paid.

    *held_minor* is what its balance transactions have taken from us less what they gave back, in
    *held_currency*, the one the provider settles in. *funds_withdrawn* is not the same as "not zero": what
    comes back may have been exchanged at another rate.
    """

    id: str
    payment_id: str
    provider_dispute_id: str
    amount_minor: int
    currency: str
    status: DisputeStatus
    reason: str
    created_at: datetime
    updated_at: datetime
    funds_withdrawn: bool = False
    held_minor: int = 0
    held_currency: str | None = None
    evidence_due_by: datetime | None = None
    version: int = 1

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def standing(self) -> DisputeStanding:
        if self.status is DisputeStatus.LOST:
            return DisputeStanding.LOST
        if self.funds_withdrawn:
            return DisputeStanding.LOST if self.status in _MONEY_STAYS_AWAY else DisputeStanding.WITHDRAWN
        if self.status in _CHARGEBACKS:
            return DisputeStanding.CHARGEBACK
        return DisputeStanding.INQUIRY if self.status in _INQUIRIES else DisputeStanding.CLOSED

    @property
    def open(self) -> bool:
        """Whether the provider will still say something about it."""
        return self.standing not in (DisputeStanding.CLOSED, DisputeStanding.LOST)

    @property
    def decided(self) -> bool:
        """Whether its status is a last one; a dispute that was won may still wait for its money."""
        return self.status not in _INQUIRIES | _CHARGEBACKS

    @property
    def lost_minor(self) -> int:
        """What of *held_minor* does not come back.

        Once the rest is back that is what the exchange rate made of it, which may be a gain.
        """
        away = self.status in _MONEY_STAYS_AWAY or not self.funds_withdrawn
        return self.held_minor if away else 0

    @property
    def lost(self) -> Money | None:
        """*lost_minor* in the currency it was taken in; None of nothing."""
        if self.held_currency is None or self.lost_minor == 0:
            return None
        return Money(self.lost_minor, self.held_currency)


def worst(disputes: Iterable[Dispute]) -> Dispute | None:
    """The one that decides how its payment stands; None of none."""
    return max(disputes, key=lambda one: _WORSE.index(one.standing), default=None)


def amount_disputed(disputes: Iterable[Dispute], captured: Money) -> int:
    """What banks have taken back of a payment, in its minor units.

    One that is told in another currency counts as all that was captured: so nothing too much is refunded.
    """
    taken = (one for one in disputes if one.funds_withdrawn)
    return sum(one.amount_minor if one.currency == captured.currency else captured.minor for one in taken)
