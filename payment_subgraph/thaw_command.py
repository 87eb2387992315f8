"""`thaw`: what people do about a payment that is frozen. Its exit status is 1 if it stays so, 2 if nothing could be judged."""

import asyncio
import sys
from typing import Final

from payment_subgraph.app import Parts
from payment_subgraph.book_commands import with_parts
from payment_subgraph.errors import NotFound
from payment_subgraph.observation import OTHER_OBJECT, REFERENCE_TAKEN
from payment_subgraph.processor import ProcessorError
from payment_subgraph.refresh import ReferenceNotTaken, RefreshContended
from payment_subgraph.thawing import NotFrozen, StaysFrozen, Thawing

_ADVICE: Final = {
    None: "The provider has no such payment. Is this the account it was made on?",
    REFERENCE_TAKEN: (
        "Another payment has its reference. Cancel that one, or let this one go on without: --without-reference."
    ),
    "OTHER_AMOUNT": "Its sum at the provider is not the one asked for. Settle it in the provider's dashboard: it ends there.",
    OTHER_OBJECT: "Two objects at the provider carry its id. Refund or cancel the other one in the dashboard.",
}
_ASK: Final = (
    "Compare it in the provider's dashboard with what the API shows, and ask the provider's support."
)


def thaw(payment_id: str, by: str, *, without_reference: bool) -> int:
    return asyncio.run(
        with_parts(lambda parts: thaw_payment(parts, payment_id, by, without_reference=without_reference))
    )


async def thaw_payment(parts: Parts, payment_id: str, by: str, *, without_reference: bool = False) -> int:
    thawing = Thawing(parts.repository, parts.processor, parts.reconciler.refresh, parts.reconciler.clock)
    try:
        payment = await thawing(payment_id, by, without_reference=without_reference)
    except NotFrozen:
        sys.stdout.write(f"{payment_id} is not frozen\n")
        return 0
    except StaysFrozen as still:
        sys.stdout.write(
            f"{payment_id} stays frozen ({still.reason or still.payment.frozen_reason}). "
            f"{_ADVICE.get(still.reason, _ASK)}\n"
        )
        return 1
    except (NotFound, ReferenceNotTaken, RefreshContended, ProcessorError) as refused:
        sys.stderr.write(f"{_why(refused, payment_id)}\n")
        return 2
    without = ", without a reference" if payment.reference is None and without_reference else ""
    sys.stdout.write(f"{payment_id} goes on: now {payment.status}{without}\n")
    return 0


def _why(refused: Exception, payment_id: str) -> str:
    match refused:
        case NotFound():
            return f"There is no payment {payment_id}."
        case ReferenceNotTaken():
            return f"{payment_id} may keep its reference: no other payment was found to have it."
        case RefreshContended():
            return f"{payment_id} changes all the time just now: try again in a moment."
        case _:
            return f"The provider could not be asked: {refused}"
