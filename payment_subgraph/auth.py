"""`Authorization` header to Viewer, checked against the user subgraph's keys.

The signature is believed, not the caller: it makes no difference whether the gateway stands between.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from payment_subgraph.errors import KeySetUnavailable, Unauthenticated
from payment_subgraph.token_claims import Claims, InvalidAccessToken, UnverifiedToken
from payment_subgraph.viewer import ANONYMOUS, Viewer

log = logging.getLogger(__name__)

_REFETCH_EVERY_S: Final = 10.0
_FIRST_KEYS_EVERY_S: Final = 1.0  # nobody can be let in before: so more often, but not at every request
_KEPT_FOR_S: Final = 300.0  # a key that was taken back is not to be believed for ever
_FETCH_TIMEOUT_S: Final = 5.0


@dataclass(slots=True)
class KeySource:
    """The key set, fetched when first needed and again for an unknown `kid`, but not more often than allowed.

    The user service may be down at our start, and later: keys that were fetched once stay good. Old ones are fetched
    again too, for which nobody waits.
    """

    url: str
    client: httpx.AsyncClient
    refetch_every_s: float = _REFETCH_EVERY_S
    clock: Callable[[], float] = time.monotonic
    _keys: KeySet | None = None
    _read_at: float = -math.inf
    _tried_at: float = -math.inf
    _fetching: asyncio.Task[None] | None = None

    async def holding(self, kid: str) -> KeySet:
        """The newest key set known, after trying to learn *kid*. Raises KeySetUnavailable if there never was one."""
        if not self._knows(kid):
            await self._look_again()
        elif self.clock() - self._read_at >= _KEPT_FOR_S:
            self._begin_fetch()
        if self._keys is None:
            raise KeySetUnavailable
        return self._keys

    def _knows(self, kid: str) -> bool:
        return self._keys is not None and any(key.kid == kid for key in self._keys.keys)

    async def _look_again(self) -> None:
        """One fetch for all who wait; that the first of them leaves does not end it."""
        self._begin_fetch()
        if self._fetching is not None:
            await asyncio.shield(self._fetching)

    def _begin_fetch(self) -> None:
        pause = self.refetch_every_s if self._keys is not None else _FIRST_KEYS_EVERY_S
        if self._fetching is None and self.clock() - self._tried_at >= pause:
            self._tried_at = self.clock()
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            response = await self.client.get(self.url, timeout=_FETCH_TIMEOUT_S)
            response.raise_for_status()
            self._keys = KeySet.import_key_set(response.json())
            self._read_at = self.clock()
        except (httpx.HTTPError, ValueError, TypeError, KeyError, JoseError) as fault:
            log.warning("the key set could not be fetched from %s: %s", self.url, type(fault).__name__)
        finally:
            self._fetching = None


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
        if scheme.lower() != "bearer":
            raise Unauthenticated("The Authorization header must be a Bearer token.")
        claims = await self._verified(token.strip(" "))
        # RFC 9068, 2.2: without a resource owner, the subject is the client itself.
        is_machine = claims.named.get("client_id") == claims.subject
        return Viewer(claims.subject, claims.scopes, claims.expires_at, is_machine)

    async def _verified(self, token: str) -> Claims:
        try:
            unverified = UnverifiedToken.read(token)
            keys = await self.keys.holding(unverified.key_id)
            return unverified.claims(keys, self.issuer, self.audience, self.now())
        except InvalidAccessToken as error:
            raise Unauthenticated("The access token is not valid or has expired.") from error
