"""Money: every currency there and back, here and at Stripe's door."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_subgraph.currencies import MINOR_DIGITS
from payment_subgraph.flaw import Flaw
from payment_subgraph.money import MAX_MINOR, Money, parse_money, read_decimal
from payment_subgraph.stripe_amounts import from_stripe_amount, stripe_digits, to_stripe_amount

MONEY = st.builds(Money, st.integers(1, MAX_MINOR), st.sampled_from(sorted(MINOR_DIGITS)))


@given(MONEY)
def test_every_amount_reads_back_as_itself(money: Money) -> None:
    text = format(money.amount, "f")

    assert "E" not in text.upper()
    assert parse_money(text, money.currency) == money


@given(MONEY)
def test_every_amount_survives_stripe(money: Money) -> None:
    sent = to_stripe_amount(money)

    if sent is not None:
        assert from_stripe_amount(sent, money.currency.lower()) == money


@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
@pytest.mark.parametrize("whole", [1, 999, 10**6])
def test_whole_units_of_every_currency_can_be_charged(currency: str, whole: int) -> None:
    money = Money(whole * 10 ** MINOR_DIGITS[currency], currency)

    sent = to_stripe_amount(money)

    assert sent == whole * 10 ** stripe_digits(currency)
    assert from_stripe_amount(sent, currency) == money


@pytest.mark.parametrize(
    ("amount", "currency", "stripe_amount"),
    [
        ("10.50", "EUR", 1050),
        ("500", "JPY", 500),
        ("500", "ISK", 50000),
        ("500", "UGX", 50000),
        ("5.000", "KWD", 5000),
        ("5.120", "BHD", 5120),
        ("1000.00", "HUF", 100000),
        ("1000.00", "TWD", 100000),
        ("21474836.48", "IDR", 2147483648),
        ("7.00", "MGA", 7),
    ],
)
def test_stripes_own_exponents(amount: str, currency: str, stripe_amount: int) -> None:
    money = parse_money(amount, currency)

    assert isinstance(money, Money)
    assert to_stripe_amount(money) == stripe_amount


@pytest.mark.parametrize(("minor", "currency"), [(5123, "KWD"), (1, "TND"), (50, "MGA")])
def test_what_stripe_cannot_express_is_not_sent(minor: int, currency: str) -> None:
    assert to_stripe_amount(Money(minor, currency)) is None


@pytest.mark.parametrize(("amount", "currency"), [(10050, "isk"), (1, "ugx"), (100, "xxx")])
def test_what_we_cannot_express_is_not_believed(amount: int, currency: str) -> None:
    assert from_stripe_amount(amount, currency) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "+1",
        "1e3",
        "NaN",
        "Infinity",
        "0x10",
        "1.",
        ".5",
        "1,5",
        "१",
        "1_000",
        "9" * 16,
        "--1",
    ],
)
def test_only_plain_notation_is_a_decimal(text: str) -> None:
    assert read_decimal(text) is None


@given(st.text(max_size=20))
def test_reading_a_decimal_never_raises(text: str) -> None:
    number = read_decimal(text)

    assert number is None or format(number, "f").lstrip("-").replace(".", "").isdigit()


@given(
    st.decimals(min_value=0, max_value=Decimal(10) ** 13, places=12), st.sampled_from(sorted(MINOR_DIGITS))
)
def test_no_amount_is_rounded(amount: Decimal, currency: str) -> None:
    found = parse_money(format(amount, "f"), currency)

    assert isinstance(found, Flaw) or found.amount == amount


def test_trailing_zeros_are_no_digits() -> None:
    assert parse_money("100.00", "JPY") == Money(100, "JPY")
    assert parse_money("1.500", "EUR") == Money(150, "EUR")
