"""How many subscriptions are open, and the word that they are to end."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from payment_subgraph.errors import TooManySubscriptions

MOST: Final = 1000
"""Each holds a connection."""
MOST_OF_ONE: Final = 50


class OpenStreams:
    """*stopping* is set when the process is about to end."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._open: Counter[str] = Counter()
        self.stopping = asyncio.Event()

    @contextmanager
    def one_more(self, user_id: str) -> Iterator[None]:
        """Raises TooManySubscriptions."""
        if self._open.total() >= self._most or self._open[user_id] >= self._most_of_one:
            raise TooManySubscriptions
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]
