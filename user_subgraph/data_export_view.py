"""GET /data-exports/{id}: the owner downloads a copy of their data, with an access token of a login of just now."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from flask import Request, Response

from user_subgraph.auth import viewer_of
from user_subgraph.client_address import Network
from user_subgraph.clock import Clock
from user_subgraph.data_exports import DataExports
from user_subgraph.errors import (
    DomainError,
    Forbidden,
    NotFoundError,
    ReauthenticationRequiredError,
    RequestRefused,
    Unauthenticated,
)
from user_subgraph.request_origin import caller_of
from user_subgraph.tokens import AccessTokens

_SCOPE = "profile:read"


@dataclass(frozen=True)
class DataExportView:
    exports: DataExports
    access_tokens: AccessTokens
    clock: Clock
    trusted_proxies: Collection[Network]

    def answer(self, request: Request, export_id: str, request_id: str) -> Response:
        """The page that is mailed about may be of another origin. No cookie is ever looked at here, so other sites get nothing by it."""
        response = self._answer(request, export_id, request_id)
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    def preflight(self) -> Response:
        """What browsers ask before they send an access token to another origin. Source: Fetch, "CORS-preflight fetch"."""
        headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization"}
        return Response(status=204, headers=headers)

    def _answer(self, request: Request, export_id: str, request_id: str) -> Response:
        try:
            document = self._document(request, export_id, request_id)
        except Unauthenticated as error:
            return _refusal(error, request_id, 401)
        except (Forbidden, ReauthenticationRequiredError) as error:
            return _refusal(error, request_id, 403)
        except NotFoundError as error:
            return _refusal(error, request_id, 404)
        response = Response(document, content_type="application/json; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{export_id}.json"'
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _document(self, request: Request, export_id: str, request_id: str) -> str:
        viewer = viewer_of(request.headers.get("Authorization"), self.access_tokens, self.clock())
        if viewer is None:
            raise Unauthenticated
        if not viewer.may(_SCOPE):
            raise Forbidden([[_SCOPE]])
        caller = caller_of(request, viewer, request_id, self.trusted_proxies)
        document = self.exports.asked_by(caller).document(viewer, export_id)
        if document is None:
            raise NotFoundError(export_id)
        return document


def _refusal(error: RequestRefused | DomainError, request_id: str, status: int) -> Response:
    extensions = {"code": error.code, "requestId": request_id}
    body = json.dumps({"errors": [{"message": error.message, "extensions": extensions}]})
    return Response(body, status, content_type="application/json; charset=utf-8")
