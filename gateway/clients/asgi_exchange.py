"""Requests that come by ASGI: from a program in whose process the gateway runs, such as its tests."""

import asyncio
from collections.abc import Callable

from gateway.clients.asgi import Receive, Scope, Send
from gateway.clients.exchange import ClientGone, Ends, Exchange, RequestLine
from gateway.clients.reply import Reply
from gateway.errors import BodyTooLarge
from gateway.headers import Headers, RequestHeaders


class AsgiExchange(Exchange):
    __slots__ = ("_receive", "_send", "_watch")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client, server = scope.get("client"), scope.get("server")
        super().__init__(
            RequestLine(scope["method"], scope["path"], scope["query_string"]),
            RequestHeaders(scope["headers"]),
            Ends(client[0] if client else None, server[1] if server else None),
        )
        self._receive = receive
        self._send = send
        self._watch: asyncio.Task[None] | None = None

    async def body(self, limit: int) -> bytes:
        body = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
            if len(body) > limit:
                raise BodyTooLarge(limit)
            if not message.get("more_body"):
                return bytes(body)

    async def reply(self, reply: Reply, *, is_last: bool = False) -> None:
        length = (b"content-length", b"%d" % len(reply.body))
        await self._start(reply.status, (*reply.headers, length), is_last=is_last)
        body = b"" if self.method == "HEAD" else reply.body
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, headers: Headers) -> None:
        await self._start(status, headers, is_last=False)

    async def write(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, status: int, headers: Headers, *, is_last: bool) -> None:
        self.is_begun = True
        own = ((b"x-request-id", self.request_id.encode("ascii")),)
        closing = ((b"connection", b"close"),) if is_last else ()
        whole = [*headers, *self.more_headers, *own, *closing]
        await self._send({"type": "http.response.start", "status": status, "headers": whole})

    def when_gone(self, call: Callable[[], None] | None) -> None:
        if self._watch:
            self._watch.cancel()
        self._watch = asyncio.ensure_future(self._call_when_gone(call)) if call else None

    async def _call_when_gone(self, call: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._watch = None
        call()
