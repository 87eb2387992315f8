"""The public keys of whoever issues the access tokens: a JSON Web Key Set, fetched when it is needed."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.errors import TokensUncheckable

log = logging.getLogger("gateway.tokens")

REFETCH_EVERY_S = 10.0
FIRST_KEYS_EVERY_S = 1.0
"""While there are none nobody can be let in: so more often, but not at every request."""
KEPT_FOR_S = 300.0
"""Older keys are fetched again while they are in use, so that one which the issuer took back is not believed for ever."""
FETCH_TIMEOUT_S = 5.0


class IssuerKeys:
    """The newest key set known.

    The issuer may be down at our start, and later: keys that were fetched once stay good. An unknown `kid` is a reason
    to look again, but not more often than *refetch_every_s*, since anybody can make one up; so is their age, for which
    nobody waits.
    """

    def __init__(
        self,
        url: str,
        transport: httpx.AsyncBaseTransport,
        refetch_every_s: float = REFETCH_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._client = httpx.AsyncClient(transport=transport, timeout=FETCH_TIMEOUT_S)
        self._refetch_every_s = refetch_every_s
        self._clock = clock
        self._keys: KeySet | None = None
        self._read: Any = None
        self._read_at = -KEPT_FOR_S
        self._tried_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None
        self.edition = 0
        """How many different key sets there have been: what an earlier one vouched for may not be good any more."""

    async def holding(self, kid: str) -> KeySet:
        """The newest set, after trying to learn *kid*. Raises TokensUncheckable if there never was one."""
        if not self._knows(kid):
            await self._look_again()
        elif self._clock() - self._read_at >= KEPT_FOR_S:
            self._begin_fetch()
        if self._keys is None:
            raise TokensUncheckable
        return self._keys

    def _knows(self, kid: str) -> bool:
        return self._keys is not None and any(key.kid == kid for key in self._keys.keys)

    async def _look_again(self) -> None:
        """One fetch for all who wait; that the first of them leaves does not end it."""
        self._begin_fetch()
        if self._fetching is not None:
            await asyncio.shield(self._fetching)

    def _begin_fetch(self) -> None:
        if self._fetching is None and self._may_fetch():
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch())

    def _may_fetch(self) -> bool:
        pause = self._refetch_every_s if self._keys is not None else FIRST_KEYS_EVERY_S
        return self._tried_at is None or self._clock() - self._tried_at >= pause

    async def _fetch(self) -> None:
        try:
            response = await self._client.get(self._url)
            response.raise_for_status()
            self._learn(response.json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError, JoseError) as fault:
            log.warning("the key set could not be fetched from %s: %s", self._url, type(fault).__name__)
        finally:
            self._fetching = None

    def _learn(self, read: Any) -> None:
        """Raises what joserfc raises if *read* is no key set."""
        if read != self._read:
            self._keys = KeySet.import_key_set(read)
            self._read = read
            self.edition += 1
        self._read_at = self._clock()
