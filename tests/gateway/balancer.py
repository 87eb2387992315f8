"""A load balancer as small as can be: new connections go to whoever says that it is ready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import httpx

from tests.gateway.patience import LONG_S

LOOK_EVERY_S = 0.05


class Balancer:
    def __init__(self) -> None:
        self.ready: tuple[str, ...] = ()
        self._urls: list[str] = []
        self._turn = count()
        self._looked = asyncio.Event()

    def add(self, url: str) -> None:
        self._urls.append(url)

    async def until_ready(self, *urls: str) -> None:
        """Return when exactly these get new connections."""
        async with asyncio.timeout(LONG_S):
            while self.ready != urls:
                self._looked.clear()
                await self._looked.wait()

    async def look(self) -> None:
        """Ask for readiness over and over."""
        async with httpx.AsyncClient(timeout=LONG_S) as client:
            while True:
                answers = [(url, await _is_ready(client, url)) for url in self._urls]
                self.ready = tuple(url for url, is_ready in answers if is_ready)
                self._looked.set()
                await asyncio.sleep(LOOK_EVERY_S)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection, both ways, until both have ended."""
        while not self.ready:
            await self._looked.wait()
        url = httpx.URL(self.ready[next(self._turn) % len(self.ready)])
        up_reader, up_writer = await asyncio.open_connection(url.host, url.port)
        await asyncio.gather(_pipe(reader, up_writer), _pipe(up_reader, writer))


@asynccontextmanager
async def balancing() -> AsyncIterator[tuple[Balancer, str]]:
    """The balancer and its address."""
    balancer = Balancer()
    looking = asyncio.create_task(balancer.look())
    server = await asyncio.start_server(balancer.take, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield balancer, f"http://{host}:{port}"
    finally:
        server.close()
        looking.cancel()
        await asyncio.wait([looking])


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()
