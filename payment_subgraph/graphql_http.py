"""GraphQL over HTTP: POST and GET /graphql, its answers as JSON or as events, and how errors look from outside.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import ExecutionResult, GraphQLError, GraphQLSyntaxError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from payment_subgraph.access_log import request_id_of
from payment_subgraph.auth import Verifier
from payment_subgraph.errors import BadRequest, RequestError, ServiceStopping, Unauthenticated
from payment_subgraph.event_stream import EVENT_STREAM, EventStream
from payment_subgraph.graphql_request import GraphQLRequest, read_graphql_request
from payment_subgraph.open_streams import OpenStreams
from payment_subgraph.schema import SCHEMA
from payment_subgraph.schema.context import Context
from payment_subgraph.turns import Turns
from payment_subgraph.viewer import Viewer

log = logging.getLogger(__name__)

_GRAPHQL: Final = "application/graphql-response+json"
_JSON: Final = "application/json"
_HARMLESS: Final = {OperationType.QUERY}
_STREAMED_BY_GET: Final = {OperationType.QUERY, OperationType.SUBSCRIPTION}
_ONE_ANSWER: Final = {OperationType.QUERY, OperationType.MUTATION}


@dataclass(frozen=True, slots=True)
class GraphQLEndpoint:
    """*context_for* makes what resolvers get, for a viewer and what was asked."""

    verifier: Verifier
    turns: Turns
    streams: OpenStreams
    context_for: Callable[[Viewer, GraphQLRequest], Context]

    async def respond(self, request: Request) -> ASGIApp:
        request_id = request_id_of(request)
        accepted = _accepted(request.headers.get("accept"))
        if accepted is None:
            return Response(status_code=406)
        try:
            asked = await read_graphql_request(request, self.turns)
            viewer = await self.verifier.viewer(_authorization(request))
            if accepted == EVENT_STREAM:
                return self._events(asked, self.context_for(viewer, asked), request_id)
            status, answer = await self._execute(asked, self.context_for(viewer, asked), request_id)
        except InvalidOperationTypeError as error:
            return _of_another_type(error, accepted, request_id)
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
            allowed_operation_types=_ONE_ANSWER if asked.may_change else _HARMLESS,
        )
        errors = [_public(error, context, request_id) for error in result.errors or ()]
        if not context.started or (result.data is None and not any("path" in error for error in errors)):
            return 400, {"errors": errors}
        return 200, {"data": result.data} | ({"errors": errors} if errors else {})

    def _events(self, asked: GraphQLRequest, context: Context, request_id: str) -> EventStream:
        def last_word(said: RequestError) -> dict[str, Any]:
            return {"errors": [_error(said, request_id)]}

        return EventStream(
            _answers(asked, context, request_id),
            _encoded,
            stopping=self.streams.stopping,
            stopped=last_word(ServiceStopping()),
            expires_at=context.viewer.expires_at,
            expired=last_word(Unauthenticated("The access token has expired.")),
        )


def _authorization(request: Request) -> str | None:
    """Two headers are read as the one they amount to (RFC 9110, 5.2), which no token is."""
    headers = request.headers.getlist("authorization")
    return ", ".join(headers) if headers else None


async def _answers(
    asked: GraphQLRequest, context: Context, request_id: str
) -> AsyncGenerator[dict[str, Any], None]:
    """To a subscription one for each event, to anything else one."""
    async with aclosing(_results(asked, context)) as results:
        async for result in results:
            errors = [_public(error, context, request_id) for error in result.errors or ()]
            data = {"data": result.data} if context.started else {}
            yield data | ({"errors": errors} if errors else {})


async def _results(asked: GraphQLRequest, context: Context) -> AsyncGenerator[ExecutionResult, None]:
    stream = await SCHEMA.stream(
        asked.query,
        variable_values=asked.variables,
        context_value=context,
        operation_name=asked.operation_name,
        allowed_operation_types=OperationType if asked.may_change else _STREAMED_BY_GET,
    )
    try:
        async with aclosing(cast("AsyncGenerator[ExecutionResult, None]", stream)) as results:
            async for result in results:
                yield result
    except Exception as refused:  # noqa: BLE001 - told to the caller or logged, as `SCHEMA.execute` has it done
        error = GraphQLError(str(refused), original_error=refused)
        yield ExecutionResult(None, [refused if isinstance(refused, GraphQLError) else error])


async def refusal(request: Request, refused: Exception) -> Response:
    """What the web framework refuses (404, 405), in the shape of all our errors."""
    if not isinstance(refused, HTTPException):
        raise refused
    shown = BadRequest(str(refused.detail), refused.status_code)
    answer = {"errors": [_error(shown, request_id_of(request))]}
    return _response(answer, _JSON, shown.status, refused.headers)


def _of_another_type(error: InvalidOperationTypeError, accepted: str, request_id: str) -> Response:
    refused = _wrong_type(error)
    headers = {"allow": "POST"} if refused.status == 405 else None
    return _response({"errors": [_error(refused, request_id)]}, accepted, refused.status, headers)


def _wrong_type(error: InvalidOperationTypeError) -> BadRequest:
    if error.operation_type is OperationType.SUBSCRIPTION:
        return BadRequest(f"A subscription is answered as {EVENT_STREAM}.", status=406)
    return BadRequest("A mutation needs POST.", status=405)


def _accepted(accept: str | None) -> str | None:
    """The media type to answer in, or None if the client takes none of them."""
    wanted = [part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")]
    for named in (_GRAPHQL, EVENT_STREAM):
        if named in wanted:
            return named
    return _JSON if {_JSON, "*/*", "application/*"}.intersection(wanted) else None


def _response(
    answer: dict[str, Any], media_type: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    shown = _JSON if media_type == EVENT_STREAM else media_type  # what was refused before there was a stream
    return Response(_encoded(answer), status, headers, media_type=f"{shown}; charset=utf-8")


def _encoded(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()


def _public(error: GraphQLError, context: Context, request_id: str) -> dict[str, Any]:
    """An error as the caller may see it. What we did not mean to say is logged and masked."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, InvalidOperationTypeError):
        cause = _wrong_type(cause)
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
