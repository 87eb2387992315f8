"""What reaches the subgraphs. Carriers outlive a reload, and so do their connections."""

from dataclasses import dataclass

import httpx

from gateway.settings import Settings
from gateway.subgraphs.client import subgraph_transport
from gateway.subgraphs.passed_headers import HeaderCollectingTransport
from gateway.subgraphs.shared_requests import SharedRequests
from gateway.subgraphs.sse import stream_transport
from gateway.subgraphs.transport import SubgraphTransport


@dataclass(frozen=True, slots=True)
class Carriers:
    requests: SubgraphTransport
    streams: httpx.AsyncBaseTransport
    readiness: SubgraphTransport
    """Of its own, since all connections may be waiting for answers just when somebody asks."""

    async def aclose(self) -> None:
        await self.requests.aclose()
        await self.streams.aclose()
        await self.readiness.aclose()


def carriers(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> Carriers:
    """*transport* carries everything, where there is one: tests pass one that answers in memory."""
    bytes_limit = settings.response_bytes
    streams = transport or stream_transport(settings.subgraph_proxy)
    if transport is None and settings.subgraph_proxy:
        transport = httpx.AsyncHTTPTransport(proxy=settings.subgraph_proxy)
    requests = _for_clients(subgraph_transport(bytes_limit, transport), settings)
    return Carriers(requests, streams, subgraph_transport(bytes_limit, transport))


def _for_clients(requests: SubgraphTransport, settings: Settings) -> SubgraphTransport:
    """Where answers' headers go on to clients nothing is shared: a cookie in one may be the session of who asked."""
    if settings.response_headers:
        return HeaderCollectingTransport(requests, settings.response_headers)
    return SharedRequests(requests) if settings.share_requests else requests
