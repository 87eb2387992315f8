"""More requests than the gateway answers at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from tests.gateway.patience import LONG_S
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation, json_response

BOOK = {"query": "{ book(isbn: 1) { title } }"}
ME = {"query": "{ me { id } }"}
EMMA = {"data": {"book": {"title": "Emma"}}}


class Crowd:
    """A gateway with few places, and a subgraph that lets clients wait until it is told to answer."""

    def __init__(self, places: int) -> None:
        self.federation: Federation = library()
        self.federation.broken["members"] = self._wait
        self.asked = asyncio.Semaphore(0)
        self.answering = asyncio.Event()
        settings = replace(self.federation.settings, concurrent_requests=places, share_requests=False)
        app = create_app(self.federation.supergraph, settings, self.federation)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")

    async def _wait(self, _: httpx.Request) -> httpx.Response:
        self.asked.release()
        await self.answering.wait()
        return json_response({"data": {"me": {"id": "1"}}})

    async def ask(self, body: Any = ME, **headers: str) -> httpx.Response:
        return await self.client.post("/graphql", json=body, headers=headers)

    @asynccontextmanager
    async def held(self, count: int) -> AsyncIterator[list[asyncio.Task[httpx.Response]]]:
        """So many requests are under way inside, and have been answered on leaving."""
        async with asyncio.timeout(LONG_S):
            tasks = [asyncio.create_task(self.ask()) for _ in range(count)]
            for _ in tasks:
                await self.asked.acquire()
            yield tasks
            self.answering.set()
            await asyncio.gather(*tasks)


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_a_request_too_many_is_refused_and_told_when_to_come_back(accept: str) -> None:
    async def story() -> httpx.Response:
        crowd = Crowd(places=2)
        async with crowd.held(2):
            return await crowd.ask(BOOK, accept=accept)

    reply = asyncio.run(story())

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert reply.headers["content-type"].startswith(accept)
    assert [each["extensions"]["code"] for each in reply.json()["errors"]] == ["OVERLOADED"]
    assert "data" not in reply.json()


def test_those_under_way_are_not_disturbed_and_their_places_are_free_again_at_once() -> None:
    async def story() -> tuple[set[int], httpx.Response]:
        crowd = Crowd(places=2)
        async with crowd.held(2) as tasks:
            for _ in range(50):
                await crowd.ask()
        return {task.result().status_code for task in tasks}, await crowd.ask(BOOK)

    statuses, after = asyncio.run(story())

    assert statuses == {200}
    assert after.json() == EMMA


def test_a_refused_request_reaches_no_subgraph() -> None:
    async def story() -> Crowd:
        crowd = Crowd(places=1)
        async with crowd.held(1):
            await crowd.ask(BOOK)
        return crowd

    assert not asyncio.run(story()).federation.sent_to("books")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/graphiql"])
def test_other_addresses_answer_as_ever(path: str) -> None:
    async def story() -> tuple[int, int]:
        crowd = Crowd(places=1)
        crowd.federation.broken.clear()
        calm = await crowd.client.get(path)
        crowd = Crowd(places=1)
        async with crowd.held(1):
            del crowd.federation.broken["members"]
            return calm.status_code, (await crowd.client.get(path)).status_code

    calm, crowded = asyncio.run(story())

    assert crowded == calm


def test_a_body_that_comes_slowly_holds_no_place() -> None:
    async def story() -> dict[str, Any]:
        crowd = Crowd(places=1)
        begun, going_on = asyncio.Event(), asyncio.Event()

        async def slow_body() -> AsyncIterator[bytes]:
            yield b'{"query": '
            begun.set()
            await going_on.wait()
            yield b'"{ book(isbn: 1) { title } }"}'

        slow = asyncio.create_task(_with_slow_body(crowd, slow_body()))
        await begun.wait()
        meanwhile = await crowd.ask(BOOK)
        going_on.set()
        return {"meanwhile": meanwhile.json(), "slow": await slow}

    assert asyncio.run(story()) == {"meanwhile": EMMA, "slow": EMMA}


async def _with_slow_body(crowd: Crowd, body: AsyncIterator[bytes]) -> Any:
    headers = {"content-type": "application/json"}
    return (await crowd.client.post("/graphql", content=body, headers=headers)).json()


def test_a_query_that_is_answered_as_an_event_holds_a_place_too() -> None:
    async def story() -> int:
        crowd = Crowd(places=1)
        async with asyncio.timeout(LONG_S):
            streamed = asyncio.create_task(crowd.ask(accept="text/event-stream"))
            await crowd.asked.acquire()
            refused = await crowd.ask(BOOK)
            crowd.answering.set()
            await streamed
        return refused.status_code

    assert asyncio.run(story()) == 503
