"""Access tokens (signed, short-lived, checked anywhere) and refresh tokens (random, known only here)."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from joserfc import jwt
from ulid import ULID

from user_subgraph.login_session import LoginSession
from user_subgraph.signing_keys import SigningKeys
from user_subgraph.token_claims import ALGORITHM, InvalidAccessToken, UnverifiedToken
from user_subgraph.user import User, UserId, granted_scopes

TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's media type, not a secret


@dataclass(frozen=True)
class Viewer:
    """Who is asking, as the access token says it."""

    user_id: UserId
    session_id: str
    scopes: frozenset[str]

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

    def issue(self, user: User, session: LoginSession, now: datetime) -> tuple[str, str]:
        """The token and the scopes in it, space-separated."""
        scope = " ".join(sorted(granted_scopes(user.roles, session.asked_scopes)))
        proof = {"amr": session.amr.split(), "auth_time": int(session.created_at.timestamp())}
        return self._signed(user, session.id, scope, now, proof), scope

    def in_the_name_of(self, user: User, scope: str, wish: str, now: datetime) -> str:
        """For what this service itself asks another one, because *user* wished so. It is good for nothing here: *wish*,
        which stands where a session's id does, is no session.
        """
        return self._signed(user, wish, scope, now, {})

    def _signed(
        self, user: User, session_id: str, scope: str, now: datetime, proof: Mapping[str, object]
    ) -> str:
        issued_at = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": user.id,
            "sid": session_id,
            "scope": scope,
            "roles": sorted(role.value for role in user.roles),
            **proof,
            "iat": issued_at,
            "exp": issued_at + self.ttl_s,
            "jti": f"tok_{ULID()}".lower(),
        }
        header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": self.keys.signing.kid}
        return jwt.encode(header, claims, self.keys.signing, algorithms=[ALGORITHM])

    def viewer(self, token: str, now: datetime) -> Viewer:
        """Raises `InvalidAccessToken`."""
        unverified = UnverifiedToken.read(token)
        claims = unverified.claims(self.keys.verifying, self.issuer, self.audience, now.timestamp())
        session_id = claims.named.get("sid")
        if not (isinstance(session_id, str) and session_id and session_id.isprintable()):
            raise InvalidAccessToken
        return Viewer(UserId(claims.subject), session_id, claims.scopes)


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def refresh_token_hash(token: str) -> str:
    """What is stored: whoever reads the database cannot log in with it."""
    return hashlib.sha256(token.encode()).hexdigest()
