# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Authlib ships no types.
"""Giving a token back, and asking whether one is good. Source: RFC 7009; RFC 7662."""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from user_subgraph.audit import Action
from user_subgraph.login_session import LoginSession
from user_subgraph.oauth_clients import OAuthClients
from user_subgraph.oauth_grants import ANY_CLIENT, AUTHENTICATED
from user_subgraph.oauth_request import ClientRequest, RefusedInOurWords
from user_subgraph.oauth_transaction import Client, OAuthTransaction
from user_subgraph.token_claims import Claims, InvalidAccessToken
from user_subgraph.tokens import Viewer
from user_subgraph.user import granted_scopes
from user_subgraph.user_repository import UserRepository


class UnsupportedTokenType(RefusedInOurWords):
    """A machine's access token: no session is behind it that could be ended."""

    error = "unsupported_token_type"
    description = "An access token of a machine is good until it expires."


@dataclass(frozen=True)
class GoodToken:
    """An access token or a refresh token whose session runs, as Authlib asks after it. `session` is `None` for a machine."""

    client_id: str | None
    session: LoginSession | None
    facts: dict[str, Any]

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.ours.id

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ANY_CLIENT
    server: OAuthTransaction

    def check_params(self, request: ClientRequest, client: Client) -> None:  # noqa: ARG002 - Authlib's signature
        """Hints are not looked at: a token is found without."""
        request.require("token")

    def query_token(self, token: str, _hint: str | None) -> GoodToken | None:
        """A refresh token of whatever generation: who gives back an old one wants the session to end, too."""
        presented = self.server.presented(token)
        if presented is None:
            return _good_access_token(self.server, token)
        return GoodToken(presented.session.client_id, presented.session, {})

    def revoke_token(self, token: GoodToken, request: ClientRequest) -> None:  # noqa: ARG002 - Authlib's signature
        if token.session is None:
            raise UnsupportedTokenType
        self.server.end_session(token.session.id, token.session.user_id, Action.TOKEN_REVOKED)


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = AUTHENTICATED
    server: OAuthTransaction

    def check_params(self, request: ClientRequest, client: Client) -> None:  # noqa: ARG002 - Authlib's signature
        """Hints are not looked at: a token is found without."""
        request.require("token")

    def query_token(self, token: str, _hint: str | None) -> GoodToken | None:
        return good_token(self.server, token)

    def check_permission(self, token: GoodToken, client: Client, request: ClientRequest) -> bool:  # noqa: ARG002
        """A machine may be an API that is brought tokens of all kinds; an app has to do with its own."""
        return client.ours.is_machine or token.check_client(client)

    def introspect_token(self, token: GoodToken) -> dict[str, Any]:
        return token.facts


def good_token(server: OAuthTransaction, token: str) -> GoodToken | None:
    presented = server.presented(token)
    if presented is None:
        return _good_access_token(server, token)
    login = presented.session
    # Not locked: the session is already, and whoever ends sessions locks the user before them.
    user = UserRepository(server.session).by_ids([login.user_id])[login.user_id]
    if not user.is_active or presented.is_replayed_at(server.now):
        return None
    facts = {
        "scope": " ".join(sorted(granted_scopes(user.roles, login.asked_scopes))),
        "sub": login.user_id,
        "iat": int(login.created_at.timestamp()),
        "exp": int(login.expires_at.timestamp()),
    }
    return GoodToken(login.client_id, login, _with_client(facts, login.client_id))


def _good_access_token(server: OAuthTransaction, token: str) -> GoodToken | None:
    try:
        claims = server.tokens.access_tokens.claims(token, server.now)
        viewer = server.tokens.access_tokens.viewer(token, server.now)
    except InvalidAccessToken:
        return None
    if viewer.is_machine:
        known = OAuthClients(server.session).by_id(viewer.user_id)
        return GoodToken(viewer.client_id, None, _claimed(claims, viewer)) if known else None
    if UserRepository(server.session).logged_in(viewer.user_id, viewer.session_id, server.now) is None:
        return None
    return GoodToken(viewer.client_id, server.session_of(viewer), _claimed(claims, viewer))


def _claimed(claims: Claims, viewer: Viewer) -> dict[str, Any]:
    told = ("sub", "scope", "iss", "aud", "iat", "exp", "jti", "auth_time", "amr")
    facts = {name: claims.named[name] for name in told if name in claims.named}
    return _with_client({**facts, "token_type": "Bearer"}, viewer.client_id)


def _with_client(facts: dict[str, Any], client_id: str | None) -> dict[str, Any]:
    return facts if client_id is None else {**facts, "client_id": client_id}
