"""How much work a plan may take."""

from gateway.errors import PlanTooComplex


class Steps:
    """Counts what planning does; every step takes about as long as any other, some microseconds."""

    def __init__(self, limit: int) -> None:
        self._left = self._limit = limit

    def take(self, count: int = 1) -> None:
        """Raises PlanTooComplex when no steps are left."""
        self._left -= count
        if self._left < 0:
            raise PlanTooComplex(self._limit)

    @property
    def taken(self) -> int:
        return self._limit - self._left
