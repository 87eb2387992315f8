"""What Stripe's lists of objects tell, one by one, or one of those objects by its id. Given the client to ask."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from payment_subgraph.book_difference import BookObject
from payment_subgraph.observation import DisputeSnapshot, PaymentSnapshot, RefundSnapshot
from payment_subgraph.processor import Listed, Made
from payment_subgraph.stripe_balance import movement_snapshot
from payment_subgraph.stripe_form import Json, moment, reads
from payment_subgraph.stripe_objects import dispute_snapshot, payment_snapshot, refund_snapshot
from payment_subgraph.unreadable import Unreadable, UnreadableObject

if TYPE_CHECKING:
    import stripe

Item = TypeVar("Item")


def made_within(since: datetime, until: datetime) -> Any:
    """The parameters of such a list."""
    window = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
    return {"created": window, "limit": 100}


async def each(listing: AsyncIterator[Json], read: Callable[[Json], Item | None]) -> Listed[Item]:
    """Without those for which *read* has None: they are none of ours."""
    async for found in listing:
        if (item := _read(found, read)) is not None:
            yield item


def _read(found: Json, read: Callable[[Json], Item | None]) -> Item | UnreadableObject | None:
    try:
        return read(found)
    except Unreadable as other:
        return other.object


@reads(BookObject.PAYMENT)
def made_payment(found: Json, now: datetime) -> Made[PaymentSnapshot]:
    return Made(moment(found["created"]), payment_snapshot(found, now))


@reads(BookObject.REFUND)
def made_refund(found: Json) -> Made[RefundSnapshot] | None:
    """None for one of a bare charge, made without a payment intent."""
    if found.get("payment_intent") is None:
        return None
    return Made(moment(found["created"]), refund_snapshot(found))


def made_dispute(found: Json) -> DisputeSnapshot | None:
    """None for one of a bare charge."""
    return None if found.get("payment_intent") is None else dispute_snapshot(found)


def retrieve(client: "stripe.StripeClient", kind: BookObject, name: str) -> Awaitable[Any]:
    v1 = client.v1
    match kind:
        case BookObject.PAYMENT:
            return v1.payment_intents.retrieve_async(name)
        case BookObject.REFUND:
            return v1.refunds.retrieve_async(name)
        case BookObject.DISPUTE:
            return v1.disputes.retrieve_async(name)
        case BookObject.BALANCE_TRANSACTION:
            return v1.balance_transactions.retrieve_async(name, {"expand": ["source"]})


def payment_named(kind: BookObject, found: Json, now: datetime) -> str | None:
    """The payment intent that the object is, or belongs to; None if to none. Raises Unreadable."""
    match kind:
        case BookObject.PAYMENT:
            return made_payment(found, now).seen.provider_payment_id
        case BookObject.REFUND:
            refund = made_refund(found)
            return refund.seen.provider_payment_id if refund else None
        case BookObject.DISPUTE:
            dispute = made_dispute(found)
            return dispute.provider_payment_id if dispute else None
        case BookObject.BALANCE_TRANSACTION:
            movement = movement_snapshot(found)
            return movement.provider_payment_id if movement else None
