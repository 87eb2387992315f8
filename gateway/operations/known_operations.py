"""The operations of clients' texts, each read and checked once."""

import asyncio
from functools import partial

from gateway.errors import BadRequest
from gateway.kept_work import KeptWork
from gateway.operations.operation import Operation, prepare
from gateway.operations.request import Request
from gateway.operations.trusted_documents import TrustedDocuments
from gateway.settings import Settings
from gateway.side_thread import SideThread
from gateway.supergraph.model import Supergraph

OperationKey = tuple[str, str | None]
"""(text, operation name)"""


class MutationByGet(BadRequest):
    """GET never changes anything."""

    status = 405


class KnownOperations:
    """Those of one supergraph and one manifest."""

    def __init__(
        self,
        supergraph: Supergraph,
        settings: Settings,
        thread: SideThread,
        trusted: TrustedDocuments | None = None,
    ) -> None:
        """*trusted*: the only documents that are read; None: any."""
        self._supergraph = supergraph
        self._settings = settings
        self._trusted = trusted
        self._kept = KeptWork[OperationKey, Operation](settings.plan_cache_entries, thread)

    async def of(self, request: Request) -> Operation:
        """Raises RequestError, PlanningDelayed for one if others keep it waiting for too long."""
        key = (request.query, request.operation_name)
        operation = self._kept.get(key) or await self._new(key)
        if operation.kind == "mutation" and not request.may_mutate:
            raise MutationByGet("A mutation must be sent by POST.")
        return operation

    def read_now(self, key: OperationKey) -> Operation:
        """Raises RequestError."""
        return self._kept.get(key) or self._kept.make(key, partial(self._read, key), _weight)

    def __len__(self) -> int:
        return len(self._kept)

    async def _new(self, key: OperationKey) -> Operation:
        # Even a small one takes some milliseconds, and whoever sends many would keep all others waiting.
        text, _ = key
        until = asyncio.get_running_loop().time() + self._settings.planning_timeout_s
        return await self._kept.make_aside(key, partial(self._read, key), _weight, len(text), until)

    def _read(self, key: OperationKey) -> Operation:
        # Here, where everything passes that is not known yet; another manifest comes with another pipeline.
        if self._trusted:
            self._trusted.check(key[0])
        limits, schema = self._settings.limits, self._supergraph.api_schema
        operation = prepare(*key, schema, limits, may_suggest=self._settings.introspection)
        return operation.with_cost(self._supergraph, limits.cost).with_demands(self._supergraph)


def _weight(operation: Operation) -> int:
    return operation.weight
