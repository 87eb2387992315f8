"""The outbox, as those who look after it see it."""

from datetime import datetime
from typing import Self

import strawberry

from payment_subgraph.cursors import PageRequest, page_info
from payment_subgraph.outbox import outbox_cursor_of
from payment_subgraph.outbox_message import OutboxRecord, OutboxState
from payment_subgraph.pages import Page
from payment_subgraph.schema.values import PageInfo


@strawberry.type(description="What a receiver outside is told of a payment.")
class OutboxMessage:
    id: strawberry.ID = strawberry.field(
        description="The `webhook-id` of every try, and the id of the payment's event."
    )
    payment_id: strawberry.ID
    sequence: int = strawberry.field(
        description="Its number among those of its payment, in the order of what happened."
    )
    type: str
    payload: str = strawberry.field(description="The body, to the letter.")
    state: OutboxState
    attempts: int = strawberry.field(description="Since it was written, or since it was last replayed.")
    next_attempt_at: datetime | None = strawberry.field(
        description="Not before; of those of one payment each waits for the one before it. Null if it waits for nothing."
    )
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, record: OutboxRecord) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            payment_id=strawberry.ID(record.payment_id),
            sequence=record.sequence,
            type=record.type,
            payload=record.payload,
            state=record.state,
            attempts=record.attempts,
            next_attempt_at=record.next_attempt_at if record.state is OutboxState.PENDING else None,
            last_error=record.last_error,
            created_at=record.created_at,
            delivered_at=record.delivered_at,
        )


@strawberry.type
class OutboxMessageEdge:
    cursor: str
    node: OutboxMessage


@strawberry.type
class OutboxMessageConnection:
    edges: list[OutboxMessageEdge]
    nodes: list[OutboxMessage]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[OutboxRecord], request: PageRequest) -> Self:
        edges = [
            OutboxMessageEdge(cursor=outbox_cursor_of(record, request), node=OutboxMessage.of(record))
            for record in page.rows
        ]
        info = page_info(request, [edge.cursor for edge in edges], more=page.more)
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=PageInfo.of(info))
