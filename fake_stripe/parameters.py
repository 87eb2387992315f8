"""What an endpoint takes, declared once and checked before it begins: names, types, ranges.

Source of the messages and codes: https://docs.stripe.com/error-codes
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from fake_stripe.api_errors import ValidationError
from fake_stripe.form_encoding import Raw, RawHash

Parameters = dict[str, Any]
"""The checked parameters of a request: only those that were sent; None where an empty text unset one."""


@dataclass(frozen=True)
class Integer:
    """A whole number of at most 18 characters, which fits everywhere we put it."""

    minimum: int = 0
    maximum: int | None = None


@dataclass(frozen=True)
class Text:
    """Free text. Empty unsets, where there is something to unset."""

    longest: int = 5000
    may_be_empty: bool = True


@dataclass(frozen=True)
class Url:
    """An address with its scheme; empty unsets."""


@dataclass(frozen=True)
class Flag:
    """`true` or `false`."""


@dataclass(frozen=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Hash:
    """Named fields of their own."""

    fields: "Fields"


@dataclass(frozen=True)
class Anything:
    """A hash kept and returned as it came, which changes nothing in the fake."""


@dataclass(frozen=True)
class Metadata:
    """Up to 50 texts by name."""


@dataclass(frozen=True)
class ListOf:
    """An array."""

    kind: "Kind"
    longest: int = 100


@dataclass(frozen=True)
class TimeRange:
    """A time, or `{gt, gte, lt, lte}`."""


Kind = Integer | Text | Url | Flag | OneOf | Hash | Anything | Metadata | ListOf | TimeRange
Fields = Mapping[str, Kind]

_TIME_BOUNDS: Fields = {bound: Integer() for bound in ("gt", "gte", "lt", "lte")}


def check(raw: RawHash, fields: Fields, required: tuple[str, ...] = (), path: str = "") -> Parameters:
    """The parameters in their types, or ValidationError in Stripe's words."""
    unknown = [_inside(path, name) for name in raw if name not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise ValidationError(
            f"Received unknown parameter{plural}: {', '.join(unknown)}",
            code="parameter_unknown",
            param=unknown[0],
        )
    for name in required:
        if name not in raw:
            param = _inside(path, name)
            raise ValidationError(f"Missing required param: {param}.", code="parameter_missing", param=param)
    return {name: _value(value, fields[name], _inside(path, name)) for name, value in raw.items()}


def _inside(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _value(raw: Raw, kind: Kind, param: str) -> Any:  # noqa: C901, PLR0911 - one line for each kind
    match kind:
        case Integer():
            return _integer(raw, kind, param)
        case Text():
            return (_text(raw, kind, param) if kind.may_be_empty else _filled(raw, param)) or None
        case Url():
            return _url(raw, param) or None
        case Flag():
            return _word(raw, ("true", "false"), param, "boolean") == "true"
        case OneOf():
            return _word(raw, kind.words, param, param)
        case Hash():
            return check(_hash(raw, param), kind.fields, path=param)
        case Anything():
            return _plain(_hash(raw, param)) if raw else None
        case Metadata():
            return _metadata(raw, param)
        case ListOf():
            items = _items(raw, kind, param)
            return [_value(raw_item, kind.kind, f"{param}[{n}]") for n, raw_item in enumerate(items)]
        case TimeRange():
            return (
                {"eq": _integer(raw, Integer(), param)}
                if isinstance(raw, str)
                else check(raw, _TIME_BOUNDS, path=param)
            )
        case _:
            assert_never(kind)


def _text(raw: Raw, kind: Text, param: str) -> str:
    if not isinstance(raw, str):
        raise ValidationError("Invalid string", param=param)
    if len(raw) > kind.longest:
        message = f"Invalid string: must be at most {kind.longest} characters"
        raise ValidationError(message, code="parameter_invalid_string", param=param)
    return raw


def _filled(raw: Raw, param: str) -> str:
    text = _text(raw, Text(), param)
    if not text:
        raise ValidationError(
            f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty "
            "value.",
            code="parameter_invalid_empty",
            param=param,
        )
    return text


def _url(raw: Raw, param: str) -> str:
    text = _text(raw, Text(), param)
    if text and not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]\S*", text):
        raise ValidationError("Not a valid URL", code="url_invalid", param=param)
    return text


def _integer(raw: Raw, kind: Integer, param: str) -> int:
    text = _filled(raw, param)
    if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdecimal() and len(text) <= 18):
        raise ValidationError(f"Invalid integer: {text}", code="parameter_invalid_integer", param=param)
    number = int(text)
    if number < kind.minimum:
        message = f"This value must be greater than or equal to {kind.minimum}."
        raise ValidationError(message, code="parameter_invalid_integer", param=param)
    if kind.maximum is not None and number > kind.maximum:
        message = f"This value must be less than or equal to {kind.maximum} (it currently is '{number}')."
        raise ValidationError(message, code="parameter_invalid_integer", param=param)
    return number


def _word(raw: Raw, words: tuple[str, ...], param: str, kind: str) -> str:
    text = _filled(raw, param)
    if text not in words:
        listed = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
        raise ValidationError(f"Invalid {kind}: must be one of {listed}", param=param)
    return text


def _hash(raw: Raw, param: str) -> RawHash:
    if isinstance(raw, str):
        raise ValidationError("Invalid object", param=param)
    return raw


def _items(raw: Raw, kind: ListOf, param: str) -> list[Raw]:
    if isinstance(raw, str) or not all(key.isdecimal() for key in raw):
        raise ValidationError("Invalid array", param=param)
    if len(raw) > kind.longest:
        raise ValidationError(f"Invalid array: must have at most {kind.longest} elements", param=param)
    return list(raw.values())


def _plain(raw: RawHash) -> dict[str, Any]:
    return {name: (value or None) if isinstance(value, str) else _plain(value) for name, value in raw.items()}


def _metadata(raw: Raw, param: str) -> dict[str, str] | None:
    """Texts by name; an empty text removes that name, an empty hash removes all (None)."""
    if raw == "":
        return None
    texts = _hash(raw, param)
    if len(texts) > 50:
        raise ValidationError("Metadata can have up to 50 keys.", param=param)
    for name in texts:
        if len(name) > 40:
            raise ValidationError(
                "Metadata keys must be at most 40 characters long.", param=f"{param}[{name}]"
            )
    return {name: _text(value, Text(longest=500), f"{param}[{name}]") for name, value in texts.items()}


def merged_metadata(before: dict[str, str], sent: dict[str, str] | None) -> dict[str, str]:
    """Metadata after a request: sent names replace, empty texts remove, None removes everything."""
    if sent is None:
        return {}
    return {name: text for name, text in {**before, **sent}.items() if text}
