"""Access tokens (signed, short-lived, checked anywhere) and refresh tokens (random, known only here)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from joserfc import jwt
from ulid import ULID

from user_subgraph.login_session import LoginSession
from user_subgraph.oauth_client import OAuthClient
from user_subgraph.signing_keys import SigningKeys
from user_subgraph.token_claims import ALGORITHM, Claims, InvalidAccessToken, UnverifiedToken
from user_subgraph.user import User, UserId, granted_scopes

TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's media type, not a secret


@dataclass(frozen=True)
class Viewer:
    """Who is asking, as the access token says it.

    `client_id` is the program that asks in the user's name; `None`: they have logged in themselves. A machine asks in its
    own name: its id is `user_id` too, which is nobody's, and its `session_id` is empty.
    """

    user_id: UserId
    session_id: str
    scopes: frozenset[str]
    client_id: str | None = None

    @property
    def is_machine(self) -> bool:
        return self.client_id == self.user_id

    def may(self, *scopes: str) -> bool:
        return self.scopes.issuperset(scopes)


@dataclass(frozen=True)
class TokenPair:
    """What a client gets at login and at each refresh; `expires_in` is in seconds.

    `refresh_token` is `None` where it travels in a cookie.
    """

    access_token: str
    refresh_token: str | None
    expires_in: int
    scope: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme


@dataclass(frozen=True)
class AccessTokens:
    """Issues and checks JWT access tokens (RFC 9068)."""

    keys: SigningKeys
    issuer: str
    audience: str
    ttl_s: int

    def issue(
        self, user: User, session: LoginSession, now: datetime, narrowed: frozenset[str] | None = None
    ) -> tuple[str, str]:
        """The token and the scopes in it, space-separated. *narrowed*: this one needs no more than that."""
        scopes = granted_scopes(user.roles, session.asked_scopes)
        scope = " ".join(sorted(scopes if narrowed is None else scopes & narrowed))
        claims = {
            "sub": user.id,
            "sid": session.id,
            "scope": scope,
            "roles": sorted(role.value for role in user.roles),
            "amr": session.amr.split(),
            "auth_time": int(session.created_at.timestamp()),
        }
        if session.client_id is not None:
            claims["client_id"] = session.client_id
        return self._signed(claims, now), scope

    def in_the_name_of(self, user: User, scope: str, wish: str, now: datetime) -> str:
        """For what this service itself asks another one, because *user* wished so. It is good for nothing here: *wish*,
        which stands where a session's id does, is no session.
        """
        roles = sorted(role.value for role in user.roles)
        return self._signed({"sub": user.id, "sid": wish, "scope": scope, "roles": roles}, now)

    def issue_to_machine(
        self, client: OAuthClient, narrowed: frozenset[str] | None, now: datetime
    ) -> tuple[str, str]:
        """The same in the name of nobody (RFC 9068, 2.2: the subject is then the client)."""
        scope = " ".join(sorted(client.scopes if narrowed is None else client.scopes & narrowed))
        return self._signed({"sub": client.id, "client_id": client.id, "scope": scope}, now), scope

    def viewer(self, token: str, now: datetime) -> Viewer:
        """Raises `InvalidAccessToken`."""
        claims = self.claims(token, now)
        client_id, session_id = claims.named.get("client_id"), claims.named.get("sid")
        if client_id == claims.subject:
            session_id = ""
        elif not _is_name(session_id) or not (client_id is None or _is_name(client_id)):
            raise InvalidAccessToken
        return Viewer(UserId(claims.subject), str(session_id), claims.scopes, client_id)

    def claims(self, token: str, now: datetime) -> Claims:
        """Raises `InvalidAccessToken`."""
        unverified = UnverifiedToken.read(token)
        return unverified.claims(self.keys.verifying, self.issuer, self.audience, now.timestamp())

    def _signed(self, claims: Mapping[str, object], now: datetime) -> str:
        issued_at = int(now.timestamp())
        standard = {
            "iss": self.issuer,
            "aud": self.audience,
            "iat": issued_at,
            "exp": issued_at + self.ttl_s,
            "jti": f"tok_{ULID()}".lower(),
        }
        header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": self.keys.signing.kid}
        return jwt.encode(header, {**claims, **standard}, self.keys.signing, algorithms=[ALGORITHM])


def _is_name(claim: object) -> bool:
    return isinstance(claim, str) and bool(claim) and claim.isprintable()
