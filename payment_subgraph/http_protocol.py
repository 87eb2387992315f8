"""The client's side of HTTP/1.1: uvicorn's, which alone would wait for the rest of a request for ever."""

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_TOO_LATE: Final = b"The request did not arrive in time."
_REQUEST_TIMEOUT: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LATE), _TOO_LATE)
)


class PunctualHttpProtocol(H11Protocol):
    """One connection of a client. A request has so many seconds to arrive, its body included."""

    _within_s: float

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_arriving() or self.transport.is_closing():
            self._stop_waiting()
        elif self._timer is None:
            self._wait()

    def _is_arriving(self) -> bool:
        """Whether a request has begun and has not come to its end."""
        if self.conn.their_state is h11.IDLE:
            return bool(self.conn.trailing_data[0])
        return self.conn.their_state is h11.SEND_BODY

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self._within_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        """Nothing is said to a client that said nothing itself, or that has its answer already."""
        is_body = self.conn.their_state is h11.SEND_BODY
        if self._is_arriving() and not (is_body and self.cycle.response_started):
            self.transport.write(_REQUEST_TIMEOUT)
        self.transport.close()


def punctual(within_s: float) -> type[PunctualHttpProtocol]:
    """The protocol for requests that arrive within so many seconds."""

    class Punctual(PunctualHttpProtocol):
        _within_s = within_s

    return Punctual
