"""Connections that can be cut: how a lost request or a lost answer looks to the client."""

import asyncio
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Connections:
    """The open connections by the client's address, which is all an ASGI application knows of them."""

    def __init__(self) -> None:
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> "type[HttpToolsProtocol]":
        """The protocol class the server must use, so that connections are known here."""
        # Needed by a server alone: the application also runs inside a test's process.
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415

        transports = self._transports

        class Cuttable(HttpToolsProtocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it the same way
                super().connection_made(transport)
                self._address: tuple[str, int] = transport.get_extra_info("peername")[:2]
                transports[self._address] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self._address, None)
                super().connection_lost(exc)

        return Cuttable

    def cut(self, client: tuple[str, int]) -> None:
        """Close the connection at once, with nothing said."""
        self._transports[client].abort()


class NoAnswer:
    """An ASGI answer that closes the connection instead."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        self._connections.cut(tuple(scope["client"]))
        while (await receive())["type"] != "http.disconnect":
            pass
