"""Requests through the ASGI application as a client with ordinary tools would send them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.testbed import Federation

BOOK = "{ book(isbn: 1) { title } }"
EMMA = {"data": {"book": {"title": "Emma"}}}

Headers = Sequence[tuple[str, str]]


def ask(
    federation: Federation,
    settings: Settings | None = None,
    *,
    method: str = "POST",
    headers: Headers = (),
    **request: Any,
) -> httpx.Response:
    """*request*: as httpx has it; without one, a query for a book."""
    if not request:
        request = {"json": {"query": BOOK}} if method == "POST" else {"params": {"query": BOOK}}

    async def exchange() -> httpx.Response:
        app = create_app(federation.supergraph, settings or federation.settings, federation)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, "/graphql", headers=list(headers), **request)

    return asyncio.run(exchange())
