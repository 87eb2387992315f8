"""The JSON body of an admin call, field by field."""

import json
from typing import Any

from starlette.requests import Request

_LARGEST = 1_000_000_000


class FieldProblem(Exception):
    """A field of an admin call is missing or wrong; the message says which and what it takes."""


class AdminRequest:
    """A JSON object; fields that are not sent have their default."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    @classmethod
    async def read(cls, http: Request) -> "AdminRequest":
        """The body; an empty one is an empty object."""
        text = await http.body()
        try:
            fields = json.loads(text) if text else {}
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            raise FieldProblem("The body must be a JSON object.")
        return cls(fields)

    def text(self, name: str, default: str) -> str:
        """A text."""
        value = self._fields.get(name, default)
        if not isinstance(value, str):
            raise FieldProblem(f"`{name}` must be a text.")
        return value

    def choice(self, name: str, words: tuple[str, ...], default: str | None = None) -> str:
        """One of a few words."""
        value = self._fields.get(name, default)
        if value not in words:
            raise FieldProblem(f"`{name}` must be one of {', '.join(words)}.")
        return str(value)

    def number(self, name: str, minimum: float, default: float | None = None) -> float:
        """A number from *minimum* to a thousand million (thirty years, for seconds)."""
        value = self._fields.get(name, default)
        # NaN, which Python reads from JSON, is not between any two numbers.
        if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= _LARGEST:
            raise FieldProblem(f"`{name}` must be a number from {minimum:g} to {_LARGEST}.")
        return value

    def whole(self, name: str, minimum: int, default: int | None = None) -> int:
        """A whole number from *minimum* on."""
        value = self.number(name, minimum, default)
        if not isinstance(value, int):
            raise FieldProblem(f"`{name}` must be a whole number.")
        return value
