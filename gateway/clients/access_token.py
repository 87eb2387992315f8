"""`Authorization` header -> Caller: JWT access tokens (RFC 9068), checked against their issuer's keys."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.clients.issuer_keys import IssuerKeys
from gateway.clients.token_claims import Claims, InvalidAccessToken, UnverifiedToken
from gateway.errors import Unauthenticated
from gateway.settings import TokenSettings
from gateway.supergraph.authorization import ANONYMOUS, Caller

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
        claims = await self._verified(_bearer(authorization))
        policies = _policies(claims.named, self._settings)
        caller = Caller(is_authenticated=True, scopes=claims.scopes, policies=policies)
        if len(self._known) >= REMEMBERED_CALLERS:
            del self._known[next(iter(self._known))]
        self._known[authorization] = _Known(caller, claims.expires_at, self._keys.edition)
        return caller

    async def _verified(self, token: str) -> Claims:
        try:
            unverified = UnverifiedToken.read(token)
            keys = await self._keys.holding(unverified.key_id)
            return unverified.claims(keys, self._settings.issuer, self._settings.audience, self._now())
        except InvalidAccessToken as error:
            raise Unauthenticated("The access token is not valid or has expired.") from error


def _bearer(authorization: bytes) -> str:
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() != b"bearer":
        raise Unauthenticated("The Authorization header must be a Bearer token.")
    return token.strip(b" ").decode("latin-1")


def _policies(claims: dict[str, Any], settings: TokenSettings) -> frozenset[str]:
    """The policies the issuer says are met: a list of names. Whatever it does not name is not."""
    names = claims.get(settings.policy_claim, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Unauthenticated("The access token is not valid.")
    return frozenset(names)
