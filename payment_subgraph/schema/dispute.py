"""Dispute, as clients see it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from payment_subgraph.cursors import PageRequest, page_info
from payment_subgraph.dispute import Dispute as DisputeRow
from payment_subgraph.dispute import DisputeStatus
from payment_subgraph.errors import Forbidden
from payment_subgraph.pages import Page, cursor_of
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.values import Money, PageInfo
from payment_subgraph.viewer import READ_ANY

if TYPE_CHECKING:
    from payment_subgraph.schema.payment import Payment


@strawberry.federation.type(keys=["id"])
class Dispute:
    """Built only by `of`, for a viewer who may see the payment, or all disputes."""

    row: strawberry.Private[DisputeRow]
    id: strawberry.ID
    amount: Money = strawberry.field(description="May be more than was paid.")
    status: DisputeStatus
    reason: str
    funds_withdrawn: bool = strawberry.field(
        description="The bank holds the money, or has kept it: by what moved on our balance, whatever the status."
    )
    evidence_due_by: datetime | None
    created_at: datetime
    updated_at: datetime

    @strawberry.field
    async def payment(
        self, info: Info
    ) -> Annotated["Payment", strawberry.lazy("payment_subgraph.schema.payment")]:
        from payment_subgraph.schema.payment import Payment  # noqa: PLC0415 - the two types hold each other

        found = await info.context.loaders.payment.load(self.row.payment_id)
        if found is None or not info.context.viewer.may_read(found.owner_id):
            raise Forbidden(READ_ANY)
        return Payment.of(found, info.context.viewer)

    @classmethod
    def of(cls, dispute: DisputeRow) -> Self:
        return cls(
            row=dispute,
            id=strawberry.ID(dispute.id),
            amount=Money.of(dispute.amount),
            status=dispute.status,
            reason=dispute.reason,
            funds_withdrawn=dispute.funds_withdrawn,
            evidence_due_by=dispute.evidence_due_by,
            created_at=dispute.created_at,
            updated_at=dispute.updated_at,
        )


@strawberry.type
class DisputeEdge:
    cursor: str
    node: Dispute


@strawberry.type
class DisputeConnection:
    edges: list[DisputeEdge]
    nodes: list[Dispute]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[DisputeRow], request: PageRequest) -> Self:
        edges = [DisputeEdge(cursor=cursor_of(row, request), node=Dispute.of(row)) for row in page.rows]
        info = page_info(request, [edge.cursor for edge in edges], more=page.more)
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=PageInfo.of(info))
