"""The HTTP server: uvicorn's, which alone would wait for open event streams until its patience ends."""

import socket

import uvicorn

from payment_subgraph.open_streams import OpenStreams


class Server(uvicorn.Server):
    """Tells the *streams* to end before it waits for what is under way."""

    def __init__(self, config: uvicorn.Config, streams: OpenStreams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.stopping.set()
        await super().shutdown(sockets)
