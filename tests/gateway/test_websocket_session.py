"""Clients that speak graphql-transport-ws: the protocol, its limits, and who may open a WebSocket at all."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gateway.app import App, Observers, create_app
from gateway.operations.trusted_documents import read_manifest
from gateway.settings import Limits, Settings
from gateway.supergraph.reader import load_supergraph
from gateway.telemetry.access_log import AccessLog
from tests.gateway.auction import END, VASE, Auction, bid, sale, scripted, then_silent
from tests.gateway.patience import LONG_S
from tests.gateway.testbed import SUPERGRAPHS, unhurried

SALES = "subscription { lotOnSale { title } }"
VASE_ON_SALE = {"data": {"lotOnSale": {"title": "Vase"}}}
INIT = {"type": "connection_init"}
ACK = {"type": "connection_ack"}


class Socket:
    """One WebSocket, seen by its client."""

    def __init__(
        self, app: App, *, path: str = "/graphql", subprotocols: tuple[str, ...] = ("graphql-transport-ws",), **headers: str
    ) -> None:  # fmt: skip
        self._app = app
        named = {"host": "pay.example", "cookie": "session=secret"} | headers
        self._scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "subprotocols": list(subprotocols),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
        }
        self._coming: asyncio.Queue[Any] = asyncio.Queue()
        self._coming.put_nowait({"type": "websocket.connect"})
        self._sent: asyncio.Queue[Any] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()
        self.has_left = False

    async def run(self) -> None:
        await self._app(self._scope, self._coming.get, self._take)

    async def _take(self, message: Any) -> None:
        await self.takes.wait()
        if self.has_left:
            raise OSError
        self._sent.put_nowait(message)

    def say(self, message: Mapping[str, Any] | str | bytes) -> None:
        if isinstance(message, bytes):
            self._coming.put_nowait({"type": "websocket.receive", "bytes": message})
        else:
            text = message if isinstance(message, str) else json.dumps(message)
            self._coming.put_nowait({"type": "websocket.receive", "text": text})

    def subscribe(self, operation_id: str, query: str, **more: Any) -> None:
        self.say({"type": "subscribe", "id": operation_id, "payload": {"query": query, **more}})

    def leave(self) -> None:
        self.has_left = True
        self._coming.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def hears(self) -> Any:
        """The next message; the code when the WebSocket is closed."""
        message = await self._sent.get()
        if message["type"] == "websocket.close":
            return message["code"], message.get("reason", "")
        return json.loads(message["text"]) if message["type"] == "websocket.send" else message

    def hears_nothing(self) -> bool:
        return self._sent.empty()


@asynccontextmanager
async def running(socket: Socket) -> AsyncIterator[asyncio.Task[None]]:
    """A WebSocket under way. Its session must end by itself before the context does."""
    async with asyncio.timeout(LONG_S):
        task = asyncio.create_task(socket.run())
        try:
            yield task
            await task
        finally:
            task.cancel()


@asynccontextmanager
async def connected(app: App, payload: Any = None, **headers: str) -> AsyncIterator[Socket]:
    """An acknowledged connection; the client leaves at the end, unless it is closed already."""
    socket = Socket(app, **headers)
    async with running(socket):
        assert (await socket.hears())["subprotocol"] == "graphql-transport-ws"
        socket.say(INIT if payload is None else INIT | {"payload": payload})
        assert await socket.hears() == ACK
        yield socket
        socket.leave()


def app_of(auction: Auction, settings: Settings | None = None) -> App:
    return create_app(auction.supergraph, settings or auction.settings, auction)


def told(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def next_(operation_id: str, payload: Any) -> dict[str, Any]:
    return {"type": "next", "id": operation_id, "payload": payload}


def complete(operation_id: str) -> dict[str, Any]:
    return {"type": "complete", "id": operation_id}


# --- operations -----------------------------------------------------------------------------------------------------


def test_each_event_is_a_next_and_the_end_is_a_complete() -> None:
    async def story() -> None:
        async with connected(app_of(Auction(scripted(sale(VASE), sale(None), END)))) as socket:
            socket.subscribe("a", SALES)
            assert await socket.hears() == next_("a", VASE_ON_SALE)
            assert await socket.hears() == next_("a", {"data": {"lotOnSale": None}})
            assert await socket.hears() == complete("a")

    told(story)


def test_queries_and_mutations_work_beside_subscriptions() -> None:
    auction = Auction(then_silent(sale(VASE)))
    auction.world.roots["Mutation.bid"] = {"__typename": "Bid", "amount": 5, "lot": VASE, "bidder": None}  # type: ignore[index]

    async def story() -> None:
        async with connected(app_of(auction)) as socket:
            socket.subscribe("a", SALES)
            assert await socket.hears() == next_("a", VASE_ON_SALE)
            socket.subscribe(
                "b", "query Me { me { name } }", operationName="Me", variables=None, extensions={}
            )
            assert await socket.hears() == next_("b", {"data": {"me": {"name": "Ann"}}})
            assert await socket.hears() == complete("b")
            mutation = "mutation ($n: Int!) { bid(lot: 1, amount: $n) { amount } }"
            socket.subscribe("c", mutation, variables={"n": 5})
            assert await socket.hears() == next_("c", {"data": {"bid": {"amount": 5}}})
            assert await socket.hears() == complete("c")

    told(story)


def test_a_subscription_the_client_completes_is_over_at_once_and_its_id_free() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def story() -> None:
        async with connected(app_of(auction)) as socket:
            socket.subscribe("a", SALES)
            assert await socket.hears() == next_("a", VASE_ON_SALE)
            socket.say(complete("a"))
            socket.subscribe("a", "{ me { name } }")
            assert await socket.hears() == next_("a", {"data": {"me": {"name": "Ann"}}})
            assert await socket.hears() == complete("a")
            await auction.is_over.wait()
            socket.say(complete("a"))  # for an operation that has ended
            socket.say({"type": "ping"})
            assert await socket.hears() == {"type": "pong"}

    told(story)


def test_when_the_client_leaves_the_subgraphs_streams_are_closed() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def story() -> None:
        app = app_of(auction)
        async with connected(app) as socket:
            socket.subscribe("a", SALES)
            await socket.hears()
            assert app._streams.subscriptions == 1
        assert auction.is_over.is_set()
        assert app._streams.subscriptions == 0

    told(story)


def test_a_client_that_is_found_gone_while_it_is_written_to_is_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    auction = Auction(scripted(*[sale(VASE)] * 50, END))

    async def story() -> None:
        socket = Socket(app_of(auction))
        async with running(socket):
            await socket.hears()
            socket.say(INIT)
            await socket.hears()
            socket.subscribe("a", SALES)
            await socket.hears()
            socket.has_left = True

    told(story)

    assert auction.is_over.is_set()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription", "GRAPHQL_PARSE_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ a: me { name } }", "TOO_MANY_ALIASES"),
        ("subscription { a: secondsLeft }", "TOO_MANY_ALIASES"),
        ("subscription { lotOnSale { expert { city } } }", "QUERY_TOO_DEEP"),
        ("query A { me { id } } query B { me { id } }", "BAD_REQUEST"),
        ("query ($x: ID!) { lot(id: $x) { id } }", "BAD_USER_INPUT"),
    ],
)
def test_what_is_refused_is_an_error_and_the_connection_goes_on(query: str, code: str) -> None:
    async def story() -> None:
        settings = unhurried(limits=Limits(aliases=0, depth=2))
        async with connected(app_of(Auction(scripted()), settings)) as socket:
            socket.subscribe("a", query)
            answer = await socket.hears()
            assert (answer["type"], answer["id"]) == ("error", "a")
            assert answer["payload"][0]["extensions"]["code"] == code
            socket.subscribe("a", "{ me { name } }")
            assert (await socket.hears())["type"] == "next"

    told(story)


def test_a_dying_subgraph_is_a_next_with_errors_and_a_complete(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with connected(app_of(Auction(scripted(sale(VASE))))) as socket:
            socket.subscribe("a", SALES)
            assert await socket.hears() == next_("a", VASE_ON_SALE)
            last = await socket.hears()
            assert last["payload"]["data"] == {"lotOnSale": None}
            assert last["payload"]["errors"][0]["extensions"]["code"] == "SUBGRAPH_UNAVAILABLE"
            assert await socket.hears() == complete("a")

    told(story)

    (line,) = [record.getMessage() for record in caplog.records]
    assert re.match(r"request [0-9a-f]{32}: SUBGRAPH_UNAVAILABLE of subgraph lots: ", line)


def test_a_fault_of_ours_ends_its_operation_only(caplog: pytest.LogCaptureFixture) -> None:
    auction = Auction(scripted(bid(1), bid(2), END))

    def faulty(_: Any) -> Any:
        raise RuntimeError("secret detail")

    auction.broken["people"] = faulty

    async def story() -> None:
        async with connected(app_of(auction)) as socket:
            socket.subscribe("a", "subscription { bidPlaced { bidder { name } } }")
            answer = await socket.hears()
            assert (answer["type"], answer["payload"][0]["message"]) == ("error", "Internal server error.")
            assert answer["payload"][0]["extensions"]["requestId"] in caplog.text
            socket.say({"type": "ping", "payload": {"at": 1}})
            assert await socket.hears() == {"type": "pong", "payload": {"at": 1}}

    told(story)

    assert "secret detail" in caplog.text


def test_after_a_reload_new_operations_are_of_the_new_supergraph_and_running_ones_go_on() -> None:
    is_reloaded = asyncio.Event()

    async def script() -> AsyncIterator[Any]:
        yield sale(VASE)
        await is_reloaded.wait()
        yield sale(VASE)
        yield END

    sdl = (
        (SUPERGRAPHS / "subscriptions.graphql").read_text().replace("  title: String!", "  heading: String!")
    )

    async def story() -> None:
        app = app_of(Auction(script))
        async with connected(app) as socket:
            socket.subscribe("a", SALES)
            assert await socket.hears() == next_("a", VASE_ON_SALE)
            await app.serve(load_supergraph(sdl))
            socket.subscribe("b", SALES)
            refused = await socket.hears()
            assert (refused["type"], refused["id"]) == ("error", "b")
            is_reloaded.set()
            assert await socket.hears() == next_("a", VASE_ON_SALE)
            assert await socket.hears() == complete("a")

    told(story)


def test_where_only_trusted_documents_are_answered_they_are_over_websockets_too() -> None:
    auction = Auction(scripted(sale(VASE), END))
    trusted = read_manifest(json.dumps({"sales": SALES}).encode())

    async def story() -> None:
        app = create_app(auction.supergraph, auction.settings, auction, trusted)
        async with connected(app) as socket:
            socket.subscribe("a", SALES + " ")
            assert (await socket.hears())["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
            socket.say({"type": "subscribe", "id": "a", "payload": {"documentId": "sales"}})
            assert await socket.hears() == next_("a", VASE_ON_SALE)
            assert await socket.hears() == complete("a")

    told(story)


# --- headers --------------------------------------------------------------------------------------------------------


def test_the_payload_of_the_initialisation_can_carry_headers() -> None:
    auction = Auction(scripted(bid(1), END))

    async def story() -> None:
        payload = {"Authorization": "Bearer payload", "cookie": "c=1", "x-other": "1", "lang": {"a": 1}}
        app = app_of(auction)
        async with connected(
            app, payload, authorization="Bearer handshake", traceparent="00-1-1-01"
        ) as socket:
            socket.subscribe("a", "subscription { bidPlaced { bidder { name } } }")
            while (await socket.hears())["type"] != "complete":
                pass

    told(story)

    for headers in (auction.subscribed[0].headers, auction.subgraphs["people"].headers[0]):
        assert headers.get_list("authorization") == ["Bearer payload"]
        assert headers["traceparent"] == "00-1-1-01"
        assert len(headers["x-request-id"]) == 32
        assert not {"cookie", "x-other", "lang"} & set(headers)


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_a_payload_cannot_say_where_the_client_is(name: str) -> None:
    auction = Auction(scripted(bid(1), END))
    passed_down = replace(auction.settings, forwarded_headers=frozenset({name.lower()}))

    async def story() -> None:
        by_the_proxy = {name.lower().replace("-", "_"): "192.0.2.7"}
        async with connected(app_of(auction, passed_down), {name: "10.0.0.1"}, **by_the_proxy) as socket:
            socket.subscribe("a", "subscription { bidPlaced { bidder { name } } }")
            while (await socket.hears())["type"] != "complete":
                pass

    told(story)

    for headers in (auction.subscribed[0].headers, auction.subgraphs["people"].headers[0]):
        assert headers.get_list(name) == ["192.0.2.7"]


@pytest.mark.parametrize("value", ["Bearer x\r\nx-admin: 1", "a\nb", "\0", 1, None, {}, ["x"]])
def test_a_payload_cannot_smuggle_a_header(value: Any) -> None:
    async def story() -> None:
        socket = Socket(app_of(Auction(scripted())))
        async with running(socket):
            await socket.hears()
            socket.say(INIT | {"payload": {"authorization": value}})
            code, _ = await socket.hears()
            assert code == 4400

    told(story)


# --- the protocol's rules -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        "", "{", "null", "[]", "1", "{}", b"{}", b"\xff", '{"type":1}', '{"type":"start"}', '{"type":"next","id":"a","payload":{}}',
        '{"type":"connection_ack"}', '{"type":"subscribe"}', '{"type":"subscribe","id":"a"}',
        '{"type":"subscribe","id":"","payload":{"query":"{a}"}}', '{"type":"subscribe","id":1,"payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"a","payload":{}}', '{"type":"subscribe","id":"a","payload":{"query":1}}',
        '{"type":"subscribe","id":"a","payload":{"query":"{a}","variables":[]}}',
        '{"type":"subscribe","id":"a","payload":[{"query":"{a}"}]}', '{"type":"complete"}', '{"type":"complete","id":{}}',
        '{"type":"ping","payload":1}', '{"type":"connection_init","payload":"x"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_message_of_the_protocol_closes_the_connection(message: str | bytes) -> None:
    async def story() -> None:
        async with connected(app_of(Auction(scripted()))) as socket:
            socket.say(message)
            code, reason = await socket.hears()
            assert code == 4400
            assert 0 < len(reason.encode()) <= 123

    told(story)


def test_nothing_runs_before_the_initialisation() -> None:
    auction = Auction(scripted())

    async def story() -> None:
        socket = Socket(app_of(auction))
        async with running(socket):
            await socket.hears()
            socket.say({"type": "ping"})
            assert await socket.hears() == {"type": "pong"}
            socket.say({"type": "pong"})
            socket.subscribe("a", SALES)
            assert await socket.hears() == (4401, "Unauthorized")

    told(story)

    assert not auction.subscribed


def test_a_client_that_does_not_initialise_is_closed() -> None:
    async def story() -> None:
        socket = Socket(app_of(Auction(scripted()), unhurried(connection_init_timeout_s=0.02)))
        async with running(socket):
            await socket.hears()
            assert await socket.hears() == (4408, "Connection initialisation timeout")

    told(story)


def test_one_initialisation_is_enough() -> None:
    async def story() -> None:
        async with connected(app_of(Auction(scripted()))) as socket:
            socket.say(INIT)
            assert await socket.hears() == (4429, "Too many initialisation requests")

    told(story)


def test_an_id_that_is_in_use_closes_the_connection_and_ends_what_runs() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def story() -> None:
        async with connected(app_of(auction)) as socket:
            socket.subscribe("a" * 200, SALES)
            await socket.hears()
            socket.subscribe("a" * 200, "{ me { name } }")
            code, reason = await socket.hears()
            assert (code, len(reason)) == (4409, 123)
        assert auction.is_over.is_set()

    told(story)


@pytest.mark.parametrize("subprotocols", [(), ("graphql-ws",), ("soap", "mqtt")])
def test_another_subprotocol_is_not_accepted(subprotocols: tuple[str, ...]) -> None:
    async def story() -> None:
        socket = Socket(app_of(Auction(scripted())), subprotocols=subprotocols)
        async with running(socket):
            assert (await socket.hears()).get("subprotocol") is None
            assert await socket.hears() == (4406, "Subprotocol not acceptable")

    told(story)


# --- bounds ---------------------------------------------------------------------------------------------------------


def test_a_message_is_no_larger_than_a_body() -> None:
    async def story() -> None:
        async with connected(app_of(Auction(scripted()), unhurried(limits=Limits(body_bytes=200)))) as socket:
            socket.subscribe("a", "{ me { name } }" + " " * 200)
            code, _ = await socket.hears()
            assert code == 1009

    told(story)


def test_only_so_many_operations_run_in_one_connection() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def story() -> None:
        async with connected(app_of(auction, unhurried(operations_per_connection=2))) as socket:
            for operation_id in ("a", "b"):
                socket.subscribe(operation_id, SALES)
                await socket.hears()
            socket.subscribe("c", "{ me { name } }")
            refused = await socket.hears()
            assert (refused["type"], refused["id"]) == ("error", "c")
            assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
            socket.say(complete("a"))
            await auction.is_over.wait()
            socket.subscribe("c", "{ me { name } }")
            assert (await socket.hears())["type"] == "next"

    told(story)


def test_only_so_many_subscriptions_are_open_at_the_gateway() -> None:
    async def story() -> None:
        app = app_of(Auction(then_silent(sale(VASE))), unhurried(subscriptions=1))
        async with connected(app) as one, connected(app) as another:
            one.subscribe("a", SALES)
            await one.hears()
            another.subscribe("a", SALES)
            refused = await another.hears()
            assert (refused["type"], refused["id"]) == ("error", "a")
            assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"

    told(story)


def test_only_so_many_websockets_are_open() -> None:
    async def story() -> None:
        app = app_of(Auction(scripted()), unhurried(websockets=1))
        async with connected(app):
            late = Socket(app)
            async with running(late):
                refused = await late.hears()
            assert (refused["type"], refused["status"]) == ("websocket.http.response.start", 503)
        async with connected(app):
            pass

    told(story)


def test_a_slow_client_slows_the_subgraph_down() -> None:
    auction = Auction(scripted(*[sale(VASE)] * 30, END))

    async def story() -> None:
        async with connected(app_of(auction)) as socket:
            socket.subscribe("a", SALES)
            await socket.hears()
            socket.takes.clear()
            before = auction.read
            assert before < 10
            for _ in range(1_000):
                await asyncio.sleep(0)  # everything that could run has run
            assert auction.read <= before + 2
            socket.takes.set()
            for _ in range(29):
                assert (await socket.hears())["type"] == "next"
            assert await socket.hears() == complete("a")

    told(story)


def test_a_client_that_takes_nothing_any_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.clients.websocket_session.CLOSING_S", 0.01)
    auction = Auction(scripted(*[sale(VASE)] * 10, END))

    async def story() -> None:
        socket = Socket(app_of(auction, unhurried(request_timeout_s=0.05)))
        async with running(socket):
            await socket.hears()
            socket.say(INIT)
            await socket.hears()
            socket.subscribe("a", SALES)
            await socket.hears()
            socket.takes.clear()
            await auction.is_over.wait()

    told(story)


def test_a_closing_gateway_sends_clients_away_so_that_they_connect_anew() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def story() -> None:
        app = app_of(auction)
        async with connected(app) as socket, connected(app) as idle:
            socket.subscribe("a", SALES)
            await socket.hears()
            await app.close_streams()
            assert auction.is_over.is_set()
            assert await socket.hears() == (1001, "The gateway is stopping.")
            assert await idle.hears() == (1001, "The gateway is stopping.")

            late = Socket(app)
            async with running(late):
                assert (await late.hears())["type"] == "websocket.accept"
                assert (await late.hears())[0] == 1001

    told(story)


# --- who may open one -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "origin", "is_welcome"),
    [
        ("pay.example", "", True),
        ("pay.example", "https://pay.example", True),
        ("pay.example", "https://PAY.example:443", True),
        ("pay.example:80", "http://pay.example", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("[::1]:8000", "http://[::1]:8000", True),
        ("pay.example", "https://shop.example", True),
        ("pay.example", "https://evil.example", False),
        ("pay.example", "https://shop.example.evil.example", False),
        ("pay.example", "http://shop.example", False),
        ("pay.example", "https://pay.example:8443", False),
        ("pay.example", "https://pay.example.evil.example", False),
        ("pay.example", "https://evil.example/pay.example", False),
        ("pay.example", "null", False),
        ("pay.example", "file://", False),
        ("pay.example", "pay.example", False),
        ("", "https://", False),
    ],
)
def test_only_pages_of_this_host_and_of_listed_ones_may_open_a_websocket(
    host: str,
    origin: str,
    is_welcome: bool,  # noqa: FBT001 — a parameter of the test
) -> None:
    async def story() -> None:
        settings = unhurried(cors_origins=frozenset({"https://shop.example"}))
        headers = {"origin": origin} if origin else {}
        socket = Socket(app_of(Auction(scripted()), settings), host=host, **headers)
        async with running(socket):
            first = await socket.hears()
            assert (first == (1008, "")) is not is_welcome
            socket.leave()

    told(story)


@pytest.mark.parametrize(
    ("credentials", "origin", "authorization"),
    [
        (False, "https://pay.example", "Bearer browser"),
        (True, "https://shop.example", "Bearer browser"),
        (False, "https://shop.example", None),
    ],
)
def test_what_a_browser_adds_by_itself_goes_down_only_where_credentials_may(
    credentials: bool,  # noqa: FBT001 — a parameter of the test
    origin: str,
    authorization: str | None,
) -> None:
    auction = Auction(scripted(END))
    settings = unhurried(
        cors_origins=frozenset({"https://shop.example"}),
        cors_credentials=credentials,
        forwarded_headers=frozenset({"authorization", "cookie", "lang"}),
    )

    async def story() -> None:
        app = app_of(auction, settings)
        async with connected(app, {"lang": "de"}, origin=origin, authorization="Bearer browser") as socket:
            socket.subscribe("a", SALES)
            assert await socket.hears() == complete("a")

    told(story)

    headers = auction.subscribed[0].headers
    assert headers.get("authorization") == authorization
    assert headers.get("cookie") == (authorization and "session=secret")
    assert headers["lang"] == "de"


def test_an_ambiguous_handshake_is_refused() -> None:
    async def story() -> None:
        socket = Socket(app_of(Auction(scripted())), authorization="Bearer a")
        socket._scope["headers"].append((b"authorization", b"Bearer b"))
        async with running(socket):
            assert await socket.hears() == (1008, "")

    told(story)


@pytest.mark.parametrize("path", ["/", "/graphiql", "/graphql/"])
def test_there_is_one_address_for_websockets(path: str) -> None:
    async def story() -> None:
        socket = Socket(app_of(Auction(scripted())), path=path)
        async with running(socket):
            assert await socket.hears() == (1008, "")

    told(story)


def test_the_access_log_tells_how_operations_ended_and_nothing_secret() -> None:
    auction = Auction(then_silent(sale(VASE)))
    out = io.BytesIO()

    async def story() -> None:
        log = AccessLog(out)
        app = create_app(auction.supergraph, auction.settings, auction, observers=Observers(log))
        async with connected(app, {"authorization": "Bearer hush"}) as socket:
            query = "query Named($id: ID!) { lot(id: $id) { id } }"
            socket.subscribe("a", query, variables={"id": "hidden"}, operationName="Named")
            assert (await socket.hears())["type"] == "next"
            assert (await socket.hears())["type"] == "complete"
            socket.subscribe("b", SALES)
            await socket.hears()
            socket.subscribe("c", "{ nothing }")
            assert (await socket.hears())["type"] == "error"
        log.close()

    told(story)

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line.get("operation"), line["end"]) for line in lines] == [
        ("Named", "complete"),
        (None, "error"),
        (None, "left"),
    ]
    assert b"hush" not in out.getvalue()
    assert b"hidden" not in out.getvalue()


def test_operations_and_their_errors_count_in_the_metrics() -> None:
    async def story() -> None:
        app = app_of(Auction(scripted(sale(VASE), END)))
        async with connected(app) as socket:
            socket.subscribe("a", SALES)
            while (await socket.hears())["type"] != "complete":
                pass
            socket.subscribe("b", "{ nothing }")
            await socket.hears()
        shown = app._operators._metrics_page.content().decode()
        assert 'gateway_requests_total{kind="stream",outcome="ok"} 1' in shown
        assert 'gateway_requests_total{kind="stream",outcome="refused"} 1' in shown
        assert 'code="GRAPHQL_VALIDATION_FAILED"} 1' in shown

    told(story)
