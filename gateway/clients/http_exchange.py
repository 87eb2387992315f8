"""One request of a connection, and its response on the wire. Source: RFC 9112."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from gateway.clients.exchange import ClientGone, Ends, Exchange, RequestLine
from gateway.clients.reply import Reply
from gateway.errors import BodyTooLarge
from gateway.headers import Headers, RequestHeaders

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
NO_CONTENT = 204
LAST_CHUNK = b"0\r\n\r\n"

_STATUS_LINES = {each.value: b"HTTP/1.1 %d %b\r\n" % (each, each.phrase.encode()) for each in HTTPStatus}


class Wire(Protocol):
    """Where responses go."""

    @property
    def headers(self) -> Headers:
        """Those of every response."""

    def write(self, data: bytes) -> None: ...

    async def drained(self) -> None:
        """Comes back when the client has taken enough of what was written."""

    def finish(self, *, closes: bool) -> None:
        """The response is complete. *closes*: no other may follow."""


class HttpExchange(Exchange):
    __slots__ = (
        "_body",
        "_body_limit",
        "_call_when_gone",
        "_coming",
        "_is_chunked",
        "_is_continue_awaited",
        "_is_gone",
        "_is_keepable",
        "_is_whole",
        "_received",
        "_wire",
        "is_answered",
    )

    def __init__(  # noqa: PLR0913 — what the parser knows
        self,
        wire: Wire,
        line: RequestLine,
        headers: RequestHeaders,
        ends: Ends,
        *,
        body_limit: int,
        is_keepable: bool,
        is_modern: bool,
    ) -> None:
        """*is_keepable*: whether the client can use the connection for another request; *is_modern*: whether it knows
        chunked bodies and 100 Continue, as HTTP/1.0 does not. More than *body_limit* bytes of a body are not held."""
        super().__init__(line, headers, ends)
        self._wire = wire
        self._body_limit = body_limit
        self._is_keepable = is_keepable
        self._is_chunked = is_modern
        self._is_continue_awaited = is_modern and headers.get(b"expect").lower() == "100-continue"
        self._body: list[bytes] = []
        self._received = 0
        self._coming: asyncio.Future[None] | None = None
        self._call_when_gone: Callable[[], None] | None = None
        self._is_gone = False
        self._is_whole = False
        self.is_answered = False

    # --- what comes in ----------------------------------------------------------------------------------------------

    def take(self, part: bytes) -> None:
        """A part of the body has come."""
        self._received += len(part)
        if self._received <= self._body_limit:
            self._body.append(part)
        else:
            self._body.clear()
        self._wake()

    def complete(self) -> None:
        """The body has come to its end."""
        self._is_whole = True
        self._wake()

    def lose(self) -> None:
        """The client has left."""
        self._is_gone = True
        self._wake()
        call, self._call_when_gone = self._call_when_gone, None
        if call:
            call()

    def _wake(self) -> None:
        if self._coming and not self._coming.done():
            self._coming.set_result(None)

    @property
    def is_whole(self) -> bool:
        return self._is_whole

    async def body(self, limit: int) -> bytes:
        if self._is_held_back:
            self._is_continue_awaited = False
            self._wire.write(CONTINUE)
        while not self._is_whole:
            self._check(limit)
            self._coming = asyncio.get_running_loop().create_future()
            await self._coming
        self._check(limit)
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    @property
    def _is_held_back(self) -> bool:
        """Whether the client waits for a word before it sends the body."""
        return self._is_continue_awaited and not self._received and not self._is_whole

    def _check(self, limit: int) -> None:
        if self._is_gone:
            raise ClientGone
        if self._received > min(limit, self._body_limit):
            raise BodyTooLarge(limit)

    def when_gone(self, call: Callable[[], None] | None) -> None:
        self._call_when_gone = call
        if call and self._is_gone:
            asyncio.get_running_loop().call_soon(self.lose)

    # --- what goes out ----------------------------------------------------------------------------------------------

    async def reply(self, reply: Reply, *, is_last: bool = False) -> None:
        self._is_keepable = self._is_keepable and not is_last
        length = b"" if reply.status == NO_CONTENT else b"content-length: %d\r\n" % len(reply.body)
        body = b"" if self.method == "HEAD" else reply.body
        self._wire.write(self._head(reply.status, reply.headers, length) + body)
        self._finish()

    async def begin(self, status: int, headers: Headers) -> None:
        self._is_keepable = self._is_keepable and self._is_chunked
        self._wire.write(self._head(status, headers, CHUNKED if self._is_chunked else b""))
        await self._drained()

    async def write(self, part: bytes) -> None:
        self._wire.write(b"%x\r\n%b\r\n" % (len(part), part) if self._is_chunked else part)
        await self._drained()

    async def end(self) -> None:
        if self._is_chunked:
            self._wire.write(LAST_CHUNK)
        self._finish()

    async def _drained(self) -> None:
        await self._wire.drained()
        if self._is_gone:
            raise ClientGone

    def _head(self, status: int, headers: Headers, framing: bytes) -> bytes:
        self.is_begun = True
        if self._is_held_back:
            # The client may send the body or not, so nobody knows whether what comes next is one.
            self._is_keepable = False
        lines = [_STATUS_LINES[status]]
        lines += [b"%b: %b\r\n" % each for each in headers]
        lines += [b"%b: %b\r\n" % each for each in self.more_headers]
        lines += [b"%b: %b\r\n" % each for each in self._wire.headers]
        lines.append(framing)
        if not self._is_keepable:
            lines.append(CLOSE)
        lines.append(b"x-request-id: %b\r\n\r\n" % self.request_id.encode("ascii"))
        return b"".join(lines)

    def _finish(self) -> None:
        self.is_answered = True
        self._wire.finish(closes=not self._is_keepable)
