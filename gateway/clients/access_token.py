"""`Authorization` header -> Caller: JWT access tokens (RFC 9068), checked against their issuer's keys.

`tests/contract/token_cases.json` says which tokens are good; the other services that check them agree.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import JoseError

from gateway.clients.issuer_keys import IssuerKeys
from gateway.errors import Unauthenticated
from gateway.settings import TokenSettings
from gateway.supergraph.authorization import ANONYMOUS, Caller

ALGORITHMS = ["ES256"]
LEEWAY_S = 30
TOKEN_TYPES = {"at+jwt", "application/at+jwt"}
LONGEST_TOKEN = 8192
REMEMBERED_CALLERS = 2_000
"""Checking a signature costs as much as all else that is done for a small request; so it is done once for a token."""


class _Known(NamedTuple):
    caller: Caller
    until: float
    """Seconds since the epoch."""
    edition: int
    """Of the key set that vouches for it."""


class AccessTokens:
    """Knows callers by their access tokens. *now* gives seconds since the epoch."""

    def __init__(
        self, settings: TokenSettings, keys: IssuerKeys, now: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._now = now
        self._known: dict[bytes, _Known] = {}

    async def identify(self, authorization: tuple[bytes, ...]) -> Caller:
        """Anonymous without a header. Raises Unauthenticated for any header that is not one valid token."""
        if not authorization:
            return ANONYMOUS
        if len(authorization) > 1:
            # Which of them a subgraph would believe, nobody knows.
            raise Unauthenticated("There must be one Authorization header.")
        known = self._known.get(authorization[0])
        if known and self._now() < known.until and known.edition == self._keys.edition:
            return known.caller
        return await self._learn(authorization[0])

    async def _learn(self, authorization: bytes) -> Caller:
        self._known.pop(authorization, None)
        claims = await self._verified_claims(_bearer(authorization))
        caller = Caller(
            is_authenticated=True, scopes=_scopes(claims), policies=_policies(claims, self._settings)
        )
        if len(self._known) >= REMEMBERED_CALLERS:
            del self._known[next(iter(self._known))]
        self._known[authorization] = _Known(caller, claims["exp"] + LEEWAY_S, self._keys.edition)
        return caller

    async def _verified_claims(self, token: bytes) -> dict[str, Any]:
        try:
            keys = await self._keys.holding(_key_id(token))
            claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            self._registry().validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Unauthenticated("The access token is not valid or has expired.") from error
        return claims

    def _registry(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._now()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.audience},
            sub={"essential": True},
            exp={"essential": True},
        )


def _bearer(authorization: bytes) -> bytes:
    scheme, _, token = authorization.strip().partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not 0 < len(token) <= LONGEST_TOKEN:
        raise Unauthenticated("The Authorization header must be a Bearer token.")
    return token


def _key_id(token: bytes) -> str:
    """Raises for a token of another kind, or one that does not say which key signed it."""
    header = jws.extract_compact(token).headers()
    if header["alg"] not in ALGORITHMS or str(header.get("typ")).lower() not in TOKEN_TYPES:
        raise ValueError("not an access token")
    if not isinstance(header["kid"], str):
        raise TypeError("no kid")
    return header["kid"]


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """Space-separated, as RFC 8693 has it."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise Unauthenticated("The access token is not valid.")
    return frozenset(scope.split())


def _policies(claims: dict[str, Any], settings: TokenSettings) -> frozenset[str]:
    """The policies the issuer says are met: a list of names. Whatever it does not name is not."""
    names = claims.get(settings.policy_claim, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Unauthenticated("The access token is not valid.")
    return frozenset(names)
