"""Subscriptions over real sockets: every protocol of clients with every protocol of subgraphs.

The gateway is a process, `lots` is another one (strawberry_lots.py), the other subgraphs answer from this one.
"""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from gateway.event_stream import EventStreamReader
from tests.gateway.auction import Auction, scripted
from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import ROOT, RunningGateway, running_gateway, serving_subgraphs
from tests.gateway.strawberry_lots import FLOOD
from tests.gateway.testbed import SUPERGRAPHS

BIDS = "subscription { bidPlaced { amount lot { title postage } bidder { name } } }"
FLOODING = "subscription { lotOnSale { title weight } }"
LITTLE = (socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
"""What a client's system keeps for it unread; left to itself, Linux lets it grow to tens of megabytes."""


class Lots:
    """The `lots` process, and what is known of it by what it says."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.gateway.strawberry_lots"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        self.open = 0
        """How many subscriptions are."""
        self.caller = ""
        """Of the last one."""
        self.shown = 0
        """How many events of the last flood were taken from it."""
        self._has_changed = threading.Condition()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._has_changed:
                self._note(line.strip())
                self._has_changed.notify_all()

    def _note(self, line: str) -> None:
        if line.startswith("opened by "):
            self.open, self.caller = self.open + 1, line.removeprefix("opened by ")
        elif line == "closed":
            self.open -= 1
        elif line.startswith("shown "):
            self.shown = int(line.split()[1]) + 1

    def wait_until_open(self, count: int) -> None:
        with self._has_changed:
            assert self._has_changed.wait_for(lambda: self.open == count, LONG_S), self.open

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._listener.join()
        assert self.process.stdout
        self.process.stdout.close()


class Client(Protocol):
    """Somebody who has subscribed."""

    def next(self) -> tuple[str, Any]:
        """(`next`, the answer), (`complete`, None) or (`closed`, how)."""
        ...

    def leave(self) -> None: ...


class SseClient:
    def __init__(self, url: str, query: str) -> None:
        transport = httpx.HTTPTransport(socket_options=[LITTLE])
        caller = {"authorization": "Bearer ann"}
        self._http = httpx.Client(base_url=url, timeout=LONG_S, headers=caller, transport=transport)
        headers = {"accept": "text/event-stream"}
        request = self._http.build_request("POST", "/graphql", json={"query": query}, headers=headers)
        self._response = self._http.send(request, stream=True)
        assert self._response.status_code == 200
        self._events = self._read()

    def _read(self) -> Iterator[tuple[str, Any]]:
        reader = EventStreamReader(1_000_000)
        for chunk in self._response.iter_raw():
            for event in reader.read(chunk):
                yield event.name, json.loads(event.data or b"null")

    def next(self) -> tuple[str, Any]:
        return next(self._events, ("closed", "properly"))

    def leave(self) -> None:
        self._response.close()
        self._http.close()


class WsClient:
    def __init__(self, url: str, query: str) -> None:
        self._stack = ExitStack()
        self._socket = self._stack.enter_context(connected(url))
        self._socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))

    def next(self) -> tuple[str, Any]:
        try:
            message = json.loads(self._socket.recv(timeout=LONG_S))
        except ConnectionClosed as closed:
            return "closed", closed.rcvd.code if closed.rcvd else None
        return message["type"], message.get("payload")

    def leave(self) -> None:
        self._stack.close()


def opened(url: str, **others: Any) -> connect:
    subprotocols = [Subprotocol("graphql-transport-ws")]
    address = url.replace("http", "ws", 1) + "/graphql"
    return connect(address, subprotocols=subprotocols, max_queue=1, max_size=10_000_000, proxy=None, **others)


@contextmanager
def connected(url: str) -> Iterator[ClientConnection]:
    with opened(url, sock=little_socket(url)) as client:
        client.send(json.dumps({"type": "connection_init", "payload": {"authorization": "Bearer ann"}}))
        assert json.loads(client.recv(timeout=LONG_S)) == {"type": "connection_ack"}
        yield client


def little_socket(url: str) -> socket.socket:
    address = httpx.URL(url)
    plain = socket.socket()
    plain.setsockopt(*LITTLE)
    plain.connect((address.host, address.port))
    return plain


CLIENTS = {"sse": SseClient, "ws": WsClient}


@dataclass
class House:
    """Everything that runs."""

    gateway: RunningGateway
    lots: Lots
    clients: str
    """Their protocol."""

    @contextmanager
    def subscribed(self, query: str) -> Iterator[Client]:
        client = CLIENTS[self.clients](self.gateway.url, query)
        try:
            yield client
        finally:
            client.leave()

    def bid(self, amount: int) -> None:
        mutation = f'mutation {{ bid(lot: "l1", amount: {amount}) {{ amount }} }}'
        answer = httpx.post(f"{self.gateway.url}/graphql", json={"query": mutation}, timeout=LONG_S).json()
        assert answer == {"data": {"bid": None}}


@contextmanager
def opened_house(protocols: str, **environment: str) -> Iterator[House]:
    clients, _, subgraphs = protocols.split()
    lots = Lots()
    try:
        with serving_subgraphs(Auction(scripted())) as others:
            environment = {
                "SUBGRAPH_URL_LOTS": lots.url,
                "SUBGRAPH_SUBSCRIPTIONS_LOTS": subgraphs,
                "SUBGRAPH_URL_PEOPLE": others.url("people"),
                "SUBGRAPH_URL_ESTIMATES": others.url("estimates"),
                "GATEWAY_DRAIN_S": "0",
            } | environment
            supergraph = SUPERGRAPHS / "subscriptions.graphql"
            with running_gateway(others, supergraph=supergraph, **environment) as gateway:
                yield House(gateway, lots, clients)
    finally:
        lots.stop()


PROTOCOLS = ["sse to sse", "ws to ws", "sse to ws", "ws to sse"]


@pytest.fixture(params=PROTOCOLS, scope="module")
def shared_house(request: pytest.FixtureRequest) -> Iterator[House]:
    with opened_house(request.param) as house:
        yield house


@pytest.fixture
def house(shared_house: House) -> House:
    shared_house.lots.wait_until_open(0)
    return shared_house


@pytest.fixture(params=PROTOCOLS)
def doomed_house(request: pytest.FixtureRequest) -> Iterator[House]:
    """One of which something does not survive the test."""
    with opened_house(request.param) as house:
        yield house


def answered(amount: int) -> tuple[str, Any]:
    placed = {"amount": amount, "lot": {"title": "Vase", "postage": 30}, "bidder": {"name": "Ann"}}
    return "next", {"data": {"bidPlaced": placed}}


def test_events_are_completed_until_the_end(house: House) -> None:
    with house.subscribed(BIDS) as client:
        house.lots.wait_until_open(1)
        for amount in (10, 20, 30):
            house.bid(amount)
            assert client.next() == answered(amount)
        house.bid(0)
        assert client.next() == ("complete", None)
        house.lots.wait_until_open(0)
    assert house.lots.caller == "Bearer ann"


def test_when_a_client_leaves_its_subscription_at_the_subgraph_ends(house: House) -> None:
    with house.subscribed(BIDS) as staying:
        house.lots.wait_until_open(1)
        with house.subscribed(BIDS):
            house.lots.wait_until_open(2)
        house.lots.wait_until_open(1)
        house.bid(10)
        assert staying.next() == answered(10)


def test_an_error_of_the_subgraphs_resolver_is_an_answer(house: House) -> None:
    with house.subscribed("subscription { secondsLeft }") as client:
        name, answer = client.next()
        assert (name, answer["data"]) == ("next", None)
        assert answer["errors"][0]["message"] == "The clock is broken."
        assert answer["errors"][0]["extensions"]["service"] == "lots"
        assert client.next() == ("complete", None)


def test_a_client_that_does_not_read_stops_the_subgraph_and_fills_no_memory(house: House) -> None:
    with house.subscribed(FLOODING) as client:
        taken = settled(house.lots)
        assert taken < FLOOD * 3 / 4

        weights = []
        while (event := client.next())[0] == "next":
            weights.append(event[1]["data"]["lotOnSale"]["weight"])

    assert event == ("complete", None)
    assert weights == list(range(FLOOD))


def settled(lots: Lots) -> int:
    """How much was taken of the flood when no more of it is."""
    before, unchanged = 0, 0
    pause = threading.Event()
    while unchanged < 20:
        pause.wait(0.05)
        unchanged = unchanged + 1 if lots.shown == before > 0 else 0
        before = lots.shown
    return before


def test_a_subgraph_that_is_killed_ends_the_stream_with_an_error(doomed_house: House) -> None:
    with doomed_house.subscribed(BIDS) as client:
        doomed_house.lots.wait_until_open(1)
        doomed_house.bid(10)
        assert client.next() == answered(10)
        doomed_house.lots.process.kill()

        assert is_unavailable(client.next())
        assert client.next() == ("complete", None)

    with doomed_house.subscribed(BIDS) as late:
        assert is_unavailable(late.next())
        assert late.next() == ("complete", None)


def is_unavailable(event: tuple[str, Any]) -> bool:
    name, answer = event
    assert (name, answer["data"]) == ("next", None)
    assert answer["errors"][0]["extensions"] == {"code": "SUBGRAPH_UNAVAILABLE", "service": "lots"}
    return True


def test_sigterm_ends_subscriptions_so_that_clients_come_again_elsewhere(doomed_house: House) -> None:
    with doomed_house.subscribed(BIDS) as client:
        doomed_house.lots.wait_until_open(1)
        doomed_house.gateway.signal(signal.SIGTERM)

        assert client.next() == ("closed", 1001 if doomed_house.clients == "ws" else "properly")
        doomed_house.lots.wait_until_open(0)
    assert doomed_house.gateway.status() == 0


def test_a_silent_event_stream_is_filled_with_comments() -> None:
    with opened_house("sse to sse", GATEWAY_KEEP_ALIVE_S="0.1") as house, house.subscribed(BIDS) as client:
        assert isinstance(client, SseClient)
        chunks = client._response.iter_raw()
        assert [next(chunks) for _ in range(3)] == [b":\n\n"] * 3


def test_a_silent_websocket_is_pinged() -> None:
    with (
        opened_house("ws to sse", GATEWAY_KEEP_ALIVE_S="0.1") as house,
        socket.create_connection(("127.0.0.1", int(house.gateway.url.rpartition(":")[2])), LONG_S) as raw,
    ):
        raw.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        received = raw.makefile("rb")
        while received.readline().strip():
            pass
        assert received.read(1) == b"\x89"  # a ping


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_of_another_site_gets_no_websocket(house: House, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"), opened(house.gateway.url, origin=Origin(origin)):
        pass
    with connected(house.gateway.url):
        pass


def answer_to(client: ClientConnection, message: str) -> str | bytes:
    client.send(message)
    return client.recv(timeout=LONG_S)


def test_a_large_message_is_refused_before_it_is_held(house: House) -> None:
    with connected(house.gateway.url) as client, pytest.raises(ConnectionClosed) as closed:
        answer_to(client, json.dumps({"type": "ping", "payload": {"x": "x" * 2_000_000}}))

    # It is refused while its end is still being sent, so the reason can be lost with the connection.
    assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
