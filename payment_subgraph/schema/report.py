"""What `paymentReport` answers."""

from datetime import datetime
from typing import Self

import strawberry

from payment_subgraph.money import Money as Sum
from payment_subgraph.report import ReportInterval, Takings, by_period, check_span
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.scalars import CurrencyCode
from payment_subgraph.schema.values import Money


@strawberry.type
class PaymentReportRow:
    period_start: datetime
    currency: CurrencyCode
    attempted: int = strawberry.field(description="Payments created in the period.")
    succeeded: int = strawberry.field(description="Payments that succeeded in the period, whenever created.")
    captured: Money = strawberry.field(description="As the ledger has it.")
    refunded: Money = strawberry.field(description="As the ledger has it, less refunds that failed later.")
    disputed: Money = strawberry.field(
        description="Withdrawn for disputes, less what came back of it; lost disputes stay in it."
    )
    fees: Money = strawberry.field(description="What the provider took for itself.")
    net: Money = strawberry.field(description="Captured less refunded, disputed and fees.")

    @classmethod
    def of(cls, takings: Takings) -> Self:
        code = takings.currency
        return cls(
            period_start=takings.starts_at,
            currency=CurrencyCode(code),
            attempted=takings.attempted,
            succeeded=takings.succeeded,
            captured=Money.of(Sum(takings.captured, code)),
            refunded=Money.of(Sum(takings.refunded, code)),
            disputed=Money.of(Sum(takings.disputed, code)),
            fees=Money.of(Sum(takings.fees, code)),
            net=Money.of(Sum(takings.net, code)),
        )

    @classmethod
    async def of_span(
        cls, info: Info, start: datetime, end: datetime, interval: ReportInterval, currency: str | None
    ) -> list[Self]:
        check_span(start, end)
        takings = await info.context.books.takings(start, end, currency, interval)
        return [cls.of(one) for one in by_period(takings, interval)]
