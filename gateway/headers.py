"""The headers of HTTP messages."""

from collections.abc import Sequence
from typing import Any

Headers = tuple[tuple[bytes, bytes], ...]
"""Bytes, since a header a client sent need not be ASCII."""

RawHeaders = Sequence[tuple[bytes, bytes]]
"""As they came."""


class RequestHeaders:
    """Those of one request, with names in lower case. Finds headers by name. Of those that are there more than once, the last counts."""

    __slots__ = ("_values", "meaning", "raw")

    def __init__(self, raw: RawHeaders) -> None:
        self.raw = raw
        self._values = dict(raw)
        self.meaning: Any = None
        """What whoever reads them has made of them: a client sends the same ones again and again."""

    def get(self, name: bytes) -> str:
        """Empty if there is none. *name* is in lower case."""
        value = self._values.get(name)
        return value.decode("latin-1") if value else ""

    def has_repeated(self) -> bool:
        """Whether some name is there more than once."""
        return len(self._values) < len(self.raw)
