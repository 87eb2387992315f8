"""Equal queries that are under way at the same moment travel once.

Two queries are equal when a subgraph could not tell them apart: the same text, variables and headers, the caller's
authorization among them; only what merely names a request may differ. So nobody gets what another caller may see.
Nobody gets less than they could know of either: a query that comes after a mutation has ended never joins one from
before.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.subgraph_transport import Endpoint, Headers, Response, SubgraphTransport, TransportFailed

NAMES_A_REQUEST = frozenset({b"x-request-id", b"traceparent", b"tracestate"})

Key = tuple[str, Headers, bytes]


class SharedRequests:
    """A transport that asks another one."""

    def __init__(self, inner: SubgraphTransport) -> None:
        self._inner = inner
        self._under_way: dict[Key, list[asyncio.Future[Response]]] = {}
        """Who waits for the answer, besides the one who asked."""

    async def post(
        self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float, *, may_repeat: bool
    ) -> Response:
        if not may_repeat:
            return await self._change(endpoint, headers, body, deadline)
        key = endpoint.url, tuple([each for each in headers if each[0] not in NAMES_A_REQUEST]), body
        while (others := self._under_way.get(key)) is not None:
            answer = await _answer_of(others, deadline)
            if answer is not None:
                return answer
        with self._shared(key) as others:
            answer = await self._inner.post(endpoint, headers, body, deadline, may_repeat=True)
            for each in others:
                if not each.done():
                    each.set_result(answer)
            return answer

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _change(self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float) -> Response:
        try:
            return await self._inner.post(endpoint, headers, body, deadline, may_repeat=False)
        finally:
            self._under_way.clear()

    @contextmanager
    def _shared(self, key: Key) -> Iterator[list[asyncio.Future[Response]]]:
        """Let others join. A failure is theirs too; but if the asker gave up, one of them asks instead."""
        others = self._under_way[key] = []
        try:
            yield others
        except TransportFailed as failure:
            for each in others:
                if not each.done():
                    each.set_exception(failure)
            raise
        finally:
            if self._under_way.get(key) is others:
                del self._under_way[key]
            for each in others:
                each.cancel()


async def _answer_of(others: list[asyncio.Future[Response]], deadline: float) -> Response | None:
    """What another one's request brings; None if it was given up. Raises as `post` does."""
    answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    others.append(answer)
    async with asyncio.timeout_at(deadline):
        await asyncio.wait((answer,))
    return None if answer.cancelled() else answer.result()
