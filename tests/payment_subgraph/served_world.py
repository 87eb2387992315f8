"""The world behind a real port, for what needs one: answers that come as events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from payment_subgraph.http_protocol import punctual
from payment_subgraph.server import Server
from tests.payment_subgraph.world import ADA, Person, World

WITHIN_S = 60


@dataclass
class Served:
    url: str
    server: Server
    http: httpx.AsyncClient

    @asynccontextmanager
    async def events(
        self, query: str, person: Person | None = ADA, token: str | None = None, **variables: Any
    ) -> AsyncIterator["Events"]:
        """What an operation is answered as events; hangs up at the end of the block."""
        token = token or (person.token() if person else None)
        headers = {"accept": "text/event-stream"} | ({"authorization": f"Bearer {token}"} if token else {})
        body = {"query": query, "variables": variables}
        async with self.http.stream("POST", self.url, json=body, headers=headers) as response:
            events = Events(response, aiter(response.aiter_lines()))
            yield events  # held here: with its lines the connection would go


@dataclass
class Events:
    response: httpx.Response
    lines: AsyncIterator[str]

    async def line(self) -> str:
        async with asyncio.timeout(WITHIN_S):
            return await anext(self.lines)

    async def next(self) -> dict[str, Any]:
        """The next answer; comments are passed over."""
        name, data = await self._event()
        assert name == "next"
        answer: dict[str, Any] = json.loads(data)
        return answer

    async def payment(self) -> dict[str, Any]:
        answer = await self.next()
        assert "errors" not in answer, answer
        found: dict[str, Any] = answer["data"]["paymentUpdated"]
        return found

    async def until(self, **expected: Any) -> dict[str, Any]:
        """The first answer in which the payment's fields are as expected."""
        while True:
            found = await self.payment()
            if found.items() >= expected.items():
                return found

    async def completed(self) -> None:
        assert await self._event() == ("complete", "")

    async def _event(self) -> tuple[str, str]:
        while not (line := await self.line()).startswith("event: "):
            assert line in {"", ":"}
        data = await self.line()
        return line.removeprefix("event: "), data.removeprefix("data:").strip()


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[Served]:
    config = uvicorn.Config(
        world.app,
        port=0,
        http=punctual(WITHIN_S),
        log_config=None,
        ws="none",
        lifespan="off",
        access_log=False,
    )
    server = Server(config, world.parts.streams)
    running = asyncio.create_task(server._serve())
    async with asyncio.timeout(WITHIN_S):
        while not server.started:  # noqa: ASYNC110 - uvicorn sets no event
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        yield Served(f"http://127.0.0.1:{port}/graphql", server, http)
    server.should_exit = True
    await running
