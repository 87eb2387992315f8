"""`Authorization` header to Viewer, checked against the user subgraph's keys.

The signature is believed, not the caller: it makes no difference whether the gateway stands between.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from payment_subgraph.errors import KeySetUnavailable, Unauthenticated
from payment_subgraph.viewer import ANONYMOUS, Viewer

log = logging.getLogger(__name__)

ALGORITHMS: Final = ["ES256"]
LEEWAY_S: Final = 30
_TOKEN_TYPES: Final = ("at+jwt", "application/at+jwt")
_LONGEST_TOKEN: Final = 8192
_REFETCH_EVERY_S: Final = 10.0
_FIRST_KEYS_EVERY_S: Final = 1.0  # nobody can be let in before: so more often, but not at every request
_FETCH_TIMEOUT_S: Final = 5.0


@dataclass(slots=True)
class KeySource:
    """The key set, fetched when first needed and again for an unknown `kid`, but not more often than allowed.

    The user service may be down at our start, and later: keys that were fetched once stay good.
    """

    url: str
    client: httpx.AsyncClient
    refetch_every_s: float = _REFETCH_EVERY_S
    clock: Callable[[], float] = time.monotonic
    _keys: KeySet | None = None
    _tried_at: float | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def holding(self, kid: str) -> KeySet:
        """The newest key set known, after trying to learn *kid*. Raises KeySetUnavailable if there never was one."""
        if not self._knows(kid):
            async with self._lock:
                if not self._knows(kid) and self._may_fetch():
                    await self._fetch()
        if self._keys is None:
            raise KeySetUnavailable
        return self._keys

    def _knows(self, kid: str) -> bool:
        return self._keys is not None and any(key.kid == kid for key in self._keys.keys)

    def _may_fetch(self) -> bool:
        pause = self.refetch_every_s if self._keys is not None else _FIRST_KEYS_EVERY_S
        return self._tried_at is None or self.clock() - self._tried_at >= pause

    async def _fetch(self) -> None:
        try:
            response = await self.client.get(self.url, timeout=_FETCH_TIMEOUT_S)
            response.raise_for_status()
            self._keys = KeySet.import_key_set(response.json())
        except (httpx.HTTPError, ValueError, TypeError, KeyError, JoseError) as fault:
            log.warning("the key set could not be fetched from %s: %s", self.url, type(fault).__name__)
        self._tried_at = self.clock()


@dataclass(frozen=True, slots=True)
class Verifier:
    """*now* gives seconds since the epoch."""

    keys: KeySource
    issuer: str
    audience: str
    now: Callable[[], float] = time.time

    async def viewer(self, authorization: str | None) -> Viewer:
        """Anonymous without a header. Raises Unauthenticated for any header that is not a valid token."""
        if authorization is None:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
            raise Unauthenticated("The Authorization header must be a Bearer token.")
        claims = await self._verified_claims(token.strip())
        scope = claims.get("scope", "")
        if not isinstance(scope, str):
            raise Unauthenticated("The access token is not valid.")
        return Viewer(claims["sub"], frozenset(scope.split()), claims["exp"] + LEEWAY_S)

    async def _verified_claims(self, token: str) -> dict[str, Any]:
        try:
            header = _header(token)
            keys = await self.keys.holding(header["kid"])
            found = jwt.decode(token, keys, algorithms=ALGORITHMS)
            self._registry().validate(found.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Unauthenticated("The access token is not valid or has expired.") from error
        return found.claims

    def _registry(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self.now()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.audience},
            sub={"essential": True},
            exp={"essential": True},
        )


def _header(token: str) -> dict[str, Any]:
    """Raises for a token of another kind, or one that does not say which key signed it."""
    from joserfc import jws  # noqa: PLC0415

    header = jws.extract_compact(token.encode()).headers()
    if header["alg"] not in ALGORITHMS or str(header.get("typ")).lower() not in _TOKEN_TYPES:
        raise ValueError("not an access token of ours")
    if not isinstance(header["kid"], str):
        raise TypeError("no kid")
    return header
