"""What moves the provider's balance: one record for each movement of money, told by the provider. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MovementKind(StrEnum):
    """What moved the money; REFUND_FAILURE brings back what a REFUND took."""

    CHARGE = "CHARGE"
    REFUND = "REFUND"
    REFUND_FAILURE = "REFUND_FAILURE"
    DISPUTE = "DISPUTE"


@dataclass(frozen=True, slots=True)
class BalanceSums:
    """What a balance transaction comes to, in minor units of *currency*."""

    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """One row of `balance_transactions`, by the provider's own *id*. It never changes once it is there.

    *amount_minor* and *net_minor* are negative for money that leaves; *net_minor* is what the balance changes
    by, that is the amount less the fee. All three are of *currency*, in which the provider settles with us.
    *payment_minor* is the same movement in the payment's own currency, None for a dispute's: there the bank
    says what it takes. *source_id* is the provider's id of the charge, the refund or the dispute.
    """

    id: str
    kind: MovementKind
    source_id: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    payment_minor: int | None
    created_at: datetime
    available_at: datetime

    @property
    def sums(self) -> BalanceSums:
        return BalanceSums(self.amount_minor, self.fee_minor, self.net_minor, self.currency)
