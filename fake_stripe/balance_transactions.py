"""Balance transactions: every movement of money into and out of the account's balance, and what Stripe keeps of it.

Source: https://docs.stripe.com/api/balance_transactions, https://docs.stripe.com/reports/balance-transaction-types
"""

from dataclasses import dataclass
from fractions import Fraction

from fake_stripe import currencies, lists
from fake_stripe.api_errors import missing
from fake_stripe.execution import ApiRequest, Execution
from fake_stripe.ids import new_id
from fake_stripe.parameters import Fields, Text
from fake_stripe.store import StripeObject

LIST_FIELDS: Fields = {**lists.FIELDS, "currency": Text(), "source": Text(), "type": Text()}

CHARGE_FEE_BASIS_POINTS = 150
CHARGE_FEE_FIXED = 25
"""In minor units of whatever currency the account settles in."""
CHARGE_PENDING_S = 2 * 86_400
"""How long the money of a charge stays pending."""
DISPUTE_FEE = 1_500
"""For a chargeback, in minor units; not returned even when the dispute is won (since 2025-06-17)."""
EXCHANGE_RATE = Fraction(11, 10)
"""Of any currency into any other, whole units for whole units."""


def retrieve(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/balance_transactions/{id}"""
    transaction = execution.store.find("balance_transaction", request.object_id)
    if transaction is None:
        raise missing("balance transaction", request.object_id)
    return as_of(execution.clock.now(), transaction)


def list_(execution: Execution, request: ApiRequest) -> StripeObject:
    """GET /v1/balance_transactions"""
    wanted = request.parameters
    conditions = [
        *lists.equal_to(wanted, "type"),
        *lists.equal_inside(wanted, "currency", "source"),
    ]
    page = lists.page(execution.store, "balance_transaction", request, conditions)
    page["data"] = [as_of(execution.clock.now(), transaction) for transaction in page["data"]]
    return page


def as_of(now: int, transaction: StripeObject) -> StripeObject:
    """The transaction with the status the time has given it."""
    return {**transaction, "status": "available" if now >= transaction["available_on"] else "pending"}


def charge_fee(amount: int) -> int:
    """What Stripe keeps of a charge, rounded half up."""
    return (amount * CHARGE_FEE_BASIS_POINTS + 5_000) // 10_000 + CHARGE_FEE_FIXED


@dataclass(frozen=True)
class Movement:
    """Why money moves, and what Stripe takes for it."""

    type: str
    reporting_category: str
    description: str | None
    fee: int = 0
    fee_description: str = ""
    pending_s: int = 0
    """How long the money is not available yet."""


def add_charge(execution: Execution, charge: StripeObject) -> StripeObject:
    """Captured money comes in, less the fee."""
    amount = charge["amount_captured"]
    fee = charge_fee(_settled(execution, charge["currency"], amount))
    movement = Movement(
        "charge", "charge", charge["description"], fee, "Stripe processing fees", CHARGE_PENDING_S
    )
    return _add(execution, charge, amount, movement)


def add_refund(execution: Execution, refund: StripeObject) -> StripeObject:
    """Refunded money goes out; the charge's fee does not come back."""
    return _add(execution, refund, -refund["amount"], Movement("refund", "refund", "REFUND FOR CHARGE"))


def add_refund_failure(execution: Execution, refund: StripeObject) -> StripeObject:
    """The money of a failed refund comes back."""
    movement = Movement("refund_failure", "refund_failure", "REFUND FAILURE")
    return _add(execution, refund, refund["amount"], movement)


def add_dispute(execution: Execution, dispute: StripeObject) -> StripeObject:
    """The bank takes the disputed amount, and Stripe a fee."""
    description = f"Chargeback withdrawal for {dispute['charge']}"
    movement = Movement("adjustment", "dispute", description, DISPUTE_FEE, "Dispute fee")
    return _add(execution, dispute, -dispute["amount"], movement)


def add_dispute_reversal(execution: Execution, dispute: StripeObject) -> StripeObject:
    """The bank gives the disputed amount back."""
    movement = Movement("adjustment", "dispute_reversal", f"Chargeback reversal for {dispute['charge']}")
    return _add(execution, dispute, dispute["amount"], movement)


def _add(execution: Execution, source: StripeObject, amount: int, movement: Movement) -> StripeObject:
    """*amount* as the source has it; the balance may be kept in another currency."""
    now = execution.clock.now()
    currency = execution.account.settlement_currency or source["currency"]
    amount = _settled(execution, source["currency"], amount)
    fee_detail = {
        "amount": movement.fee,
        "application": None,
        "currency": currency,
        "description": movement.fee_description,
        "type": "stripe_fee",
    }
    transaction = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now + movement.pending_s,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": movement.description,
        "exchange_rate": None if currency == source["currency"] else float(EXCHANGE_RATE),
        "fee": movement.fee,
        "fee_details": [fee_detail] if movement.fee else [],
        "net": amount - movement.fee,
        "reporting_category": movement.reporting_category,
        "source": source["id"],
        "status": "pending",
        "type": movement.type,
    }
    return execution.store.insert(as_of(now, transaction))


def _settled(execution: Execution, currency: str, amount: int) -> int:
    """*amount* in the currency the account settles in, rounded half up away from zero."""
    into = execution.account.settlement_currency or currency
    if into == currency:
        return amount
    exact = abs(amount) * EXCHANGE_RATE * 10 ** currencies.digits(into) / 10 ** currencies.digits(currency)
    whole = int(exact + Fraction(1, 2))
    return whole if amount > 0 else -whole
