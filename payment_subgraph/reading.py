"""What the provider said at one moment, and what that makes of our rows. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from payment_subgraph.balance import BalanceTransaction
from payment_subgraph.dispute import Dispute
from payment_subgraph.disputed import DisputeMoves, after_disputes, dispute_moves
from payment_subgraph.ids import new_refund_id
from payment_subgraph.ledger import Posting, balance_postings, chargeback_postings, postings
from payment_subgraph.observation import (
    DisputeSnapshot,
    Movements,
    PaymentSnapshot,
    RefundSnapshot,
    observe_payment,
    observe_refund,
)
from payment_subgraph.payment import Payment
from payment_subgraph.refund import Refund, RefundSource, refund_totals


@dataclass(frozen=True, slots=True)
class Basis:
    """How far our rows were before the provider was read."""

    readings: int
    refund_versions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the provider says; *basis* is what we knew before we asked.

    *all_refunds*: those are all there are. *disputes* None: they were not read; nor are they ever without the
    payment, whose count of readings therefore guards them, too.
    """

    basis: Basis
    payment: PaymentSnapshot | None = None
    refunds: Sequence[RefundSnapshot] = ()
    all_refunds: bool = False
    disputes: Sequence[DisputeSnapshot] | None = None

    @property
    def movements(self) -> Movements:
        """Every balance transaction it tells of."""
        charge = self.payment.charge.movements if self.payment and self.payment.charge else ()
        return (
            *charge,
            *(one for refund in self.refunds for one in refund.movements),
            *(one for dispute in self.disputes or () for one in dispute.movements),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """The payment, refunds and disputes seen, each before and after; *all_refunds* by id, as they will stand.

    *moved*: balance transactions that were not known.
    """

    before: Payment
    after: Payment
    refunds: list[tuple[Refund | None, Refund]]
    all_refunds: dict[str, Refund]
    disputes: DisputeMoves = field(default_factory=list)
    moved: Sequence[BalanceTransaction] = ()

    def __bool__(self) -> bool:
        moves = (*self.refunds, *self.disputes)
        return self.before != self.after or bool(self.moved) or any(was != is_now for was, is_now in moves)

    def postings(self) -> list[Posting]:
        return [
            *postings(self.before, self.after, self.refunds),
            *balance_postings(self.after, self.moved),
            *chargeback_postings(self.disputes),
        ]


def may_be_disputed(payment: Payment, reading: Reading) -> bool:
    return payment.dispute_standing is not None or reading.disputes is not None


def change_by(
    payment: Payment, known: list[Refund], disputes: list[Dispute], reading: Reading, now: datetime
) -> Change:
    """What *reading* makes of our rows. Raises Contradiction."""
    seen = observe_payment(payment, reading.payment, now) if reading.payment else payment
    moves = [_refund_move(payment, known, one, now) for one in reading.refunds]
    current = {refund.id: refund for refund in known} | {after.id: after for _, after in moves}
    refunded, pending = refund_totals(current.values())
    disputed = dispute_moves(payment, disputes, reading.disputes or (), now)
    stand = {one.id: one for one in disputes} | {after.id: after for _, after in disputed}
    after = after_disputes(
        replace(seen, amount_refunded=refunded, amount_refund_pending=pending), list(stand.values())
    )
    watched = _watched(after, list(stand.values()), reading) or (
        payment.watched and not _whole(reading, known, stand.values())
    )
    return Change(payment, replace(after, watched=watched), moves, current, disputed)


def _watched(payment: Payment, disputes: Collection[Dispute], reading: Reading) -> bool:
    """Whether the provider will have more to say of what was collected, by all that *reading* tells."""
    charge = reading.payment.charge if reading.payment else None
    unsettled = charge is not None and payment.amount_captured > 0 and charge.unsettled
    unknown = charge is not None and charge.disputed and not disputes
    return (
        unsettled
        or unknown
        or any(one.unsettled for one in reading.refunds)
        or any(one.open for one in disputes)
    )


def _whole(reading: Reading, refunds: Collection[Refund], disputes: Collection[Dispute]) -> bool:
    """Whether *reading* shows all there is: only then nothing of what was waited for is out of its sight."""
    return (
        reading.payment is not None
        and (reading.all_refunds or not refunds)
        and (reading.disputes is not None or not disputes)
    )


def is_outdated(payment: Payment, known: list[Refund], reading: Reading) -> bool:
    if reading.payment is not None and payment.readings != reading.basis.readings:
        return True
    versions = {refund.id: refund.version for refund in known}
    mentioned = {found.id for one in reading.refunds if (found := known_refund(known, one))}
    return any(versions[one] != reading.basis.refund_versions.get(one) for one in mentioned)


def known_refund(known: Collection[Refund], seen: RefundSnapshot) -> Refund | None:
    """By the provider's id, else by ours, which we wrote on the object: an answer may have been lost."""
    by_provider = (refund for refund in known if refund.provider_refund_id == seen.provider_refund_id)
    return next(by_provider, None) or next((refund for refund in known if refund.id == seen.refund_id), None)


def _refund_move(
    payment: Payment, known: list[Refund], seen: RefundSnapshot, now: datetime
) -> tuple[Refund | None, Refund]:
    """The refund before and after; before is None for one that was made elsewhere."""
    before = known_refund(known, seen)
    if before is not None:
        return before, observe_refund(before, seen, payment.currency)
    made = Refund(
        id=new_refund_id(),
        payment_id=payment.id,
        amount_minor=seen.amount.minor if seen.amount else 0,
        created_at=now,
        updated_at=now,
        source=RefundSource.EXTERNAL,
    )
    return None, observe_refund(made, seen, payment.currency)
