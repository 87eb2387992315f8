"""A payment of ours and what belongs to it beside what the provider has: each thing that is not alike. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from payment_subgraph.balance import BalanceSums, BalanceTransaction
from payment_subgraph.book_difference import BookDifference, BookDifferenceCause, BookObject
from payment_subgraph.dispute import Dispute
from payment_subgraph.ledger import Sums
from payment_subgraph.money import Money
from payment_subgraph.observation import DisputeSnapshot, PaymentSnapshot, RefundSnapshot
from payment_subgraph.payment import Payment
from payment_subgraph.refund import OPEN, Refund
from payment_subgraph.unreadable import UnreadableObject

UNKNOWN_CURRENCY: Final = "XXX"
"""ISO 4217's word for no currency: of a sum that our minor units cannot express, or that cannot be read."""


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
            yield _refund_here(payment, refund, BookDifferenceCause.MISSING_THERE)
    for name, one in there.items():
        if name not in met:
            yield _refund_there(payment, one)


def _refund_pair(payment: Payment, refund: Refund, seen: RefundSnapshot) -> Iterator[BookDifference]:
    """One that is open here and was never answered is the reconciler's, not a difference."""
    if seen.amount != payment.money(refund.amount_minor):
        found = _refund_here(payment, refund, BookDifferenceCause.OTHER_AMOUNT)
        yield replace(_beside(found, seen), amount_there=seen.amount.minor if seen.amount else None)
    unanswered = refund.provider_refund_id is None and refund.status in OPEN
    if seen.status is not refund.status and not unanswered:
        found = _refund_here(payment, refund, BookDifferenceCause.OTHER_STATUS)
        yield replace(_beside(found, seen), amount_here=None)


def _beside(found: BookDifference, seen: RefundSnapshot) -> BookDifference:
    return replace(found, status_there=seen.status, provider_object_id=seen.provider_refund_id)


def dispute_differences(
    payment: Payment, known: Sequence[Dispute], seen: Sequence[DisputeSnapshot], posted: Mapping[str, Money]
) -> Iterator[BookDifference]:
    """*posted*: what the ledger has as lost, by our ids of the disputes, also of those that have no row any more."""
    there = {one.provider_dispute_id: one for one in seen}
    for dispute in known:
        same = there.pop(dispute.provider_dispute_id, None)
        if same is None:
            yield _dispute_here(payment, dispute, BookDifferenceCause.MISSING_THERE)
        else:
            yield from _dispute_pair(payment, dispute, same)
    for one in there.values():
        yield _dispute_there(payment, one)
    lost = {one.id: one.lost for one in known if one.lost is not None}
    for name in sorted({*lost, *posted}):
        if posted.get(name) != lost.get(name):
            yield _loss_not_posted(payment, name, posted.get(name), lost.get(name))


def _dispute_pair(payment: Payment, dispute: Dispute, seen: DisputeSnapshot) -> Iterator[BookDifference]:
    if seen.amount != dispute.amount:
        there = seen.amount.minor if seen.amount and seen.amount.currency == dispute.currency else None
        found = _dispute_here(payment, dispute, BookDifferenceCause.OTHER_AMOUNT)
        yield replace(found, amount_there=there, status_there=seen.status)
    if seen.status is not dispute.status:
        found = _dispute_here(payment, dispute, BookDifferenceCause.OTHER_STATUS)
        yield replace(found, amount_here=None, status_there=seen.status)


def movement_differences(
    payment: Payment,
    known: Iterable[BalanceTransaction],
    seen: Mapping[str, BalanceSums | None],
    posted: Mapping[str, int],
) -> Iterator[BookDifference]:
    """Of balance transactions. *seen* and *posted*, what reached the balance by the ledger, by their ids."""
    met = set()
    for one in known:
        met.add(one.id)
        there = seen.get(one.id)
        if one.id not in seen:
            yield _movement(payment, one.id, BookDifferenceCause.MISSING_THERE, here=one.sums)
        elif there != one.sums:
            yield _movement(payment, one.id, BookDifferenceCause.OTHER_AMOUNT, here=one.sums, there=there)
        elif posted.get(one.id, 0) != one.net_minor:
            found = _movement(payment, one.id, BookDifferenceCause.NOT_POSTED, there=there)
            yield replace(found, amount_here=posted.get(one.id, 0))
    for name, sums in seen.items():
        if name not in met:
            yield _movement(payment, name, BookDifferenceCause.MISSING_HERE, there=sums)


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
        payment_id=_short_enough(seen.payment_id),
        provider_object_id=seen.provider_payment_id,
        amount_there=seen.amount.minor if seen.amount else None,
        status_there=seen.status,
    )


