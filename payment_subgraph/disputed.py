"""What a reading of disputes makes of our rows, and they of their payment. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from payment_subgraph.dispute import Dispute, amount_disputed, worst
from payment_subgraph.ids import new_dispute_id
from payment_subgraph.ledger import DisputeChange
from payment_subgraph.observation import DisputeSnapshot, observe_dispute
from payment_subgraph.payment import Payment

DisputeMoves = list[DisputeChange]


def dispute_moves(
    payment: Payment, known: Collection[Dispute], seen: Sequence[DisputeSnapshot], now: datetime
) -> DisputeMoves:
    """Each dispute seen, before and after; before is None for a new one. Raises Contradiction."""
    ours = {dispute.provider_dispute_id: dispute for dispute in known}
    return [_move(payment, ours.get(one.provider_dispute_id), one, now) for one in seen]


def _move(payment: Payment, before: Dispute | None, seen: DisputeSnapshot, now: datetime) -> DisputeChange:
    made = before or Dispute(
        id=new_dispute_id(),
        payment_id=payment.id,
        provider_dispute_id=seen.provider_dispute_id,
        amount_minor=0,
        currency=payment.currency,
        status=seen.status,
        reason=seen.reason,
        created_at=seen.opened_at,
        updated_at=now,
    )
    return before, observe_dispute(made, seen)


def after_disputes(payment: Payment, disputes: Collection[Dispute]) -> Payment:
    """*payment* as its *disputes*, all of them, let it stand; as it is if none were looked at."""
    decisive = worst(disputes)
    if decisive is None:
        return payment
    taken = amount_disputed(disputes, payment.money(payment.amount_captured))
    return replace(payment, amount_disputed=taken, dispute_standing=decisive.standing)
