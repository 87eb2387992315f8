"""The whole gateway on one screen: text -> operation -> plan -> data -> answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from random import random
from time import monotonic
from typing import Any

from gateway.errors import BadRequest, GatewayError, RequestError, SubgraphFailure, ValidationFailed
from gateway.execution.executor import execute
from gateway.known_plans import KnownPlans, PlanKey, Planned
from gateway.operations.answer import Answer, refusal
from gateway.operations.callers import Callers, NobodyKnown
from gateway.operations.introspection import Here, Introspection
from gateway.operations.known_operations import KnownOperations
from gateway.operations.operation import Operation
from gateway.operations.request import Request
from gateway.operations.trusted_documents import TrustedDocuments
from gateway.planner.query_plan import Fetch
from gateway.settings import Settings
from gateway.side_thread import SideThread
from gateway.subgraphs.answer import SubgraphAnswer
from gateway.subgraphs.client import SubgraphClient
from gateway.subgraphs.failure_log import log_failures
from gateway.subgraphs.mutation_headers import MutationHeaders
from gateway.supergraph.authorization import NONE, Demands, lacking
from gateway.supergraph.model import Supergraph

PLANNED_AHEAD = 500
PLAN_AHEAD_S = 5.0
"""How much of what the pipeline before was asked for is planned before another takes its place."""

Event = SubgraphAnswer | SubgraphFailure
"""What an event brought, or why there is none."""


class SubscriptionWithoutStream(BadRequest):
    """One answer cannot hold what a subscription brings."""

    status = 406

    def __init__(self) -> None:
        super().__init__("A subscription is answered as text/event-stream, or over a WebSocket.")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that nothing keeps from being run."""

    request: Request
    operation: Operation
    variables: Mapping[str, Any]
    planned: Planned
    is_plan_known: bool
    here: Here
    """What the gateway answers itself."""

    @property
    def events(self) -> Fetch | None:
        """The fetch that brings the events of a subscription."""
        return self.planned.executable.events


class Pipeline:
    """Answers requests for one supergraph."""

    def __init__(  # noqa: PLR0913 — its parts, by their names
        self,
        supergraph: Supergraph,
        client: SubgraphClient,
        settings: Settings,
        *,
        callers: Callers | None = None,
        draw: Callable[[], float] = random,
        trusted: TrustedDocuments | None = None,
        mutation_headers: MutationHeaders | None = None,
    ) -> None:
        """*trusted*: the only documents that are answered; None: any."""
        thread = SideThread()
        self._operations = KnownOperations(supergraph, settings, thread, trusted)
        self._plans = KnownPlans(supergraph, settings, thread, draw)
        self._introspection = Introspection(supergraph.api_schema, thread, settings.planning_timeout_s)
        self._callers = callers or NobodyKnown()
        self._client = client
        self._mutation_headers = mutation_headers or MutationHeaders(supergraph.subgraphs, settings)
        self._settings = settings
        self._trusted = trusted

    def resolved(self, request: Request) -> Request:
        """The request with the text that its document id stands for. Raises RequestError."""
        if request.document_id is None:
            return request
        if self._trusted is None:
            raise BadRequest("No documents are known by their ids here: send the parameter 'query'.")
        return replace(request, query=self._trusted.text(request.document_id), document_id=None)

    async def answer(self, request: Request) -> Answer:
        """Answer one request; what is wrong with it is part of the answer. Faults of ours are raised."""
        try:
            prepared = await self.prepared(request)
        except RequestError as error:
            return refusal(error)
        if prepared.operation.kind == "subscription":
            return refusal(SubscriptionWithoutStream())
        return await self.run(prepared)

    async def is_subscription(self, request: Request) -> bool:
        """Raises RequestError."""
        return (await self._operations.of(request)).kind == "subscription"

    async def prepared(self, request: Request) -> Prepared:
        """Raises RequestError when the request is refused."""
        operation = await self._operations.of(request)
        variables = operation.variables.coerced(request.variables, may_suggest=self._settings.introspection)
        operation.cost.check(variables, self._settings.limits.cost)
        lacks = await self._lacking(request, operation) if operation.touched.demands else NONE
        key = self._plans.key(request, operation, variables, lacks)
        known = self._plans.get(key)
        planned = known or await self._plans.make(key, operation)
        here: Here = {}
        if planned.asks_introspection:
            here = await self._introspected(request, operation, variables)
        return Prepared(request, operation, variables, planned, known is not None, here)

    async def run(self, prepared: Prepared, event: Event | None = None) -> Answer:
        """Run the plan; a subscription's for one *event*, which stands for what its first fetch brings."""
        request, planned = prepared.request, prepared.planned
        deadline = asyncio.get_running_loop().time() + self._settings.request_timeout_s

        def send(fetch: Fetch, values: Mapping[str, Any]) -> Awaitable[SubgraphAnswer]:
            if event is not None and fetch is prepared.events:
                return _answered(event)
            decode = planned.executable.decoders[fetch.index]
            headers = request.headers + self._mutation_headers.down(fetch, request.mutation_headers)
            return self._client.send(fetch, values, headers, deadline, decode)

        portion = self._settings.entities_per_request
        result = await execute(planned.executable, send, prepared.variables, portion)
        if result.failures:
            log_failures(request.request_id, result.failures)
        data = planned.shape.shape(result.data, result.errors, result.absent, prepared.here)
        return Answer(
            result.errors,
            data,
            extensions=self._extensions(request, planned),
            operation=prepared.operation,
            is_plan_known=prepared.is_plan_known,
        )

    async def check_caller(self, prepared: Prepared) -> None:
        """Raises RequestError once the caller is no longer who they were when the request was prepared."""
        await self._lacking(prepared.request, prepared.operation)

    async def _lacking(self, request: Request, operation: Operation) -> Demands:
        """What the caller does not have of what the operation demands.

        Who asks for nothing protected is not asked who they are: a stale token keeps nobody from logging in again.
        """
        demands = operation.touched.demands
        return lacking(demands, await self._callers.identify(request.authorization)) if demands else NONE

    async def _introspected(
        self, request: Request, operation: Operation, variables: Mapping[str, Any]
    ) -> Here:
        if not self._settings.introspection:
            raise ValidationFailed([{"message": "Introspection is switched off."}])
        return await self._introspection.answer(request.query, operation, variables)

    def _extensions(self, request: Request, planned: Planned) -> Mapping[str, Any] | None:
        if not (request.wants_plan and self._settings.show_plans):
            return None
        return {"queryPlan": str(planned.executable.plan)}

    # --- from one supergraph to the next ----------------------------------------------------------------------------

    @property
    def plan_count(self) -> int:
        return len(self._plans)

    def recent(self) -> list[PlanKey]:
        """What was asked for last."""
        return self._plans.recent(PLANNED_AHEAD)

    def plan_ahead(self, recent: Iterable[PlanKey]) -> None:
        """Plan what another pipeline was asked for, and this one likely will be, for `PLAN_AHEAD_S` at most.

        Not while this one answers requests: it may run in a thread of its own.
        """
        ends = monotonic() + PLAN_AHEAD_S
        for key in recent:
            if monotonic() > ends:
                return
            # What this supergraph, this manifest or these limits do not allow, clients will be told when they ask.
            with suppress(GatewayError):
                self._plans.plan_now(key, self._operations.read_now(key[:2]))


async def _answered(event: Event) -> SubgraphAnswer:
    if isinstance(event, SubgraphFailure):
        raise event
    return event
