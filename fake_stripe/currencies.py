"""Which currencies Stripe takes, from what amount on, and how it writes them.

Sources: https://docs.stripe.com/currencies (supported currencies, minimum and maximum charge amounts,
zero-decimal and three-decimal currencies, special cases ISK and UGX)
"""

from fake_stripe.api_errors import ValidationError


def _codes(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


SUPPORTED = _codes(
    """usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
    clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils
    inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn
    myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos
    srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw"""
)
ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = _codes("bhd jod kwd omr tnd")
WHOLE_UNITS_IN_TWO_DECIMALS = frozenset({"isk", "ugx"})
"""No cents exist, but Stripe counts in hundredths all the same."""

_MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
_MAXIMUM_DIGITS = {"idr": 12, "cop": 10, "huf": 10, "jpy": 10, "inr": 9}
_SYMBOL = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def check_currency(currency: str) -> None:
    """Raise unless Stripe takes this currency."""
    if currency.lower() not in SUPPORTED:
        raise ValidationError(
            f"Invalid currency: {currency.lower()}. Stripe currently supports these currencies: "
            + ", ".join(sorted(SUPPORTED)),
            param="currency",
        )


def check_amount(amount: int, currency: str) -> None:
    """Raise unless this amount, in Stripe's minor units, can be charged in this currency."""
    minimum = _MINIMUM.get(currency, 1)
    if amount < minimum:
        raise ValidationError(
            f"Amount must be at least {written(minimum, currency)} {currency}",
            code="amount_too_small",
            param="amount",
        )
    maximum = 10 ** _MAXIMUM_DIGITS.get(currency, 8) - 1
    if amount > maximum:
        raise ValidationError(
            f"Amount must be no more than {written(maximum, currency)}",
            code="amount_too_large",
            param="amount",
        )
    _check_step(amount, currency)


def _check_step(amount: int, currency: str) -> None:
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_UNITS_IN_TWO_DECIMALS else 1
    if amount % step:
        raise ValidationError(
            f"Invalid amount: amounts in {currency} must be divisible by {step}",
            code="parameter_invalid_integer",
            param="amount",
        )


def digits(currency: str) -> int:
    """After the point, as Stripe counts them."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def written(amount: int, currency: str) -> str:
    """The amount as it stands in Stripe's messages: `$20.00`, `¥500`, `12.50 CHF`."""
    places = digits(currency)
    # Integers only: a float would round large amounts.
    whole, rest = divmod(amount, 10**places)
    number = f"{whole:,}.{rest:0{places}d}" if places else f"{whole:,}"
    return f"{_SYMBOL[currency]}{number}" if currency in _SYMBOL else f"{number} {currency.upper()}"
