"""The client's side of HTTP/1.1: one connection, close to the wire, since most of a small request's cost is here.

httptools is strict about what it reads: it refuses a body with two lengths, a folded header, a line that ends with half a
line break, and every other thing that one server reads in one way and the next in another. Here it is seen to that
nothing is read without bounds or waited for without end, and that answers keep the order of their requests.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from gateway.clients.exchange import Ends
from gateway.clients.http_exchange import HttpExchange
from gateway.clients.request_head import request_line, without_offer, written_head
from gateway.headers import Headers, RequestHeaders

Answering = Callable[[HttpExchange], Awaitable[None]]
"""Sends the response to a request, whole."""

CONTENT_LENGTH = b"content-length"

TOO_LARGE = "The request line and the headers are too long."
TOO_SLOW = "The request did not arrive in time."
NOT_HTTP = "This is no valid HTTP/1.1 request."

_REFUSALS = {
    400: (b"400 Bad Request", NOT_HTTP),
    408: (b"408 Request Timeout", TOO_SLOW),
    431: (b"431 Request Header Fields Too Large", TOO_LARGE),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connection may take."""

    head_bytes: int
    """Of the request line and the headers."""
    head_s: float
    """How long they may take to come, and what is left of a body that nobody wants; and for how long a client may take
    nothing of what is written to it."""
    body_bytes: int
    idle_s: float
    """How long the connection may be unused after a request."""


class HeadTooLarge(Exception):
    """The request line and the headers have more bytes than may be."""


class NoSingleHost(Exception):
    """Who reads the first host and who reads the last, or thinks of one by itself, serve different sites."""


class NoProxy(Exception):
    """CONNECT asks for a tunnel to somewhere else."""


