"""One HTTP request as it is being answered."""

import secrets
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from gateway.answer import Answer
from gateway.event_stream_response import Receive
from gateway.graphql_over_http import RequestHeaders

Scope = MutableMapping[str, Any]


@dataclass(slots=True)
class Exchange:
    scope: Scope
    method: str
    path: str
    headers: RequestHeaders
    raw_headers: Sequence[tuple[bytes, bytes]]
    query_string: bytes
    receive: Receive
    request_id: str
    is_graphql: bool = False
    is_streamed: bool = False
    operation_name: str | None = None
    """What the client calls it."""
    answer: Answer | None = None
    """What came of it, if it came to an answer in one piece."""
    status: int = 0
    """Once it is answered."""
    started: float = field(default_factory=perf_counter)


def exchange_of(scope: Scope, receive: Receive) -> Exchange:
    headers = RequestHeaders(scope["headers"])
    return Exchange(
        scope=scope,
        method=scope["method"],
        path=scope["path"],
        headers=headers,
        raw_headers=scope["headers"],
        query_string=scope["query_string"],
        receive=receive,
        request_id=_request_id(headers.get("x-request-id")),
    )


def _request_id(given: str) -> str:
    """The client's own id if it can stand in a log line, else a new one."""
    if not given:
        return secrets.token_hex(16)
    is_plain = given.isascii() and given.replace("-", "").replace("_", "").isalnum() and len(given) <= 64
    return given if is_plain else secrets.token_hex(16)
