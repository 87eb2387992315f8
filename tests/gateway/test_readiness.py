"""Whether the gateway says that it can work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.app import App, create_app
from gateway.subgraphs import readiness
from tests.gateway.patience import LONG_S
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation, json_response


@pytest.fixture(autouse=True)
def all_the_time_of_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "ANSWER_WITHIN_S", LONG_S)
    monkeypatch.setattr(readiness, "KEPT_S", LONG_S)


Get = Callable[[], Awaitable[httpx.Response]]


def asked(
    federation: Federation, story: Callable[[Get, App], Awaitable[Any]] | None = None, path: str = "/readyz"
) -> Any:
    """What *story* makes of a client that asks for readiness; by default one answer."""

    async def told() -> Any:
        app = create_app(federation.supergraph, federation.settings, federation)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:

            def get() -> Awaitable[httpx.Response]:
                return client.get(path)

            return await (story(get, app) if story else get())

    return asyncio.run(told())


def broken(**how: Callable[[httpx.Request], Any]) -> Federation:
    federation = library()
    federation.broken.update(how)
    return federation


def refuses(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


async def hangs(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


def test_it_is_ready_when_every_subgraph_answers() -> None:
    federation = library()

    reply = asked(federation)

    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
    assert {name: len(federation.sent_to(name)) for name in federation.subgraphs} == {
        "books": 1, "loans": 1, "members": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "how",
    [
        refuses,
        hangs,
        lambda _: httpx.Response(502, text="Bad gateway"),
        lambda _: httpx.Response(404, json={"detail": "Not Found"}),
        lambda _: httpx.Response(200, json=["data"]),
    ],
)
def test_it_is_not_ready_while_a_subgraph_does_not_answer(
    how: Callable[[httpx.Request], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ANSWER_WITHIN_S", 0.05)

    reply = asked(broken(loans=how))

    assert reply.status_code == 503
    assert reply.json() == {"status": "unavailable", "unreachable": ["loans"]}


def test_it_is_alive_all_the_same() -> None:
    assert asked(broken(loans=refuses), path="/healthz").status_code == 200


@pytest.mark.parametrize("status", [401, 403])
def test_a_subgraph_that_does_not_answer_strangers_is_there(status: int) -> None:
    assert asked(broken(loans=lambda _: httpx.Response(status, text="Who are you?"))).status_code == 200


def test_a_graphql_error_is_an_answer() -> None:
    errors = {"errors": [{"message": "Only trusted documents."}]}

    assert asked(broken(loans=lambda _: json_response(errors, 400))).status_code == 200


def test_however_often_it_is_asked_the_subgraphs_are_asked_once() -> None:
    federation = library()

    async def many(get: Get, _: App) -> set[int]:
        together = await asyncio.gather(*(get() for _ in range(20)))
        return {reply.status_code for reply in [*together, await get(), await get()]}

    assert asked(federation, many) == {200}
    assert federation.request_count() == 3


def test_after_a_moment_it_looks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT_S", -1)
    federation = broken(loans=refuses)

    async def twice(get: Get, _: App) -> list[int]:
        before = await get()
        federation.broken.clear()
        return [before.status_code, (await get()).status_code]

    assert asked(federation, twice) == [503, 200]


def test_an_asker_that_leaves_takes_nothing_from_the_others() -> None:
    federation = library()
    arrived, answering = asyncio.Event(), asyncio.Event()

    async def slow(_: httpx.Request) -> httpx.Response:
        arrived.set()
        await answering.wait()
        return json_response({"data": {"__typename": "Query"}})

    federation.broken["loans"] = slow

    async def one_leaves(get: Get, _: App) -> int:
        leaving = asyncio.ensure_future(get())
        await arrived.wait()
        staying = asyncio.ensure_future(get())
        leaving.cancel()
        await asyncio.wait([leaving])
        answering.set()
        return (await staying).status_code

    assert asked(federation, one_leaves) == 200


def test_each_change_is_one_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(readiness, "KEPT_S", -1)
    caplog.set_level(logging.INFO, readiness.log.name)
    federation = broken(loans=refuses)

    async def changing(get: Get, _: App) -> None:
        await get()
        await get()
        federation.broken.clear()
        await get()
        await get()

    asked(federation, changing)

    said = [record.message for record in caplog.records if "ready:" in record.message]
    assert said == ["not ready: no answer from loans", "ready: every subgraph answers"]


def test_a_gateway_that_drains_is_not_ready_and_asks_its_clients_to_leave() -> None:
    async def draining(get: Get, app: App) -> list[httpx.Response]:
        before = await get()
        app.drain()
        return [before, await get()]

    before, after = asked(library(), draining)

    assert (before.status_code, before.headers.get("connection")) == (200, None)
    assert (after.status_code, after.json(), after.headers["connection"]) == (
        503, {"status": "draining"}, "close",
    )  # fmt: skip
