# mypy: disable-error-code="import-untyped"
# Authlib ships no types.
"""OAuth 2: letting programs in. Each request is one transaction, refused or not: a refusal may have ended a session.

Source: RFC 6749; what Authlib knows of it is behind the `oauth_…` files, and nothing outside them imports it.
"""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from http import HTTPStatus
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from sqlalchemy.orm import Session

from user_subgraph.audit import OPERATOR, Caller
from user_subgraph.bounds import Throttled
from user_subgraph.challenge_check import ChallengeAnswer
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import UserSubgraphError
from user_subgraph.login import Login, Opening
from user_subgraph.mfa import method_of
from user_subgraph.oauth_client import APP_SCOPES, OAuthClient
from user_subgraph.oauth_endpoints import Introspection, Revocation
from user_subgraph.oauth_grants import (
    ANY_CLIENT,
    AUTHENTICATED,
    CodeGrant,
    Consent,
    MachineGrant,
    RefreshGrant,
    S256Required,
)
from user_subgraph.oauth_request import ClientRequest
from user_subgraph.oauth_transaction import Answer, OAuthTransaction, refusal
from user_subgraph.session_tokens import Proof
from user_subgraph.throttling import Throttling
from user_subgraph.user import User

Parameters = Mapping[str, list[str]]
AUTHORIZE = "/oauth/authorize"
TOKEN = "/oauth/token"  # noqa: S105 - an address
REVOKE = "/oauth/revoke"
INTROSPECT = "/oauth/introspect"
METADATA = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True)
class AskedConsent:
    """What an app wants of somebody, and where the browser goes then."""

    client: OAuthClient
    scopes: frozenset[str]
    redirect_uri: str


class ConsentNotAsked(UserSubgraphError):
    """The request is not one to ask anybody about. `answer` says why: to the client, if it has a `location`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.get("error_description"))
        self.answer = answer


@dataclass(frozen=True)
class OAuth:
    """*issuer*: `iss` of the tokens. *public_url*: where clients find this service."""

    database: Database
    login: Login
    throttling: Throttling
    clock: Clock
    issuer: str
    public_url: str
    _: KW_ONLY
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "OAuth":
        """The same for one request, whose caller the audit log names."""
        return replace(self, caller=caller, login=self.login.asked_by(caller))

    def consent_asked(self, parameters: Parameters) -> AskedConsent:
        """Raises `ConsentNotAsked`."""
        with self.database.reading() as session:
            return self._consent_asked(session, parameters)

    def refused(self, parameters: Parameters) -> Answer:
        """By the person. Raises `ConsentNotAsked`."""
        with self.database.reading() as session:
            return self._decided(session, parameters, None)

    def allowed_by_password(self, parameters: Parameters, email: str, password: str) -> Answer:
        """Raises `ConsentNotAsked`, and what `Login.log_in` does."""
        return self.login.by_password(email, password, None, self._consent_to(parameters))

    def allowed_by_code(self, parameters: Parameters, challenge_id: str, code: str) -> Answer:
        """The other half of what was answered with `MfaRequiredError`; raises `ConsentNotAsked`, and what `Login.complete_mfa` does."""
        answer = ChallengeAnswer(challenge_id, method_of(code), code)
        return self.login.by_answer(answer, self._consent_to(parameters))

    def token(self, authorization: str | None, parameters: Parameters) -> Answer:
        """*authorization*: the header. Raises `RateLimitedError`."""
        return self._answered(TOKEN, authorization, parameters, OAuthTransaction.create_token_response)

    def revocation(self, authorization: str | None, parameters: Parameters) -> Answer:
        """Raises `RateLimitedError`."""
        return self._answered(REVOKE, authorization, parameters, _endpoint(Revocation.ENDPOINT_NAME))

    def introspection(self, authorization: str | None, parameters: Parameters) -> Answer:
        """Raises `RateLimitedError`."""
        return self._answered(INTROSPECT, authorization, parameters, _endpoint(Introspection.ENDPOINT_NAME))

    def metadata(self) -> Mapping[str, Any]:
        """RFC 8414. Of scopes those are told that a program can be given."""
        metadata: Mapping[str, Any] = AuthorizationServerMetadata(
            issuer=self.issuer,
            authorization_endpoint=f"{self.public_url}{AUTHORIZE}",
            token_endpoint=f"{self.public_url}{TOKEN}",
            revocation_endpoint=f"{self.public_url}{REVOKE}",
            introspection_endpoint=f"{self.public_url}{INTROSPECT}",
            jwks_uri=f"{self.public_url}/.well-known/jwks.json",
            scopes_supported=sorted(APP_SCOPES),
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code", "refresh_token", "client_credentials"],
            token_endpoint_auth_methods_supported=ANY_CLIENT,
            revocation_endpoint_auth_methods_supported=ANY_CLIENT,
            introspection_endpoint_auth_methods_supported=AUTHENTICATED,
            code_challenge_methods_supported=list(S256Required.SUPPORTED_CODE_CHALLENGE_METHOD),
            authorization_response_iss_parameter_supported=True,
        )
        return metadata

    def _consent_to(self, parameters: Parameters) -> Opening[Answer]:
        def give_code(session: Session, user: User, proof: Proof) -> Answer:
            return self._decided(session, parameters, Consent(user, proof))

        return give_code

    def _consent_asked(self, session: Session, parameters: Parameters) -> AskedConsent:
        grant = self._grant(session, parameters)
        return AskedConsent(grant.client.ours, frozenset(grant.request.scope.split()), grant.redirect_uri)

    def _decided(self, session: Session, parameters: Parameters, consent: Consent | None) -> Answer:
        grant = self._grant(session, parameters)
        answer: Answer = grant.server.create_authorization_response(grant.request, consent, grant)
        return self._from_us(answer)

    def _grant(self, session: Session, parameters: Parameters) -> CodeGrant:
        try:
            request = ClientRequest("GET", f"{self.public_url}{AUTHORIZE}", None, parameters)
            grant: CodeGrant = self._server(session).get_consent_grant(request)
        except OAuth2Error as error:
            raise ConsentNotAsked(self._from_us(refusal(error))) from error
        return grant

    def _from_us(self, answer: Answer) -> Answer:
        """RFC 9207: an app of several servers has to know which one has answered it."""
        if answer.location is None:
            return answer
        return replace(answer, location=add_params_to_uri(answer.location, [("iss", self.issuer)]))

    def _answered(
        self,
        path: str,
        authorization: str | None,
        parameters: Parameters,
        answer: Callable[[OAuthTransaction, ClientRequest], Answer],
    ) -> Answer:
        with self.database.writing() as session:
            try:
                request = ClientRequest("POST", f"{self.public_url}{path}", authorization, parameters)
                answered = answer(self._server(session), request)
            except OAuth2Error as error:
                answered = refusal(error)
        if answered.status >= HTTPStatus.BAD_REQUEST:
            # Looked for first: what is valid is good however many others come from the same address.
            self.throttling.count(Throttled.REFRESH_TOKEN, None, self.caller)
        return answered

    def _server(self, session: Session) -> OAuthTransaction:
        server = OAuthTransaction(session, self.login.session_tokens, self.caller, self.clock())
        server.register_grant(CodeGrant, [S256Required()])
        server.register_grant(RefreshGrant)
        server.register_grant(MachineGrant)
        server.register_endpoint(Revocation)
        server.register_endpoint(Introspection)
        return server


def _endpoint(name: str) -> Callable[[OAuthTransaction, ClientRequest], Answer]:
    return lambda server, request: server.create_endpoint_response(name, request)
