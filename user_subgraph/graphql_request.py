"""An HTTP request -> a GraphQL request, by the GraphQL-over-HTTP specification."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge, UnsupportedMediaType

from user_subgraph.errors import BadRequest

# Few clients send more.
USUAL_BYTES = 8 * 1024
# Members of objects and lists, variables most of all: a hundred representations are 300.
MAX_VALUES = 2000
MAX_PARAMETERS = 100
# In JSON. The last one may have no end: else each quote in it would be tried as a beginning.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)


@dataclass(frozen=True)
class GraphQLRequest:
    """*is_large*: larger than what most clients send."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None
    is_large: bool


def graphql_request(request: Request) -> GraphQLRequest:
    """Raises `BadRequest`, or the HTTP error that says it better (405, 413, 415)."""
    if request.method == "GET":
        return _from_parameters(_parameters(request), len(request.query_string))
    if request.method != "POST":
        raise MethodNotAllowed(valid_methods=["GET", "POST"])
    # Only this media type: a web page of somebody else cannot send it without asking first (CORS).
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the request as application/json.")
    if request.mimetype_params.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send the request in UTF-8.")
    body = _body(request)
    return _from_parameters(_json_object(body, "The request body"), len(body))


def _body(request: Request) -> bytes:
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise RequestEntityTooLarge("The request body is too large.") from error


def _parameters(request: Request) -> Mapping[str, Any]:
    if request.query_string.count(b"&") >= MAX_PARAMETERS:
        raise BadRequest("The address has too many parameters.")
    values: dict[str, Any] = {name: text for name, text in request.args.items() if text}
    for name in ("variables", "extensions"):
        if name in values:
            values[name] = _json_object(values[name].encode("utf-8", "surrogatepass"), f"`{name}`")
    return values


def _json_object(raw: bytes, what: str) -> Mapping[str, Any]:
    if _punctuation(raw) > MAX_VALUES:
        raise BadRequest(f"{what} holds too many values (limit {MAX_VALUES}).")
    try:
        text = raw.decode("utf-8")
        value = json.loads(text)
        if "\\u" in text:
            # An escaped half of a surrogate pair is JSON, but no text: no database could store it.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{what} is not JSON in UTF-8.") from error
    if not isinstance(value, dict):
        raise BadRequest(f"{what} must be a JSON object.")
    return value


def _from_parameters(values: Mapping[str, Any], size: int) -> GraphQLRequest:
    match values:
        case {"query": str(query)} if query:
            pass
        case _:
            raise BadRequest("`query` must be a non-empty string.")
    operation_name, variables = values.get("operationName"), values.get("variables")
    if not isinstance(operation_name, str | None):
        raise BadRequest("`operationName` must be a string.")
    if not isinstance(variables, dict | None):
        raise BadRequest("`variables` must be an object.")
    if not isinstance(values.get("extensions"), dict | None):
        raise BadRequest("`extensions` must be an object.")
    return GraphQLRequest(query, operation_name or None, variables, size > USUAL_BYTES)


def _punctuation(raw: bytes) -> int:
    """About as many values as JSON holds, found out before any of them is made: commas, and what opens objects and
    lists."""
    count = _count(raw)
    return count if count <= MAX_VALUES else _count(_STRING.sub(b"", raw))


def _count(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"{") + raw.count(b"[")
