"""User, as far as this service knows one: a key, and the payments behind it."""

from collections.abc import Awaitable, Callable
from typing import Self

import strawberry
from strawberry import UNSET

from payment_subgraph.cursors import DEFAULT_PAGE, PageRequest, page_info
from payment_subgraph.errors import Forbidden
from payment_subgraph.pages import Page, cursor_of
from payment_subgraph.payment import Payment as PaymentRow
from payment_subgraph.schema.access import scoped
from payment_subgraph.schema.answer_size import count_rows
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.inputs import PaymentFilterInput, PaymentOrder, known_currency
from payment_subgraph.schema.payment import Payment, PaymentEdge
from payment_subgraph.schema.payment_method import PaymentMethod
from payment_subgraph.schema.scalars import CurrencyCode
from payment_subgraph.schema.summary import PaymentSummary
from payment_subgraph.schema.values import PageInfo
from payment_subgraph.viewer import READ, READ_ANY, Viewer


@strawberry.type
class PaymentConnection:
    count: strawberry.Private[Callable[[], Awaitable[int]]]
    edges: list[PaymentEdge]
    nodes: list[Payment]
    page_info: PageInfo

    @strawberry.field
    async def total_count(self) -> int | None:
        return await self.count()

    @classmethod
    def of(
        cls,
        page: Page[PaymentRow],
        request: PageRequest,
        viewer: Viewer,
        count: Callable[[], Awaitable[int]],
    ) -> Self:
        edges = [
            PaymentEdge(cursor=cursor_of(row, request), node=Payment.of(row, viewer)) for row in page.rows
        ]
        info = page_info(request, [edge.cursor for edge in edges], more=page.more)
        nodes = [edge.node for edge in edges]
        return cls(count=count, edges=edges, nodes=nodes, page_info=PageInfo.of(info))


@strawberry.federation.type(keys=["id"])
class User:
    id: strawberry.ID

    # Nullable: a dead payments service must not erase the user.
    @scoped(READ)
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
        viewer, loaders = info.context.viewer, info.context.loaders
        if not viewer.may_read(self.id):
            raise Forbidden(READ_ANY)
        wanted = PaymentFilterInput.chosen(filter)
        request = PaymentOrder.page(order_by, first, after, last, before)
        page = await loaders.payments_of.of(self.id, (wanted, request))
        count_rows(info, len(page.rows))
        return PaymentConnection.of(
            page, request, viewer, lambda: loaders.payment_count_of.of(self.id, wanted)
        )

    @scoped(READ, description="What is kept to be paid with again, the one kept longest first.")
    async def payment_methods(self, info: Info) -> list[PaymentMethod] | None:
        if not info.context.viewer.may_read(self.id):
            raise Forbidden(READ_ANY)
        return await PaymentMethod.kept_by(info, self.id)

    @scoped(READ)
    async def payment_summary(self, info: Info, currency: CurrencyCode) -> PaymentSummary | None:
        if not info.context.viewer.may_read(self.id):
            raise Forbidden(READ_ANY)
        code = known_currency(currency)
        return PaymentSummary.of(await info.context.loaders.summary_of.of(self.id, code), code)
