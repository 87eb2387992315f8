"""Value types and enums. Those marked shareable are the same, letter for letter, in every subgraph."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import strawberry
from strawberry.types.enum import has_enum_definition

from payment_subgraph import cursors, money
from payment_subgraph.book_difference import BookDifferenceCause
from payment_subgraph.dispute import DisputeStatus
from payment_subgraph.inbox_event import InboxState
from payment_subgraph.ledger import DifferenceCause, PostingKind
from payment_subgraph.operation import OperationKind, OperationState
from payment_subgraph.outbox_message import OutboxState
from payment_subgraph.payment import (
    CaptureMethod,
    FinancialStatus,
    MethodType,
    NextActionType,
    PaymentAction,
    PaymentSource,
    PaymentStatus,
)
from payment_subgraph.refund import RefundReason, RefundStatus
from payment_subgraph.report import ReportInterval
from payment_subgraph.schema.scalars import BigInt, CurrencyCode, DecimalText


def _enum(
    kind: type[StrEnum],
    name: str | None = None,
    description: str | None = None,
    values: Mapping[StrEnum, str] | None = None,
) -> None:
    """Makes *kind*, which knows nothing of GraphQL, an enum of the API; *values* describes some of its values."""
    made = strawberry.enum(kind, name=name, description=description)
    assert has_enum_definition(made)  # noqa: S101 - that is what strawberry.enum has just given it
    told = values or {}
    for value in made.__strawberry_definition__.values:
        value.description = told.get(kind(value.value))


_enum(
    PaymentStatus,
    values={
        PaymentStatus.REQUIRES_CAPTURE: (
            "Authorized, to be captured by `capturePayment`. What is not captured in time (cards: 5 to 7 days) "
            "becomes CANCELED."
        )
    },
)
_enum(
    FinancialStatus,
    name="PaymentFinancialStatus",
    description="Derived from amounts; never stored.",
    values={
        FinancialStatus.DISPUTED: "A bank has taken money back and decides whether it stays away.",
        FinancialStatus.CHARGED_BACK: "A dispute is lost.",
    },
)
_enum(
    CaptureMethod,
    description="When an authorized amount is captured.",
    values={
        CaptureMethod.AUTOMATIC: "At once.",
        CaptureMethod.MANUAL: "When staff say so, by `capturePayment`.",
    },
)
_enum(PaymentAction)
_enum(
    PaymentSource,
    values={
        PaymentSource.API: "Asked for here, by `createPayment`.",
        PaymentSource.EXTERNAL: (
            "Made elsewhere, e.g. in Stripe's dashboard. It belongs to no user; staff see and refund it."
        ),
    },
)
_enum(RefundStatus)
_enum(RefundReason)
_enum(
    DisputeStatus,
    description="WARNING_*: an inquiry, which moves no money, and may escalate.",
    values={
        DisputeStatus.NEEDS_RESPONSE: "Evidence is awaited until `evidenceDueBy`.",
        DisputeStatus.PREVENTED: "Settled before it became a chargeback.",
    },
)
_enum(OperationKind)
_enum(
    OperationState,
    description="UNKNOWN = sent, answer lost; the reconciler settles it. Never shown as failure.",
)
_enum(
    InboxState,
    name="WebhookEventState",
    values={
        InboxState.RECEIVED: "Stored; to be worked on, or tried again.",
        InboxState.IGNORED: "About nothing that is followed here.",
        InboxState.PARKED: "About a payment of ours that is not there (yet); tried for three days.",
        InboxState.DEAD: "Given up, and waits for a person: see `lastError`, and `replayWebhookEvent`.",
    },
)
_enum(
    OutboxState,
    name="OutboxMessageState",
    values={
        OutboxState.PENDING: "To be delivered, or tried again.",
        OutboxState.DELIVERED: "The receiver has answered with 2xx.",
        OutboxState.DEAD: "Given up, and waits for a person: see `lastError`, and `replayOutboxMessage`.",
        OutboxState.SKIPPED: "An operator said that it is not to be delivered.",
    },
)
_enum(NextActionType)
_enum(
    BookDifferenceCause,
    values={
        BookDifferenceCause.UNREADABLE: (
            "The provider's object has a form that this release does not know. Told is what is known of it; whether it "
            "is alike, nobody knows until a release reads it."
        )
    },
)
_enum(MethodType, name="PaymentMethodType")
_enum(cursors.SortField, name="PaymentSortField")
_enum(
    PostingKind,
    name="LedgerPostingKind",
    description="What a posting is about; one that takes back another is of the same kind.",
    values={
        PostingKind.FEE: "What the provider keeps.",
        PostingKind.DISPUTE: "What a bank takes back while it decides.",
        PostingKind.CHARGEBACK: "What of that is lost.",
        PostingKind.EXCHANGE: "From the payment's currency into the one the provider settles in.",
        PostingKind.SETTLEMENT: "What reaches the provider's balance, or leaves it.",
    },
)
_enum(
    DifferenceCause,
    name="LedgerDifferenceCause",
    values={
        DifferenceCause.MISSING: "The ledger has nothing of what the payment says.",
        DifferenceCause.UNEXPECTED: "The ledger has something of which the payment says nothing.",
        DifferenceCause.OTHER_AMOUNT: "Both have something, but not the same.",
    },
)
_enum(
    ReportInterval,
    description="Days, weeks and months of UTC.",
    values={ReportInterval.WEEK: "From Monday."},
)


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
