"""Money: an integer of minor units together with its currency. Pure."""

import re
from dataclasses import dataclass
from decimal import Decimal

from payment_subgraph.currencies import MINOR_DIGITS
from payment_subgraph.flaw import Flaw

MAX_MINOR = 999_999_999_999
"""Twelve digits: the most Stripe takes in any currency."""

_HOW_TO_WRITE = "Write a plain decimal number such as 10.50, with at most 15 digits before the point."

# 15 + 12 digits stay below the 28 of the decimal context, so no arithmetic here ever rounds.
_PLAIN = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class Money:
    """*minor* units of *currency*: `Money(1050, "EUR")` is EUR 10.50, `Money(1050, "JPY")` is JPY 1050."""

    minor: int
    currency: str

    def negative(self) -> "Money":
        return Money(-self.minor, self.currency)

    @property
    def amount(self) -> Decimal:
        """With exactly the currency's digits: `Decimal("10.50")`."""
        return Decimal(self.minor).scaleb(-MINOR_DIGITS[self.currency])


def read_decimal(text: str) -> Decimal | None:
    """The number that *text* writes in plain notation (`"10.5"`), or None; no exponent, no `NaN`, no `+`."""
    return Decimal(text) if _PLAIN.fullmatch(text) else None


def parse_money(text: str, currency: str, at: str = "amount") -> Money | Flaw:
    """The money a caller means, *text* being its amount, or what is wrong with it; *at* names the input field.

    Trailing zeros are no digits: JPY "100.00" is JPY 100, EUR "1.500" is EUR 1.50.
    """
    amount = read_decimal(text)
    if amount is None:
        return Flaw((at, "amount"), "NOT_A_NUMBER", _HOW_TO_WRITE)
    digits = MINOR_DIGITS.get(currency)
    if digits is None:
        return Flaw((at, "currency"), "UNKNOWN_CURRENCY", "This is not an ISO 4217 currency code.")
    if amount <= 0:
        return Flaw((at, "amount"), "AMOUNT_NOT_POSITIVE", "The amount must be greater than zero.")
    minor = amount.scaleb(digits)
    if minor != minor.to_integral_value():
        return Flaw((at, "amount"), "TOO_MANY_DIGITS", f"{currency} has {digits} digits after the point.")
    if minor > MAX_MINOR:
        return Flaw((at, "amount"), "AMOUNT_TOO_LARGE", "The amount is larger than can be paid at once.")
    return Money(int(minor), currency)
