"""The gateway's port, spoken to byte by byte: what is not exactly HTTP/1.1 is refused, and nothing is waited for for ever."""

import asyncio
import io
import json
import re
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query
from uvicorn import Config
from uvicorn.server import ServerState

from gateway.app import Observers, create_app
from gateway.clients.http_exchange import HttpExchange
from gateway.clients.http_protocol import Answering, Bounds, HttpProtocol
from gateway.clients.reply import Reply
from gateway.telemetry.access_log import AccessLog
from tests.gateway.leaping_loop import leap, run_leaping
from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import RunningGateway, Subgraphs, running_gateway, serving_subgraphs
from tests.gateway.test_entities import library

HEAD_BYTES = 8_000
HEAD_S = 0.5
QUERY = b'{"query":"{ me { email } }"}'
ANSWER = {"data": {"me": {"email": "ben@example.com"}}}


@pytest.fixture(scope="module")
def subgraphs() -> Iterator[Subgraphs]:
    with serving_subgraphs() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(subgraphs: Subgraphs) -> Iterator[RunningGateway]:
    with running_gateway(subgraphs, GATEWAY_DRAIN_S="0", GATEWAY_LIMIT_HEAD_BYTES=str(HEAD_BYTES)) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def hasty_gateway(subgraphs: Subgraphs) -> Iterator[RunningGateway]:
    with running_gateway(subgraphs, GATEWAY_DRAIN_S="0", GATEWAY_REQUEST_TIMEOUT_S=str(HEAD_S)) as gateway:
        yield gateway


def connected(gateway: RunningGateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(gateway.url.rsplit(":", 1)[1])), timeout=LONG_S)


def said(gateway: RunningGateway, sent: bytes) -> bytes:
    """All that comes back for these bytes until the gateway closes the connection."""
    with connected(gateway) as client:
        client.sendall(sent)
        return b"".join(iter(lambda: client.recv(65536), b""))


class NotingProtocol(HttpProtocol):
    """Knows how much has come."""

    received_bytes = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.received_bytes += len(data)


@asynccontextmanager
async def in_process(answering: Answering) -> AsyncIterator[tuple[int, set[Any]]]:
    """The protocol alone, before anything that answers: its port and the connections it holds."""
    bounds, state = Bounds(HEAD_BYTES, LONG_S, 1_000_000, LONG_S), ServerState()
    protocol = partial(NotingProtocol, answering, bounds, config=Config(""), server_state=state, app_state={})
    async with await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], state.connections


def said_at_last(begun: bytes) -> bytes:
    """All that comes back to a client that sends this, and then nothing for longer than it may."""
    federation = library()
    app = create_app(federation.supergraph, federation.settings, federation)

    async def meet() -> bytes:
        async with in_process(app.answer) as (port, connections):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            while sum(each.received_bytes for each in connections) < len(begun) or not connections:  # noqa: ASYNC110 — the protocol tells nobody
                await asyncio.sleep(0)
            answering = asyncio.ensure_future(reader.read())
            await time_flies_until(answering.done)
            writer.close()
            return await answering

    return run_leaping(meet())


async def time_flies_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        leap(LONG_S)
        await asyncio.sleep(0)


