"""Stripe's own idea of minor units, used only at Stripe's door. Pure.

ISO 4217 and Stripe disagree: Stripe counts ISK and UGX in hundredths (which must be whole units),
MGA without any, and wants the last of three digits to be zero.
Source: https://docs.stripe.com/currencies (zero-decimal, special cases, three-decimal).
"""

from payment_subgraph.currencies import MINOR_DIGITS
from payment_subgraph.money import Money

_ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE_DECIMAL = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def stripe_digits(currency: str) -> int:
    """Digits after the point in the amounts that Stripe speaks of."""
    if currency in _ZERO_DECIMAL:
        return 0
    return 3 if currency in _THREE_DECIMAL else 2


def to_stripe_amount(money: Money) -> int | None:
    """The integer to send for *money*, or None where Stripe cannot express it (KWD 1.234, MGA 0.50)."""
    shift = stripe_digits(money.currency) - MINOR_DIGITS[money.currency]
    if shift >= 0:
        amount = money.minor * 10**shift
    elif money.minor % 10**-shift == 0:
        amount = money.minor // 10**-shift
    else:
        return None
    return None if money.currency in _THREE_DECIMAL and amount % 10 else amount


def from_stripe_amount(amount: int, currency: str) -> Money | None:
    """The money behind Stripe's integer, or None where ours cannot express it (ISK 10050).

    Raises TypeError for what is no whole number: no sum of ours may be made of it.
    """
    if type(amount) is not int:
        raise TypeError(f"no whole number: {amount!r}")
    code = currency.upper()
    if code not in MINOR_DIGITS:
        return None
    shift = stripe_digits(code) - MINOR_DIGITS[code]
    if shift <= 0:
        return Money(amount * 10**-shift, code)
    return Money(amount // 10**shift, code) if amount % 10**shift == 0 else None
