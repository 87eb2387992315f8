"""The timeline of a payment."""

from datetime import datetime
from typing import Final, Self

import strawberry

from payment_subgraph.cursors import PageRequest, page_info
from payment_subgraph.pages import Page
from payment_subgraph.payment import Failure
from payment_subgraph.refusals import failure_message
from payment_subgraph.schema.access import scoped
from payment_subgraph.schema.values import Money, PageInfo
from payment_subgraph.timeline import PaymentEventRecord, timeline_cursor_of
from payment_subgraph.transitions import TransitionType
from payment_subgraph.viewer import READ_ANY

_OF_AN_ATTEMPT: Final = frozenset({TransitionType.PAYMENT_ATTEMPT_FAILED, TransitionType.PAYMENT_FAILED})
_SAID_BY_THE_PAYER: Final = frozenset({TransitionType.DISPUTE_OPENED})
_REASONS: Final = {
    "abandoned": "Nobody paid.",
    "automatic": "Canceled by the provider.",
    "duplicate": "It was asked for twice.",
    "expired": "The authorization was not captured in time.",
    "fraudulent": "Suspected of fraud.",
    "requested_by_customer": "The customer asked for it.",
}


@strawberry.type(description="What happened to a payment: one row of its timeline.")
class PaymentEvent:
    row: strawberry.Private[PaymentEventRecord]
    id: strawberry.ID = strawberry.field(description="Also the `webhook-id` of the message that tells it.")
    type: str = strawberry.field(description="Such as `payment.succeeded`; there may be new ones any time.")
    source: str = strawberry.field(
        description=(
            "How we learned of it. REQUEST: a mutation. ANSWER: the provider's answer to one. LOOK: looked up, since its "
            "answer was lost. WEBHOOK: the provider told. RECONCILER: the payment was read again. SYNC: staff had it "
            "read. THAW: it was frozen, and an operator let it go on. MIGRATION: it is older than the timeline, and told by what is left of it."
        )
    )
    message: str | None = strawberry.field(description="Why, in a sentence, where there is a reason.")
    amount: Money | None = strawberry.field(description="The sum it is about.")
    occurred_at: datetime = strawberry.field(description="When it was written here.")

    refund_id: strawberry.ID | None = strawberry.field(description="The refund it is about.")
    dispute_id: strawberry.ID | None = strawberry.field(description="The dispute it is about.")

    @scoped(READ_ANY, description="Of the reason, the code.")
    def reason(self) -> str | None:
        return self.row.reason

    @scoped(
        READ_ANY,
        description="The operation, the provider's event, the payment or the user that `source` names.",
    )
    def cause_id(self) -> strawberry.ID | None:
        return strawberry.ID(self.row.cause_id)

    @scoped(READ_ANY, description="Who asked for it, if somebody did.")
    def actor_id(self) -> strawberry.ID | None:
        return strawberry.ID(self.row.actor_id) if self.row.actor_id else None

    @classmethod
    def of(cls, record: PaymentEventRecord) -> Self:
        subject, kind = strawberry.ID(record.subject_id), record.type.partition(".")[0]
        return cls(
            row=record,
            id=strawberry.ID(record.id),
            type=record.type,
            source=record.source,
            message=_message(record),
            amount=Money.of(record.amount) if record.amount else None,
            occurred_at=record.occurred_at,
            refund_id=subject if kind == "refund" else None,
            dispute_id=subject if kind == "dispute" else None,
        )


def _message(record: PaymentEventRecord) -> str | None:
    if record.reason is None or record.type in _SAID_BY_THE_PAYER:
        return None
    if record.type in _OF_AN_ATTEMPT:
        return failure_message(Failure(record.reason, None, record.occurred_at))
    return _REASONS.get(record.reason)


@strawberry.type
class PaymentEventEdge:
    cursor: str
    node: PaymentEvent


@strawberry.type(description="What happened to a payment, newest first.")
class PaymentEventConnection:
    edges: list[PaymentEventEdge]
    nodes: list[PaymentEvent]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[PaymentEventRecord], request: PageRequest) -> Self:
        edges = [
            PaymentEventEdge(cursor=timeline_cursor_of(record, request), node=PaymentEvent.of(record))
            for record in page.rows
        ]
        info = page_info(request, [edge.cursor for edge in edges], more=page.more)
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=PageInfo.of(info))