def statuses(answer: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def post(headers: bytes = b"", body: bytes = QUERY, *, length: bool = True) -> bytes:
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
    own = b"content-length: %d\r\n" % len(body) if length else b""
    return head + headers + own + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


CHUNKED = b"transfer-encoding: chunked\r\n"
KEPT = post().replace(b"connection: close\r\n", b"")


@pytest.mark.parametrize(
    "sent",
    [
        post(CHUNKED),
        post(CHUNKED + b"content-length: 4\r\n", chunked(QUERY), length=False),
        post(b"content-length: 3\r\n"),
        post(b"content-length: %d\r\n" % len(QUERY)),
        post(b"content-length: 28, 28\r\n", length=False),
        post(b"content-length: +28\r\n", length=False),
        post(b"content-length: -1\r\n", length=False),
        post(b"content-length: 99999999999999999999999\r\n", length=False),
        post(b"transfer-encoding : chunked\r\n", chunked(QUERY), length=False),
        post(b"transfer-encoding: xchunked\r\n", chunked(QUERY), length=False),
        post(b"transfer-encoding: \x0bchunked\r\n", chunked(QUERY), length=False),
        post(b"transfer-encoding: chunked, gzip\r\n", chunked(QUERY), length=False),
        post(b"transfer-encoding:\r\n chunked\r\n", chunked(QUERY), length=False),
        post(CHUNKED + CHUNKED, chunked(QUERY), length=False),
        post(CHUNKED, b"zz\r\n" + QUERY + b"\r\n0\r\n\r\n", length=False),
        post(CHUNKED, b"ffffffffffffffff1\r\n" + QUERY, length=False),
        post(CHUNKED, b"1c\n" + QUERY + b"\r\n0\r\n\r\n", length=False),
        post(b"x-a: b\r\n c: d\r\n"),
        post(b"x-request-id: a\rauthorization: b\r\n"),
        post(b"x-request-id: a\x00b\r\n"),
        post(b"x a: b\r\n"),
        post(b"no colon\r\n"),
        post().replace(b"\r\n", b"\n"),
        post().replace(b"HTTP/1.1", b"HTTP/3.9"),
        post(b"host: y\r\n"),
        post().replace(b"host: x\r\n", b""),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    ],
)
def test_what_two_servers_could_read_differently_is_refused(
    gateway: RunningGateway, subgraphs: Subgraphs, sent: bytes
) -> None:
    subgraphs.asked.clear()

    answer = said(gateway, sent)

    assert statuses(answer) == [400], answer
    assert not subgraphs.asked.is_set()


@pytest.mark.parametrize(
    "sent",
    [
        post(),
        post(CHUNKED, chunked(QUERY), length=False),
        post(CHUNKED, b"1c;a=b\r\n" + QUERY + b"\r\n0\r\nx-trailer: y\r\n\r\n", length=False),
        post().replace(b"HTTP/1.1", b"HTTP/1.0"),
        post().replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"host: x\r\n", b""),
        post().replace(b"/graphql", b"http://x/graphql"),
    ],
)
def test_what_is_plain_http_is_served(gateway: RunningGateway, sent: bytes) -> None:
    answer = said(gateway, sent)

    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == ANSWER


def test_requests_sent_together_are_answered_in_their_order(gateway: RunningGateway) -> None:
    first = post(body=b'{"query":"{ me { email } }"}').replace(b"connection: close\r\n", b"")
    answer = said(gateway, first + post(body=b'{"query":"{ me { id } }"}'))

    assert statuses(answer) == [200, 200]
    assert answer.index(b"ben@example.com") < answer.index(b'"m1"')


def test_a_body_that_comes_while_the_request_before_is_answered_is_read(gateway: RunningGateway) -> None:
    second = post()

    with connected(gateway) as client:
        client.sendall(KEPT + second[:-10])
        first = client.recv(65536)
        client.sendall(second[-10:])
        rest = b"".join(iter(lambda: client.recv(65536), b""))

    assert (statuses(first), statuses(rest)) == ([200], [200])


def test_a_request_inside_a_body_stays_inside(gateway: RunningGateway) -> None:
    answer = said(gateway, post(body=QUERY + b"GET /graphiql HTTP/1.1\r\nhost: x\r\n\r\n"))

    assert statuses(answer) == [400]
    assert b"The body is not JSON." in answer


@pytest.mark.parametrize("wanted", [b"/graphql", b"/nowhere"])
def test_trailers_without_end_are_not_read_to_their_end(gateway: RunningGateway, wanted: bytes) -> None:
    begun = KEPT.partition(b"content-length")[0].replace(b"/graphql", wanted) + CHUNKED + b"\r\n"

    with connected(gateway) as client, pytest.raises(ConnectionError):
        client.sendall(begun + b"1c\r\n" + QUERY + b"\r\n0\r\nx-trailer: " + b"a" * 20_000_000)


LINE = b"x-a: " + b"a" * 93 + b"\r\n"


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /graphql?query=",
        b"G",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\nx-a: ",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\n" + LINE * 75,
    ],
)
def test_a_head_without_end_is_not_read_to_its_end(gateway: RunningGateway, begun: bytes) -> None:
    line = LINE * 100 if begun.endswith(b"\n") else b"a" * 10_000

    with connected(gateway) as client, pytest.raises(ConnectionError):
        client.sendall(begun + line * 2_000)


def test_a_head_may_have_as_many_bytes_as_the_limit_says(gateway: RunningGateway) -> None:
    assert statuses(said(gateway, post(LINE * 75))) == [200]
    assert statuses(said(gateway, post(LINE * 85))) == [431]


def test_a_large_body_is_not_taken_for_a_large_head(gateway: RunningGateway) -> None:
    padded = json.dumps({"query": "{ me { email } }", "extensions": {"padding": "x" * 50_000}}).encode()

    assert statuses(said(gateway, post(body=padded))) == [200]


@pytest.mark.parametrize("begun", [b"", b"POST /graphql HTTP/1.1\r\n", post()[:-10]])
def test_a_client_that_stops_in_the_middle_is_given_up(begun: bytes) -> None:
    assert statuses(said_at_last(begun)) == ([408] if begun else [])


def test_a_client_that_stops_in_the_middle_of_a_later_request_is_given_up() -> None:
    assert statuses(said_at_last(KEPT + b"POST /gra")) == [200, 408]


