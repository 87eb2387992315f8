"""Clients that take `text/event-stream`: statuses, events, pauses, slow ones, and ends of every kind."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.app import App, create_app
from gateway.event_stream import EVENT_STREAM, EventStreamReader, ServerSentEvent
from gateway.settings import Limits, Settings
from tests.gateway.auction import END, VASE, Auction, bid, sale, scripted, then_silent
from tests.gateway.patience import LONG_S
from tests.gateway.testbed import unhurried

SALES = "subscription { lotOnSale { title expert { name } } }"
VASE_ON_SALE = {"data": {"lotOnSale": {"title": "Vase", "expert": {"name": "Bob"}}}}


class Visit:
    """One HTTP request by a client that stays until a test says otherwise."""

    def __init__(self, app: App, query: str, *, method: str = "POST", accept: str = EVENT_STREAM) -> None:
        self._app = app
        parameters = {"query": query}
        headers = {"accept": accept, "content-type": "application/json", "x-request-id": "r-1"}
        self._scope = {
            "type": "http",
            "method": method,
            "path": "/graphql",
            "query_string": urlencode(parameters).encode() if method == "GET" else b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        self._body: list[Any] = [{"type": "http.request", "body": json.dumps(parameters).encode()}]
        self._reader = EventStreamReader(100_000)
        self._events: list[ServerSentEvent] = []
        self.left = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_complete = False
        """The body has come to its proper end."""

    async def run(self) -> None:
        await self._app(self._scope, self._receive, self._send)

    async def _receive(self) -> Any:
        if self._body:
            return self._body.pop()
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.takes.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.is_complete = not message.get("more_body")
            self.got.put_nowait(message["body"])

    async def next(self) -> tuple[str, Any]:
        """The next event: its name and what it holds."""
        while not self._events:
            self._events += self._reader.read(await self.got.get())
        event = self._events.pop(0)
        return event.name, json.loads(event.data or b"null")

    async def next_bytes(self) -> bytes:
        return await self.got.get()

    def rest(self) -> bytes:
        return b"".join(self.got.get_nowait() for _ in range(self.got.qsize()))


@asynccontextmanager
async def running(visit: Visit) -> AsyncIterator[asyncio.Task[None]]:
    """A visit under way. It must end by itself before the context does, but a failed test must not wait for that."""
    async with asyncio.timeout(LONG_S):
        task = asyncio.create_task(visit.run())
        try:
            yield task
            await task
        finally:
            task.cancel()


def visited(auction: Auction, query: str, settings: Settings | None = None, **others: Any) -> Visit:
    """The visit, when its response has ended."""

    async def whole() -> Visit:
        visit = Visit(app_of(auction, settings), query, **others)
        async with running(visit):
            pass
        return visit

    return asyncio.run(whole())


def app_of(auction: Auction, settings: Settings | None = None) -> App:
    return create_app(auction.supergraph, settings or auction.settings, auction)


def told(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


# --- what is answered -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_each_event_is_a_next_and_the_end_is_a_complete(method: str) -> None:
    visit = visited(Auction(scripted(sale(VASE), sale(None), END)), SALES, method=method)

    stream = visit.rest()
    assert visit.status == 200
    assert stream.replace(b":\n\n", b"") == (
        b"event: next\ndata: " + json.dumps(VASE_ON_SALE, separators=(",", ":")).encode() + b"\n\n"
        b'event: next\ndata: {"data":{"lotOnSale":null}}\n\nevent: complete\ndata: \n\n'
    )
    assert visit.is_complete


def test_the_response_is_made_to_pass_through_proxies_unbuffered() -> None:
    visit = visited(Auction(scripted(END)), SALES)

    assert visit.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert visit.headers["cache-control"] == "no-cache, no-transform"
    assert visit.headers["x-accel-buffering"] == "no"
    assert visit.headers["x-request-id"] == "r-1"
    assert "content-length" not in visit.headers


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("{ lot(id: 1) { title } me { name } }", {"data": {"lot": None, "me": {"name": "Ann"}}}),
        ("{ __typename }", {"data": {"__typename": "Query"}}),
    ],
)
def test_a_query_is_one_next_and_a_complete(query: str, answer: Any) -> None:
    async def story() -> None:
        visit = Visit(app_of(Auction(scripted())), query)
        async with running(visit):
            assert await visit.next() == ("next", answer)
            assert await visit.next() == ("complete", None)

    told(story)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: secondsLeft }", "TOO_MANY_ALIASES"),
    ],
)
def test_a_refused_operation_is_told_in_the_stream(query: str, code: str) -> None:
    async def story() -> None:
        settings = unhurried(limits=Limits(aliases=0))
        visit = Visit(app_of(Auction(scripted()), settings), query)
        async with running(visit):
            name, answer = await visit.next()
            assert (name, answer["errors"][0]["extensions"]["code"]) == ("next", code)
            assert "data" not in answer
            assert await visit.next() == ("complete", None)
        assert visit.status == 200

    told(story)


@pytest.mark.parametrize(
    ("query", "others", "status"),
    [
        ("mutation { bid(lot: 1, amount: 2) { amount } }", {"method": "GET"}, 405),
        ("", {}, 400),
        ("query A { me { id } } query B { me { id } }", {}, 400),
        (SALES, {"method": "PUT"}, 405),
        (SALES, {"accept": "text/html"}, 406),
        (SALES, {"accept": "application/json"}, 406),
        (SALES, {"accept": f"{EVENT_STREAM};q=0, application/json"}, 406),
    ],
)
def test_a_malformed_request_has_a_status_and_no_stream(query: str, others: Any, status: int) -> None:
    auction = Auction(scripted())

    visit = visited(auction, query, **others)

    assert visit.status == status
    assert visit.headers.get("content-type", "application/json").startswith("application/json")
    assert not auction.subscribed


@pytest.mark.parametrize(
    ("accept", "query", "media"),
    [
        (f"application/json, {EVENT_STREAM}", "{ me { name } }", "application/json"),
        (f"application/json, {EVENT_STREAM}", SALES, EVENT_STREAM),
        (f"application/graphql-response+json, */*, {EVENT_STREAM};q=0.1", SALES, EVENT_STREAM),
        (f"{EVENT_STREAM}, application/json;q=0.5", "{ me { name } }", EVENT_STREAM),
        (f"{EVENT_STREAM};q=0.5, application/json", "{ me { name } }", "application/json"),
    ],
)
def test_who_takes_both_gets_what_fits_the_operation(accept: str, query: str, media: str) -> None:
    visit = visited(Auction(scripted(END)), query, accept=accept)

    assert visit.status == 200
    assert visit.headers["content-type"] == f"{media}; charset=utf-8"


def test_beyond_the_limit_a_subscription_is_turned_away_with_a_status() -> None:
    async def story() -> None:
        app = app_of(Auction(then_silent(sale(VASE))), unhurried(subscriptions=1))
        first, second = Visit(app, SALES), Visit(app, SALES)
        async with running(first):
            await first.next()
            async with running(second):
                pass
            assert (second.status, second.headers["retry-after"]) == (503, "5")
            error = json.loads(second.rest())["errors"][0]
            assert error["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
            first.left.set()

    told(story)


def test_a_fault_of_ours_ends_the_stream_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    auction = Auction(scripted(bid(1), bid(2), END))

    def faulty(_: Any) -> Any:
        raise RuntimeError("secret detail")

    auction.broken["people"] = faulty

    async def story() -> None:
        visit = Visit(app_of(auction), "subscription { bidPlaced { bidder { name } } }")
        async with running(visit):
            fault = {
                "message": "Internal server error.",
                "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "r-1"},
            }
            assert await visit.next() == ("next", {"errors": [fault]})
            assert await visit.next() == ("complete", None)

    told(story)

    assert "secret detail" in caplog.text
    assert auction.is_over.is_set()


# --- pace -----------------------------------------------------------------------------------------------------------


def test_a_silent_stream_says_that_it_is_alive() -> None:
    async def story() -> None:
        visit = Visit(app_of(Auction(then_silent()), unhurried(keep_alive_s=0.01)), SALES)
        async with running(visit):
            assert [await visit.next_bytes() for _ in range(3)] == [b":\n\n"] * 3
            visit.left.set()

    told(story)


def test_a_slow_client_slows_the_subgraph_down() -> None:
    auction = Auction(scripted(*[sale(VASE)] * 30, END))

    async def story() -> None:
        visit = Visit(app_of(auction), SALES)
        async with running(visit):
            await visit.next()
            visit.takes.clear()
            before = auction.read
            assert before < 10
            for _ in range(1_000):
                await asyncio.sleep(0)  # everything that could run has run
            assert auction.read <= before + 2
            visit.takes.set()
            for _ in range(29):
                await visit.next()
            assert await visit.next() == ("complete", None)

    told(story)


def test_a_client_that_takes_nothing_any_more_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    auction = Auction(scripted(*[sale(VASE)] * 10, END))

    async def story() -> None:
        visit = Visit(app_of(auction, unhurried(request_timeout_s=0.05)), SALES)
        async with running(visit):
            await visit.next()
            visit.takes.clear()
            await auction.is_over.wait()
        assert not visit.is_complete

    told(story)

    assert "takes no events" in caplog.text


# --- ends -----------------------------------------------------------------------------------------------------------


def test_when_the_client_leaves_the_subgraphs_stream_is_closed() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def story() -> None:
        app = app_of(auction)
        visit = Visit(app, SALES)
        async with running(visit):
            await visit.next()
            assert app._streams.subscriptions == 1
            visit.left.set()
        assert auction.is_over.is_set()
        assert app._streams.subscriptions == 0

    told(story)


def test_when_the_client_leaves_while_an_event_is_completed_the_requests_for_it_are_cancelled() -> None:
    auction = Auction(then_silent(bid(1)))
    seen: list[str] = []

    async def story() -> None:
        asked = asyncio.Event()

        async def hangs(_: Any) -> Any:
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        auction.broken["people"] = hangs
        visit = Visit(app_of(auction), "subscription { bidPlaced { bidder { name } } }")
        async with running(visit):
            await asked.wait()
            visit.left.set()

    told(story)

    assert seen == ["cancelled"]
    assert auction.is_over.is_set()


def test_a_closing_gateway_ends_streams_so_that_clients_open_them_anew() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def story() -> None:
        app = app_of(auction)
        visit = Visit(app, SALES)
        async with running(visit):
            await visit.next()
            await app.close_streams()
            assert auction.is_over.is_set()
        assert visit.is_complete
        assert b"complete" not in visit.rest()

        late = Visit(app, SALES)
        async with running(late):
            pass
        assert late.is_complete

    told(story)


def test_a_closing_gateway_does_not_wait_long_for_a_client_that_stalls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.app.CLOSING_WITHIN_S", 0.05)

    async def story() -> None:
        app = app_of(Auction(scripted(*[sale(VASE)] * 10, END)))
        visit = Visit(app, SALES)
        async with running(visit) as task:
            await visit.next()
            visit.takes.clear()
            await app.close_streams()
            assert not task.done()
            visit.takes.set()

    told(story)


def test_a_stream_may_last_longer_than_a_request() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def story() -> None:
        settings = replace(auction.settings, request_timeout_s=0.05, keep_alive_s=0.04)
        visit = Visit(app_of(auction, settings), SALES)
        async with running(visit):
            await visit.next()
            for _ in range(4):  # 0.16 s
                assert await visit.next_bytes() == b":\n\n"
            visit.left.set()

    told(story)
