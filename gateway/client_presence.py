"""Whether the client is still there: work for one that left is stopped."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

WATCH_AFTER_S = 0.05
"""Most answers are ready before that, and watching for a client to leave would cost them more than it could save."""


class ClientGone(Exception):
    """The client left before the answer was ready."""


class unless_gone:  # noqa: N801 — reads like asyncio.timeout, which works the same way
    """Cancels what runs inside when the client leaves, and then raises ClientGone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None
        self._is_gone = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._watch)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watcher:
            self._watcher.cancel()
        if self._is_gone and kind is asyncio.CancelledError:
            assert self._task is not None  # noqa: S101 — set on entering
            self._task.uncancel()
            raise ClientGone from error

    def _watch(self) -> None:
        self._watcher = asyncio.ensure_future(self._wait_for_leaving())

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        assert self._task is not None  # noqa: S101 — set on entering
        self._task.cancel()
