# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Authlib ships no types.
"""How a client comes by tokens: with a code, with a refresh token, or as a machine. Authlib's rules over our rows.

Source: RFC 6749, 4.1, 4.4 and 6; RFC 7636; RFC 9700, 2.1.
"""

import re
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7636.challenge import compare_s256_code_challenge

from user_subgraph.audit import Action, noted
from user_subgraph.authorization_code import CODE_LIFE, AuthorizationCode
from user_subgraph.login_session import LoginSession
from user_subgraph.oauth_request import ClientRequest, WrongRequest
from user_subgraph.oauth_transaction import Client, OAuthTransaction
from user_subgraph.random_secret import new_secret, secret_hash
from user_subgraph.session_tokens import Proof
from user_subgraph.tokens import TokenPair
from user_subgraph.user import User

AUTHENTICATED = ["client_secret_basic", "client_secret_post"]
ANY_CLIENT = [*AUTHENTICATED, "none"]
# RFC 7636, 4.1 and 4.2: a verifier, and SHA-256 in base64url.
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Consent:
    """Who has said yes, and how they have proved who they are."""

    user: User
    proof: Proof


@dataclass(frozen=True)
class _Code:
    """A good code, as Authlib asks after it."""

    ours: AuthorizationCode
    code_hash: str
    code_challenge_method = "S256"

    @property
    def code_challenge(self) -> str:
        return self.ours.code_challenge

    def get_redirect_uri(self) -> str | None:
        return self.ours.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.ours.scopes)


class S256Required(CodeChallenge):
    """PKCE of every client, and never `plain`, which protects from nothing that can read the first request."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, _redirect_uri: str) -> None:
        asked = grant.request.form
        if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(
            asked.get("code_challenge", "")
        ):
            raise WrongRequest(
                "PKCE is missing: send the code_challenge_method S256, and a code_challenge of 43 characters."
            )

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        if not _VERIFIER.fullmatch(grant.request.form.get("code_verifier", "")):
            raise WrongRequest(
                "The code_verifier is missing, or has not 43 to 128 characters as RFC 7636 has them."
            )
        super().validate_code_verifier(grant, result)


class CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ANY_CLIENT
    server: OAuthTransaction

    @staticmethod
    def validate_authorization_redirect_uri(request: ClientRequest, client: Client) -> str:
        address: str | None = request.payload.redirect_uri or client.get_default_redirect_uri()
        if address is None:
            raise WrongRequest(
                "The app does not say where to send you back to: the parameter 'redirect_uri' is missing."
            )
        if not client.check_redirect_uri(address):
            raise WrongRequest(
                "The app wants to have you sent to an address (redirect_uri) that is none of those agreed with it, letter by letter."
            )
        return address

    def validate_token_request(self) -> None:
        self.request.require("code")
        super().validate_token_request()

    def generate_authorization_code(self) -> str:
        return new_secret()

    def save_authorization_code(self, code: str, request: Any) -> None:
        consent, client, at = request.user, request.client.ours, request.user.proof.at
        given = AuthorizationCode(
            client_id=client.id,
            user_id=consent.user.id,
            redirect_uri=request.payload.redirect_uri,
            scopes=frozenset(request.scope.split()),
            code_challenge=request.payload.data["code_challenge"],
            amr=consent.proof.amr,
            expires_at=at + CODE_LIFE,
        )
        self.server.codes.add(given, secret_hash(code))
        facts = noted(client=client.id, scopes=given.scopes)
        whose = consent.user.id
        self.server.log.record(Action.APP_AUTHORIZED, at, subject=whose, actor=whose, changes=facts)

    def query_authorization_code(self, code: str, client: Client) -> _Code | None:
        """`None` for a code that is not good; one that its app has used before ends what it was used for (RFC 6749, 4.1.2)."""
        code_hash = secret_hash(code)
        found = self.server.locked_code(code_hash, client.ours.id)
        if found is None:
            return None
        if found.session_id is not None:
            if self._comes_from_its_app(found):
                self.server.end_copied_session(found)
            return None
        return _Code(found, code_hash) if self.server.now < found.expires_at else None

    def _comes_from_its_app(self, code: AuthorizationCode) -> bool:
        """By its secret; of an app that has none, by the verifier: anybody may have seen the code itself on its way."""
        if self.request.auth_method != "none":
            return True
        return bool(
            compare_s256_code_challenge(self.request.form.get("code_verifier", ""), code.code_challenge)
        )

    def authenticate_user(self, code: _Code) -> User | None:
        return self.server.active_user(code.ours.user_id)

    def generate_token(self, user: User, **_ignored: Any) -> dict[str, Any]:
        code: _Code = self.request.authorization_code
        proof = Proof(code.ours.amr, self.server.now, code.ours.scopes)
        success = self.server.begin_session(user, proof, self.request.client.ours)
        self.server.codes.note_session(code.code_hash, success.session_id)
        return token_response(success.tokens)

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        """It stays until it expires: a second use has to be noticed."""


@dataclass(frozen=True)
class RunningSession:
    """That of a refresh token, or of an access token, as Authlib asks after it."""

    ours: LoginSession
    token: str

    def check_client(self, client: Client) -> bool:
        return self.ours.client_id == client.ours.id

    def get_scope(self) -> str:
        return " ".join(self.ours.asked_scopes or ())


class RefreshGrant(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ANY_CLIENT
    INCLUDE_NEW_REFRESH_TOKEN = True
    server: OAuthTransaction

    def validate_token_request(self) -> None:
        self.request.require("refresh_token")
        super().validate_token_request()

    def authenticate_refresh_token(self, refresh_token: str) -> RunningSession | None:
        presented = self.server.presented(refresh_token)
        return None if presented is None else RunningSession(presented.session, refresh_token)

    def authenticate_user(self, refresh_token: RunningSession) -> str:
        return refresh_token.ours.user_id

    def issue_token(self, user: str, refresh_token: RunningSession) -> dict[str, Any]:  # noqa: ARG002 - Authlib's signature
        asked = self.request.payload.scope
        narrowed = frozenset(asked.split()) if asked else None
        success = self.server.go_on(refresh_token.token, self.request.client.ours.id, narrowed)
        if success is None:
            raise InvalidGrantError
        return token_response(success.tokens)

    def revoke_old_credential(self, refresh_token: RunningSession) -> None:
        """Generations decide that (login_session.py)."""


class MachineGrant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATED
    server: OAuthTransaction

    def validate_requested_scope(self) -> None:
        if self.request.client.get_allowed_scope(self.request.payload.scope) is None:
            raise InvalidScopeError

    def generate_token(self, scope: str | None = None, **_ignored: Any) -> dict[str, Any]:
        narrowed = frozenset(scope.split()) if scope else None
        return token_response(self.server.tokens_of_machine(self.request.client.ours, narrowed))


def token_response(tokens: TokenPair) -> dict[str, Any]:
    """RFC 6749, 5.1. The scope is always told: it may be less than was asked for."""
    refresh = {"refresh_token": tokens.refresh_token} if tokens.refresh_token else {}
    return {
        "access_token": tokens.access_token,
        "token_type": tokens.token_type,
        "expires_in": tokens.expires_in,
        "scope": tokens.scope,
        **refresh,
    }
