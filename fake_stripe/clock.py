"""The fake's own time: the real time plus what the admin API advanced it by."""

import time

from fake_stripe.store import Store


class Clock:
    """Objects, idempotency keys, retries and everything that falls due follow this clock.

    Only webhook signatures carry the real time: their receiver compares them with its own clock.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset_s = float(store.recall("clock_offset_s") or 0)

    def time(self) -> float:
        """Seconds since 1970, with fractions."""
        return time.time() + self._offset_s

    def now(self) -> int:
        """Whole seconds, the resolution of every `created` at Stripe."""
        return int(self.time())

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass at once; kept over a restart."""
        self._offset_s += seconds
        with self._store.transaction():
            self._store.remember("clock_offset_s", str(self._offset_s))
