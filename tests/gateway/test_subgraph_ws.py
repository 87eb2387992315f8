"""Subgraphs that serve subscriptions by graphql-transport-ws, and such that only say so."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.errors import DeadlineExceeded, SubgraphFailure, SubgraphUnavailable
from gateway.planner.query_plan import Fetch
from gateway.subgraphs.answer import SubgraphAnswer
from gateway.subgraphs.ws import WsSource
from tests.gateway.leaping_loop import leap, run_leaping
from tests.gateway.patience import LONG_S
from tests.held_ports import held_port

Behaviour = Callable[[ServerConnection], Awaitable[None]]

FETCH = Fetch(0, "lots", "LOTS", "subscription", "subscription { secondsLeft }", frozenset(), (), 0)
ACK = {"type": "connection_ack"}


@asynccontextmanager
async def subgraph(
    behaviour: Behaviour, subprotocol: str = "graphql-transport-ws", **others: Any
) -> AsyncIterator[str]:
    """A server that behaves so after it has accepted a WebSocket; its address."""
    async with serve(behaviour, "127.0.0.1", 0, subprotocols=[Subprotocol(subprotocol)], **others) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"wss://localhost:{port}/graphql" if "ssl" in others else f"ws://127.0.0.1:{port}/graphql"


async def say(socket: ServerConnection, *messages: Mapping[str, Any] | str | bytes) -> None:
    for each in messages:
        await socket.send(each if isinstance(each, str | bytes) else json.dumps(each))


async def hear(socket: ServerConnection) -> Any:
    return json.loads(await socket.recv())


def next_(data: Any) -> dict[str, Any]:
    return {"type": "next", "id": "1", "payload": data}


def telling(*messages: Mapping[str, Any] | str | bytes) -> Behaviour:
    """Acknowledge, wait for the operation, say this, and hang up."""

    async def behaviour(socket: ServerConnection) -> None:
        await hear(socket)
        await say(socket, ACK)
        await hear(socket)
        await say(socket, *messages)

    return behaviour


async def events(
    url: str, *, timeout_s: float = LONG_S, event_bytes: int = 10_000, **others: Any
) -> list[Any]:
    """What comes before the end; a failure last of all."""
    found: list[Any] = []
    headers = others.get("headers", ())
    try:
        source = WsSource(url, timeout_s, event_bytes)
        async with aclosing(source.events(FETCH, others.get("variables", {}), headers)) as stream:
            async for event in stream:
                found.append(event)  # noqa: PERF401 — what came before a failure counts
    except SubgraphFailure as failure:
        found.append(type(failure))
    return found


def events_of(behaviour: Behaviour, **others: Any) -> list[Any]:
    async def asked() -> list[Any]:
        async with asyncio.timeout(2 * LONG_S), subgraph(behaviour) as url:
            return await events(url, **others)

    return asyncio.run(asked())


def test_events_come_until_complete() -> None:
    one, two = {"data": {"secondsLeft": 1}}, {"data": None, "errors": [{"message": "x"}]}

    assert events_of(telling(next_(one), next_(two), {"type": "complete", "id": "1"})) == [
        SubgraphAnswer({"secondsLeft": 1}),
        SubgraphAnswer({}, [{"message": "x"}]),
    ]


def test_the_errors_of_a_refused_operation_are_the_only_event() -> None:
    errors = [{"message": "Log in.", "extensions": {"code": "UNAUTHENTICATED"}}]

    assert events_of(telling({"type": "error", "id": "1", "payload": errors})) == [SubgraphAnswer({}, errors)]


def test_operation_variables_and_headers_are_sent() -> None:
    heard: list[Any] = []

    async def behaviour(socket: ServerConnection) -> None:
        assert socket.request
        heard.append({name: socket.request.headers.get(name) for name in ("authorization", "x-request-id")})
        heard.append(await hear(socket))
        await say(socket, ACK)
        heard.append(await hear(socket))
        await say(socket, {"type": "complete", "id": "1"})

    headers = ((b"authorization", b"Bearer x"), (b"x-request-id", "é".encode("latin-1")))
    events_of(behaviour, headers=headers, variables={"lot": 1})

    sent = {"authorization": "Bearer x", "x-request-id": "é"}
    payload = {"query": "subscription { secondsLeft }", "variables": {"lot": 1}}
    assert heard == [
        sent,
        {"type": "connection_init", "payload": sent},
        {"type": "subscribe", "id": "1", "payload": payload},
    ]


def test_pings_are_answered_before_and_after_the_acknowledgement() -> None:
    heard: list[Any] = []

    async def behaviour(socket: ServerConnection) -> None:
        await hear(socket)
        await say(socket, {"type": "ping"}, {"type": "pong"}, ACK)
        heard.extend([await hear(socket), (await hear(socket))["type"]])
        await say(socket, {"type": "ping", "payload": {"at": 1}}, {"type": "complete", "id": "1"})
        heard.append(await hear(socket))

    assert events_of(behaviour) == []
    assert heard == [{"type": "pong"}, "subscribe", {"type": "pong", "payload": {"at": 1}}]


@pytest.mark.parametrize(
    "last",
    [
        "", "{", "[]", '"x"', b"{}", {"type": "what"}, {"type": "next", "payload": {}}, ACK,
        {"type": "next", "id": "2", "payload": {"data": {}}}, next_(None), next_([]), next_({}), next_({"data": 1}),
        {"type": "error", "id": "1", "payload": []}, {"type": "error", "id": "1", "payload": {"message": "x"}},
        {"type": "complete"}, next_({"data": {"x": "x" * 20_000}}),
    ],
)  # fmt: skip
def test_nonsense_ends_the_stream_with_a_failure(last: Any) -> None:
    first = {"data": {"secondsLeft": 1}}

    assert events_of(telling(next_(first), last)) == [SubgraphAnswer({"secondsLeft": 1}), SubgraphUnavailable]


def test_a_subgraph_that_hangs_up_is_a_failure() -> None:
    assert events_of(telling()) == [SubgraphUnavailable]


def test_who_is_not_let_in_is_told_so() -> None:
    async def behaviour(socket: ServerConnection) -> None:
        await hear(socket)
        await socket.close(4403, "Forbidden")

    assert events_of(behaviour) == [SubgraphUnavailable]


def test_a_subgraph_that_does_not_acknowledge_is_given_up() -> None:
    async def behaviour(socket: ServerConnection) -> None:
        await socket.wait_closed()

    assert events_of(behaviour, timeout_s=0.1) == [DeadlineExceeded]


def test_a_subgraph_may_be_silent_for_longer_than_it_has_to_begin() -> None:
    event = {"data": {"secondsLeft": 1}}

    async def behaviour(socket: ServerConnection) -> None:
        await hear(socket)
        await say(socket, ACK)
        await hear(socket)
        leap(2 * LONG_S)
        await asyncio.sleep(0)
        await say(socket, next_(event), {"type": "complete", "id": "1"})

    async def asked() -> list[Any]:
        async with subgraph(behaviour) as url:
            return await events(url, timeout_s=LONG_S)

    assert run_leaping(asked()) == [SubgraphAnswer({"secondsLeft": 1})]


def test_another_protocol_is_a_failure() -> None:
    async def asked() -> list[Any]:
        async with subgraph(telling(), "graphql-ws") as url:
            return await events(url)

    assert asyncio.run(asked()) == [SubgraphUnavailable]


@pytest.mark.parametrize("status", [HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR])
def test_an_address_without_websockets_is_a_failure(status: HTTPStatus) -> None:
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(status, "no")

    async def asked() -> list[Any]:
        async with subgraph(telling(), process_request=refuse) as url:
            return await events(url)

    assert asyncio.run(asked()) == [SubgraphUnavailable]


def test_nobody_there_is_a_failure() -> None:
    assert asyncio.run(events(f"ws://127.0.0.1:{held_port()}/graphql")) == [SubgraphUnavailable]


def test_a_redirect_is_not_followed_since_the_token_is_not_meant_for_others() -> None:
    visited: list[str] = []

    async def asked() -> list[Any]:
        async def note(socket: ServerConnection) -> None:
            assert socket.request
            visited.append(socket.request.path)

        async with subgraph(note) as elsewhere:

            def redirect(_: ServerConnection, __: Request) -> Response:
                return Response(302, "Found", Headers(location=elsewhere))

            async with subgraph(telling(), process_request=redirect) as url:
                return await events(url, headers=((b"authorization", b"Bearer x"),))

    assert asyncio.run(asked()) == [SubgraphUnavailable]
    assert visited == []


def test_leaving_closes_the_websocket() -> None:
    closed: list[int | None] = []

    async def story() -> None:
        is_closed = asyncio.Event()

        async def behaviour(socket: ServerConnection) -> None:
            await hear(socket)
            await say(socket, ACK)
            await hear(socket)
            await say(socket, next_({"data": {"secondsLeft": 1}}))
            try:
                await socket.recv()
            except ConnectionClosed as end:
                closed.append(end.rcvd.code if end.rcvd else None)
                is_closed.set()

        async with asyncio.timeout(2 * LONG_S), subgraph(behaviour) as url:
            async with aclosing(WsSource(url, LONG_S, 10_000).events(FETCH, {}, ())) as stream:
                await anext(stream)
            await is_closed.wait()

    asyncio.run(story())

    assert closed == [1000]


def test_tls_is_spoken_to_servers_whose_certificate_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    behaviour = telling(next_({"data": {"secondsLeft": 3}}), {"type": "complete", "id": "1"})

    async def asked() -> list[Any]:
        async with asyncio.timeout(2 * LONG_S), subgraph(behaviour, ssl=tls) as url:
            return await events(url)

    assert asyncio.run(asked()) == [SubgraphUnavailable]
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    assert asyncio.run(asked()) == [SubgraphAnswer({"secondsLeft": 3})]
