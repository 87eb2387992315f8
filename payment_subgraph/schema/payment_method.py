"""Payment methods as clients see them: what a user keeps, and what a payment was paid with."""

from typing import Self

import strawberry

from payment_subgraph.customer_repository import KeptMethod
from payment_subgraph.payment import MethodDetails, MethodType, Payment
from payment_subgraph.schema.answer_size import count_rows
from payment_subgraph.schema.context import Info


@strawberry.type
class PaymentMethod:
    id: strawberry.ID
    type: MethodType
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    is_default: bool
    reusable: bool = strawberry.field(description="Kept for its owner: later payments can name its `id`.")

    @classmethod
    async def of_payment(cls, info: Info, payment: Payment) -> Self | None:
        """Under our id if it is or was kept; how it looked when it paid stays with the payment."""
        details = payment.payment_method
        if details is None:
            return None
        return cls._of(details, await info.context.loaders.method_of_provider.load(details.id))

    @classmethod
    async def kept_by(cls, info: Info, owner_id: str) -> list[Self]:
        found = await info.context.loaders.methods_of.load(owner_id)
        count_rows(info, len(found))
        return [cls._of(kept.method.details, kept) for kept in found if kept.method.details is not None]

    @classmethod
    def _of(cls, details: MethodDetails, kept: KeptMethod | None) -> Self:
        usable = kept is not None and kept.method.usable
        return cls(
            id=strawberry.ID(kept.method.id if kept else details.id),
            type=details.type,
            brand=details.brand,
            last4=details.last4,
            exp_month=details.exp_month,
            exp_year=details.exp_year,
            is_default=usable and kept is not None and kept.is_default,
            reusable=usable,
        )
