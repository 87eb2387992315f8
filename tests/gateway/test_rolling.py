"""Gateways are reloaded and replaced under load, and no request fails."""

import asyncio
import json
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import httpx
import pytest

from tests.gateway.balancer import balancing
from tests.gateway.load import Load, loading
from tests.gateway.patience import LONG_S
from tests.gateway.running_gateway import (
    LIBRARY,
    RunningGateway,
    Subgraphs,
    running_gateway,
    serving_subgraphs,
)
from tests.gateway.test_entities import library

QUERY = "{ me { email loans { days book { title isLent } } } }"
AN_HOUR = "3600"
RIGHT = json.dumps(library().truth(QUERY)["data"])


@pytest.fixture
def subgraphs() -> Iterator[Subgraphs]:
    with serving_subgraphs() as server:
        yield server


@pytest.fixture
def supergraph(tmp_path: Path) -> Path:
    path = tmp_path / "supergraph.graphql"
    shutil.copy(LIBRARY, path)
    return path


def assert_nothing_failed(load: Load) -> None:
    assert load.failures == []
    assert load.answers.total() > 0


# --- another supergraph ---------------------------------------------------------------------------------------------


def test_a_reload_under_load_fails_no_request(subgraphs: Subgraphs, supergraph: Path) -> None:
    async def story(gateway: RunningGateway) -> Load:
        async with loading(gateway.url, QUERY) as load:
            await load.until(40)
            opened = subgraphs.connections
            for number in range(3):
                _put(supergraph, f"{LIBRARY.read_text()}\n# {number}\n")
                await asyncio.to_thread(gateway.wait_for, "is reloaded", times=number + 1)
                await load.until(40)
            _put(supergraph, "type Query {")
            await asyncio.to_thread(gateway.wait_for, "is refused")
            await load.until(40)
        assert subgraphs.connections <= opened + 6, "one more for each client at most"
        return load

    with running_gateway(subgraphs, supergraph=supergraph) as gateway:
        load = asyncio.run(story(gateway))

    assert_nothing_failed(load)
    assert set(load.answers) == {RIGHT}
    assert len(gateway.heard("is refused, the one before stays in use")) == 1


def test_sighup_reloads_at_once(subgraphs: Subgraphs, supergraph: Path) -> None:
    with running_gateway(subgraphs, supergraph=supergraph) as gateway:
        before = _description(gateway)
        _put(supergraph, LIBRARY.read_text().replace("type Member ", '"Somebody." type Member '))
        gateway.signal(signal.SIGHUP)
        gateway.wait_for("is reloaded")

        assert (before, _description(gateway)) == (None, "Somebody.")


