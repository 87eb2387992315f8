"""How many requests are answered at once: a flood costs those that are too many, and nobody else.

Nobody waits for a place. A request that waits here would be as late as one that comes again after the advised pause,
and would hold memory meanwhile.
"""

from types import TracebackType

from gateway.errors import Overloaded


class Admission:
    """So many places; a request holds one inside the `with` block."""

    __slots__ = ("_limit", "in_progress")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.in_progress = 0

    def check(self) -> None:
        """Raises Overloaded when no place is free: before a body is read in vain."""
        if self.in_progress >= self._limit:
            raise Overloaded(self._limit)

    def __enter__(self) -> None:
        """Raises Overloaded when no place is free."""
        self.check()
        self.in_progress += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.in_progress -= 1
