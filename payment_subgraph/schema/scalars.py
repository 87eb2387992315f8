"""The custom scalars. A value of the wrong type is the caller's error: GraphQL names the place.

What a text means is judged by `commands.py`, which can tell the field; the body's limit bounds its length.
"""

from datetime import UTC, datetime
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

DecimalText = NewType("DecimalText", str)
BigInt = NewType("BigInt", int)
CurrencyCode = NewType("CurrencyCode", str)
Url = NewType("Url", str)


def _parse_decimal(value: object) -> str:
    """Any text: one that is no number is told as ValidationError, with its field."""
    if isinstance(value, str):
        return value
    raise GraphQLError('Decimal must be a string in plain notation, e.g. "10.50".')


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
    """Any text: one that is no URL is told as ValidationError, with its field."""
    if isinstance(value, str):
        return value
    raise GraphQLError("URL must be a string.")


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
    DecimalText: strawberry.scalar(
        name="Decimal",
        description="Decimal number as a JSON string, plain notation, no more fraction digits than the currency has.",
        serialize=_identity,
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
        description="Absolute https URL; http only for this machine (localhost, 127.0.0.1).",
        serialize=_identity,
        parse_value=_parse_url,
    ),
}

CONFIG: Final = StrawberryConfig(scalar_map=SCALARS)
