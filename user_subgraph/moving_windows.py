"""How much was taken within the last so many seconds: in this process, or in Redis for all of them.

Whoever takes a place does so before the work and may give it back after it, so that those who come at the same moment
are counted, too. Given back is the newest place of a key: those under way together are of almost the same time.
"""

import logging
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import redis
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from user_subgraph.bounds import Bound
from user_subgraph.clock import Clock

logger = logging.getLogger(__name__)

# Of one kind. For a place of an account a password is hashed: a quarter of an hour is too short for so many.
MAX_KEYS = 100_000
# What a request waits for a Redis that does not answer, and how long others then do without it.
ANSWER_WITHIN_S = 0.5
AWAY_S = 5.0


@dataclass(frozen=True)
class Key:
    """Whose places they are. Keys of one *kind* have bounds with one window."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class Place:
    """One of the places within a bound; it becomes free when the window has passed, or is given back."""

    give_back: Callable[[], None]


class MovingWindows(Protocol):
    def take(self, key: Key, bound: Bound) -> Place | None:
        """`None` when all places of *key* are taken; the refused attempt takes none."""

    def wait_s(self, key: Key, bound: Bound) -> float:
        """Seconds until a place becomes free, if nobody gives one back; 0 when there is one."""

    def close(self) -> None:
        """Give connections back."""


class ProcessWindows:
    """In the memory of this process. Keys go when their window has passed, and of each kind the oldest beyond `max_keys`.

    So whoever comes from many addresses makes us forget other addresses, but no account.
    """

    def __init__(self, clock: Clock, max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._lock = threading.Lock()
        # By kind and name, the name used last at the end: what has passed is found at the beginning.
        self._taken: defaultdict[str, OrderedDict[str, list[float]]] = defaultdict(OrderedDict)

    def __len__(self) -> int:
        """How many keys are remembered."""
        return sum(len(names) for names in self._taken.values())

    def take(self, key: Key, bound: Bound) -> Place | None:
        now = self._clock().timestamp()
        with self._lock:
            times = self._times(key, bound, now)
            if len(times) >= bound.most:
                return None
            names = self._taken[key.kind]
            names[key.name] = [*times, now]
            names.move_to_end(key.name)
            self._forget(names, now - bound.window_s)
        return Place(partial(self._give_back, key))

    def wait_s(self, key: Key, bound: Bound) -> float:
        now = self._clock().timestamp()
        with self._lock:
            times = self._times(key, bound, now)
        return 0 if len(times) < bound.most else times[0] + bound.window_s - now

    def close(self) -> None:
        """There is no connection."""

    def _times(self, key: Key, bound: Bound, now: float) -> list[float]:
        return [at for at in self._taken[key.kind].get(key.name, ()) if at > now - bound.window_s]

    def _give_back(self, key: Key) -> None:
        with self._lock:
            names = self._taken[key.kind]
            times = names.get(key.name, [])
            if len(times) > 1:
                times.pop()
            else:
                names.pop(key.name, None)

    def _forget(self, names: OrderedDict[str, list[float]], passed: float) -> None:
        while len(names) > self._max_keys or next(iter(names.values()))[-1] <= passed:
            names.popitem(last=False)


class RedisWindows:
    """In Redis, or in Valkey, for all processes that use it. Raises `RedisError` when it does not answer."""

    def __init__(self, url: str) -> None:
        self._pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=ANSWER_WITHIN_S,
            retry=Retry(NoBackoff(), 1),  # a kept connection may be one of before a restart
        )
        self._storage = RedisStorage(url, connection_pool=self._pool, key_prefix="user_subgraph")
        self._client = redis.Redis(connection_pool=self._pool)  # for what limits has no word for

    def take(self, key: Key, bound: Bound) -> Place | None:
        taken = self._storage.acquire_entry(str(key), bound.most, bound.window_s)
        return Place(partial(self._give_back, key)) if taken else None

    def wait_s(self, key: Key, bound: Bound) -> float:
        oldest, taken = self._storage.get_moving_window(str(key), bound.most, bound.window_s)
        return 0 if taken < bound.most else max(0.0, oldest + bound.window_s - time.time())

    def close(self) -> None:
        self._pool.disconnect()

    def _give_back(self, key: Key) -> None:
        self._client.lpop(self._storage.prefixed_key(str(key)))


class FallingBackWindows:
    """*shared* while it answers, else *own*: see docs/decisions/0025.

    *seconds*: a clock that only goes forward.
    """

    def __init__(
        self, shared: MovingWindows, own: MovingWindows, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._own = own
        self._seconds = seconds
        self._lock = threading.Lock()
        self._away_until: float | None = None

    def take(self, key: Key, bound: Bound) -> Place | None:
        if self._is_to_be_asked():
            try:
                place = self._shared.take(key, bound)
            except RedisError as error:
                self._is_away(error)
            else:
                self._is_back()
                return None if place is None else Place(partial(self._give_back, place))
        return self._own.take(key, bound)

    def wait_s(self, key: Key, bound: Bound) -> float:
        if self._is_to_be_asked():
            try:
                return self._shared.wait_s(key, bound)
            except RedisError as error:
                self._is_away(error)
        return self._own.wait_s(key, bound)

    def close(self) -> None:
        self._shared.close()
        self._own.close()

    def _give_back(self, place: Place) -> None:
        """A place that cannot be given back becomes free when its window has passed."""
        try:
            place.give_back()
        except RedisError as error:
            self._is_away(error)

    def _is_to_be_asked(self) -> bool:
        """While it is away, one request every `AWAY_S` tries whether it is back; the others do not wait for it."""
        with self._lock:
            if self._away_until is None:
                return True
            is_due = self._seconds() >= self._away_until
            if is_due:
                self._away_until = self._seconds() + AWAY_S
            return is_due

    def _is_away(self, error: RedisError) -> None:
        with self._lock:
            is_new, self._away_until = self._away_until is None, self._seconds() + AWAY_S
        if is_new:
            # Not the error's text: it tells where the server is.
            logger.warning(
                "THROTTLE_STORAGE does not answer (%s); counting in this process", type(error).__name__
            )

    def _is_back(self) -> None:
        with self._lock:
            was_away, self._away_until = self._away_until is not None, None
        if was_away:
            logger.info("THROTTLE_STORAGE answers again")
