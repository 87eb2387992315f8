"""With GATEWAY_SUBGRAPH_PROXY, subgraphs are reached through an HTTP proxy."""

import asyncio

import httpx

from gateway.app import create_app
from gateway.settings import read_settings
from tests.gateway.test_entities import library

EMMA = b'{"data":{"book":{"title":"Emma"}}}'


def test_requests_to_subgraphs_go_through_the_proxy() -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(EMMA), EMMA))
        await writer.drain()
        writer.close()

    async def story() -> bytes:
        async with await asyncio.start_server(proxy, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            settings = read_settings({"GATEWAY_SUBGRAPH_PROXY": f"http://127.0.0.1:{port}"})
            app = create_app(library().supergraph, settings)
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://gateway"
            ) as client:
                response = await client.post("/graphql", json={"query": "{ book(isbn: 1) { title } }"})
        return response.content

    assert asyncio.run(story()) == EMMA
    assert asked == [b"POST http://books/graphql HTTP/1.1\r\n"]
