"""Subgraphs behind any httpx transport: a proxy, an ASGI application in this process, a mock."""

import asyncio

import httpx

from gateway.headers import Headers
from gateway.subgraphs.connection_pool import OWN_HEADERS
from gateway.subgraphs.transport import Endpoint, Response, TransportFailed


class HttpxTransport:
    """Slower than the connection pool by far (docs/decisions/0007), and able to do all that httpx can."""

    def __init__(self, inner: httpx.AsyncBaseTransport, response_bytes: int) -> None:
        self._inner = inner
        self._response_bytes = response_bytes

    async def post(
        self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float, *, may_repeat: bool
    ) -> Response:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._post(endpoint, headers, body, may_repeat=may_repeat)
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise TransportFailed(f"{type(error).__name__}: {error}") from error

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _post(self, endpoint: Endpoint, headers: Headers, body: bytes, *, may_repeat: bool) -> Response:
        request = httpx.Request("POST", endpoint.url, headers=[*OWN_HEADERS, *headers], content=body)
        try:
            response = await self._inner.handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if not may_repeat:
                raise
            response = await self._inner.handle_async_request(request)
        try:
            content = await self._read_bounded(response)
        finally:
            await response.aclose()
        return Response(response.status_code, response.headers.raw, content)

    async def _read_bounded(self, response: httpx.Response) -> bytes:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 — an async transport gives no other
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.stream:
            size += len(chunk)
            if size > self._response_bytes:
                raise TransportFailed(f"more than {self._response_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)
