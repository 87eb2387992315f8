"""What is made once for a key and kept; also the word that it cannot be made, so that asking again is cheap.

Small things are made where they are asked for. Large ones would keep others waiting, and are made in the side thread.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

from gateway.errors import RequestError
from gateway.side_thread import SideThread

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

CHARACTERS = 200
"""As many weigh as much as a small operation."""


class Cache(Generic[K, V]):
    """Keeps the most recently used entries, as many as together weigh no more than *size*."""

    def __init__(self, size: int) -> None:
        self._size = self._room = size
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep a value; one that alone is too heavy must not drive out all the others."""
        if weight > self._size or key in self._entries:
            return
        self._entries[key] = (value, weight)
        self._room -= weight
        while self._room < 0:
            _, (_, freed) = self._entries.popitem(last=False)
            self._room += freed

    def recent(self, count: int) -> list[K]:
        """The keys that were used last, the last one first."""
        return list(islice(reversed(self._entries), count))

    def __len__(self) -> int:
        return len(self._entries)


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
        """The keys that were asked for last, the last one first."""
        return self._kept.recent(count)

    def __len__(self) -> int:
        return len(self._kept)


def _outcome(make: Callable[[], V]) -> V | RequestError:
    try:
        return make()
    except RequestError as error:
        # Without the frames it passed through, which hold everything it was made from.
        return error.again()