class HttpProtocol(asyncio.Protocol):
    """One connection of a client."""

    def __init__(
        self,
        answering: Answering,
        bounds: Bounds,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._answering = answering
        self._bounds = bounds
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = _parser(self)
        self._exchanges: deque[HttpExchange] = deque()
        """Those that are not answered yet, the first of which is being answered; the last may still be coming in."""
        self._is_in_head = True
        self._has_begun = False
        """Whether anything of the next request is there."""
        self._has_part_of_head = False
        self._line_bytes = 0
        """Of a head, or of trailers, that have not come to their end."""
        self._refusal = 0
        """The status for what cannot be read, once everything before is answered."""
        self._is_ending = False
        """Whether nothing is to be answered but what is being answered."""
        self._is_unused = True
        self._last_headers = RequestHeaders(())
        self._is_upgrading = False
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._until_taken: asyncio.TimerHandle | None = None

    # --- the transport's side ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._state.connections.add(cast("Any", self))
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._ends = Ends(
            str(peer[0]) if isinstance(peer, tuple) else None, int(own[1]) if isinstance(own, tuple) else None
        )
        self._wait(self._bounds.head_s)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — whatever the reason
        self._state.connections.discard(cast("Any", self))
        if self._timer:
            self._timer.cancel()
        self._forget_what_is_written()
        self._can_write.set()
        for exchange in self._exchanges:
            exchange.lose()

    def eof_received(self) -> None:
        """The transport closes: nobody is there any more who would read an answer."""

    def pause_writing(self) -> None:
        self._can_write.clear()
        self._expect_taking()

    def resume_writing(self) -> None:
        self._can_write.set()
        self._forget_what_is_written()
        if self._transport.is_closing():
            self._expect_taking()

    def data_received(self, data: bytes) -> None:
        if self._refusal or self._transport.is_closing():
            return
        try:
            self._received = self._of_lines = len(data)
            self._parse(data)
        except httptools.HttpParserError as error:
            self._refuse(431 if isinstance(error.__context__, HeadTooLarge) else 400)
            return
        if not self._is_in_head:
            self._count_lines()
        elif self._has_begun:
            self._wait_for_the_rest()

    def _parse(self, data: bytes) -> None:
        unread = memoryview(data)  # which is cut without a copy, as often as it holds an offer
        while unread:
            try:
                self._parser.feed_data(unread)
            except httptools.HttpParserUpgrade as upgrade:
                unread = unread[upgrade.args[0] :]
            else:
                return
            if self._is_upgrading:
                self._become_websocket()
                return
            self._decline()

    def _decline(self) -> None:
        """Answer in this protocol a client that would like another one, HTTP/2 say.

        The parser leaves off after the head of such a request, so it gets it once more, as if nothing had been asked.
        """
        offering, self._parser = self._parser, _parser(self)
        headers = without_offer((*self._headers, *self._length))
        self._parser.feed_data(written_head(offering, self._url, headers))

    def _wait_for_the_rest(self) -> None:
        if not self._has_part_of_head and not self._exchanges:
            self._wait(self._bounds.head_s)
        self._has_part_of_head = True
        self._count_lines()

    def _count_lines(self) -> None:
        """The parser holds a header until its line ends, and so it does with a trailer."""
        self._line_bytes += self._of_lines
        if self._line_bytes > self._bounds.head_bytes:
            self._refuse(431)

    # --- the parser's side ------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._has_begun = True
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._length: Headers = ()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if not self._is_in_head:
            return  # a trailer is no header
        if name == CONTENT_LENGTH:
            self._length = ((name, value),)  # apart, since it alone differs from one request to the next
        else:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        # The rest of what came may be the body, so only a large one is worth counting.
        limit = self._bounds.head_bytes
        if self._line_bytes + self._received > limit and self._size_of_head() > limit:
            raise HeadTooLarge
        self._is_in_head = self._has_part_of_head = False
        self._line_bytes = self._of_lines = 0  # the body begins
        headers = self._known_headers()
        if self._parser.should_upgrade():
            self._is_upgrading = self._is_websocket(headers) and not self._exchanges
            return
        self._exchanges.append(self._exchange(headers))
        if len(self._exchanges) == 1:
            self._begin()
        else:
            self._transport.pause_reading()

    def _is_websocket(self, headers: RequestHeaders) -> bool:
        if self._parser.get_method() == b"CONNECT":
            raise NoProxy
        # From HTTP/1.0 there is no way into another protocol (RFC 9110, section 7.8).
        return self._parser.get_http_version() == "1.1" and headers.get(b"upgrade").lower() == "websocket"

    def _known_headers(self) -> RequestHeaders:
        """Those of the request before, if they are the same."""
        if self._headers != self._last_headers.raw:
            self._check_host()
            self._last_headers = RequestHeaders(self._headers)
        return self._last_headers

    def _check_host(self) -> None:
        """Raises NoSingleHost. HTTP/1.0 may go without one (RFC 9112, section 3.2)."""
        hosts = sum(name == b"host" for name, _ in self._headers)
        if hosts > 1 or (hosts == 0 and self._parser.get_http_version() == "1.1"):
            raise NoSingleHost

    def _exchange(self, headers: RequestHeaders) -> HttpExchange:
        parser = self._parser
        is_modern = parser.get_http_version() == "1.1"
        line = request_line(parser.get_method(), self._url)
        return HttpExchange(
            self,
            line,
            headers,
            self._ends,
            body_limit=self._bounds.body_bytes,
            is_keepable=is_modern and parser.should_keep_alive(),
            is_modern=is_modern,
        )

    def on_body(self, body: bytes) -> None:
        self._line_bytes = self._of_lines = 0
        self._exchanges[-1].take(body)

    def on_message_complete(self) -> None:
        self._is_in_head, self._has_begun = True, False
        if self._parser.should_upgrade():
            return
        self._line_bytes = self._of_lines = 0  # whatever else came with it
        last = self._exchanges[-1]
        last.complete()
        if last.is_answered:
            self._exchanges.pop()
            self._go_on()

    def _size_of_head(self) -> int:
        return len(self._url) + sum(len(name) + len(value) for name, value in self._headers)

    # --- one request after the other --------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Answer the first request."""
        self._deadline = None
        self._is_unused = False
        exchange = self._exchanges[0]
        if not exchange.is_whole:
            self._transport.resume_reading()
        task = self._loop.create_task(self._answer(exchange))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    async def _answer(self, exchange: HttpExchange) -> None:
        try:
            if not self._can_write.is_set():
                await self._can_write.wait()
            await self._answering(exchange)
        finally:
            if not exchange.is_answered:
                self._break_off()

    def _break_off(self) -> None:
        """An answer ended before its end; that the client can see only by the connection's. One that takes nothing would
        never get what is written already."""
        self._close() if self._can_write.is_set() else self._transport.abort()

    @property
    def headers(self) -> Headers:
        """Those of every response: the date, which uvicorn writes once a second."""
        return tuple(self._state.default_headers)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        if not self._can_write.is_set():
            await self._can_write.wait()

    def finish(self, *, closes: bool) -> None:
        """Called by the first exchange when its response is written."""
        self._state.total_requests += 1
        if closes or self._is_ending:
            self._close()
        elif self._exchanges and self._exchanges[0].is_whole:
            self._exchanges.popleft()
            self._go_on()
        else:
            # What is left of a body that nobody wanted is read and forgotten.
            self._wait(self._bounds.head_s)

    def _go_on(self) -> None:
        if self._exchanges:
            self._begin()
        elif self._refusal:
            self._refuse(self._refusal)
        else:
            self._transport.resume_reading()
            self._wait(self._bounds.head_s if self._has_begun else self._bounds.idle_s)

    # --- the end ----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """The server stops: what is being answered is answered, and nothing else is taken."""
        self._is_ending = True
        if not self._exchanges or self._exchanges[0].is_answered:
            self._close()

    @property
    def is_new(self) -> bool:
        """Whether no request has come yet; the first may be under way."""
        return self._is_unused

    def _refuse(self, status: int) -> None:
        """Say what is wrong with what cannot be read, after what came before is answered; and hang up."""
        self._refusal = status
        if self._exchanges and not self._exchanges[-1].is_whole:
            unread = self._exchanges.pop()
            unread.lose()
            if unread.is_begun:
                self._close()
        if self._exchanges or self._transport.is_closing():
            return
        line, message = _REFUSALS[status]
        head = b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self._transport.write(head % (line, len(message)) + message.encode("ascii"))
        self._close()

    # --- patience ---------------------------------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        """For what comes next; not longer. One timer serves many requests: it looks again when it was too early."""
        self._deadline = deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > deadline:
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None:
            return  # a request is being answered, and then something is waited for again
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
        elif self._has_part_of_head:
            self._refuse(408)
        else:
            # Nothing is said to a client that said nothing itself.
            self._close()

    def _close(self) -> None:
        """Hang up, when the client has taken what is written."""
        self._expect_taking()
        self._transport.close()

    def _expect_taking(self) -> None:
        """See to it that what is written does not wait for ever for a client that takes nothing."""
        left = self._transport.get_write_buffer_size()
        if left and self._until_taken is None:
            self._until_taken = self._loop.call_later(self._bounds.head_s, self._look_what_is_taken, left)

    def _look_what_is_taken(self, left_before: int) -> None:
        self._until_taken = None
        if self._transport.get_write_buffer_size() < left_before:
            self._expect_taking()
        else:
            self._transport.abort()

    def _forget_what_is_written(self) -> None:
        if self._until_taken:
            self._until_taken.cancel()
            self._until_taken = None

    # --- WebSockets -------------------------------------------------------------------------------------------------

    def _become_websocket(self) -> None:
        """Leave the connection to the WebSockets' protocol, which reads the handshake once more."""
        self._state.connections.discard(cast("Any", self))
        if self._timer:
            self._timer.cancel()
        protocol = cast("Any", self._config.ws_protocol_class)(
            config=self._config, server_state=self._state, app_state=self._app_state
        )
        protocol.connection_made(self._transport)
        protocol.data_received(written_head(self._parser, self._url, self._headers))
        self._transport.set_protocol(protocol)


def _parser(protocol: HttpProtocol) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    # What a client sends after a request that asks for the connection's end is not read, but no fault either.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
