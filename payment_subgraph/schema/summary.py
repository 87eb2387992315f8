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
    net: Money = strawberry.field(description="Captured less refunded.")

    @classmethod
    def of(cls, summary: Summary, currency: str) -> Self:
        return cls(
            currency=CurrencyCode(currency),
            payment_count=summary.payments,
            captured=Money.of(Sum(summary.captured, currency)),
            refunded=Money.of(Sum(summary.refunded, currency)),
            net=Money.of(Sum(summary.captured - summary.refunded, currency)),
        )
