"""Payment, Refund and what hangs on them, as clients see them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import UNSET

from payment_subgraph.cursors import DEFAULT_PAGE, PageRequest, page_info, page_request
from payment_subgraph.operation import Operation, OperationKind, OperationState
from payment_subgraph.pages import Page, cursor_of
from payment_subgraph.payment import (
    CaptureMethod,
    Failure,
    FinancialStatus,
    NextActionType,
    PaymentAction,
    PaymentSource,
    PaymentStatus,
    available_actions,
    financial_status,
    next_action,
)
from payment_subgraph.payment import Payment as PaymentRow
from payment_subgraph.refund import Refund as RefundRow
from payment_subgraph.refund import RefundReason, RefundStatus
from payment_subgraph.refusals import failure_message, failure_retryable
from payment_subgraph.schema.access import scoped
from payment_subgraph.schema.answer_size import count_rows
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.dispute import Dispute
from payment_subgraph.schema.inputs import given
from payment_subgraph.schema.payment_event import PaymentEventConnection
from payment_subgraph.schema.payment_method import PaymentMethod
from payment_subgraph.schema.scalars import Url
from payment_subgraph.schema.values import MetadataEntry, Money, PageInfo
from payment_subgraph.viewer import READ_ANY, Viewer

if TYPE_CHECKING:
    from payment_subgraph.schema.user import User

_RISK = (
    "NORMAL, ELEVATED or HIGHEST, as the provider rates the latest attempt to pay. REVIEW once somebody was asked to "
    "look at the payment, FRAUD_WARNING once the issuer of the card has reported fraud: these two stay. Null before "
    "the first attempt, or if it was not rated."
)


@strawberry.type
class NextAction:
    type: NextActionType
    redirect_url: Url | None
    client_secret: str | None = strawberry.field(
        description="For the browser SDK; only to the payer, only while the payment can still be paid."
    )

    @classmethod
    def of(cls, payment: PaymentRow, viewer: Viewer) -> Self | None:
        kind = next_action(payment)
        if kind is None:
            return None
        payer = viewer.owns(payment.owner_id) and not payment.settled and payment.frozen_reason is None
        redirect = payment.redirect_url if payer and kind is NextActionType.REDIRECT else None
        return cls(
            type=kind,
            redirect_url=Url(redirect) if redirect else None,
            client_secret=payment.client_secret if payer else None,
        )


@strawberry.type
class PaymentFailure:
    code: str
    decline_code: str | None
    message: str
    retryable: bool
    occurred_at: datetime

    @classmethod
    def of(cls, failure: Failure | None) -> Self | None:
        if failure is None:
            return None
        return cls(
            code=failure.code,
            decline_code=failure.decline_code,
            message=failure_message(failure),
            retryable=failure_retryable(failure),
            occurred_at=failure.occurred_at,
        )


@strawberry.type
class PaymentOperation:
    id: strawberry.ID
    kind: OperationKind
    state: OperationState
    amount: Money | None
    created_at: datetime
    resolved_at: datetime | None

    @classmethod
    def of(cls, operation: Operation) -> Self:
        return cls(
            id=strawberry.ID(operation.id),
            kind=operation.kind,
            state=operation.state,
            amount=Money.of(operation.amount) if operation.amount else None,
            created_at=operation.created_at,
            resolved_at=operation.resolved_at,
        )


@strawberry.federation.type(keys=["id"])
class Refund:
    row: strawberry.Private[RefundRow]
    of_payment: strawberry.Private[PaymentRow]
    id: strawberry.ID
    amount: Money
    status: RefundStatus
    reason: RefundReason
    note: str | None
    failure_reason: str | None
    created_at: datetime
    updated_at: datetime

    @strawberry.field
    def payment(self, info: Info) -> "Payment":
        return Payment.of(self.of_payment, info.context.viewer)

    @classmethod
    def of(cls, refund: RefundRow, payment: PaymentRow) -> Self:
        return cls(
            row=refund,
            of_payment=payment,
            id=strawberry.ID(refund.id),
            amount=Money.of(payment.money(refund.amount_minor)),
            status=refund.status,
            reason=refund.reason,
            note=refund.note,
            failure_reason=refund.failure_reason,
            created_at=refund.created_at,
            updated_at=refund.updated_at,
        )


@strawberry.type
class RefundEdge:
    cursor: str
    node: Refund


@strawberry.type
class RefundConnection:
    edges: list[RefundEdge]
    nodes: list[Refund]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[RefundRow], request: PageRequest, payment: PaymentRow) -> Self:
        edges = [
            RefundEdge(cursor=cursor_of(row, request), node=Refund.of(row, payment)) for row in page.rows
        ]
        info = page_info(request, [edge.cursor for edge in edges], more=page.more)
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=PageInfo.of(info))


@strawberry.federation.type(keys=["id"])
class Payment:
    """Built only by `of`, for a viewer who was found to be allowed to see this payment."""

    row: strawberry.Private[PaymentRow]
    id: strawberry.ID
    reference: str | None = strawberry.field(
        description=(
            "Merchant-side identity of what is being paid (order id). At most one live payment per reference."
        )
    )
    description: str | None
    source: PaymentSource
    amount: Money
    status: PaymentStatus
    financial_status: FinancialStatus
    capture_method: CaptureMethod
    amount_capturable: Money = strawberry.field(
        description="Authorized: what `capturePayment` can still take."
    )
    amount_captured: Money
    amount_refunded: Money
    amount_refund_pending: Money
    amount_refundable: Money
    amount_disputed: Money = strawberry.field(
        description="What banks have taken back for disputes, open or lost; it may exceed the payment."
    )

    @strawberry.field
    async def payment_method(self, info: Info) -> PaymentMethod | None:
        return await PaymentMethod.of_payment(info, self.row)

    next_action: NextAction | None
    last_error: PaymentFailure | None
    available_actions: list[PaymentAction] = strawberry.field(
        description="What the payment's state allows; whether you may do it depends on your rights."
    )

    @strawberry.field
    async def pending_operations(self, info: Info) -> list[PaymentOperation]:
        found = await info.context.loaders.open_operations.load(self.row.id)
        return [PaymentOperation.of(operation) for operation in found]

    @strawberry.field(  # type: ignore[untyped-decorator]  # mypy cannot follow strawberry.lazy
        description=(
            "Null for a payment that was made elsewhere. Only its `id` when the users subgraph cannot be reached or "
            "you may not see more."
        )
    )
    def user(self) -> Annotated["User", strawberry.lazy("payment_subgraph.schema.user")] | None:
        from payment_subgraph.schema.user import User  # noqa: PLC0415 - the two types hold each other

        return User(id=strawberry.ID(self.row.owner_id)) if self.row.owner_id else None

    @strawberry.field
    async def refunds(
        self, info: Info, first: int | None = DEFAULT_PAGE, after: str | None = UNSET
    ) -> RefundConnection:
        request = page_request(first, given(after))
        page = await info.context.loaders.refunds_of.of(self.row.id, request)
        count_rows(info, len(page.rows))
        return RefundConnection.of(page, request, self.row)

    @strawberry.field
    async def disputes(self, info: Info) -> list[Dispute]:
        found = await info.context.loaders.disputes_of.load(self.row.id)
        count_rows(info, len(found))
        return [Dispute.of(dispute) for dispute in found]

    @strawberry.field
    async def events(
        self, info: Info, first: int | None = DEFAULT_PAGE, after: str | None = UNSET
    ) -> PaymentEventConnection:
        request = page_request(first, given(after))
        for_staff = info.context.viewer.holds(READ_ANY)
        page = await info.context.loaders.events_of.of(self.row.id, (request, for_staff))
        count_rows(info, len(page.rows))
        return PaymentEventConnection.of(page, request)

    metadata: list[MetadataEntry]

    @scoped(READ_ANY)
    def provider_payment_id(self) -> str | None:
        return self.row.provider_payment_id

    @scoped(READ_ANY, description=_RISK)
    def risk_level(self) -> str | None:
        return self.row.risk_level

    created_at: datetime
    updated_at: datetime
    succeeded_at: datetime | None
    canceled_at: datetime | None
    version: int

    @classmethod
    def of(cls, payment: PaymentRow, viewer: Viewer) -> Self:
        return cls(
            row=payment,
            id=strawberry.ID(payment.id),
            reference=payment.reference,
            description=payment.description,
            source=payment.source,
            amount=Money.of(payment.amount),
            status=payment.status,
            financial_status=financial_status(payment),
            capture_method=payment.capture_method,
            amount_capturable=Money.of(payment.money(payment.amount_capturable)),
            amount_captured=Money.of(payment.money(payment.amount_captured)),
            amount_refunded=Money.of(payment.money(payment.amount_refunded)),
            amount_refund_pending=Money.of(payment.money(payment.amount_refund_pending)),
            amount_refundable=Money.of(payment.refundable),
            amount_disputed=Money.of(payment.money(payment.amount_disputed)),
            next_action=NextAction.of(payment, viewer),
            last_error=PaymentFailure.of(payment.last_error),
            available_actions=available_actions(payment),
            metadata=[MetadataEntry(key=key, value=value) for key, value in payment.metadata],
            created_at=payment.created_at,
            updated_at=payment.updated_at,
            succeeded_at=payment.succeeded_at,
            canceled_at=payment.canceled_at,
            version=payment.version,
        )


@strawberry.type
class PaymentEdge:
    cursor: str
    node: Payment
