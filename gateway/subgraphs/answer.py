"""The bytes a subgraph answered -> `data` and `errors`, or the word that they are no GraphQL answer."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson

from gateway.errors import SubgraphUnavailable

Decode = Callable[[bytes | str], Any]
"""Gives an object with `data` and `errors`. Raises ValueError for what does not have the types it wants."""


class SubgraphAnswer(NamedTuple):
    data: dict[str, Any]
    """Empty when the subgraph had none to give."""
    errors: Sequence[Any] = ()


def read_answer(content: bytes | str, service: str, decode: Decode | None = None) -> SubgraphAnswer:
    """Raises SubgraphUnavailable. *decode* is tried first; only an answer without errors can be right to the letter."""
    if decode is not None:
        try:
            answer = decode(content)
        except ValueError:
            return _read_untyped(content, service)
        if answer.data is not None and not answer.errors:
            return SubgraphAnswer(answer.data)
    return _read_untyped(content, service)


def _read_untyped(content: bytes | str, service: str) -> SubgraphAnswer:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise SubgraphUnavailable(service, "the answer is not JSON") from error
    return checked_answer(answer, service)


def checked_answer(answer: Any, service: str) -> SubgraphAnswer:
    """The same for JSON that has been read."""
    if not isinstance(answer, dict) or not _is_answer(answer.get("data"), answer.get("errors")):
        raise SubgraphUnavailable(service, "the answer is not GraphQL")
    return SubgraphAnswer(answer.get("data") or {}, answer.get("errors") or ())


def _is_answer(data: Any, errors: Any) -> bool:
    if data is not None and not isinstance(data, dict):
        return False
    return (isinstance(errors, list) and bool(errors)) or (not errors and data is not None)
