"""Whether the client is still there: work for one that left is stopped."""

import asyncio
from types import TracebackType
from typing import Self

from gateway.clients.exchange import ClientGone, Exchange


class unless_gone:  # noqa: N801 — reads like asyncio.timeout, which works the same way
    """Cancels what runs inside when the client leaves, and then raises ClientGone."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._is_gone = False

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._exchange.when_gone(self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exchange.when_gone(None)
        if self._is_gone and kind is asyncio.CancelledError:
            assert self._task is not None  # noqa: S101 — set on entering
            self._task.uncancel()
            raise ClientGone from error

    def _stop(self) -> None:
        self._is_gone = True
        assert self._task is not None  # noqa: S101 — set on entering
        self._task.cancel()
