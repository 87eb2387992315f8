"""What one user has paid, in one currency."""

from typing import Self

import strawberry

from payment_subgraph.books import Summary
from payment_subgraph.money import Money as Sum
from payment_subgraph.schema.scalars import CurrencyCode
from payment_subgraph.schema.values import Money


@strawberry.type
class PaymentSummary:
    currency: CurrencyCode
    payment_count: int = strawberry.field(description="Also of those that did not succeed.")
    captured: Money
    refunded: Money
    disputed: Money = strawberry.field(
        description="Withdrawn for disputes, less what came back of it; lost disputes stay in it."
    )
    net: Money = strawberry.field(description="Captured less refunded and disputed; fees are not in it.")

    @classmethod
    def of(cls, summary: Summary, currency: str) -> Self:
        return cls(
            currency=CurrencyCode(currency),
            payment_count=summary.payments,
            captured=Money.of(Sum(summary.captured, currency)),
            refunded=Money.of(Sum(summary.refunded, currency)),
            disputed=Money.of(Sum(summary.disputed, currency)),
            net=Money.of(Sum(summary.captured - summary.refunded - summary.disputed, currency)),
        )
