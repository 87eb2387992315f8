"""`/graphql` over a WebSocket: the handshake, and then graphql-transport-ws."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from gateway.clients.asgi import Receive, Scope, Send
from gateway.clients.cross_origin import CrossOrigin
from gateway.clients.graphql_over_http import Told
from gateway.clients.records import Records
from gateway.clients.websocket_handshake import WebSocketHandshake
from gateway.clients.websocket_session import Socket, WebSocketOperation, WebSocketSession
from gateway.errors import BadRequest, Overloaded
from gateway.graphql_transport_ws import SUBPROTOCOL, CloseCode
from gateway.open_streams import OpenStreams
from gateway.overload import Admission
from gateway.serving import Current
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.tracing import Tracing  # OpenTelemetry need not be installed

REFUSED = 1008
"""Sent before the handshake is accepted, it answers with 403."""


class WebSocketEndpoint:
    def __init__(  # noqa: PLR0913 — its parts, by their names
        self,
        settings: Settings,
        serving: Current,
        *,
        cross_origin: CrossOrigin,
        streams: OpenStreams,
        records: Records,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._settings = settings
        self._serving = serving
        self._streams = streams
        self._records = records
        self._tracing = tracing
        self._admission = Admission(settings.websockets)
        self._handshake = WebSocketHandshake(
            cross_origin,
            settings.passed_down,
            credentials=settings.cors_credentials,
        )

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A protocol other than ours is refused only after the handshake, since browsers hide from pages why one failed."""
        await receive()
        try:
            told = self._handshake.told(scope["headers"])
            self._admission.check()
        except BadRequest:
            await send({"type": "websocket.close", "code": REFUSED})
            return
        except Overloaded:
            await _turn_away(send)
            return
        if scope["path"] != "/graphql":
            await send({"type": "websocket.close", "code": REFUSED})
        elif SUBPROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            code = CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE
            await send({"type": "websocket.close", "code": int(code), "reason": "Subprotocol not acceptable"})
        else:
            await self._converse(told, Socket(receive, send))

    async def _converse(self, told: Told, socket: Socket) -> None:
        with self._admission, self._streams.stream():
            await socket.send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            session = WebSocketSession(
                lambda: self._serving().subscriptions, self._settings, told, socket, self._watched
            )
            await session.run(self._streams.closing)

    @contextmanager
    def _watched(self, operation: WebSocketOperation) -> Iterator[None]:
        """Around one operation in a WebSocket."""
        tracing = self._tracing.operation(operation) if self._tracing else nullcontext()
        try:
            with tracing:
                yield
        finally:
            self._records.note_operation(operation)


async def _turn_away(send: Send) -> None:
    """Answer a handshake with 503."""
    headers = [(b"retry-after", b"5")]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})
