"""A bell wakes a background loop: something may have changed, or a time has come."""

import asyncio


class Bell:
    """Rung by anyone on the event loop, heard by one loop."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the loop; rings before it listens are not lost."""
        self._rung.set()

    async def heard(self, within_s: float | None) -> None:
        """Return at the next ring, or after this many seconds; None waits for a ring alone."""
        try:
            async with asyncio.timeout(within_s):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()
