"""Access tokens (signed, short-lived, checked anywhere) and refresh tokens (random, known only here)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry
from ulid import ULID

from user_subgraph.login_session import LoginSession
from user_subgraph.signing_keys import SigningKeys
from user_subgraph.user import User, UserId, granted_scopes

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's media type, not a secret
LEEWAY_S = 30


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
    """What a client gets at login and at each refresh; `expires_in` is in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme


class InvalidAccessTokenError(Exception):
    """Malformed, forged, expired or meant for somebody else."""


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
        issued_at = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": user.id,
            "sid": session.id,
            "scope": scope,
            "roles": sorted(role.value for role in user.roles),
            "amr": ["pwd"],
            "auth_time": int(session.created_at.timestamp()),
            "iat": issued_at,
            "exp": issued_at + self.ttl_s,
            "jti": f"tok_{ULID()}".lower(),
        }
        header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": self.keys.signing.kid}
        return jwt.encode(header, claims, self.keys.signing, algorithms=[ALGORITHM]), scope

    def viewer(self, token: str, now: datetime) -> Viewer:
        """Raises `InvalidAccessTokenError`."""
        try:
            decoded = jwt.decode(token, self.keys.verifying, algorithms=[ALGORITHM])
            self._claims_registry(now).validate(decoded.claims)
        except (
            JoseError,
            ValueError,
            TypeError,
        ) as error:  # TypeError: joserfc walks a `crit` that is no list
            raise InvalidAccessTokenError from error
        if decoded.header.get("typ") != TOKEN_TYPE:
            raise InvalidAccessTokenError
        return _viewer(decoded.claims)

    def _claims_registry(self, now: datetime) -> JWTClaimsRegistry:
        return JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
            sub={"essential": True},
            sid={"essential": True},
            scope={"essential": True, "allow_blank": True},
        )


def _viewer(claims: dict[str, Any]) -> Viewer:
    user_id, session_id, scope = claims["sub"], claims["sid"], claims["scope"]
    if not (isinstance(user_id, str) and isinstance(session_id, str) and isinstance(scope, str)):
        raise InvalidAccessTokenError
    return Viewer(UserId(user_id), session_id, frozenset(scope.split()))


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def refresh_token_hash(token: str) -> str:
    """What is stored: whoever reads the database cannot log in with it."""
    return hashlib.sha256(token.encode()).hexdigest()
