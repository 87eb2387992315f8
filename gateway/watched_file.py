"""A file that may be replaced while it is in use."""

import asyncio
from pathlib import Path

from gateway.errors import SettingsError

LOOK_EVERY_S = 1.0

Stamp = tuple[int, int, int]
"""(inode, time of change in ns, size): all one can see without reading. A new symlink target has another inode."""


class WatchedFile:
    def __init__(self, path: Path, look_every_s: float = LOOK_EVERY_S) -> None:
        self.path = path
        self._look_every_s = look_every_s
        self._read: Stamp | None = None
        self._is_asked = asyncio.Event()

    def read(self) -> bytes:
        """The content. Raises SettingsError."""
        # The stamp first: what changes while we read is then read again.
        self._read = self._stamp()
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise SettingsError(f"The file {self.path} cannot be read: {error.strerror}") from error

    def look_now(self) -> None:
        """Have `changed` come back at once, whether or not a change can be seen."""
        self._is_asked.set()

    async def changed(self) -> None:
        """Come back when the file is not the one that was read last.

        Only when two looks in a row see the same: a file that is being written has a valid half now and then.
        """
        before = self._read
        while not await self._asked_within(self._look_every_s):
            now = await asyncio.to_thread(self._stamp)
            if now != self._read and now == before:
                return
            before = now

    async def _asked_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._is_asked.wait()
        except TimeoutError:
            return False
        self._is_asked.clear()
        return True

    def _stamp(self) -> Stamp | None:
        """None when there is no such file."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
