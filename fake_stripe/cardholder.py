"""What some cardholders do as soon as their money has been taken, as their test cards have it."""

from dataclasses import replace

from fake_stripe import disputes, payment_methods
from fake_stripe.dispute_object import Complaint
from fake_stripe.execution import STRIPE_ITSELF, Execution
from fake_stripe.store import StripeObject


def react(execution: Execution, charge: StripeObject) -> None:
    """Complain, or keep quiet, about a captured charge."""
    card = payment_methods.card_behind(execution, charge["payment_method"])
    if card.dispute:
        case_type, reason = card.dispute
        complaint = Complaint(case_type, charge["amount_captured"], reason)
        disputes.open_(replace(execution, cause=STRIPE_ITSELF), charge, complaint)
