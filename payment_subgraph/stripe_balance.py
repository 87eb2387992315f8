"""Stripe's balance transactions translated into our words. Pure; does not import stripe.

Source: https://docs.stripe.com/api/balance_transactions/object
"""

from collections.abc import Mapping

from payment_subgraph.balance import BalanceSums, BalanceTransaction, MovementKind
from payment_subgraph.book_difference import BookObject
from payment_subgraph.money import Money
from payment_subgraph.observation import Movements, MovementSnapshot
from payment_subgraph.stripe_amounts import from_stripe_amount
from payment_subgraph.stripe_form import Json, moment, reads, short_text


def movements(
    kind: MovementKind, source_id: str, brought: Money | None, found: str | Json | None
) -> Movements:
    """One or none: nothing was moved yet, or the answer has only the id; a later reading brings the rest."""
    if not isinstance(found, Mapping):
        return ()
    return (stripe_balance_transaction(found, kind, source_id, brought),)


@reads(BookObject.BALANCE_TRANSACTION)
def stripe_balance_transaction(
    found: Json, kind: MovementKind, source_id: str, brought: Money | None
) -> BalanceTransaction | None:
    """None where our minor units cannot express it. *brought* is the movement in the payment's currency."""
    sums = _sums(found)
    if sums is None:
        return None
    return BalanceTransaction(
        id=found["id"],
        kind=kind,
        source_id=source_id,
        amount_minor=sums.amount_minor,
        fee_minor=sums.fee_minor,
        net_minor=sums.net_minor,
        currency=sums.currency,
        payment_minor=brought.minor if brought else None,
        created_at=moment(found["created"]),
        available_at=moment(found["available_on"]),
    )


@reads(BookObject.BALANCE_TRANSACTION)
def movement_snapshot(found: Json) -> MovementSnapshot | None:
    """None for what belongs to no payment intent: payouts, Stripe's own fees, bare charges. Its `source` is expanded."""
    source = found.get("source")
    intent = source.get("payment_intent") if isinstance(source, Mapping) else None
    return MovementSnapshot(found["id"], short_text(intent), _sums(found)) if intent else None


def _sums(found: Json) -> BalanceSums | None:
    currency = found["currency"]
    amount, fee, net = (from_stripe_amount(found[name], currency) for name in ("amount", "fee", "net"))
    if amount is None or fee is None or net is None:
        return None
    return BalanceSums(amount.minor, fee.minor, net.minor, amount.currency)
