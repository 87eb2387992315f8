"""Many more clients than a gateway answers at once, over real connections."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import RunningGateway, Subgraphs, running_gateway, serving_subgraphs
from tests.gateway.test_entities import library

QUERY = "{ me { email } }"
RIGHT = library().truth(QUERY)
PLACES = 10
CLIENTS = 150


@pytest.fixture
def subgraphs() -> Iterator[Subgraphs]:
    with serving_subgraphs() as server:
        yield server


@dataclass
class Flood:
    answers: list[httpx.Response]
    """While the subgraph answered nobody, and of those that waited for it."""
    health: httpx.Response
    metrics: str
    after: httpx.Response


async def flood(gateway: RunningGateway, subgraphs: Subgraphs) -> Flood:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=gateway.url, limits=limits, timeout=LONG_S) as client:

        async def ask() -> httpx.Response:
            return await client.post("/graphql", json={"query": QUERY})

        subgraphs.answering.clear()
        asking = [asyncio.create_task(ask()) for _ in range(CLIENTS)]
        refused = await _first(asking, CLIENTS - PLACES)
        health, metrics = await client.get("/healthz"), await client.get("/metrics")
        subgraphs.answering.set()
        await asyncio.wait(asking)
        assert refused == {503}, "nobody else could be answered yet"
        return Flood([task.result() for task in asking], health, metrics.text, await ask())


async def _first(asking: list[asyncio.Task[httpx.Response]], count: int) -> set[int]:
    """The statuses of the first *count* answers."""
    statuses: set[int] = set()
    for number, answer in enumerate(asyncio.as_completed(asking), start=1):
        statuses.add((await answer).status_code)
        if number == count:
            break
    return statuses


def test_those_too_many_are_refused_at_once_and_everybody_is_answered_soon_after(
    subgraphs: Subgraphs,
) -> None:
    with running_gateway(subgraphs, GATEWAY_CONCURRENT_REQUESTS=str(PLACES)) as gateway:
        found = asyncio.run(flood(gateway, subgraphs))

    assert Counter(each.status_code for each in found.answers) == {200: PLACES, 503: CLIENTS - PLACES}
    assert {each.headers["retry-after"] for each in found.answers if each.status_code == 503} == {"1"}
    assert all(each.json() == RIGHT for each in found.answers if each.status_code == 200)
    assert found.health.status_code == 200
    assert f"gateway_requests_in_progress {PLACES}" in found.metrics
    assert f'gateway_requests_total{{kind="none",outcome="overloaded"}} {CLIENTS - PLACES}' in found.metrics
    assert (found.after.status_code, json.loads(found.after.content)) == (200, RIGHT)
