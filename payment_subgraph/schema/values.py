"""Value types and enums. Those marked shareable are the same, letter for letter, in every subgraph."""

from enum import StrEnum
from typing import Self

import strawberry

from payment_subgraph import cursors, money
from payment_subgraph.operation import OperationKind, OperationState
from payment_subgraph.payment import (
    CaptureMethod,
    FinancialStatus,
    MethodType,
    NextActionType,
    PaymentAction,
    PaymentStatus,
)
from payment_subgraph.refund import RefundReason, RefundStatus
from payment_subgraph.schema.scalars import BigInt, CurrencyCode, DecimalText

strawberry.enum(PaymentStatus)
strawberry.enum(
    FinancialStatus, name="PaymentFinancialStatus", description="Derived from amounts; never stored."
)
strawberry.enum(CaptureMethod)
strawberry.enum(PaymentAction)
strawberry.enum(RefundStatus)
strawberry.enum(RefundReason)
strawberry.enum(OperationKind)
strawberry.enum(
    OperationState,
    description="UNKNOWN = sent, answer lost; the reconciler settles it. Never shown as failure.",
)
strawberry.enum(NextActionType)
strawberry.enum(MethodType, name="PaymentMethodType")
strawberry.enum(cursors.SortField, name="PaymentSortField")


@strawberry.enum
class SortDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.type
class Money:
    amount: DecimalText
    amount_minor: BigInt
    currency: CurrencyCode

    @classmethod
    def of(cls, value: money.Money) -> Self:
        return cls(
            amount=DecimalText(format(value.amount, "f")),
            amount_minor=BigInt(value.minor),
            currency=CurrencyCode(value.currency),
        )


@strawberry.federation.type(shareable=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None

    @classmethod
    def of(cls, info: cursors.PageInfo) -> Self:
        return cls(
            has_next_page=info.has_next_page,
            has_previous_page=info.has_previous_page,
            start_cursor=info.start_cursor,
            end_cursor=info.end_cursor,
        )


@strawberry.type
class MetadataEntry:
    key: str
    value: str
