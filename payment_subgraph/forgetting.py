"""Forgets who was erased: at once, and once more when nobody can act in their name any longer.

Access tokens outlive an erasure by some minutes, and what is under way needs what it is to send. So an owner is looked
through again until both have come to an end.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from payment_subgraph.erased_owners import ErasedOwners
from payment_subgraph.saved_methods import SavedMethods

log = logging.getLogger(__name__)

_BATCH: Final = 10
TOKENS_LAST: Final = timedelta(hours=1)
"""Longer than any access token: ten minutes, if it is not set to more."""
_PAUSE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """*lease*: for how long an owner is left to one worker; who does not finish leaves them to the next."""

    owners: ErasedOwners
    saved_methods: SavedMethods
    lease: timedelta
    clock: Callable[[], datetime]

    async def work(self) -> int:
        """The worker's part; how many owners were looked through."""
        claimed = await self.owners.claim(self.clock(), self.lease, _BATCH)
        for owner_id, erased_at in claimed:
            await self._surviving(owner_id, erased_at)
        return len(claimed)

    async def _surviving(self, owner_id: str, erased_at: datetime) -> None:
        """A fault with one of them must not keep the others from being forgotten."""
        try:
            await self._forget(owner_id, erased_at)
        except Exception:
            log.exception("erased owner %s could not be forgotten yet", owner_id)

    async def _forget(self, owner_id: str, erased_at: datetime) -> None:
        """Whatever fails is left to the end of the lease."""
        now = self.clock()
        await self.saved_methods.forget_owner(owner_id)
        await self.owners.clear(owner_id, now)
        out_of_reach = now - erased_at >= TOKENS_LAST
        if out_of_reach:
            await self.owners.forget_keys(owner_id)
        under_way = await self.owners.has_open_operations(owner_id)
        done = out_of_reach and not under_way
        await self.owners.settle(owner_id, None if done else max(erased_at + TOKENS_LAST, now + _PAUSE))
        log.info("erased owner %s: %s", owner_id, "forgotten" if done else "to be looked through again")
