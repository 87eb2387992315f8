"""Equal queries that are under way at the same moment travel once.

Two queries are equal when a subgraph could not tell them apart: the same text, variables and headers, the caller's
authorization among them; only what merely names a request may differ. So nobody gets what another caller may see.
Nobody gets less than they could know of either: a query that comes after a mutation has ended never joins one from
before.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.headers import Headers
from gateway.subgraphs.transport import Endpoint, Response, SubgraphTransport, TransportFailed

NAMES_A_REQUEST = frozenset({b"x-request-id", b"traceparent", b"tracestate"})

Key = tuple[str, Headers, bytes]


class SharedRequests:
    """A transport that asks another one."""

    def __init__(self, inner: SubgraphTransport) -> None:
        self._inner = inner
        self._under_way: dict[Key, _Asked] = {}

    async def post(
        self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float, *, may_repeat: bool
    ) -> Response:
        if not may_repeat:
            return await self._change(endpoint, headers, body, deadline)
        key = endpoint.url, tuple([each for each in headers if each[0] not in NAMES_A_REQUEST]), body
        while (asked := self._under_way.get(key)) is not None:
            answer = await _answer_of(asked, deadline)
            if answer is not None:
                return answer
        with self._shared(key, deadline) as asked:
            answer = await self._inner.post(endpoint, headers, body, deadline, may_repeat=True)
            asked.tell(answer)
            return answer

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _change(self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float) -> Response:
        try:
            return await self._inner.post(endpoint, headers, body, deadline, may_repeat=False)
        finally:
            self._under_way.clear()

    @contextmanager
    def _shared(self, key: Key, deadline: float) -> Iterator["_Asked"]:
        """Let others join. A failure is theirs too; but if the asker gave up, one of them asks instead."""
        asked = self._under_way[key] = _Asked(deadline)
        try:
            yield asked
        except TransportFailed as failure:
            asked.fail(failure)
            raise
        finally:
            if self._under_way.get(key) is asked:
                del self._under_way[key]
            asked.tell(None)


class _Asked:
    """A query under way, and who waits for its answer besides the one who asked."""

    __slots__ = ("_others", "deadline")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._others: list[asyncio.Future[Response | None]] = []

    def join(self) -> "asyncio.Future[Response | None]":
        answer: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        self._others.append(answer)
        return answer

    def tell(self, answer: Response | None) -> None:
        """None: it was given up."""
        for each in self._others:
            if not each.done():
                each.set_result(answer)

    def fail(self, failure: TransportFailed) -> None:
        for each in self._others:
            if not each.done():
                each.set_exception(failure)


async def _answer_of(asked: _Asked, deadline: float) -> Response | None:
    """What another one's request brings; None if it was given up. Raises as `post` does."""
    if deadline >= asked.deadline:
        return await asked.join()  # which is told in time
    async with asyncio.timeout_at(deadline):
        return await asked.join()
