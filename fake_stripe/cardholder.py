"""What some cardholders and issuers do as soon as the money has been taken, as their test cards have it."""

from dataclasses import replace

from fake_stripe import disputes, early_fraud_warnings, payment_methods
from fake_stripe.dispute_object import Complaint
from fake_stripe.execution import STRIPE_ITSELF, Execution
from fake_stripe.store import StripeObject


def react(execution: Execution, charge: StripeObject) -> None:
    """Complain or warn about a captured charge, or keep quiet."""
    card = payment_methods.card_behind(execution, charge["payment_method"])
    by_itself = replace(execution, cause=STRIPE_ITSELF)
    if card.dispute:
        case_type, reason = card.dispute
        disputes.open_(by_itself, charge, Complaint(case_type, charge["amount_captured"], reason))
    if card.fraud_warning:
        early_fraud_warnings.issue(by_itself, charge, "misc")
