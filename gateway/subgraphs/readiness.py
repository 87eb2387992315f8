"""Whether the subgraphs can be reached, found out by asking each."""

import asyncio
import logging
from collections.abc import Mapping

import orjson

from gateway.subgraphs.transport import Response, SubgraphTransport, TransportFailed, endpoint_at
from gateway.supergraph.model import Graph, Subgraph

log = logging.getLogger("gateway")

QUESTION = b'{"query":"{__typename}"}'
ANSWER_WITHIN_S = 2.0
KEPT_S = 1.0
"""However often somebody asks for readiness, the subgraphs are asked no more often than this."""

WANTS_LOGIN = frozenset({401, 403})
"""The subgraph is there, and does not answer strangers."""


class Readiness:
    """Looks at the subgraphs of one supergraph."""

    def __init__(self, subgraphs: Mapping[Graph, Subgraph], transport: SubgraphTransport) -> None:
        self._subgraphs = tuple(subgraphs.values())
        self._transport = transport
        self._looking: asyncio.Future[tuple[str, ...]] | None = None
        self._looked_at = 0.0
        self._last: tuple[str, ...] = ()

    async def unreachable(self) -> tuple[str, ...]:
        """The names of the subgraphs that do not answer, as of at most `KEPT_S` ago."""
        if self._looking is None or self._is_old():
            self._looking = asyncio.ensure_future(self._look())
        # Others wait for the same look, and must get it though this one asker may leave.
        return await asyncio.shield(self._looking)

    def _is_old(self) -> bool:
        is_over = self._looking is not None and self._looking.done()
        return is_over and asyncio.get_running_loop().time() - self._looked_at > KEPT_S

    async def _look(self) -> tuple[str, ...]:
        answers = await asyncio.gather(*map(self._answers, self._subgraphs))
        found = tuple(
            each.name for each, is_there in zip(self._subgraphs, answers, strict=True) if not is_there
        )
        self._looked_at = asyncio.get_running_loop().time()
        self._tell(found)
        return found

    def _tell(self, unreachable: tuple[str, ...]) -> None:
        """One line for each change, not for each look."""
        if unreachable and unreachable != self._last:
            log.warning("not ready: no answer from %s", ", ".join(unreachable))
        elif self._last and not unreachable:
            log.info("ready: every subgraph answers")
        self._last = unreachable

    async def _answers(self, subgraph: Subgraph) -> bool:
        deadline = asyncio.get_running_loop().time() + ANSWER_WITHIN_S
        try:
            endpoint = endpoint_at(subgraph.url)
            response = await self._transport.post(endpoint, (), QUESTION, deadline, may_repeat=True)
        except (TransportFailed, TimeoutError, ValueError):
            return False
        return response.status in WANTS_LOGIN or _is_graphql(response)


def _is_graphql(response: Response) -> bool:
    try:
        answer = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(answer, dict) and bool({"data", "errors"} & answer.keys())