def test_the_manifest_of_trusted_documents_is_reloaded_too(subgraphs: Subgraphs, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    _put(manifest, json.dumps({"mine": QUERY}))

    with running_gateway(subgraphs, GATEWAY_TRUSTED_DOCUMENTS=str(manifest)) as gateway:
        before = _codes(gateway, "{ books { title } }")
        _put(manifest, "{")
        gateway.signal(signal.SIGHUP)
        gateway.wait_for("is refused, the one before stays in use")
        meanwhile = _codes(gateway, QUERY)
        _put(manifest, json.dumps({"others": "{ books { title } }"}))
        gateway.signal(signal.SIGHUP)
        gateway.wait_for("manifest.json is reloaded")
        after = _codes(gateway, "{ books { title } }"), _codes(gateway, QUERY)

    refused = ["DOCUMENT_NOT_TRUSTED"]
    assert (before, meanwhile, after) == (refused, [], ([], refused))


def _codes(gateway: RunningGateway, query: str) -> list[str]:
    answer = gateway.ask(query).json()
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


def _description(gateway: RunningGateway) -> str | None:
    query = '{ __type(name: "Member") { description } }'
    answer = gateway.ask(query).json()
    description: str | None = answer["data"]["__type"]["description"]
    return description


def _put(path: Path, content: str) -> None:
    """As deployments do it: written beside, then put in place in one step."""
    beside = path.with_suffix(".new")
    beside.write_text(content)
    beside.replace(path)


# --- another process ------------------------------------------------------------------------------------------------


def test_gateways_behind_a_load_balancer_are_replaced_one_by_one_without_a_failed_request(
    subgraphs: Subgraphs,
) -> None:
    """The old one drains until the balancer knows, however long that takes: a second signal ends it."""

    async def story(old: RunningGateway, new: RunningGateway) -> Load:
        async with balancing() as (balancer, url):
            balancer.add(old.url)
            await balancer.until_ready(old.url)
            async with loading(url, QUERY) as load:
                await load.until(40)
                balancer.add(new.url)
                await balancer.until_ready(old.url, new.url)
                old.signal(signal.SIGTERM)
                await asyncio.to_thread(old.wait_for, "draining")
                await balancer.until_ready(new.url)
                await load.until(40)
                await asyncio.to_thread(_until_taken, old)
                old.signal(signal.SIGTERM)
                assert await asyncio.to_thread(old.status) == 0
                await load.until(40)
            return load

    with (
        running_gateway(subgraphs, GATEWAY_DRAIN_S=AN_HOUR) as old,
        running_gateway(subgraphs, GATEWAY_DRAIN_S=AN_HOUR) as new,
    ):
        load = asyncio.run(story(old, new))

    assert_nothing_failed(load)
    assert set(load.answers) == {RIGHT}


PATIENT_WITH_THE_LAST = f"""
import sys
from gateway import server
from gateway.__main__ import main
server.FIRST_REQUEST_WITHIN_S = {LONG_S}
sys.exit(main())
"""


def test_a_request_that_is_under_way_when_the_port_closes_is_answered(subgraphs: Subgraphs) -> None:
    """The connection was taken, and what the client sends is still on its way."""
    with running_gateway(subgraphs, program=("-c", PATIENT_WITH_THE_LAST), GATEWAY_DRAIN_S="0") as gateway:
        address = httpx.URL(gateway.url)
        with socket.create_connection((address.host, address.port or 0), timeout=LONG_S) as connection:
            _until_taken(gateway)
            gateway.signal(signal.SIGTERM)
            gateway.wait_for("draining")
            body = json.dumps({"query": QUERY})
            head = f"POST /graphql HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            connection.sendall(f"{head}\r\n\r\n{body}".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))

        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in answer
        assert gateway.status() == 0


def _until_taken(gateway: RunningGateway) -> None:
    """Connections are taken in the order they come: when a later one is answered, the ones before are taken."""
    gateway.get("/healthz")


# --- one socket that outlives the processes ---------------------------------------------------------------------------


def sharing(subgraphs: Subgraphs, listening: socket.socket) -> AbstractContextManager[RunningGateway]:
    fd = listening.fileno()
    return running_gateway(subgraphs, "--fd", str(fd), pass_fds=(fd,), GATEWAY_DRAIN_S="0.5")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends every gateway a test has started, when its requests have all been answered."""
    with ExitStack() as stack:
        yield stack


def test_a_gateway_takes_over_the_socket_of_another_without_a_failed_request(
    subgraphs: Subgraphs, stack: ExitStack
) -> None:
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))
    old = stack.enter_context(sharing(subgraphs, listening))

    async def story() -> Load:
        async with loading(old.url, QUERY) as load:
            await load.until(40)
            await asyncio.to_thread(stack.enter_context, sharing(subgraphs, listening))
            old.signal(signal.SIGTERM)
            assert await asyncio.to_thread(old.status) == 0
            await load.until(40)
        return load

    assert_nothing_failed(asyncio.run(story()))


def test_connections_wait_while_one_gateway_ends_and_the_next_begins(
    subgraphs: Subgraphs, stack: ExitStack
) -> None:
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))
    old = stack.enter_context(sharing(subgraphs, listening))

    async def story() -> Load:
        async with loading(old.url, QUERY) as load:
            await load.until(40)
            old.signal(signal.SIGTERM)
            assert await asyncio.to_thread(old.status) == 0
            await asyncio.to_thread(stack.enter_context, sharing(subgraphs, listening))
            await load.until(40)
        return load

    assert_nothing_failed(asyncio.run(story()))


def test_a_draining_gateway_still_takes_new_connections_and_says_that_it_is_not_ready(
    subgraphs: Subgraphs,
) -> None:
    with running_gateway(subgraphs, GATEWAY_DRAIN_S=AN_HOUR) as gateway:
        gateway.signal(signal.SIGTERM)
        gateway.wait_for("draining")
        ready, answer, alive = gateway.get("/readyz"), gateway.ask(QUERY), gateway.get("/healthz")

        gateway.signal(signal.SIGTERM)  # now it does not wait for load balancers
        status = gateway.status()

    assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert json.dumps(answer.json()["data"]) == RIGHT
    assert alive.status_code == 200
    assert status == 0


def test_at_a_keyboard_it_ends_without_waiting_for_load_balancers(subgraphs: Subgraphs) -> None:
    with running_gateway(subgraphs, GATEWAY_DRAIN_S=AN_HOUR) as gateway:
        gateway.signal(signal.SIGINT)

        assert gateway.status() == 0
