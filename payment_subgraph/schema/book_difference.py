"""What `bookDifferences` answers."""

from datetime import datetime
from typing import Self

import strawberry

from payment_subgraph.book_difference import BookDifferenceCause, BookDifferenceRecord, BookObject
from payment_subgraph.currencies import MINOR_DIGITS
from payment_subgraph.cursors import Cursor, PageRequest, page_info
from payment_subgraph.money import Money as Sum
from payment_subgraph.pages import Page
from payment_subgraph.schema.values import Money, PageInfo


@strawberry.type(description="Something that the provider and our books do not say alike.")
class BookDifference:
    id: strawberry.ID
    cause: BookDifferenceCause
    object_type: BookObject
    object_id: strawberry.ID = strawberry.field(
        description="The provider's, for what is missing here or cannot be read."
    )
    payment_id: strawberry.ID | None
    provider_object_id: str | None
    status_here: str | None
    status_there: str | None = strawberry.field(description="Of UNREADABLE in the provider's own word.")
    amount_here: Money | None = strawberry.field(
        description=(
            "Of NOT_POSTED what the ledger has: captured less refunded, of a dispute what is lost. Of a balance "
            "transaction its net, or its amount where only that and the fee differ."
        )
    )
    amount_there: Money | None
    first_found_at: datetime
    last_found_at: datetime
    resolved_at: datetime | None = strawberry.field(
        description="When it was no longer found; null while it stands."
    )

    @classmethod
    def of(cls, record: BookDifferenceRecord) -> Self:
        found = record.found
        return cls(
            id=strawberry.ID(record.id),
            cause=found.cause,
            object_type=found.object_type,
            object_id=strawberry.ID(found.object_id),
            payment_id=strawberry.ID(found.payment_id) if found.payment_id else None,
            provider_object_id=found.provider_object_id,
            status_here=found.status_here,
            status_there=found.status_there,
            amount_here=_money(found.amount_here, found.currency),
            amount_there=_money(found.amount_there, found.currency),
            first_found_at=record.first_found_at,
            last_found_at=record.last_found_at,
            resolved_at=record.resolved_at,
        )


def _money(minor: int | None, currency: str) -> Money | None:
    """None also in a currency that is not ours: a stray of another program's."""
    return Money.of(Sum(minor, currency)) if minor is not None and currency in MINOR_DIGITS else None


@strawberry.type
class BookDifferenceEdge:
    cursor: str
    node: BookDifference


@strawberry.type
class BookDifferenceConnection:
    edges: list[BookDifferenceEdge]
    nodes: list[BookDifference]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[BookDifferenceRecord], request: PageRequest) -> Self:
        edges = [
            BookDifferenceEdge(
                cursor=Cursor(request.field, record.first_found_at, record.id).encode(),
                node=BookDifference.of(record),
            )
            for record in page.rows
        ]
        info = page_info(request, [edge.cursor for edge in edges], more=page.more)
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=PageInfo.of(info))
