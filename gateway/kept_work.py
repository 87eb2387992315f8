"""What is made once for a key and kept; also the word that it cannot be made, so that asking again is cheap."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Generic, TypeVar

from gateway.errors import RequestError
from gateway.side_thread import SideThread

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

CHARACTERS = 200
"""As many weigh as much as a small operation."""

ASKED_AGAIN = 0.8
"""The share of a cache that is for what was asked for more than once."""


class _Segment(Generic[K, V]):
    """Key -> (value, weight)"""

    def __init__(self) -> None:
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def push(self, key: K, entry: tuple[V, int]) -> None:
        self._entries[key] = entry
        self.weight += entry[1]

    def pop(self, key: K) -> tuple[V, int] | None:
        entry = self._entries.pop(key, None)
        if entry:
            self.weight -= entry[1]
        return entry

    def pop_oldest(self) -> tuple[K, tuple[V, int]]:
        key, entry = self._entries.popitem(last=False)
        self.weight -= entry[1]
        return key, entry

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __reversed__(self) -> Iterator[K]:
        return reversed(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class Cache(Generic[K, V]):
    """Keeps the most recently used entries, as many as together weigh no more than *size*.

    What was asked for once gives way first: whoever sends texts that are new each time drives out those of others who
    do so, and not what is in use. (A segmented LRU.)
    """

    def __init__(self, size: int) -> None:
        self._once = _Segment[K, V]()
        self._again = _Segment[K, V]()
        self._size = size
        self._room = size * ASKED_AGAIN

    def get(self, key: K) -> V | None:
        entry = self._again.pop(key) or self._once.pop(key)
        if entry is None:
            return None
        # What alone is too heavy for the better part must not drive out all that is in it.
        (self._again if entry[1] <= self._room else self._once).push(key, entry)
        while self._again.weight > self._room:
            self._once.push(*self._again.pop_oldest())
        return entry[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep a value; one that alone is too heavy must not drive out all the others."""
        if weight > self._size or key in self._again or key in self._once:
            return
        self._once.push(key, (value, weight))
        while self._once.weight + self._again.weight > self._size:
            self._once.pop_oldest()

    def recent(self, count: int) -> list[K]:
        """Keys that were asked for again, then those that were not, the last ones first."""
        return list(islice(chain(reversed(self._again), reversed(self._once)), count))

    def __len__(self) -> int:
        return len(self._once) + len(self._again)


class KeptWork(Generic[K, V]):
    """One kind of things that are made out of clients' texts."""

    def __init__(self, size: int, thread: SideThread) -> None:
        self._kept = Cache[K, V | RequestError](size)
        self._thread = thread

    def get(self, key: K) -> V | None:
        """What was made for *key*, if it is known. Raises the RequestError that came of it instead."""
        known = self._kept.get(key)
        if isinstance(known, RequestError):
            raise known.again()
        return known

    def make(self, key: K, make: Callable[[], V], weigh: Callable[[V], int]) -> V:
        """Make it here and now. Raises RequestError."""
        return self._keep(key, weigh, _outcome(make))

    async def make_aside(
        self, key: K, make: Callable[[], V], weigh: Callable[[V], int], size: int, until: float
    ) -> V:
        """Make it in the side thread, where *size* decides what comes first. Raises RequestError."""
        keep = partial(self._keep, key, weigh)
        return await self._thread.do((id(self), key), size, partial(_outcome, make), keep, until)

    def _keep(self, key: K, weigh: Callable[[V], int], outcome: V | RequestError) -> V:
        if isinstance(outcome, RequestError):
            self._kept.put(key, outcome, 1 + len(str(key)) // CHARACTERS)
            raise outcome.again()
        self._kept.put(key, outcome, weigh(outcome))
        return outcome

    def recent(self, count: int) -> list[K]:
        """The keys that were asked for last, those first that were asked for more than once."""
        return self._kept.recent(count)

    def __len__(self) -> int:
        return len(self._kept)


def _outcome(make: Callable[[], V]) -> V | RequestError:
    try:
        return make()
    except RequestError as error:
        # Without the frames it passed through, which hold everything it was made from.
        return error.again()
