"""A subscription at a subgraph: the events it sends, over the protocol it speaks."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

import httpx

from gateway.headers import Headers
from gateway.planner.query_plan import Fetch
from gateway.settings import Settings
from gateway.subgraphs.answer import SubgraphAnswer
from gateway.subgraphs.sse import SseSource
from gateway.subgraphs.ws import WsSource
from gateway.supergraph.model import Graph, Subgraph


class EventSource(Protocol):
    """Opens subscriptions at one subgraph."""

    def events(
        self, fetch: Fetch, variables: Mapping[str, Any], headers: Headers
    ) -> AsyncGenerator[SubgraphAnswer, None]:
        """Its events, until it says that there are no more. Raises SubgraphFailure.

        The next event is read only when it is asked for, so that a slow client slows the subgraph down instead of
        filling memory. Closing the generator ends the subscription there.
        """
        ...


class SubgraphEvents:
    """Opens subscriptions, each with a connection of its own."""

    def __init__(
        self, subgraphs: Mapping[Graph, Subgraph], transport: httpx.AsyncBaseTransport, settings: Settings
    ) -> None:
        self._sources = {
            graph: _source(subgraph, transport, settings) for graph, subgraph in subgraphs.items()
        }

    def events(
        self, fetch: Fetch, variables: Mapping[str, Any], headers: Headers
    ) -> AsyncGenerator[SubgraphAnswer, None]:
        """See EventSource."""
        return self._sources[fetch.graph].events(fetch, variables, headers)


def _source(subgraph: Subgraph, transport: httpx.AsyncBaseTransport, settings: Settings) -> EventSource:
    url = subgraph.events_url or subgraph.url
    if url.startswith(("ws:", "wss:")):
        return WsSource(url, settings.subgraph_timeout_s, settings.event_bytes, settings.subgraph_proxy)
    return SseSource(url, transport, settings.subgraph_timeout_s, settings.event_bytes)
