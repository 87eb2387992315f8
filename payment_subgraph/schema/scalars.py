"""The custom scalars. A value that does not parse is the caller's error: GraphQL names the place."""

import ipaddress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NewType
from urllib.parse import urlsplit

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from payment_subgraph.money import read_decimal

DecimalValue = NewType("DecimalValue", Decimal)
BigInt = NewType("BigInt", int)
CurrencyCode = NewType("CurrencyCode", str)
Url = NewType("Url", str)

_LONGEST_URL: Final = 2048


def _parse_decimal(value: object) -> Decimal:
    number = read_decimal(value) if isinstance(value, str) else None
    if number is None:
        raise GraphQLError('Decimal must be a string in plain notation, e.g. "10.50".')
    return number


def _decimal_text(number: Decimal) -> str:
    return format(number, "f")


def _parse_big_int(value: object) -> int:
    if (
        isinstance(value, str)
        and value.lstrip("-").isascii()
        and value.lstrip("-").isdigit()
        and len(value) < 20
    ):
        return int(value)
    raise GraphQLError("BigInt must be a string of digits.")


def _parse_currency(value: object) -> str:
    """Any short text: an unknown code is told as ValidationError, with its field."""
    if isinstance(value, str) and len(value) <= 16:
        return value
    raise GraphQLError("CurrencyCode must be a string of three letters.")


def _parse_url(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_URL or not _is_safe_url(value):
        raise GraphQLError("URL must be an absolute https URL.")
    return value


def _is_safe_url(text: str) -> bool:
    """https anywhere; plain http only to this machine, for development."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parse_date_time(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # told below, as for a text of another kind
    raise GraphQLError("DateTime must be an RFC 3339 timestamp with its zone.")


def _date_time_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _identity(value: Any) -> Any:
    return value


SCALARS: Final[dict[object, ScalarDefinition]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 timestamp, always UTC, e.g. 2026-11-23T10:15:00Z.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=_date_time_text,
        parse_value=_parse_date_time,
    ),
    DecimalValue: strawberry.scalar(
        name="Decimal",
        description="Decimal number as a JSON string, plain notation, no more fraction digits than the currency has.",
        serialize=_decimal_text,
        parse_value=_parse_decimal,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description=(
            "Signed 64-bit integer as a JSON string "
            "(GraphQL Int is 32-bit: IDR 21 474 836.48 would overflow it)."
        ),
        serialize=str,
        parse_value=_parse_big_int,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="ISO 4217 alpha-3, upper case.",
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
        serialize=_identity,
        parse_value=_parse_currency,
    ),
    Url: strawberry.scalar(
        name="URL",
        description="Absolute https URL.",
        serialize=_identity,
        parse_value=_parse_url,
    ),
}

CONFIG: Final = StrawberryConfig(scalar_map=SCALARS)
