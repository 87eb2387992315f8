"""Headers of subgraphs' answers that go on to the client: those of an allow-list, and by default none."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from gateway.headers import Headers, RawHeaders
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
        pass_on(response.headers, self._allowed)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def pass_on(answered: RawHeaders, allowed: frozenset[bytes]) -> None:
    """Note the *allowed* ones for the request on whose behalf they were *answered*, if it collects any.

    One that came before comes last now: of two cookies of one name, the client keeps the later.
    """
    collected = _collected.get()
    if collected is None:
        return
    for name, value in answered:
        header = name.lower(), value
        if header[0] in allowed:
            collected.pop(header, None)
            collected[header] = None


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
