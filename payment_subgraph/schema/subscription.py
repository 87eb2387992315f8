"""Subscriptions."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from payment_subgraph.errors import NothingToWatch
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.payment import Payment
from payment_subgraph.viewer import READ

_UPDATED = (
    "The payment as it is now, and again each time that it, its refunds, disputes or pending operations change. "
    "Changes that follow each other quickly may come as one."
)


@strawberry.type
class Subscription:
    # Not `scoped`, whose extension awaits one answer.
    @strawberry.federation.field(  # type: ignore[untyped-decorator]  # that of `federation.field` for subscriptions
        is_subscription=True, requires_scopes=[list(scopes) for scopes in READ], description=_UPDATED
    )
    async def payment_updated(self, info: Info, payment_id: strawberry.ID) -> AsyncGenerator[Payment, None]:
        context, viewer = info.context, info.context.viewer
        viewer.require(READ)
        with context.streams.one_more(viewer.user_id or ""):
            async with aclosing(context.watching.states(payment_id)) as states:
                async for state in states:
                    if not viewer.may_read(state.payment.owner_id):
                        break
                    context.begin_event(state.loaders)
                    yield Payment.of(state.payment, viewer)
        raise NothingToWatch
