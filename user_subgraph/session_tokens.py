"""What a client gets for a session, when it begins and each time it goes on. In the transaction of whoever asks."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from ulid import ULID

from user_subgraph.audit import Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.login_session import LoginSession, PresentedToken
from user_subgraph.mail import MailKind
from user_subgraph.oauth_client import OAuthClient
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.random_secret import new_secret, secret_hash
from user_subgraph.session_repository import SessionRepository
from user_subgraph.tokens import AccessTokens, TokenPair
from user_subgraph.user import EVERY_SCOPE, User, UserId
from user_subgraph.user_repository import UserRepository


@dataclass(frozen=True)
class Proof:
    """How and when somebody has proved who they are, and what they asked for then (`None`: all that their roles allow)."""

    amr: str
    at: datetime
    asked_scopes: frozenset[str] | None


@dataclass(frozen=True)
class Refresher:
    """Who brings a refresh token, and when. *client_id*: the app that proved to be it; `None`: who has logged in themselves.

    *narrowed*: the scopes that are enough this time; `None`: all that the session may have.
    """

    caller: Caller
    at: datetime
    client_id: str | None = None
    narrowed: frozenset[str] | None = None


@dataclass(frozen=True)
class LoginSuccess:
    """`session_ends_in_s`: as long as the refresh token, and what descends from it, may be good."""

    tokens: TokenPair
    user: User
    session_ends_in_s: int
    session_id: str


@dataclass(frozen=True)
class SessionTokens:
    """`session_ttl_s`: the life of a session, however often it goes on."""

    access_tokens: AccessTokens
    session_ttl_s: int

    def begin(
        self, session: Session, user: User, proof: Proof, caller: Caller, client: OAuthClient | None = None
    ) -> LoginSuccess:
        """A new session of *user*, who is active; with *client* that app's, in their name."""
        login, refresh_token = self._new_login(user.id, proof, caller, client), new_secret()
        sessions = SessionRepository(session)
        sessions.forget_expired(user.id, proof.at)
        sessions.add(login, secret_hash(refresh_token))
        facts = {"session": login.id} if client is None else {"session": login.id, "client": client.id}
        AuditLog(session, caller).record(
            Action.LOGIN_SUCCEEDED, proof.at, subject=user.id, actor=user.id, changes=noted(**facts)
        )
        return self._success(user, login, refresh_token, proof.at)

    def go_on(self, session: Session, refresh_token: str, by: Refresher) -> LoginSuccess | None:
        """`None` refuses; the transaction is to be committed all the same, because a reuse revokes the family.

        A token is good for who it was given to.
        """
        sessions = SessionRepository(session)
        presented = sessions.presented(secret_hash(refresh_token))
        if presented is None or presented.session.client_id != by.client_id:
            return None
        if not presented.session.runs_at(by.at):
            return None
        user = UserRepository(session).by_ids([presented.session.user_id])[presented.session.user_id]
        if presented.is_replayed_at(by.at):
            _end_family(session, user, presented.session, by)
            return None
        if not user.is_active:
            return None
        successor, login = new_secret(), _continued(presented, by)
        sessions.continue_as(login, secret_hash(successor))
        return self._success(user, login, successor, by.at, by.narrowed)

    def _new_login(
        self, user_id: UserId, proof: Proof, caller: Caller, client: OAuthClient | None
    ) -> LoginSession:
        return LoginSession(
            id=f"ses_{ULID()}".lower(),
            user_id=user_id,
            asked_scopes=known_scopes(proof.asked_scopes),
            created_at=proof.at,
            last_used_at=proof.at,
            expires_at=proof.at + timedelta(seconds=self.session_ttl_s),
            ip_address=caller.ip_address,
            user_agent=caller.user_agent,
            amr=proof.amr,
            client_id=None if client is None else client.id,
            client_name=None if client is None else client.name,
        )

    def _success(
        self,
        user: User,
        login: LoginSession,
        refresh_token: str,
        now: datetime,
        narrowed: frozenset[str] | None = None,
    ) -> LoginSuccess:
        access_token, scope = self.access_tokens.issue(user, login, now, narrowed)
        tokens = TokenPair(access_token, refresh_token, self.access_tokens.ttl_s, scope)
        return LoginSuccess(tokens, user, int((login.expires_at - now).total_seconds()), login.id)


def known_scopes(asked: frozenset[str] | None) -> frozenset[str] | None:
    """Words of strangers are not stored."""
    return None if asked is None else asked & EVERY_SCOPE


def _end_family(session: Session, user: User, login: LoginSession, by: Refresher) -> None:
    SessionRepository(session).revoke(login.id, by.at)
    OutgoingMails(session).notify(MailKind.LOGIN_ENDED, user, by.at, login.in_words)
    log, family = AuditLog(session, by.caller), noted(session=login.id)
    log.record(Action.REFRESH_TOKEN_REUSED, by.at, subject=user.id, changes=family)


def _continued(presented: PresentedToken, by: Refresher) -> LoginSession:
    return replace(
        presented.session,
        generation=presented.next_generation,
        last_used_at=by.at,
        ip_address=by.caller.ip_address,
        user_agent=by.caller.user_agent,
    )
