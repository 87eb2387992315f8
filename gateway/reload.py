"""Takes up a file's new content while requests are answered; what cannot be used is refused, and the old stays."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from gateway.errors import GatewayError
from gateway.watched_file import WatchedFile

T = TypeVar("T")

Take = Callable[[T], Coroutine[Any, Any, None]]

RELOADED = "reloaded"
REFUSED = "refused"

log = logging.getLogger("gateway")


class Reload(Generic[T]):
    """Keeps what was read from one file current."""

    def __init__(self, file: WatchedFile, load: Callable[[bytes], T]) -> None:
        """*load* makes something of the content, in a thread of its own. It raises GatewayError for what is no use."""
        self.file = file
        self._load = load
        self._digest = ""

    def first(self) -> T:
        """Raises GatewayError when there is nothing to begin with."""
        self._digest, loaded = self._loaded(self.file.read())
        return loaded

    async def run(self, take: Take[T], count: Callable[[str], None]) -> None:
        """Give *take* whatever newly stands in the file, until cancelled; *count* each RELOADED and each REFUSED."""
        while True:
            await self.file.changed()
            try:
                await self._take_up(take, count)
            except GatewayError as error:
                count(REFUSED)
                log.error("%s is refused, the one before stays in use: %s", self.file.path, error)  # noqa: TRY400 — a sentence says it
            except Exception:
                count(REFUSED)
                # Whatever stands in the file, it must not end what is in use.
                log.exception("%s is refused, the one before stays in use", self.file.path)

    async def _take_up(self, take: Take[T], count: Callable[[str], None]) -> None:
        new = await asyncio.to_thread(self._new)
        if new is None:
            log.info("%s is unchanged", self.file.path)
            return
        digest, loaded = new
        await take(loaded)
        self._digest = digest
        count(RELOADED)
        log.info("%s is reloaded (sha256 %s)", self.file.path, digest[:12])

    def _new(self) -> tuple[str, T] | None:
        """None when the content is that in use."""
        content = self.file.read()
        return None if _digest(content) == self._digest else self._loaded(content)

    def _loaded(self, content: bytes) -> tuple[str, T]:
        return _digest(content), self._load(content)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
