"""GraphQL over HTTP: POST /graphql, and how errors look from outside.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLError, GraphQLSyntaxError
from starlette.requests import Request
from starlette.responses import Response
from ulid import ULID

from payment_subgraph.auth import Verifier
from payment_subgraph.errors import BadRequest, BadUserInput, RequestError
from payment_subgraph.request_body import BodyRefused, read_body
from payment_subgraph.schema import SCHEMA
from payment_subgraph.schema.context import Context
from payment_subgraph.viewer import Viewer

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 256 * 1024
_GRAPHQL: Final = "application/graphql-response+json"
_JSON: Final = "application/json"
_NULL: Final = re.compile(r"\\u(0000|\{0+\})")
"""The null character as JSON or a GraphQL document writes it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What the body of a request asks for."""

    query: str
    variables: dict[str, Any] | None
    name: str | None


@dataclass(frozen=True, slots=True)
class GraphQLEndpoint:
    """*context_for* makes what resolvers get, for a viewer and the name of the operation."""

    verifier: Verifier
    context_for: Callable[[Viewer, str | None], Context]

    async def respond(self, request: Request) -> Response:
        request_id = _request_id(request)
        accepted = _accepted(request.headers.get("accept"))
        if accepted is None:
            return Response(status_code=406)
        try:
            operation = await _read_operation(request)
            viewer = await self.verifier.viewer(request.headers.get("authorization"))
            status, answer = await self._execute(
                operation, self.context_for(viewer, operation.name), request_id
            )
        except BadRequest as refused:
            status, answer = refused.status, {"errors": [_error(refused, request_id)]}
            return _response(answer, accepted, status)  # no GraphQL request: this status in either media type
        except RequestError as refused:
            status, answer = refused.http_status, {"errors": [_error(refused, request_id)]}
        return _response(answer, accepted, status if accepted == _GRAPHQL else 200)

    async def _execute(
        self, operation: Operation, context: Context, request_id: str
    ) -> tuple[int, dict[str, Any]]:
        result = await SCHEMA.execute(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.name,
        )
        errors = [_public(error, context, request_id) for error in result.errors or ()]
        if not context.started or (result.data is None and not any("path" in error for error in errors)):
            return 400, {"errors": errors}
        return 200, {"data": result.data} | ({"errors": errors} if errors else {})


async def _read_operation(request: Request) -> Operation:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise BadRequest("Send the operation as application/json.", status=415)
    try:
        content = json.loads((await read_body(request, MAX_BODY_BYTES)).decode())
    except BodyRefused as refused:
        raise BadRequest(str(refused), refused.status) from refused
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON.") from error
    _refuse_unstorable(content)
    if not isinstance(content, dict) or not isinstance(content.get("query"), str) or not content["query"]:
        raise BadRequest("The body must be an object with a `query`.")
    variables, name = content.get("variables"), content.get("operationName")
    if not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise BadRequest("`variables` must be an object and `operationName` a string.")
    if not isinstance(content.get("extensions"), dict | None):
        raise BadRequest("`extensions` must be an object.")
    return Operation(content["query"], variables, name or None)


def _refuse_unstorable(content: Any) -> None:
    """Neither PostgreSQL nor UTF-8 holds a null character or half a surrogate pair, wherever it stands."""
    written = json.dumps(content, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError as error:
        raise BadUserInput("Text must be valid Unicode.") from error
    if _NULL.search(written):
        raise BadUserInput("The null character is not allowed.")


def _accepted(accept: str | None) -> str | None:
    """The media type to answer in, or None if the client takes neither."""
    wanted = [part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")]
    if _GRAPHQL in wanted:
        return _GRAPHQL
    return _JSON if {_JSON, "*/*", "application/*"}.intersection(wanted) else None


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    fit = 0 < len(given) <= 64 and given.isascii() and given.replace("-", "").replace("_", "").isalnum()
    return given if fit else f"req_{str(ULID()).lower()}"


def _response(answer: dict[str, Any], media_type: str, status: int) -> Response:
    content = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(content, status, media_type=f"{media_type}; charset=utf-8")


def _public(error: GraphQLError, context: Context, request_id: str) -> dict[str, Any]:
    """An error as the caller may see it. What we did not mean to say is logged and masked."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, RequestError):
        return _error(cause, request_id, error)
    if cause is not None and not isinstance(cause, GraphQLError):
        log.error("request %s failed at %s", request_id, error.path, exc_info=cause)
        return _shape("Internal error.", "INTERNAL_SERVER_ERROR", request_id, error)
    return _shape(error.message, _document_code(error, context), request_id, error)


def _document_code(error: GraphQLError, context: Context) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    return "BAD_USER_INPUT" if context.started else "GRAPHQL_VALIDATION_FAILED"


def _error(refused: RequestError, request_id: str, at: GraphQLError | None = None) -> dict[str, Any]:
    shaped = _shape(str(refused), refused.code, request_id, at)
    shaped["extensions"].update(refused.extensions)
    return shaped


def _shape(message: str, code: str, request_id: str, at: GraphQLError | None) -> dict[str, Any]:
    shaped: dict[str, Any] = {"message": message}
    if at is not None and at.locations:
        shaped["locations"] = [{"line": place.line, "column": place.column} for place in at.locations]
    if at is not None and at.path is not None:
        shaped["path"] = list(at.path)
    return shaped | {"extensions": {"code": code, "requestId": request_id}}
