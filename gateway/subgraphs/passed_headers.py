"""Headers of subgraphs' answers that go on to the client: those of an allow-list, and by default none."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from gateway.headers import Headers
from gateway.subgraphs.transport import Endpoint, Response, SubgraphTransport

_collected: ContextVar[dict[tuple[bytes, bytes], None] | None] = ContextVar("collected", default=None)


class HeaderCollectingTransport:
    """Notes the allowed headers of every answer that comes through, for the request on whose behalf it was asked."""

    def __init__(self, inner: SubgraphTransport, allowed: frozenset[str]) -> None:
        self._inner = inner
        self._allowed = frozenset(name.encode() for name in allowed)

    async def post(
        self, endpoint: Endpoint, headers: Headers, body: bytes, deadline: float, *, may_repeat: bool
    ) -> Response:
        response = await self._inner.post(endpoint, headers, body, deadline, may_repeat=may_repeat)
        collected = _collected.get()
        if collected is not None:
            collected |= dict.fromkeys(
                (name.lower(), value) for name, value in response.headers if name.lower() in self._allowed
            )
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextmanager
def collecting() -> Iterator[dict[tuple[bytes, bytes], None]]:
    """The headers that come up while the block runs; equal ones, from several subgraphs perhaps, once."""
    collected: dict[tuple[bytes, bytes], None] = {}
    token = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(token)


def not_collecting() -> AbstractContextManager[dict[tuple[bytes, bytes], None]]:
    """For gateways that pass nothing on."""
    return _NOTHING


_NOTHING: AbstractContextManager[dict[tuple[bytes, bytes], None]] = nullcontext({})
