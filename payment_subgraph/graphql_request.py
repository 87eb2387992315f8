"""An HTTP request -> what it asks for, by the GraphQL-over-HTTP specification."""

import json
import re
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request

from payment_subgraph.errors import BadRequest, BadUserInput
from payment_subgraph.request_body import BodyRefused, read_body
from payment_subgraph.turns import Turns

MAX_BODY_BYTES: Final = 256 * 1024
MAX_VALUES: Final = 2000
"""Members of objects and lists, variables most of all. A hundred representations are 300."""
USUAL_BYTES: Final = 8 * 1024
"""Few clients send more."""
MAX_PARAMETERS: Final = 100
_JSON: Final = "application/json"
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
"""In JSON. The last one may have no end: else each quote in it would be tried as a beginning."""
_NULL: Final = re.compile(r"\\u(0000|\{0+\})")
"""The null character as JSON or a GraphQL document writes it."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """*may_change* is False for GET, which browsers and caches send without being asked. *size* is in bytes."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    may_change: bool
    size: int


async def read_graphql_request(request: Request, turns: Turns) -> GraphQLRequest:
    """Raises BadRequest for what is no GraphQL request or holds too many values, BadUserInput for text that cannot be
    stored. Large bodies are read one at a time."""
    if request.method != "POST":
        return _asked(_in_the_address(request), size=0, may_change=False)
    raw = await _body(request)
    async with turns.turn() if len(raw) > USUAL_BYTES else nullcontext():
        return _asked(_posted(raw), size=len(raw), may_change=True)


def _asked(content: Any, *, size: int, may_change: bool) -> GraphQLRequest:
    if not isinstance(content, dict) or not isinstance(content.get("query"), str) or not content["query"]:
        raise BadRequest("The request must be an object with a `query`.")
    variables, name = content.get("variables"), content.get("operationName")
    if not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise BadRequest("`variables` must be an object and `operationName` a string.")
    if not isinstance(content.get("extensions"), dict | None):
        raise BadRequest("`extensions` must be an object.")
    return GraphQLRequest(content["query"], variables, name or None, may_change, size)


async def _body(request: Request) -> bytes:
    # Only this media type: a web page of somebody else cannot send it without asking first (CORS).
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise BadRequest("Send the operation as application/json.", status=415)
    try:
        return await read_body(request, MAX_BODY_BYTES)
    except BodyRefused as refused:
        raise BadRequest(str(refused), refused.status) from refused


def _posted(raw: bytes) -> Any:
    content = _parsed(raw, "The body")
    if b"\\u" in raw:  # only so can JSON, or GraphQL in it, write what cannot be stored
        _refuse_unstorable(content)
    return content


def _in_the_address(request: Request) -> dict[str, Any]:
    if request.url.query.count("&") >= MAX_PARAMETERS:
        raise BadRequest("The address has too many parameters.")
    content: dict[str, Any] = {name: text for name, text in request.query_params.items() if text}
    for name in ("variables", "extensions"):
        if name in content:
            content[name] = _parsed(content[name].encode(), f"`{name}`")
    _refuse_unstorable(content)
    return content


def _parsed(raw: bytes, what: str) -> Any:
    if _punctuation(raw) > MAX_VALUES:
        raise BadRequest(f"{what} holds too many values (limit {MAX_VALUES}).")
    try:
        return json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{what} is not JSON.") from error


def _refuse_unstorable(content: Any) -> None:
    """Neither PostgreSQL nor UTF-8 holds a null character or half a surrogate pair, wherever it stands."""
    written = json.dumps(content, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError as error:
        raise BadUserInput("Text must be valid Unicode.") from error
    if _NULL.search(written):
        raise BadUserInput("The null character is not allowed.")


def _punctuation(raw: bytes) -> int:
    """About as many values as JSON holds, found out before any of them is made: commas, and what opens objects and
    lists."""
    count = _count(raw)
    return count if count <= MAX_VALUES else _count(_STRING.sub(b"", raw))


def _count(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"{") + raw.count(b"[")
