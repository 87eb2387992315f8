"""One fetch, as a request to one subgraph."""

import asyncio
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any

import httpx
import orjson

from gateway.errors import DeadlineExceeded, SubgraphFailure, SubgraphUnavailable
from gateway.headers import Headers
from gateway.planner.query_plan import Fetch
from gateway.subgraphs.answer import Decode, SubgraphAnswer, read_answer
from gateway.subgraphs.connection_pool import ConnectionPool
from gateway.subgraphs.httpx_transport import HttpxTransport
from gateway.subgraphs.mutation_headers import MutationHeaders
from gateway.subgraphs.transport import Endpoint, SubgraphTransport, TransportFailed, endpoint_at
from gateway.supergraph.model import Graph, Subgraph
from gateway.telemetry.metrics import Metrics


def subgraph_transport(
    response_bytes: int, inner: httpx.AsyncBaseTransport | None = None
) -> SubgraphTransport:
    """The network; or, if given, any httpx transport."""
    return HttpxTransport(inner, response_bytes) if inner else ConnectionPool(response_bytes)


class SubgraphClient:
    """Sends fetches through a transport whose connections all requests share."""

    def __init__(
        self,
        subgraphs: Mapping[Graph, Subgraph],
        transport: SubgraphTransport,
        timeout_s: float,
        metrics: Metrics | None = None,
        mutation_headers: MutationHeaders | None = None,
    ) -> None:
        self._mutation_headers = mutation_headers
        self._transport = transport
        self._timeout_s = timeout_s
        self._metrics = metrics or Metrics()
        self._endpoints: dict[Graph, Endpoint] = {}
        self._urls = {graph: subgraph.url for graph, subgraph in subgraphs.items()}

    async def send(
        self,
        fetch: Fetch,
        variables: Mapping[str, Any],
        headers: Headers,
        deadline: float,
        decode: Decode | None = None,
    ) -> SubgraphAnswer:
        """The subgraph's GraphQL answer. Raises SubgraphUnavailable or DeadlineExceeded.

        *deadline* is the whole request's, on the event loop's clock; *decode* reads the answer, see `read_answer`.
        """
        own_deadline = asyncio.get_running_loop().time() + self._timeout_s
        began = perf_counter()
        try:
            response = await self._transport.post(
                self._endpoints.get(fetch.graph) or self._endpoint(fetch.graph),
                headers,
                orjson.dumps(fetch.request(variables)),
                min(deadline, own_deadline),
                may_repeat=fetch.kind == "query",
            )
            if self._mutation_headers:
                self._mutation_headers.pass_up(fetch, response.headers)
            return read_answer(response.body, fetch.service, decode)
        except (TransportFailed, TimeoutError, ValueError) as error:
            failure = _failure_of(fetch.service, error)
            self._metrics.subgraph_failures.count(fetch.service, failure.code)
            raise failure from error
        except SubgraphFailure as failure:
            self._metrics.subgraph_failures.count(fetch.service, failure.code)
            raise
        finally:
            self._metrics.subgraph_seconds.observe(perf_counter() - began, fetch.service)

    def _endpoint(self, graph: Graph) -> Endpoint:
        """Read when it is needed: a supergraph may name subgraphs that nobody asks."""
        self._endpoints[graph] = endpoint_at(self._urls[graph])
        return self._endpoints[graph]


def _failure_of(service: str, error: Exception) -> SubgraphFailure:
    if isinstance(error, TimeoutError):
        return DeadlineExceeded(service, "no answer in time")
    return SubgraphUnavailable(service, str(error))


def forwarded(headers: Iterable[tuple[bytes, bytes]], allowed: frozenset[bytes]) -> Headers:
    """The client's headers that subgraphs get to see; names are in lower case, as ASGI has them."""
    return tuple([header for header in headers if header[0] in allowed])
