"""What a subgraph said: a GraphQL answer or nothing of use."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import SubgraphUnavailable


def read_answer(content: bytes | str, service: str) -> Mapping[str, Any]:
    """`{data, errors}`, or SubgraphUnavailable for what is no GraphQL answer."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise SubgraphUnavailable(service, "the answer is not JSON") from error
    return checked_answer(answer, service)


def checked_answer(answer: Any, service: str) -> Mapping[str, Any]:
    """The same for JSON that has been read."""
    if not isinstance(answer, dict) or not _is_answer(answer.get("data"), answer.get("errors")):
        raise SubgraphUnavailable(service, "the answer is not GraphQL")
    return answer


def _is_answer(data: Any, errors: Any) -> bool:
    if data is not None and not isinstance(data, dict):
        return False
    return (isinstance(errors, list) and bool(errors)) or (not errors and data is not None)
