"""GraphQL over HTTP: POST and GET /graphql, and how errors look from outside.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLError, GraphQLSyntaxError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from payment_subgraph.access_log import request_id_of
from payment_subgraph.auth import Verifier
from payment_subgraph.errors import BadRequest, RequestError
from payment_subgraph.graphql_request import GraphQLRequest, read_graphql_request
from payment_subgraph.schema import SCHEMA
from payment_subgraph.schema.context import Context
from payment_subgraph.turns import Turns
from payment_subgraph.viewer import Viewer

log = logging.getLogger(__name__)

_GRAPHQL: Final = "application/graphql-response+json"
_JSON: Final = "application/json"
_HARMLESS: Final = set(OperationType) - {OperationType.MUTATION}


@dataclass(frozen=True, slots=True)
class GraphQLEndpoint:
    """*context_for* makes what resolvers get, for a viewer and what was asked."""

    verifier: Verifier
    turns: Turns
    context_for: Callable[[Viewer, GraphQLRequest], Context]

    async def respond(self, request: Request) -> Response:
        request_id = request_id_of(request)
        accepted = _accepted(request.headers.get("accept"))
        if accepted is None:
            return Response(status_code=406)
        try:
            asked = await read_graphql_request(request, self.turns)
            viewer = await self.verifier.viewer(request.headers.get("authorization"))
            status, answer = await self._execute(asked, self.context_for(viewer, asked), request_id)
        except InvalidOperationTypeError:
            refused = BadRequest("A mutation needs POST.", status=405)
            return _response({"errors": [_error(refused, request_id)]}, accepted, 405, {"allow": "POST"})
        except BadRequest as refused:
            status, answer = refused.status, {"errors": [_error(refused, request_id)]}
            return _response(answer, accepted, status)  # no GraphQL request: this status in either media type
        except RequestError as refused:
            status, answer = refused.http_status, {"errors": [_error(refused, request_id)]}
        return _response(answer, accepted, status if accepted == _GRAPHQL else 200)

    async def _execute(
        self, asked: GraphQLRequest, context: Context, request_id: str
    ) -> tuple[int, dict[str, Any]]:
        result = await SCHEMA.execute(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
            allowed_operation_types=set(OperationType) if asked.may_change else _HARMLESS,
        )
        errors = [_public(error, context, request_id) for error in result.errors or ()]
        if not context.started or (result.data is None and not any("path" in error for error in errors)):
            return 400, {"errors": errors}
        return 200, {"data": result.data} | ({"errors": errors} if errors else {})


async def refusal(request: Request, refused: Exception) -> Response:
    """What the web framework refuses (404, 405), in the shape of all our errors."""
    if not isinstance(refused, HTTPException):
        raise refused
    shown = BadRequest(str(refused.detail), refused.status_code)
    answer = {"errors": [_error(shown, request_id_of(request))]}
    return _response(answer, _JSON, shown.status, refused.headers)


def _accepted(accept: str | None) -> str | None:
    """The media type to answer in, or None if the client takes neither."""
    wanted = [part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")]
    if _GRAPHQL in wanted:
        return _GRAPHQL
    return _JSON if {_JSON, "*/*", "application/*"}.intersection(wanted) else None


def _response(
    answer: dict[str, Any], media_type: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    content = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(content, status, headers, media_type=f"{media_type}; charset=utf-8")


def _public(error: GraphQLError, context: Context, request_id: str) -> dict[str, Any]:
    """An error as the caller may see it. What we did not mean to say is logged and masked."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, RequestError):
        return _error(cause, request_id, error)
    if cause is not None and not isinstance(cause, GraphQLError):
        log.error("failed at %s", error.path, exc_info=cause, extra={"request_id": request_id})
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
