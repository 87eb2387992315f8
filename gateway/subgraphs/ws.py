"""A subscription at a subgraph over a WebSocket, by graphql-transport-ws."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from gateway.errors import DeadlineExceeded, SubgraphUnavailable
from gateway.graphql_transport_ws import BY_SERVERS, SUBPROTOCOL, BadMessageError, Message, read_message
from gateway.headers import Headers
from gateway.planner.query_plan import Fetch
from gateway.subgraphs.answer import SubgraphAnswer, checked_answer

ID = "1"
"""Each subscription has a WebSocket of its own: they may be different callers', and none waits for another."""

PING_S = 15.0
"""A subgraph whose machine is gone says no goodbye: it is pinged at this interval, and has as long to answer."""
CLOSING_S = 1.0
"""How long the subgraph has to say goodbye, too."""
FRAMES_AHEAD = 2
"""How much is read before it is asked for; beyond, the subgraph has to wait."""


class _Connect(connect):
    """Follows no redirects, as no request to a subgraph does: headers are meant for the address that was set."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class WsSource:
    """Opens WebSockets to one subgraph."""

    def __init__(self, url: str, timeout_s: float, event_bytes: int, proxy: str | None = None) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._event_bytes = event_bytes
        self._proxy = proxy
        self._tls = ssl.create_default_context() if url.startswith("wss:") else None

    async def events(
        self, fetch: Fetch, variables: Mapping[str, Any], headers: Headers
    ) -> AsyncGenerator[SubgraphAnswer, None]:
        """See EventSource. The errors of a refused operation count as the only event."""
        with _failures_of(fetch.service):
            async with self._connected(headers) as socket:
                await socket.send(Message("subscribe", ID, fetch.request(variables)).written())
                while True:
                    message = await _receive(socket)
                    match message.type:
                        case "next":
                            yield checked_answer(message.payload, fetch.service)
                        case "error":
                            yield SubgraphAnswer({}, message.payload)
                            return
                        case "complete":
                            return
                        case _:
                            raise BadMessageError(f"a message of type '{message.type}'")

    @asynccontextmanager
    async def _connected(self, headers: Headers) -> AsyncIterator[ClientConnection]:
        """A connection the subgraph has acknowledged. To leave it is to end the subscription."""
        texts = {name.decode("ascii"): value.decode("latin-1") for name, value in headers}
        connecting = _Connect(
            self._url,
            ssl=self._tls,
            additional_headers=texts,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            proxy=self._proxy,
            open_timeout=None,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=CLOSING_S,
            max_size=self._event_bytes,
            max_queue=FRAMES_AHEAD,
        )
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._timeout_s):
                socket = await stack.enter_async_context(connecting)
                await _initialise(socket, texts)
            # Else an exception, also that of leaving early, would close it as a fault of ours.
            stack.push_async_callback(socket.close)
            yield socket


async def _initialise(socket: ClientConnection, headers: Mapping[str, str]) -> None:
    """Servers look for a token in the payload, since browsers cannot send one in a header."""
    if socket.subprotocol != SUBPROTOCOL:
        raise BadMessageError(f"the subgraph does not speak {SUBPROTOCOL}")
    await socket.send(Message("connection_init", payload=dict(headers) or None).written())
    answer = await _receive(socket)
    if answer.type != "connection_ack":
        raise BadMessageError(f"a message of type '{answer.type}' instead of an acknowledgement")


async def _receive(socket: ClientConnection) -> Message:
    """The next message that is not only about being alive."""
    while True:
        message = read_message(await socket.recv(), BY_SERVERS)
        if message.id not in {"", ID}:
            raise BadMessageError("a message about an operation that was not asked for")
        if message.type == "ping":
            await socket.send(Message("pong", payload=message.payload).written())
        elif message.type != "pong":
            return message


@contextmanager
def _failures_of(service: str) -> Iterator[None]:
    """What the network and the other side do, in our words."""
    try:
        yield
    except TimeoutError as error:
        raise DeadlineExceeded(service, "no answer in time") from error
    except (WebSocketException, OSError, BadMessageError) as error:
        raise SubgraphUnavailable(service, f"{type(error).__name__}: {error}") from error
