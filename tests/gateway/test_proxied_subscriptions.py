"""Subscriptions where subgraphs are reached through a proxy."""

import asyncio
from contextlib import aclosing

import pytest

from gateway.errors import SubgraphUnavailable
from gateway.planner.query_plan import Fetch
from gateway.subgraphs.events import SubgraphEvents
from gateway.subgraphs.sse import stream_transport
from gateway.supergraph.model import Subgraph
from tests.gateway.testbed import unhurried

FETCH = Fetch(0, "lots", "LOTS", "subscription", "subscription { secondsLeft }", frozenset(), (), 0)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("http://lots.example/graphql", b"POST http://lots.example/graphql HTTP/1.1\r\n"),
        ("https://lots.example/graphql", b"CONNECT lots.example:443 HTTP/1.1\r\n"),
        ("ws://lots.example/graphql", b"CONNECT lots.example:80 HTTP/1.1\r\n"),
    ],
)
def test_the_proxy_is_asked_and_nobody_else(address: str, asked: bytes) -> None:
    """The proxy lets nobody through."""
    heard: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async def story() -> None:
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            subgraphs = {"LOTS": Subgraph("LOTS", "lots", address)}
            transport = stream_transport(proxy)
            events = SubgraphEvents(subgraphs, transport, unhurried(subgraph_proxy=proxy))
            async with aclosing(events.events(FETCH, {}, ())) as stream:
                with pytest.raises(SubgraphUnavailable):
                    await anext(stream)
            await transport.aclose()

    asyncio.run(story())

    assert heard == [asked]
