"""One client's WebSocket: operations by graphql-transport-ws, as many at a time as the client likes, up to a limit."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple, NoReturn

import orjson

from gateway.clients.asgi import Receive, Send
from gateway.clients.graphql_over_http import Told, authorization, read_parameters
from gateway.errors import BadRequest, RequestError, TooManySubscriptions
from gateway.graphql_transport_ws import (
    BY_CLIENTS,
    BadMessageError,
    CloseCode,
    Message,
    close_reason,
    read_message,
)
from gateway.headers import Headers
from gateway.operations.answer import Answer, refusal
from gateway.operations.request import Request
from gateway.settings import Settings
from gateway.subscriptions import Subscriptions

CLOSING_S = 1.0
OF_PROXIES = frozenset({"forwarded", "x-forwarded-for", "x-real-ip", "via"})
"""What proxies say of the way a connection came: a client cannot say it in the payload, past the proxy before us."""


class Ended(Exception):
    """The session is over; *code* None when the client has closed it."""

    def __init__(self, code: CloseCode | None, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class Socket(NamedTuple):
    """Both ends of an accepted WebSocket, as ASGI has them."""

    receive: Receive
    send: Send


@dataclass(slots=True)
class WebSocketOperation:
    """What is told of an operation to whoever watches."""

    request_id: str
    name: str | None
    headers: Headers
    end: str = "left"
    """`complete`, `error`, or `left` where the client ended it."""
    refusal: Answer | None = None
    """Why it was not begun."""
    started: float = field(default_factory=perf_counter)


class WebSocketSession:
    """Serves one accepted WebSocket."""

    def __init__(
        self,
        subscriptions: Callable[[], Subscriptions],
        settings: Settings,
        told: Told,
        socket: Socket,
        watch: Callable[["WebSocketOperation"], AbstractContextManager[None]],
    ) -> None:
        """*subscriptions* gives those of the moment: a WebSocket may outlive the supergraph it began with. *watch* is
        around each operation."""
        self._subscriptions = subscriptions
        self._watch = watch
        self._settings = settings
        self._told = told
        """By the handshake, and then also by the initialisation: about every operation."""
        self._receive, self._asgi_send = socket
        self._is_acknowledged = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        """Those that were completed by the client and are still being wound up count as well."""

    async def run(self, closing: asyncio.Event) -> None:
        """Comes back when the WebSocket is closed, by whichever side, and all its operations have ended.

        It is closed here when the gateway is *closing*.
        """
        ended = Ended(CloseCode.NORMAL)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._read())
                self._tasks.create_task(_end_with_the_gateway(closing))
        except* Ended as several:
            ended = next(each for each in several.exceptions if isinstance(each, Ended))
        if ended.code is not None:
            await self._close(ended.code, ended.reason)

    async def _close(self, code: CloseCode, reason: str) -> None:
        """A client that takes nothing does not take this either."""
        with suppress(OSError):
            async with asyncio.timeout(CLOSING_S):
                message = {"type": "websocket.close", "code": int(code), "reason": close_reason(reason)}
                await self._asgi_send(message)

    # --- messages in ------------------------------------------------------------------------------------------------

    async def _read(self) -> NoReturn:
        try:
            async with asyncio.timeout(self._settings.connection_init_timeout_s):
                while not self._is_acknowledged:
                    await self._handle(await self._next_message())
        except TimeoutError as error:
            raise Ended(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout") from error
        while True:
            await self._handle(await self._next_message())

    async def _next_message(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Ended(None)
        text = message.get("text")
        content = text if text is not None else message.get("bytes") or b""
        if len(content) > self._settings.limits.body_bytes:
            raise Ended(CloseCode.MESSAGE_TOO_LARGE, "The message is too large.")
        try:
            return read_message(content, BY_CLIENTS)
        except BadMessageError as error:
            raise Ended(CloseCode.BAD_MESSAGE, str(error)) from error

    async def _handle(self, message: Message) -> None:
        match message.type:
            case "connection_init":
                await self._acknowledge(message.payload or {})
            case "ping":
                await self._send(Message("pong", payload=message.payload))
            case "subscribe":
                await self._start(message)
            case "complete":
                self._stop(message.id)

    async def _acknowledge(self, payload: dict[str, Any]) -> None:
        """Browsers can give a WebSocket no headers of their own, so the payload may hold some."""
        if self._is_acknowledged:
            raise Ended(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
        given = _headers_in(payload, self._settings.forwarded_headers - OF_PROXIES)
        names = {name for name, _ in given}
        down = (*(each for each in self._told.forwarded if each[0] not in names), *given)
        self._told = Told(down, _token_in(payload) or self._told.authorization)
        self._is_acknowledged = True
        await self._send(Message("connection_ack"))

    async def _start(self, message: Message) -> None:
        if not self._is_acknowledged:
            raise Ended(CloseCode.UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations:
            raise Ended(CloseCode.DUPLICATE_ID, f"Subscriber for {message.id} already exists")
        request_id = secrets.token_hex(16)
        try:
            request = self._request(message.payload, request_id)
        except BadRequest as error:
            raise Ended(CloseCode.BAD_MESSAGE, error.message) from error
        limit = self._settings.operations_per_connection
        if len(self._running) >= limit:
            await self._send(Message("error", message.id, TooManySubscriptions(limit).formatted()))
            return
        task = self._tasks.create_task(self._operate(message.id, request, request_id))
        self._operations[message.id] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _request(self, payload: dict[str, Any], request_id: str) -> Request:
        own_id = ((b"x-request-id", request_id.encode()),)
        is_passed_on = "x-request-id" in self._settings.forwarded_headers
        others = tuple(each for each in self._told.forwarded if each[0] != b"x-request-id")
        down = (*others, *own_id) if is_passed_on else others
        return read_parameters(payload, Told(down, self._told.authorization, request_id=request_id))

    def _stop(self, operation_id: str) -> None:
        """The id is free again at once. An unknown one is no fault: the operation may just have ended by itself."""
        task = self._operations.pop(operation_id, None)
        if task:
            task.cancel()

    # --- messages out -----------------------------------------------------------------------------------------------

    async def _operate(self, operation_id: str, request: Request, request_id: str) -> None:
        told = WebSocketOperation(request_id, request.operation_name, request.headers)
        with self._watch(told):
            last = await self._answer(operation_id, request, told)
            told.end = last.type
            del self._operations[operation_id]
            await self._send(last)

    async def _answer(self, operation_id: str, request: Request, told: WebSocketOperation) -> Message:
        """Send the answers; gives the message that ends the operation."""
        try:
            async with self._subscriptions().open(request, told.request_id) as answers:
                async for answer in answers:
                    if answer.is_refused:
                        return Message("error", operation_id, answer.errors)
                    await self._send(Message("next", operation_id, orjson.Fragment(answer.encoded())))
        except RequestError as error:
            told.refusal = refusal(error)
            return Message("error", operation_id, error.formatted())
        return Message("complete", operation_id)

    async def _send(self, message: Message) -> None:
        """Waits while the client is slow, so that nothing piles up; but not for ever."""
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await self._asgi_send({"type": "websocket.send", "text": message.written()})
        except TimeoutError as error:
            raise Ended(CloseCode.TRY_AGAIN_LATER, "Messages were not taken in time.") from error
        except OSError as error:  # what ASGI promises when the client has left
            raise Ended(None) from error


async def _end_with_the_gateway(closing: asyncio.Event) -> NoReturn:
    """Clients of the protocol take this code for a reason to connect again, elsewhere perhaps."""
    await closing.wait()
    raise Ended(CloseCode.GOING_AWAY, "The gateway is stopping.")


def _token_in(payload: dict[str, Any]) -> tuple[bytes, ...]:
    """It tells the gateway who asks, whether it goes down or not."""
    return authorization(_headers_in(payload, frozenset({"authorization"})))


def _headers_in(payload: dict[str, Any], allowed: frozenset[str]) -> Headers:
    """The entries of a payload that are headers subgraphs may see."""
    named = {name.lower(): value for name, value in payload.items() if name.lower() in allowed}
    if not all(isinstance(value, str) and value.isprintable() for value in named.values()):
        raise Ended(CloseCode.BAD_MESSAGE, "A header in the payload is not a line of text.")
    return tuple((name.encode(), value.encode()) for name, value in named.items())
