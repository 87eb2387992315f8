"""The open connections to all subgraphs: few are opened, idle ones are used again, and their number is bounded."""

import asyncio
import ssl
from collections import deque
from functools import cached_property

from gateway.headers import Headers
from gateway.subgraphs.connection import Connection, HungUp
from gateway.subgraphs.transport import Endpoint, Origin, Response, TransportFailed, written

IDLE_S = 4.0
"""How long an idle connection is used again: less than servers keep it, so that they seldom hang up on a request."""

SURE_IDLE_S = 1.0
"""The same for a request that must not be sent twice."""

NEVER = -1.0


OWN_HEADERS = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/graphql-response+json, application/json;q=0.9"),
    (b"accept-encoding", b"identity"),
)


class ConnectionPool:
    """Posts to any subgraph, each request over a connection that nobody else uses meanwhile."""

    def __init__(self, response_bytes: int, connections: int = 256) -> None:
        """*connections*: the most to one origin; a further request waits until one is free."""
        self._response_bytes = response_bytes
        self._most = connections
        self._origins: dict[Origin, _Connections] = {}
        self._known: dict[str, tuple[bytes, _Connections]] = {}
        """URL -> the part of a request that is always the same, and the connections."""

    async def post(
        self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float, *, may_repeat: bool
    ) -> Response:
        head, connections = self._known.get(endpoint.url) or self._get_to_know(endpoint)
        request = b"%b%bcontent-length: %d\r\n\r\n%b" % (head, written(headers), len(body), body)
        try:
            if not may_repeat:
                return await connections.send(request, deadline, SURE_IDLE_S)
            try:
                return await connections.send(request, deadline, IDLE_S)
            except HungUp:
                return await connections.send(request, deadline, NEVER)
        except TimeoutError:
            raise
        except OSError as error:
            raise TransportFailed(str(error)) from error

    async def aclose(self) -> None:
        for held in self._origins.values():
            held.close()
        self._origins.clear()
        self._known.clear()

    def _get_to_know(self, endpoint: Endpoint) -> tuple[bytes, "_Connections"]:
        line = b"POST %b HTTP/1.1\r\nhost: %b\r\n" % (endpoint.target, endpoint.authority)
        if endpoint.origin not in self._origins:
            tls = self._tls if endpoint.origin.is_tls else None
            self._origins[endpoint.origin] = _Connections(
                endpoint.origin, tls, self._response_bytes, self._most
            )
        self._known[endpoint.url] = line + written(OWN_HEADERS), self._origins[endpoint.origin]
        return self._known[endpoint.url]

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Trusts the system's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
        return ssl.create_default_context()


class _Connections:
    """The connections to one origin."""

    def __init__(self, origin: Origin, tls: ssl.SSLContext | None, response_bytes: int, most: int) -> None:
        self._origin = origin
        self._tls = tls
        self._response_bytes = response_bytes
        self._most = most
        self._opening = 0
        self._open: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        """Last used last, and taken first: what is not needed grows old and is closed."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None

    async def send(self, request: bytes, deadline: float, idle_s: float) -> Response:
        connection = self._take(idle_s) or await self._connect(deadline, idle_s)
        try:
            return await connection.exchange(request, deadline)
        except asyncio.CancelledError:
            connection.abort()
            raise

    def close(self) -> None:
        if self._sweeper:
            self._sweeper.cancel()
        for connection in tuple(self._open):
            connection.abort()

    def _take(self, idle_s: float) -> Connection | None:
        """The connection that was used last, if that is not too long ago."""
        while self._idle:
            connection = self._idle[-1]
            if not connection.is_open:
                self._idle.pop()
            elif asyncio.get_running_loop().time() - connection.idle_since > idle_s:
                return None
            else:
                return self._idle.pop()
        return None

    async def _connect(self, deadline: float, idle_s: float) -> Connection:
        async with asyncio.timeout_at(deadline):
            while len(self._open) + self._opening >= self._most:
                await self._wait()
                connection = self._take(idle_s)
                if connection:
                    return connection
            return await self._opened()

    async def _wait(self) -> None:
        """Until a connection is free or closed."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake_next()
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    async def _opened(self) -> Connection:
        self._opening += 1
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._response_bytes, self._freed, self._closed),
                self._origin.host,
                self._origin.port,
                ssl=self._tls,
            )
        except BaseException:
            self._wake_next()
            raise
        finally:
            self._opening -= 1
        self._open.add(connection)
        return connection

    def _freed(self, connection: Connection) -> None:
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)
        self._wake_next()
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(IDLE_S, self._sweep)

    def _closed(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._wake_next()

    def _wake_next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _sweep(self) -> None:
        """Close what was not used for long; come again as long as something is idle."""
        loop = asyncio.get_running_loop()
        while self._idle and (not self._idle[0].is_open or loop.time() - self._idle[0].idle_since > IDLE_S):
            self._idle.popleft().abort()
        self._sweeper = loop.call_later(IDLE_S, self._sweep) if self._idle else None
