"""POST and GET /graphql: one request from its bytes to its answer.

Source: GraphQL over HTTP, 2025 draft; `graphql-http`'s server audits hold for it.
"""

import threading
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from flask import Request, Response, current_app
from graphql import ExecutionResult, GraphQLError, execute
from werkzeug.exceptions import MethodNotAllowed

from user_subgraph.accounts import Accounts
from user_subgraph.answer import shown_error
from user_subgraph.audit import Caller
from user_subgraph.audit_trail import AuditTrail
from user_subgraph.auth import viewer_of
from user_subgraph.client_address import Network
from user_subgraph.clock import Clock
from user_subgraph.data_exports import DataExports
from user_subgraph.email_change import EmailChange
from user_subgraph.errors import BadRequest, RequestRefused, Unauthenticated
from user_subgraph.graphql_request import GraphQLRequest, graphql_request
from user_subgraph.login import Login
from user_subgraph.mailed_links import MailedLinks
from user_subgraph.operation import Operation, OperationRefused, Operations
from user_subgraph.passkeys import Passkeys
from user_subgraph.password_change import PasswordChange
from user_subgraph.refresh_cookie import ASKED_BY, CookieAttributes, RefreshCookie
from user_subgraph.refresh_cookie import NAME as COOKIE
from user_subgraph.request_context import RequestContext
from user_subgraph.request_origin import caller_of
from user_subgraph.schema.mutation import WITHOUT_TOKEN
from user_subgraph.second_factor import SecondFactor
from user_subgraph.sessions import Sessions
from user_subgraph.tokens import AccessTokens, Viewer

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"


@dataclass(frozen=True)
class GraphQLView:
    operations: Operations
    accounts: Accounts
    login: Login
    sessions: Sessions
    password_change: PasswordChange
    email_change: EmailChange
    data_exports: DataExports
    second_factor: SecondFactor
    passkeys: Passkeys
    links: MailedLinks
    audit_trail: AuditTrail
    access_tokens: AccessTokens
    clock: Clock
    sdl: str
    trusted_proxies: Collection[Network]
    cookie_attributes: CookieAttributes
    turns: threading.Lock = field(default_factory=threading.Lock)
    """For requests that cost more than others do: one at a time, so that the others hardly notice them."""

    def answer(self, request: Request, request_id: str) -> Response:
        media_type = _media_type(request)
        try:
            asked = graphql_request(request)
            unusual = asked.is_large or asked.query not in self.operations.memory
            with self._turn(unusual=unusual):
                operation = self.operations.chosen(asked.query, asked.operation_name)
            if request.method == "GET" and not operation.is_query:
                raise MethodNotAllowed(valid_methods=["POST"], description="A mutation needs POST.")
            viewer = self._viewer(request, operation)
        except BadRequest as error:
            return _refusal([_as_graphql(error)], request_id, media_type, status=400)
        except OperationRefused as error:
            return _refusal(error.errors, request_id, media_type, status=_status(media_type, 400))
        except Unauthenticated as error:
            return _refusal([_as_graphql(error)], request_id, media_type, status=_status(media_type, 401))
        # A mutation may hash a password, which takes long and nobody's processor time but its own.
        with self._turn(unusual=unusual and not operation.is_mutation):
            brought = request.cookies.getlist(COOKIE)
            cookie = RefreshCookie.of(request.headers.get(ASKED_BY), brought, self.cookie_attributes)
            caller = caller_of(request, viewer, request_id, self.trusted_proxies)
            context = self._context(viewer, caller, cookie)
            return _with_cookie(self._executed(asked, operation, context, request_id, media_type), cookie)

    def _turn(self, *, unusual: bool) -> AbstractContextManager[object]:
        return self.turns if unusual else nullcontext()

    def _viewer(self, request: Request, operation: Operation) -> Viewer | None:
        """A stale token must not keep anybody from logging in again; everywhere else it is refused."""
        try:
            return viewer_of(request.headers.get("Authorization"), self.access_tokens, self.clock())
        except Unauthenticated:
            if operation.is_mutation and WITHOUT_TOKEN.issuperset(operation.root_fields):
                return None
            raise

    def _context(self, viewer: Viewer | None, caller: Caller, cookie: RefreshCookie) -> RequestContext:
        return RequestContext(
            viewer,
            self.accounts.asked_by(caller),
            self.login.asked_by(caller),
            self.sessions.asked_by(caller),
            self.password_change.asked_by(caller),
            self.email_change.asked_by(caller),
            self.data_exports.asked_by(caller),
            self.second_factor.asked_by(caller),
            self.passkeys.asked_by(caller),
            cookie,
            self.links.asked_by(caller),
            self.audit_trail,
            self.sdl if self.operations.introspection else None,
        )

    def _executed(
        self,
        asked: GraphQLRequest,
        operation: Operation,
        context: RequestContext,
        request_id: str,
        media_type: str,
    ) -> Response:
        result = execute(
            self.operations.schema,
            operation.document,
            context_value=context,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
            is_awaitable=_never_awaitable,
        )
        assert isinstance(result, ExecutionResult)  # noqa: S101 - no resolver here is a coroutine
        return self._shown(result, request_id, media_type)

    def _shown(self, result: ExecutionResult, request_id: str, media_type: str) -> Response:
        errors = [shown_error(error, request_id) for error in result.errors or ()]
        for error in errors:
            error["message"] = self.operations.shown(error["message"])
        # Without a path the operation never began: variables were wrong, and there is no data to speak of.
        began = result.data is not None or any("path" in error for error in errors)
        body: dict[str, Any] = {"data": result.data} if began else {}
        if errors:
            body["errors"] = errors
        return _response(body, media_type, 200 if began else _status(media_type, 400))


def _with_cookie(response: Response, cookie: RefreshCookie) -> Response:
    if cookie.set_cookie is not None:
        response.headers["Set-Cookie"] = cookie.set_cookie
        response.headers["Cache-Control"] = "no-store"
    return response


def _never_awaitable(_value: object) -> bool:
    return False


def _as_graphql(error: RequestRefused) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)


def _refusal(errors: list[GraphQLError], request_id: str, media_type: str, *, status: int) -> Response:
    return _response({"errors": [shown_error(error, request_id) for error in errors]}, media_type, status)


def _status(media_type: str, status: int) -> int:
    """Under the old media type a well-formed HTTP request is answered 200, whatever GraphQL says to it."""
    return status if media_type == GRAPHQL_RESPONSE else 200


def _media_type(request: Request) -> str:
    """Without a preference the old one: clients that know the new one say so."""
    return request.accept_mimetypes.best_match([JSON, GRAPHQL_RESPONSE], default=JSON)


def _response(body: dict[str, Any], media_type: str, status: int) -> Response:
    text = current_app.json.dumps(body)
    return Response(text, status, content_type=f"{media_type}; charset=utf-8")