def _short_enough(payment_id: str | None) -> str | None:
    """None for what is no id of ours: others may write there what they like."""
    return payment_id if payment_id and len(payment_id) <= 40 else None


def unreadable(payment_key: str, found: UnreadableObject, payment_id: str | None = None) -> BookDifference:
    """With what is known of it, also the id of ours that it carries where it is not known to be of *payment_id*."""
    return BookDifference(
        payment_key=payment_key,
        object_type=found.kind,
        object_id=found.provider_object_id,
        cause=BookDifferenceCause.UNREADABLE,
        currency=found.amount.currency if found.amount else UNKNOWN_CURRENCY,
        payment_id=payment_id or _short_enough(found.payment_id),
        provider_object_id=found.provider_object_id,
        amount_there=found.amount.minor if found.amount else None,
        status_there=found.status,
    )


def _refund_here(payment: Payment, refund: Refund, cause: BookDifferenceCause) -> BookDifference:
    amount, there = payment.money(refund.amount_minor), refund.provider_refund_id
    return _here(payment, BookObject.REFUND, refund.id, there, cause, amount, refund.status)


def _refund_there(payment: Payment, seen: RefundSnapshot) -> BookDifference:
    return _there(payment, BookObject.REFUND, seen.provider_refund_id, seen.amount, seen.status)


def _dispute_here(payment: Payment, dispute: Dispute, cause: BookDifferenceCause) -> BookDifference:
    name, there = dispute.id, dispute.provider_dispute_id
    return _here(payment, BookObject.DISPUTE, name, there, cause, dispute.amount, dispute.status)


def _dispute_there(payment: Payment, seen: DisputeSnapshot) -> BookDifference:
    return _there(payment, BookObject.DISPUTE, seen.provider_dispute_id, seen.amount, seen.status)


def _here(  # noqa: PLR0913, PLR0917 - the parts of one
    payment: Payment,
    kind: BookObject,
    name: str,
    provider_object_id: str | None,
    cause: BookDifferenceCause,
    amount: Money,
    status: str,
) -> BookDifference:
    """With nothing on the provider's side."""
    return BookDifference(
        payment_key=payment.id,
        object_type=kind,
        object_id=name,
        cause=cause,
        currency=amount.currency,
        payment_id=payment.id,
        provider_object_id=provider_object_id,
        amount_here=amount.minor,
        status_here=status,
    )


def _there(
    payment: Payment, kind: BookObject, name: str, amount: Money | None, status: str
) -> BookDifference:
    """With nothing on our side."""
    return BookDifference(
        payment_key=payment.id,
        object_type=kind,
        object_id=name,
        cause=BookDifferenceCause.MISSING_HERE,
        currency=amount.currency if amount else UNKNOWN_CURRENCY,
        payment_id=payment.id,
        provider_object_id=name,
        amount_there=amount.minor if amount else None,
        status_there=status,
    )


def _loss_not_posted(
    payment: Payment, dispute_id: str, posted: Money | None, lost: Money | None
) -> BookDifference:
    told = lost or posted
    return BookDifference(
        payment_key=payment.id,
        object_type=BookObject.DISPUTE,
        object_id=dispute_id,
        cause=BookDifferenceCause.NOT_POSTED,
        currency=told.currency if told else UNKNOWN_CURRENCY,
        payment_id=payment.id,
        amount_here=posted.minor if posted else 0,
        amount_there=lost.minor if lost else 0,
    )


def _movement(
    payment: Payment,
    name: str,
    cause: BookDifferenceCause,
    *,
    here: BalanceSums | None = None,
    there: BalanceSums | None = None,
) -> BookDifference:
    """Its net is told; or its amount, where only that and the fee are not alike."""
    told = here or there
    currency = told.currency if told else UNKNOWN_CURRENCY
    net = (
        here is None or there is None or (here.net_minor, here.currency) != (there.net_minor, there.currency)
    )
    return BookDifference(
        payment_key=payment.id,
        object_type=BookObject.BALANCE_TRANSACTION,
        object_id=name,
        cause=cause,
        currency=currency,
        payment_id=payment.id,
        provider_object_id=name,
        amount_here=_told(here, currency, net=net),
        amount_there=_told(there, currency, net=net),
    )


def _told(sums: BalanceSums | None, currency: str, *, net: bool) -> int | None:
    if sums is None or sums.currency != currency:
        return None
    return sums.net_minor if net else sums.amount_minor


def differ(differences: Iterable[BookDifference]) -> bool:
    return next(iter(differences), None) is not None
