"""Stored webhooks, as those who look after them see them."""

from datetime import datetime
from typing import Self

import strawberry

from payment_subgraph.cursors import PageRequest, page_info
from payment_subgraph.inbox_event import EventRecord, InboxState
from payment_subgraph.pages import Page, event_cursor_of
from payment_subgraph.schema.values import PageInfo


@strawberry.type
class WebhookEvent:
    id: strawberry.ID
    provider_event_id: str
    type: str
    state: InboxState
    attempts: int = strawberry.field(
        description=(
            "Since it came, or since it was last replayed. From the 10th on, a failure makes it DEAD, unless the "
            "provider was only out of reach."
        )
    )
    last_error: str | None
    received_at: datetime
    processed_at: datetime | None = strawberry.field(
        description="When it was done with, whatever came of it; null while it waits to be tried."
    )

    @classmethod
    def of(cls, record: EventRecord) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            provider_event_id=record.provider_event_id,
            type=record.type,
            state=record.state,
            attempts=record.attempts,
            last_error=record.last_error,
            received_at=record.received_at,
            processed_at=record.processed_at,
        )


@strawberry.type
class WebhookEventEdge:
    cursor: str
    node: WebhookEvent


@strawberry.type
class WebhookEventConnection:
    edges: list[WebhookEventEdge]
    nodes: list[WebhookEvent]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[EventRecord], request: PageRequest) -> Self:
        edges = [
            WebhookEventEdge(cursor=event_cursor_of(record, request), node=WebhookEvent.of(record))
            for record in page.rows
        ]
        info = page_info(request, [edge.cursor for edge in edges], more=page.more)
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=PageInfo.of(info))