def test_other_clients_are_served_beside_a_hundred_that_say_nothing(gateway: RunningGateway) -> None:
    silent = [connected(gateway) for _ in range(100)]
    for client in silent:
        client.sendall(post()[:-1])

    assert statuses(said(gateway, post())) == [200]

    for client in silent:
        client.close()


def test_no_path_leads_out_of_the_pages(gateway: RunningGateway) -> None:
    here = Path(__file__).name
    for path in (
        f"/../../tests/gateway/{here}",
        f"/assets/%2e%2e/%2e%2e/{here}",
        "//etc/passwd",
        "/assets/%00",
    ):
        assert statuses(
            said(gateway, f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        ) == [404]


def test_a_trailer_is_no_header(gateway: RunningGateway) -> None:
    """Who may add a trailer need not be who may say in whose name a request comes."""
    answer = said(
        gateway,
        post(CHUNKED, b"1c\r\n" + QUERY + b"\r\n0\r\nx-request-id: mine\r\n\r\n", length=False),
    )

    assert statuses(answer) == [200]
    assert b"x-request-id: mine" not in answer


def test_what_cannot_be_read_is_refused_after_what_came_before_is_answered(gateway: RunningGateway) -> None:
    answer = said(gateway, KEPT + KEPT + b"\x16\x03\x01 nonsense\r\n\r\n")

    assert statuses(answer) == [200, 200, 400]


def test_a_head_that_begins_behind_a_large_body_is_not_taken_for_a_large_one(gateway: RunningGateway) -> None:
    padded = json.dumps({"query": "{ me { email } }", "extensions": {"padding": "x" * 20_000}}).encode()
    first = post(body=padded).replace(b"connection: close\r\n", b"")

    with connected(gateway) as client:
        client.sendall(first + post()[:40])
        begun = client.recv(65536)
        client.sendall(post()[40:])
        rest = b"".join(iter(lambda: client.recv(65536), b""))

    assert statuses(begun + rest) == [200, 200]


def test_a_body_that_is_too_large_is_refused_before_it_ends_and_the_connection_goes_on(
    subgraphs: Subgraphs,
) -> None:
    with (
        running_gateway(subgraphs, GATEWAY_DRAIN_S="0", GATEWAY_LIMIT_BODY_BYTES="1000") as gateway,
        connected(gateway) as client,
    ):
        large = KEPT.partition(b"content-length")[0] + b"content-length: 5000\r\n\r\n"
        client.sendall(large + b"x" * 2000)
        refused = client.recv(65536)
        client.sendall(b"x" * 3000 + post())
        rest = b"".join(iter(lambda: client.recv(65536), b""))

    assert (statuses(refused), statuses(rest)) == ([413], [200])


def test_a_stop_does_not_wait_for_a_body_that_nobody_wants(subgraphs: Subgraphs) -> None:
    with running_gateway(subgraphs, GATEWAY_DRAIN_S="0") as gateway, connected(gateway) as client:
        client.sendall(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        client.recv(65536)
        gateway.signal(signal.SIGTERM)

        assert gateway.status() == 0


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(gateway: RunningGateway) -> None:
    whole = post(b"expect: 100-continue\r\n")
    head, body = whole[: -len(QUERY)], whole[-len(QUERY) :]

    with connected(gateway) as client:
        client.sendall(head)
        first = client.recv(65536)
        client.sendall(body)
        rest = b"".join(iter(lambda: client.recv(65536), b""))

    assert (statuses(first), statuses(rest)) == ([100], [200])


def test_a_client_that_was_not_told_to_send_its_body_is_not_taken_to_send_it(gateway: RunningGateway) -> None:
    refused = post(b"expect: 100-continue\r\n").replace(b"connection: close\r\n", b"")[: -len(QUERY)]

    with connected(gateway) as client:
        client.sendall(refused.replace(b"/graphql", b"/nowhere"))
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert statuses(answer) == [405]
    assert b"connection: close" in answer


def test_an_old_client_is_not_told_to_go_on() -> None:
    asked = post(b"expect: 100-continue\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")

    assert statuses(said_at_last(asked[: -len(QUERY)])) == [408]


def test_another_protocol_is_declined_by_answering_in_this_one(gateway: RunningGateway) -> None:
    asked = post(b"upgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n")
    asked = asked.replace(b"connection: close", b"connection: Upgrade, HTTP2-Settings")

    assert statuses(said(gateway, asked + post())) == [200, 200]


def test_as_many_offers_of_another_protocol_are_declined_as_come_at_once(gateway: RunningGateway) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: z\r\n\r\n"

    assert statuses(said(gateway, asked * 2_000 + post())) == [200] * 2_001


def test_what_connection_says_besides_an_offer_still_holds(gateway: RunningGateway) -> None:
    offer = b"upgrade: h2c\r\nauthorization: Bearer x\r\n"
    closing = post(offer).replace(b"connection: close", b"connection: upgrade, close")
    naming = post(offer).replace(b"connection: close", b"connection: upgrade, authorization, close")

    assert [statuses(said(gateway, asked)) for asked in (closing, naming)] == [[200], [400]]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_an_old_client_cannot_offer_another_protocol(gateway: RunningGateway, protocol: bytes) -> None:
    asked = b"GET /healthz HTTP/1.0\r\nconnection: upgrade\r\nupgrade: " + protocol + b"\r\n\r\n"

    answer = said(gateway, asked)

    assert statuses(answer) == [200]
    assert b"connection: close" in answer


def test_a_websocket_behind_a_request_that_is_being_answered_is_none(gateway: RunningGateway) -> None:
    upgrade = (
        b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nsec-websocket-version: 13\r\n\r\n"
    )

    assert statuses(said(gateway, KEPT + upgrade + post())) == [200, 400, 200]


def test_a_page_may_be_asked_for_its_head_alone(gateway: RunningGateway) -> None:
    answer = said(gateway, b"HEAD /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert statuses(head) == [200]
    assert (b"content-length: 15" in head, body) == (True, b"")


def test_an_address_without_a_path_is_that_of_the_root(gateway: RunningGateway) -> None:
    answers = [
        said(gateway, b"GET " + address + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        for address in (b"/", b"http://x", b"http://x?a=b")
    ]

    assert [statuses(each) for each in answers] == [[307]] * 3


def test_every_response_has_a_date_and_names_the_request(gateway: RunningGateway) -> None:
    for asked in (post(), b"GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"):
        head = said(gateway, asked).partition(b"\r\n\r\n")[0].lower()
        assert b"\r\ndate: " in head
        assert b"\r\nx-request-id: " in head


def test_a_connection_that_is_not_used_again_is_closed(subgraphs: Subgraphs) -> None:
    with running_gateway(subgraphs, GATEWAY_DRAIN_S="0", GATEWAY_IDLE_CONNECTION_S="0.3") as gateway:
        answer = said(gateway, KEPT)

    assert statuses(answer) == [200]


def test_a_client_that_takes_no_answers_is_given_up(hasty_gateway: RunningGateway) -> None:
    whole = json.dumps({"query": get_introspection_query()}).encode()
    asked = post(body=whole).replace(b"connection: close\r\n", b"") * 60

    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(hasty_gateway.url.rsplit(":", 1)[1])))
        client.settimeout(LONG_S)
        with pytest.raises(ConnectionError):
            client.sendall(asked * 100)


def test_a_client_that_does_not_take_its_last_answer_is_given_up() -> None:
    async def answering(exchange: HttpExchange) -> None:
        await exchange.reply(Reply(200, bytes(20_000_000)))

    async def meet() -> None:
        async with in_process(answering) as (port, connections):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
            writer.write(post())
            await reader.read(1)
            await time_flies_until(lambda: not connections)
            writer.transport.abort()

    run_leaping(meet())


class FaultyLog(AccessLog):
    def write(self, line: Mapping[str, Any]) -> None:  # noqa: ARG002 — whatever it says
        raise ZeroDivisionError


def test_after_a_stream_that_began_no_other_response_is_written_for_it() -> None:
    federation = library()
    log = FaultyLog(io.BytesIO())
    app = create_app(federation.supergraph, federation.settings, federation, observers=Observers(log))

    async def meet() -> bytes:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with in_process(app.answer) as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            streamed = post(b"accept: text/event-stream\r\n").replace(b"connection: close\r\n", b"")
            writer.write(streamed)
            await reader.readuntil(b"\r\n0\r\n\r\n")
            writer.write(post())
            answer = await reader.read()
            writer.close()
            return answer

    assert statuses(asyncio.run(meet())) == [200]


def test_a_fault_that_nobody_caught_ends_the_connection() -> None:
    async def answering(_: HttpExchange) -> None:
        raise ZeroDivisionError

    async def meet() -> bytes:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with in_process(answering) as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(KEPT)
            async with asyncio.timeout(LONG_S / 3):
                answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(meet()) == b""


def test_an_old_client_gets_a_stream_without_chunks() -> None:
    """HTTP/1.0 does not know them: the stream ends with the connection."""
    with serving_subgraphs() as own, running_gateway(own, GATEWAY_DRAIN_S="0") as gateway:
        asked = post(b"accept: text/event-stream\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")
        head, _, body = said(gateway, asked).partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head
    assert body.startswith((b":", b"event: next"))
    assert body.endswith(b"event: complete\ndata: \n\n")
