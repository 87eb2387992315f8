"""What an issuer's no means for the payer: one sentence, and whether trying again can help. Pure.

Source: https://docs.stripe.com/declines/codes
"""

from typing import Final

_FINAL: Final = frozenset(
    {
        "fraudulent",
        "lost_card",
        "merchant_blacklist",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "security_violation",
        "stolen_card",
        "stop_payment_order",
        "transaction_not_allowed",
    }
)

# Deliberately without lost, stolen and fraudulent: Stripe asks not to tell the payer.
_SENTENCES: Final = {
    "authentication_required": "The bank wants the payer to authenticate.",
    "card_velocity_exceeded": "The card's limit is used up.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code is wrong.",
    "insufficient_funds": "The card has insufficient funds.",
    "processing_error": "The card could not be processed.",
}


def decline_message(code: str, decline_code: str | None) -> str:
    return _SENTENCES.get(decline_code or code) or _SENTENCES.get(code) or "The payment was declined."


def decline_retryable(decline_code: str | None) -> bool:
    """Whether the same payment may succeed in another attempt, with this or another method."""
    return decline_code not in _FINAL
