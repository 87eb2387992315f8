# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Authlib ships no types.
"""Authlib's authorization server for one request, in one transaction: what its grants and endpoints find, give and end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer, OAuth2Error
from sqlalchemy.orm import Session

from user_subgraph.audit import Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.authorization_code import AuthorizationCode
from user_subgraph.authorization_codes import AuthorizationCodes
from user_subgraph.login_session import LoginSession, PresentedToken
from user_subgraph.mail import MailKind
from user_subgraph.oauth_client import OAuthClient
from user_subgraph.oauth_clients import OAuthClients
from user_subgraph.oauth_request import ClientRequest, RefusedInOurWords
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.random_secret import secret_hash
from user_subgraph.session_repository import SessionRepository
from user_subgraph.session_tokens import LoginSuccess, Proof, Refresher, SessionTokens
from user_subgraph.tokens import TokenPair, Viewer
from user_subgraph.user import EVERY_SCOPE, User, UserId
from user_subgraph.user_repository import UserRepository

_SAID: Mapping[str, str] = {
    "access_denied": "The person has refused.",
    "insecure_transport": "There is no OAuth 2 but over https: PUBLIC_URL is neither that nor an address of this machine.",
    "invalid_client": "The client is unknown, or has not proved who it is in the way that was agreed.",
    "invalid_grant": "The code or refresh token is not good (any more), it is another client's, or the code_verifier does not fit.",
    "invalid_request": "A parameter is missing, or is not as the standard has it.",
    "invalid_scope": "The client may not have all of these scopes.",
    "unauthorized_client": "The client may not ask for tokens in this way.",
    "unsupported_grant_type": "There are authorization_code, refresh_token and client_credentials.",
    "unsupported_response_type": "There is only the response type code.",
}
"""Instead of Authlib's own descriptions, which repeat what was sent, or tell how it is made."""


@dataclass(frozen=True)
class Answer:
    """`body` is JSON, or empty where `location` is an address to send the browser to."""

    status: int
    body: Mapping[str, Any]
    location: str | None = None


@dataclass(frozen=True)
class Client:
    """One of our clients, as Authlib asks after it (its `ClientMixin`)."""

    ours: OAuthClient

    def get_client_id(self) -> str:
        return self.ours.id

    def get_default_redirect_uri(self) -> str | None:
        return self.ours.redirect_uris[0] if len(self.ours.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All of *scope*, or nothing (`None`), as for one that names none; left out, all that the client may have."""
        asked = frozenset(scope.split()) if scope else self.ours.scopes
        return " ".join(sorted(asked)) if asked and asked <= self.ours.scopes else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return self.ours.may_be_sent_to(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        return self.ours.has_secret(client_secret)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return (method == "none") is (self.ours.secret_hash is None)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and not self.ours.is_machine

    def check_grant_type(self, grant_type: str) -> bool:
        ours = {"client_credentials"} if self.ours.is_machine else {"authorization_code", "refresh_token"}
        return grant_type in ours


class OAuthTransaction(AuthorizationServer):
    def __init__(self, session: Session, tokens: SessionTokens, caller: Caller, now: datetime) -> None:
        super().__init__(scopes_supported=EVERY_SCOPE)
        self.session = session
        self.tokens = tokens
        self.caller = caller
        self.now = now
        self.log = AuditLog(session, caller)
        self.codes = AuthorizationCodes(session)

    # What Authlib asks for.

    def query_client(self, client_id: str) -> Client | None:
        found = OAuthClients(self.session).by_id(client_id)
        return None if found is None else Client(found)

    def save_token(self, token: Mapping[str, Any], request: ClientRequest) -> None:
        """Access tokens are kept nowhere, refresh tokens were kept when they were made."""

    def send_signal(self, name: str, *args: object, **facts: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: ClientRequest) -> ClientRequest:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        return Answer(status, body or {}, dict(headers).get("Location"))

    def handle_error_response(self, _request: ClientRequest, error: OAuth2Error) -> Answer:
        return refusal(error)

    # What our grants and endpoints ask for.

    def locked_code(self, code_hash: str, client_id: str) -> AuthorizationCode | None:
        """The user is locked first, as by whoever ends sessions and codes: so neither waits for the other for ever."""
        found = self.codes.of_client(code_hash, client_id)
        if found is None or UserRepository(self.session).locked(found.user_id) is None:
            return None
        return self.codes.locked(code_hash, client_id)

    def active_user(self, user_id: UserId) -> User | None:
        user = UserRepository(self.session).locked(user_id)
        return user if user is not None and user.is_active else None

    def begin_session(self, user: User, proof: Proof, client: OAuthClient) -> LoginSuccess:
        return self.tokens.begin(self.session, user, proof, self.caller, client)

    def go_on(
        self, refresh_token: str, client_id: str, narrowed: frozenset[str] | None
    ) -> LoginSuccess | None:
        by = Refresher(self.caller, self.now, client_id, narrowed)
        return self.tokens.go_on(self.session, refresh_token, by)

    def tokens_of_machine(self, client: OAuthClient, narrowed: frozenset[str] | None) -> TokenPair:
        access_tokens = self.tokens.access_tokens
        token, scope = access_tokens.issue_to_machine(client, narrowed, self.now)
        return TokenPair(token, None, access_tokens.ttl_s, scope)

    def presented(self, refresh_token: str) -> PresentedToken | None:
        """The token, whose session runs and which nobody else can use meanwhile; it may be one that is replayed."""
        found = SessionRepository(self.session).presented(secret_hash(refresh_token))
        return found if found is not None and found.session.runs_at(self.now) else None

    def session_of(self, viewer: Viewer) -> LoginSession | None:
        return self._running(viewer.session_id)

    def _running(self, session_id: str) -> LoginSession | None:
        return SessionRepository(self.session).running_one(session_id, self.now)

    def end_session(self, session_id: str, user_id: UserId, action: Action) -> bool:
        """Whether it ran. Recorded only then: who repeats themselves does not fill the log."""
        ran = SessionRepository(self.session).revoke(session_id, self.now) > 0
        if ran:
            self.log.record(action, self.now, subject=user_id, changes=noted(session=session_id))
        return ran

    def end_copied_session(self, code: AuthorizationCode) -> None:
        """That of a code that was used before: one of the two has copied it. The person, who is locked, is told."""
        login = None if code.session_id is None else self._running(code.session_id)
        if login is None or not self.end_session(login.id, code.user_id, Action.AUTHORIZATION_CODE_REUSED):
            return
        user = UserRepository(self.session).by_ids([code.user_id])[code.user_id]
        OutgoingMails(self.session).notify(MailKind.LOGIN_ENDED, user, self.now, login.in_words)


def refusal(error: OAuth2Error) -> Answer:
    """In our words; by way of the browser where the client can be told so."""
    said = error.description if isinstance(error, RefusedInOurWords) else _SAID.get(error.error, "Refused.")
    facts = {"error": error.error, "error_description": said}
    facts |= {"state": error.state} if error.state else {}
    if error.redirect_uri:
        return Answer(302, {}, add_params_to_uri(error.redirect_uri, list(facts.items())))
    return Answer(error.status_code, facts)
