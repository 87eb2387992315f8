"""A payment of ours and its refunds beside what the provider has: each thing that is not alike. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from payment_subgraph.book_difference import BookDifference, BookDifferenceCause, BookObject
from payment_subgraph.ledger import Sums
from payment_subgraph.observation import PaymentSnapshot, RefundSnapshot
from payment_subgraph.payment import Payment
from payment_subgraph.refund import OPEN, Refund

UNKNOWN_CURRENCY: Final = "XXX"
"""ISO 4217's word for no currency: of a sum that our minor units cannot express."""


def payment_differences(payment: Payment, seen: PaymentSnapshot) -> Iterator[BookDifference]:
    """Sums before captures: another sum makes the captured one meaningless."""
    found = replace(
        payment_here(payment, BookDifferenceCause.OTHER_AMOUNT),
        provider_object_id=seen.provider_payment_id,
        status_there=seen.status,
    )
    if seen.amount != payment.amount:
        there = seen.amount.minor if seen.amount and seen.amount.currency == payment.currency else None
        yield replace(found, amount_here=payment.amount_minor, amount_there=there)
    elif seen.captured is None or seen.captured.minor != payment.amount_captured:
        there = seen.captured.minor if seen.captured else None
        yield replace(found, amount_here=payment.amount_captured, amount_there=there)
    if seen.status.value != payment.status.value:
        yield replace(found, cause=BookDifferenceCause.OTHER_STATUS, amount_here=None)


def refund_differences(
    payment: Payment, known: Sequence[Refund], seen: Sequence[RefundSnapshot]
) -> Iterator[BookDifference]:
    """*known* and *seen* are all refunds of the payment, here and there."""
    there = {one.provider_refund_id: one for one in seen}
    by_our_id = {one.refund_id: one for one in seen}
    met = set()
    for refund in known:
        same = there.get(refund.provider_refund_id or "") or by_our_id.get(refund.id)
        if same is not None:
            met.add(same.provider_refund_id)
            yield from _refund_pair(payment, refund, same)
        elif refund.provider_refund_id is not None:
            yield refund_here(payment, refund, BookDifferenceCause.MISSING_THERE)
    for name, one in there.items():
        if name not in met:
            yield _refund_there(payment, one)


def _refund_pair(payment: Payment, refund: Refund, seen: RefundSnapshot) -> Iterator[BookDifference]:
    """One that is open here and was never answered is the reconciler's, not a difference."""
    if seen.amount != payment.money(refund.amount_minor):
        found = refund_here(payment, refund, BookDifferenceCause.OTHER_AMOUNT)
        yield replace(_beside(found, seen), amount_there=seen.amount.minor if seen.amount else None)
    unanswered = refund.provider_refund_id is None and refund.status in OPEN
    if seen.status is not refund.status and not unanswered:
        found = refund_here(payment, refund, BookDifferenceCause.OTHER_STATUS)
        yield replace(_beside(found, seen), amount_here=None)


def _beside(found: BookDifference, seen: RefundSnapshot) -> BookDifference:
    return replace(found, status_there=seen.status, provider_object_id=seen.provider_refund_id)


def not_posted(payment: Payment, posted: Sums) -> Iterator[BookDifference]:
    """*amount_here* is the ledger's, *amount_there* what row and provider agree on: captured less refunded."""
    if posted == Sums(capture=payment.amount_captured, refund=payment.amount_refunded):
        return
    yield replace(
        payment_here(payment, BookDifferenceCause.NOT_POSTED),
        provider_object_id=payment.provider_payment_id,
        amount_here=posted.capture - posted.refund,
        amount_there=payment.amount_captured - payment.amount_refunded,
    )


def payment_here(payment: Payment, cause: BookDifferenceCause) -> BookDifference:
    """With nothing on the provider's side."""
    return BookDifference(
        payment_key=payment.id,
        object_type=BookObject.PAYMENT,
        object_id=payment.id,
        cause=cause,
        currency=payment.currency,
        payment_id=payment.id,
        provider_object_id=payment.provider_payment_id,
        status_here=payment.status,
    )


def payment_there(seen: PaymentSnapshot) -> BookDifference:
    """With nothing on our side, but the id of ours that it carries."""
    return BookDifference(
        payment_key=seen.provider_payment_id,
        object_type=BookObject.PAYMENT,
        object_id=seen.provider_payment_id,
        cause=BookDifferenceCause.MISSING_HERE,
        currency=seen.amount.currency if seen.amount else UNKNOWN_CURRENCY,
        payment_id=seen.payment_id if seen.payment_id and len(seen.payment_id) <= 40 else None,
        provider_object_id=seen.provider_payment_id,
        amount_there=seen.amount.minor if seen.amount else None,
        status_there=seen.status,
    )


def refund_here(payment: Payment, refund: Refund, cause: BookDifferenceCause) -> BookDifference:
    return BookDifference(
        payment_key=payment.id,
        object_type=BookObject.REFUND,
        object_id=refund.id,
        cause=cause,
        currency=payment.currency,
        payment_id=payment.id,
        provider_object_id=refund.provider_refund_id,
        amount_here=refund.amount_minor,
        status_here=refund.status,
    )


def _refund_there(payment: Payment, seen: RefundSnapshot) -> BookDifference:
    return BookDifference(
        payment_key=payment.id,
        object_type=BookObject.REFUND,
        object_id=seen.provider_refund_id,
        cause=BookDifferenceCause.MISSING_HERE,
        currency=seen.amount.currency if seen.amount else UNKNOWN_CURRENCY,
        payment_id=payment.id,
        provider_object_id=seen.provider_refund_id,
        amount_there=seen.amount.minor if seen.amount else None,
        status_there=seen.status,
    )


def differ(differences: Iterable[BookDifference]) -> bool:
    return next(iter(differences), None) is not None
