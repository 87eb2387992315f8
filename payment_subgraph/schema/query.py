"""Queries."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from payment_subgraph.book_difference import BookDifferenceCause
from payment_subgraph.cursors import DEFAULT_PAGE, page_request
from payment_subgraph.dispute import DisputeStatus
from payment_subgraph.inbox_event import InboxState
from payment_subgraph.outbox import OutboxFilter
from payment_subgraph.outbox_message import OutboxState
from payment_subgraph.pages import EventFilter
from payment_subgraph.report import ReportInterval
from payment_subgraph.schema.access import scoped
from payment_subgraph.schema.answer_size import count_rows
from payment_subgraph.schema.book_difference import BookDifferenceConnection
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.dispute import Dispute, DisputeConnection
from payment_subgraph.schema.inputs import (
    PaymentFilterInput,
    PaymentOrder,
    chosen_words,
    given,
    known_currency,
)
from payment_subgraph.schema.ledger import LedgerCheck
from payment_subgraph.schema.outbox_message import OutboxMessageConnection
from payment_subgraph.schema.payment import Payment, Refund
from payment_subgraph.schema.report import PaymentReportRow
from payment_subgraph.schema.scalars import CurrencyCode
from payment_subgraph.schema.user import PaymentConnection
from payment_subgraph.schema.webhook_event import WebhookEventConnection
from payment_subgraph.viewer import MANAGE_WEBHOOKS, READ, READ_ANY, READ_DISPUTES, READ_LEDGER, READ_REPORTS

_LEDGER = "Staff. Whether the books of a currency add up, and say the same as its payments."
_DIFFERENCES = (
    "Staff. What the daily comparison with the provider's books found and could not heal, newest first."
)
_REPORT = (
    "Staff. What was paid and paid back from `from` to before `to`, by period and currency. Periods in which "
    "nothing happened are left out; the first and the last count only what lies within."
)
_STAFF = "Staff. A user's own history is `me { payments }`: one field never means two things."


async def visible_payment(info: Info, payment_id: str) -> Payment | None:
    """None for an unknown payment and for one that is not the viewer's."""
    found = await info.context.loaders.payment.load(payment_id)
    if found is None or not info.context.viewer.may_read(found.owner_id):
        return None
    return Payment.of(found, info.context.viewer)


async def visible_refund(info: Info, refund_id: str) -> Refund | None:
    found = await info.context.loaders.refund.load(refund_id)
    payment = await visible_payment(info, found.payment_id) if found else None
    return Refund.of(found, payment.row) if found and payment else None


async def visible_dispute(info: Info, dispute_id: str) -> Dispute | None:
    found = await info.context.loaders.dispute.load(dispute_id)
    payment = await visible_payment(info, found.payment_id) if found else None
    return Dispute.of(found) if found and payment else None


@strawberry.type
class Query:
    @scoped(READ)
    async def payment(self, info: Info, id: strawberry.ID) -> Payment | None:  # noqa: A002
        return await visible_payment(info, id)

    @scoped(READ_ANY, description=_STAFF)
    async def payments(  # noqa: PLR0913, PLR0917 - the arguments of the field in the API
        self,
        info: Info,
        first: int | None = DEFAULT_PAGE,
        after: str | None = UNSET,
        last: int | None = UNSET,
        before: str | None = UNSET,
        filter: PaymentFilterInput | None = UNSET,  # noqa: A002 - the argument's name in the API
        order_by: PaymentOrder | None = UNSET,
    ) -> PaymentConnection | None:
        pages = info.context.pages
        wanted = PaymentFilterInput.chosen(filter)
        request = PaymentOrder.page(order_by, first, after, last, before)
        page = await pages.payments(wanted, request)
        count_rows(info, len(page.rows))
        return PaymentConnection.of(page, request, info.context.viewer, lambda: pages.count_payments(wanted))

    @scoped(READ)
    async def refund(self, info: Info, id: strawberry.ID) -> Refund | None:  # noqa: A002
        return await visible_refund(info, id)

    @scoped(READ_DISPUTES, description="Staff. Newest first.")
    async def disputes(
        self,
        info: Info,
        first: int | None = DEFAULT_PAGE,
        after: str | None = UNSET,
        status: list[DisputeStatus] | None = UNSET,
    ) -> DisputeConnection | None:
        request = page_request(first, given(after))
        page = await info.context.pages.disputes(chosen_words(status), request)
        count_rows(info, len(page.rows))
        return DisputeConnection.of(page, request)

    @scoped(MANAGE_WEBHOOKS, description="Stored webhooks, newest first.")
    async def webhook_events(
        self,
        info: Info,
        first: int | None = DEFAULT_PAGE,
        after: str | None = UNSET,
        state: list[InboxState] | None = UNSET,
        type: str | None = UNSET,  # noqa: A002 - the argument's name in the API
    ) -> WebhookEventConnection | None:
        request = page_request(first, given(after))
        page = await info.context.pages.webhook_events(EventFilter(chosen_words(state), given(type)), request)
        count_rows(info, len(page.rows))
        return WebhookEventConnection.of(page, request)

    @scoped(MANAGE_WEBHOOKS, description="What is told to the receiver of `OUTBOX_URL`, newest first.")
    async def outbox_messages(  # noqa: PLR0913, PLR0917 - the arguments of the field in the API
        self,
        info: Info,
        first: int | None = DEFAULT_PAGE,
        after: str | None = UNSET,
        state: list[OutboxState] | None = UNSET,
        type: str | None = UNSET,  # noqa: A002 - the argument's name in the API
        payment_id: strawberry.ID | None = UNSET,
    ) -> OutboxMessageConnection | None:
        request = page_request(first, given(after))
        wanted = OutboxFilter(chosen_words(state), given(type), given(payment_id))
        page = await info.context.outbox.records(wanted, request)
        count_rows(info, len(page.rows))
        return OutboxMessageConnection.of(page, request)

    @scoped(READ_REPORTS, description=_REPORT)
    async def payment_report(
        self,
        info: Info,
        start: Annotated[datetime, strawberry.argument(name="from")],
        to: datetime,
        interval: ReportInterval = ReportInterval.DAY,
        currency: CurrencyCode | None = UNSET,
    ) -> list[PaymentReportRow] | None:
        only = given(currency)
        rows = await PaymentReportRow.of_span(
            info, start, to, interval, None if only is None else known_currency(only)
        )
        count_rows(info, len(rows))
        return rows

    @scoped(READ_LEDGER, description=_LEDGER)
    async def ledger_check(self, info: Info, currency: CurrencyCode) -> LedgerCheck | None:
        return LedgerCheck(books=info.context.books, currency=known_currency(currency))

    @scoped(READ_LEDGER, description=_DIFFERENCES)
    async def book_differences(
        self,
        info: Info,
        first: int | None = DEFAULT_PAGE,
        after: str | None = UNSET,
        cause: list[BookDifferenceCause] | None = UNSET,
        *,
        resolved: Annotated[
            bool | None, strawberry.argument(description="Null for all, whether they still stand or not.")
        ] = False,
    ) -> BookDifferenceConnection | None:
        request = page_request(first, given(after))
        page = await info.context.pages.book_differences(request, chosen_words(cause), resolved=resolved)
        count_rows(info, len(page.rows))
        return BookDifferenceConnection.of(page, request)
