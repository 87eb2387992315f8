"""The HTTP server's life: it reloads while it serves, and drains before it ends."""

import asyncio
import contextlib
import logging
import math
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn

from gateway.app import App
from gateway.clients.http_protocol import Bounds, HttpProtocol
from gateway.long_lived import set_apart
from gateway.settings import Settings
from gateway.watched_file import WatchedFile

log = logging.getLogger("gateway")

TICK_S = 0.1

SWITCH_S = 0.0003
"""How long the side thread may go on while the event loop has something to do; by default it would be 5 ms, which a
request would meet several times."""

FIRST_REQUEST_WITHIN_S = 1.0
"""How long a stop waits for the first request of a connection that was just taken."""

Watch = Callable[[], Coroutine[Any, Any, None]]
"""Takes up what changes in a file, until cancelled."""


class Server(uvicorn.Server):
    """uvicorn, with a life of ours between the port's opening and its closing."""

    def __init__(self, app: App, settings: Settings, watching: Mapping[WatchedFile, Watch]) -> None:
        bounds = Bounds(
            settings.limits.head_bytes,
            settings.request_timeout_s,
            settings.limits.body_bytes,
            settings.idle_connection_s,
        )
        super().__init__(
            uvicorn.Config(
                app,
                http=cast("Any", partial(HttpProtocol, app.answer, bounds)),
                log_config=None,
                access_log=False,
                server_header=False,
                ws="websockets-sansio",
                ws_max_size=settings.limits.body_bytes,
                ws_ping_interval=settings.keep_alive_s,
                ws_ping_timeout=settings.keep_alive_s,
                ws_per_message_deflate=False,  # so that a small message cannot grow into a large one
                lifespan="on",
                timeout_graceful_shutdown=math.ceil(settings.request_timeout_s),
            )
        )
        # Its other lines have whole addresses, and a query string may hold secrets.
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._app = app
        self._drain_s = settings.drain_s
        self._watching = watching
        self._is_hurried = False

    def serve_until_stopped(self, listening: list[socket.socket]) -> None:
        """Return when everything that was running has ended after a signal."""
        sys.setswitchinterval(SWITCH_S)
        set_apart()
        self.run(sockets=listening)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """At a keyboard, or told twice, nobody wants to wait for load balancers."""
        self._is_hurried = self._is_hurried or sig == signal.SIGINT or self.should_exit
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Until here a signal ends the process at once; uvicorn would raise it once more when it is done."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.should_exit:
            log.info("stopped before it served")

    async def main_loop(self) -> None:
        async with self._reloading():
            await super().main_loop()
        await self._drain()

    @contextlib.asynccontextmanager
    async def _reloading(self) -> AsyncIterator[None]:
        watches = [asyncio.ensure_future(watch()) for watch in self._watching.values()]
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._look_now)
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()

    def _look_now(self) -> None:
        for file in self._watching:
            file.look_now()

    async def _drain(self) -> None:
        """Go on serving, but say to everyone that it ends: the port is closed when they know."""
        self._app.drain()
        log.info(
            "draining for %g s, then no new connection is taken", 0 if self._is_hurried else self._drain_s
        )
        ends = asyncio.get_running_loop().time() + self._drain_s
        tick = 0
        while not self._is_hurried and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(TICK_S)
            tick += 1
            await self.on_tick(tick)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._answer_the_last()
        # Streams would keep uvicorn waiting.
        await self._app.close_streams()
        await super().shutdown(sockets)

    async def _answer_the_last(self) -> None:
        """uvicorn hangs up on connections without a request, but on the newest ones it may be under way."""
        ends = asyncio.get_running_loop().time() + FIRST_REQUEST_WITHIN_S
        while self._has_expectant_connections() and asyncio.get_running_loop().time() < ends:  # noqa: ASYNC110 — uvicorn tells nobody
            await asyncio.sleep(TICK_S)

    def _has_expectant_connections(self) -> bool:
        return any(isinstance(each, HttpProtocol) and each.is_new for each in self.server_state.connections)
