"""The client's side of HTTP/1.1: uvicorn's, which alone would read a request's head of any length, for any time.

httptools is strict about what follows: it refuses a body with two lengths, a folded header, a line that ends with half a
line break, and every other thing that one server reads in one way and the next in another.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

TOO_LARGE = "The request line and the headers are too long."


class HeadTooLarge(Exception):
    """The request line and the headers have more bytes than may be."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection of a client."""

    _head_bytes: int
    _head_s: float

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._has_whole_head = False
        self._received = 0
        """Bytes of a head that has not come to its end."""
        self._chunk = 0
        """Bytes of what is being parsed."""
        self._is_too_large = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._chunk = len(data)
        super().data_received(data)
        if self._has_whole_head or self.transport.is_closing():
            return
        self._received += len(data)
        if self._received > self._head_bytes:
            self._refuse(431, TOO_LARGE)
        elif self._timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        self._has_whole_head = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._has_whole_head = True
        self._stop_waiting()
        # The rest of the chunk may be the body, so only a large one is worth counting.
        if self._received + self._chunk > self._head_bytes and self._size_of_head() > self._head_bytes:
            self._is_too_large = True
            raise HeadTooLarge
        self._received = 0
        super().on_headers_complete()

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for whatever goes wrong while it parses."""
        if self._is_too_large:
            self._refuse(431, TOO_LARGE)
        else:
            super().send_400_response(msg)

    def _refuse(self, status: int, message: str) -> None:
        lines = (
            STATUS_LINE[status],
            b"content-type: text/plain; charset=utf-8\r\n",
            b"content-length: %d\r\n" % len(message),
            b"connection: close\r\n\r\n",
            message.encode("ascii"),
        )
        self.transport.write(b"".join(lines))
        self.transport.close()

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(self._head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        """Nothing is said to a client that said nothing itself."""
        if self.cycle and not self.cycle.response_complete:
            # The next request can wait until this one is answered.
            self._wait_for_head()
        elif self._received:
            self._refuse(408, "The request did not arrive in time.")
        else:
            self.transport.close()


def bounded(head_bytes: int, head_s: float) -> type[BoundedHttpProtocol]:
    """The protocol for heads of so many bytes that arrive within so many seconds."""

    class Bounded(BoundedHttpProtocol):
        _head_bytes = head_bytes
        _head_s = head_s

    return Bounded
