"""An auction in three subgraphs: `lots` tells what happens, `people` and `estimates` know more about it.

`lots` streams what a test lays down as its script: events, or bytes as they would be on the wire.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from gateway.event_stream import COMPLETE, EVENT_STREAM, NEXT, written
from gateway.operations.answer import Answer
from gateway.operations.callers import Callers
from gateway.operations.request import Request
from gateway.settings import Settings
from tests.gateway.testbed import Federation, Object

ANN: Object = {"__typename": "Person", "id": "p1", "name": "Ann", "city": "Bonn"}
BOB: Object = {"__typename": "Person", "id": "p2", "name": "Bob", "city": None}
VASE: Object = {
    "__typename": "Lot",
    "id": "l1",
    "title": "Vase",
    "weight": 3,
    "estimate": lambda currency: 100 if currency == "EUR" else 110,
    "postage": 30,
    "expert": BOB,
}
CLOCK: Object = {
    "__typename": "Lot",
    "id": "l2",
    "title": "Clock",
    "weight": 7,
    "estimate": None,
    "postage": 70,
    "expert": None,
}

END = written(COMPLETE)

Script = Callable[[], AsyncIterator[Object | bytes]]


def bid(amount: int, lot: Object = VASE, bidder: Object | None = ANN) -> Object:
    """The event `bidPlaced`."""
    placed = {"__typename": "Bid", "amount": amount, "lot": lot, "bidder": bidder}
    return {"__typename": "Subscription", "bidPlaced": placed}


def sale(lot: Object | None) -> Object:
    return {"__typename": "Subscription", "lotOnSale": lot}


def _lot(id: str) -> Object | None:  # noqa: A002 — the argument's name in the schema
    return {"l1": VASE, "l2": CLOCK}.get(id)


class Auction(Federation):
    """The gateway in front of the auction; `lots` runs a script for each subscription."""

    def __init__(
        self, script: Script, settings: Settings | None = None, callers: Callers | None = None
    ) -> None:
        roots = {"Query.lot": _lot, "Query.me": ANN}
        super().__init__("subscriptions", [ANN, BOB, VASE, CLOCK], roots, settings=settings, callers=callers)
        self._script = script
        self.subscribed: list[httpx.Request] = []
        self.read = 0
        """How many steps of its script `lots` was asked to go."""
        self.is_over = asyncio.Event()
        """The stream from `lots` has ended or was closed."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers["accept"] != EVENT_STREAM or request.url.host in self.broken:
            return await super().handle_async_request(request)
        self.subscribed.append(request)
        body = json.loads(request.content)
        headers = {"content-type": f"{EVENT_STREAM}; charset=utf-8"}
        return httpx.Response(200, headers=headers, stream=Stream(self._bytes(body), self.is_over))

    async def _bytes(self, body: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        async for step in self._script():
            self.read += 1
            if isinstance(step, bytes):
                yield step
            else:
                yield written(NEXT, json.dumps(self.subgraphs["lots"].answer(body, step)).encode())

    def all_answers(self, query: str, variables: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """What a client gets, to the end of the stream."""

        async def collected() -> list[dict[str, Any]]:
            async with self.answers(query, variables) as answers:
                return [json.loads(answer.encoded()) async for answer in answers]

        return asyncio.run(collected())

    @asynccontextmanager
    async def answers(
        self, query: str, variables: Mapping[str, Any] | None = None
    ) -> AsyncIterator[AsyncGenerator[Answer, None]]:
        async with self.subscriptions.open(
            Request(query, variables or {}, request_id="r-1"), "r-1"
        ) as answers:
            yield answers


class Stream(httpx.AsyncByteStream):
    """A response body that tells when it was closed."""

    def __init__(self, content: AsyncGenerator[bytes, None], is_over: asyncio.Event) -> None:
        self._content = content
        self._is_over = is_over

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._content:
            yield chunk

    async def aclose(self) -> None:
        await self._content.aclose()
        self._is_over.set()


def scripted(*steps: Object | bytes) -> Script:
    """These steps at once, then the end of the body; a script that is to end well says `END` itself."""

    async def script() -> AsyncIterator[Object | bytes]:
        for step in steps:
            await asyncio.sleep(0)  # as from a network, where others run meanwhile
            yield step

    return script


def then_silent(*steps: Object | bytes) -> Script:
    """These steps, then nothing any more."""

    async def script() -> AsyncIterator[Object | bytes]:
        for step in steps:
            yield step
        await asyncio.Event().wait()

    return script
