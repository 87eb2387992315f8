"""One HTTP/1.1 connection to a subgraph: requests go out one after another, each answer is one `Response`.

Subgraphs are asked small things many times a second, so this is written close to the wire: no streams, no tasks, one
future a request. Source: RFC 9112.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.subgraphs.transport import Response, TransportFailed


class HungUp(TransportFailed):
    """The server closed the connection before it said anything, as servers do with one that was idle for long."""


class Connection(asyncio.Protocol):
    """Speaks to one server. Whoever holds it calls `exchange`, and not again before the answer is there."""

    def __init__(
        self,
        response_bytes: int,
        on_free: Callable[["Connection"], None],
        on_closed: Callable[["Connection"], None],
    ) -> None:
        self._response_bytes = response_bytes
        self._on_free = on_free
        self._on_closed = on_closed
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False
        self._expect_nothing()
        self.idle_since = 0.0

    @property
    def is_open(self) -> bool:
        return self._is_open and not self._transport.is_closing()

    def exchange(self, request: bytes, deadline: float) -> asyncio.Future[Response]:
        """Send a whole request; the future of its answer.

        It ends with TransportFailed, or TimeoutError at *deadline* (the loop's clock). Abandon it with `abort`.
        """
        self._expect_nothing()
        self._answer = answer = self._loop.create_future()
        self._timer = self._loop.call_at(deadline, self._fail, TimeoutError())
        self._transport.write(request)
        return answer

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._fail(TransportFailed("abandoned"))

    # --- the transport's side ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._is_open = True

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            ours = error.__context__  # what a callback below raised
            self._fail(ours if isinstance(ours, TransportFailed) else TransportFailed(f"not HTTP: {error}"))

    def eof_received(self) -> None:
        """A body without a length ends here; the transport closes afterwards."""
        if self._answer is not None and self._is_body_open_ended():
            self._complete(is_reusable=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_open = False
        failure = HungUp if not self._has_begun else TransportFailed
        self._fail(failure(str(exc) if exc else "the server closed the connection"))
        self._on_closed(self)

    # --- the parser's side ------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._answer is None:
            raise TransportFailed("an answer to no question")
        self._has_begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._is_in_body = True

    def on_body(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._response_bytes:
            raise TransportFailed(f"more than {self._response_bytes} bytes")
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:  # informational; the answer follows
            self._expect_nothing()
            return
        self._complete(is_reusable=self._parser.should_keep_alive())

    # --- one answer -------------------------------------------------------------------------------------------------

    def _expect_nothing(self) -> None:
        self._has_begun = self._is_in_body = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._size = 0

    def _is_body_open_ended(self) -> bool:
        names = {name.lower() for name, _ in self._headers}
        return self._is_in_body and not names & {b"content-length", b"transfer-encoding"}

    def _complete(self, *, is_reusable: bool) -> None:
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        answer = self._ended()
        if answer is not None and not answer.done():
            answer.set_result(Response(self._parser.get_status_code(), self._headers, body))
        if is_reusable:
            self._on_free(self)
        else:
            self._transport.close()

    def _fail(self, error: Exception) -> None:
        answer = self._ended()
        if answer is not None and not answer.done():
            answer.set_exception(error)
        if self._is_open:
            self._transport.abort()

    def _ended(self) -> asyncio.Future[Response] | None:
        answer, self._answer = self._answer, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return answer
