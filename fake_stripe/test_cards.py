"""Stripe's test cards and what happens to a payment with each.

Source: https://docs.stripe.com/testing (cards by brand, declined payments, refunds, disputes, 3D
Secure)
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from fake_stripe.dispute_object import CaseType


@dataclass(frozen=True)
class Decline:
    """Why a bank says no."""

    code: str
    decline_code: str
    message: str
    advice_code: Literal["confirm_card_data", "do_not_try_again", "try_again_later"] = "try_again_later"


@dataclass(frozen=True)
class TestCard:
    """A card number that always behaves the same way."""

    __test__ = False  # the name begins with Test, but pytest has nothing to collect here

    number: str
    names: tuple[str, ...]
    """`pm_card_<name>` and `tok_<name>` stand for this card."""
    brand: str = "visa"
    decline: Decline | None = None
    authentication: Literal["never", "always"] = "never"
    refund: Literal["succeeds", "succeeds_later", "fails_later"] = "succeeds"
    dispute: tuple[CaseType, str] | None = None
    """The case and its reason, when the cardholder complains as soon as the money is captured."""
    fraud_warning: bool = False
    """Whether the issuer warns as soon as the money is captured."""

    @property
    def last4(self) -> str:
        """The digits anyone may see."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """The same for every payment method with this number; by it a payment method finds its card."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


_GENERIC = Decline("card_declined", "generic_decline", "Your card was declined.")
_INSUFFICIENT = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
_LOST = Decline("card_declined", "lost_card", "Your card was declined.", "do_not_try_again")
_STOLEN = Decline("card_declined", "stolen_card", "Your card was declined.", "do_not_try_again")
_EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.", "confirm_card_data")
_CVC = Decline(
    "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data"
)
_PROCESSING = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
_VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently.",
)

TEST_CARDS = (
    TestCard("4242424242424242", ("visa", "us")),
    TestCard("4000056655665556", ("visa_debit",)),
    TestCard("5555555555554444", ("mastercard",), brand="mastercard"),
    TestCard("378282246310005", ("amex",), brand="amex"),
    TestCard("4000000000000002", ("visa_chargeDeclined", "chargeDeclined"), decline=_GENERIC),
    TestCard(
        "4000000000009995",
        ("visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"),
        decline=_INSUFFICIENT,
    ),
    TestCard("4000000000009987", ("visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"), decline=_LOST),
    TestCard(
        "4000000000009979", ("visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"), decline=_STOLEN
    ),
    TestCard("4000000000000069", ("chargeDeclinedExpiredCard",), decline=_EXPIRED),
    TestCard("4000000000000127", ("chargeDeclinedIncorrectCvc",), decline=_CVC),
    TestCard("4000000000000119", ("chargeDeclinedProcessingError",), decline=_PROCESSING),
    TestCard(
        "4000000000006975",
        ("visa_chargeDeclinedVelocityLimitExceeded", "chargeDeclinedVelocityLimitExceeded"),
        decline=_VELOCITY,
    ),
    TestCard("4000000000003220", ("threeDSecure2Required",), authentication="always"),
    TestCard("4000002760003184", ("authenticationRequired",), authentication="always"),
    TestCard(
        "4000008400001629", ("threeDSecureRequiredChargeDeclined",), authentication="always", decline=_GENERIC
    ),
    TestCard(
        "4000008260003178",
        ("authenticationRequiredChargeDeclinedInsufficientFunds",),
        authentication="always",
        decline=_INSUFFICIENT,
    ),
    TestCard("4000000000007726", ("pendingRefund",), refund="succeeds_later"),
    TestCard("4000000000005126", ("refundFail",), refund="fails_later"),
    TestCard(
        "4000000000000259", ("visa_createDispute", "createDispute"), dispute=("chargeback", "fraudulent")
    ),
    TestCard(
        "4000000000002685",
        ("visa_createDisputeProductNotReceived", "createDisputeProductNotReceived"),
        dispute=("chargeback", "product_not_received"),
    ),
    TestCard(
        "4000000000001976",
        ("visa_createDisputeInquiry", "createDisputeInquiry"),
        dispute=("inquiry", "fraudulent"),
    ),
    TestCard(
        "4000000000005423", ("visa_createIssuerFraudRecord", "createIssuerFraudRecord"), fraud_warning=True
    ),
)

_BY_NAME = {name: card for card in TEST_CARDS for name in card.names}
_BY_NUMBER = {card.number: card for card in TEST_CARDS}
_BY_FINGERPRINT = {card.fingerprint: card for card in TEST_CARDS}


def named(payment_method: str) -> TestCard | None:
    """The card behind `pm_card_visa` or `tok_visa`."""
    name = payment_method.removeprefix("pm_card_").removeprefix("tok_")
    return _BY_NAME.get(name) if name != payment_method else None


def numbered(number: str) -> TestCard | None:
    """The card with this number."""
    return _BY_NUMBER.get(number.replace(" ", ""))


def with_fingerprint(fingerprint: str) -> TestCard:
    """The card of a payment method that was made from one."""
    return _BY_FINGERPRINT[fingerprint]
