"""The whole gateway on one screen: text -> operation -> plan -> data -> answer."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from random import random
from time import monotonic
from typing import Any, Protocol

import msgspec

from gateway.authorization import ANONYMOUS, NONE, Caller, Demands, lacking
from gateway.errors import (
    BadRequest,
    FormattedError,
    GatewayError,
    PlanTooComplex,
    RequestError,
    SubgraphFailure,
    Unavailable,
    ValidationFailed,
)
from gateway.executor import ExecutablePlan, compile_plan, execute
from gateway.introspection import asks_introspection, introspect
from gateway.kept_work import KeptWork
from gateway.operation import Operation, prepare
from gateway.override_labels import labels_on
from gateway.planner import plan_operation
from gateway.query_plan import Fetch
from gateway.response import ResponseShape
from gateway.settings import Settings
from gateway.side_thread import SideThread
from gateway.subgraph_answer import SubgraphAnswer
from gateway.subgraph_client import SubgraphClient
from gateway.subgraph_transport import Headers
from gateway.supergraph import Supergraph
from gateway.trusted_documents import TrustedDocuments
from gateway.whole_objects import WholeObjects

PlanKey = tuple[str, str | None, tuple[Any, ...], frozenset[str], Demands]
"""(text, operation name, values of the @skip and @include variables, @override labels that are on, what the caller
lacks of what the operation demands)"""

OperationKey = tuple[str, str | None]
"""(text, operation name)"""

SMALL_TEXT = 1_000
FEW_STEPS = 1_000
"""In characters and in planning steps: what is read and planned on the spot, in some milliseconds."""

PLANNED_AHEAD = 500
PLAN_AHEAD_S = 5.0
"""How much of what the pipeline before was asked for is planned before another takes its place."""

Event = SubgraphAnswer | SubgraphFailure
"""What an event brought, or why there is none."""


@dataclass(slots=True)
class Request:
    """A GraphQL request, freed of HTTP."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    headers: Headers = ()
    """Those that go down to the subgraphs."""
    authorization: tuple[bytes, ...] = ()
    """The values of the client's Authorization headers, whether they go down or not."""
    may_mutate: bool = True
    wants_plan: bool = False
    document_id: str | None = None
    """What the text is known by, where it was not sent itself."""


@dataclass(slots=True)
class Answer:
    """`data` and `errors`; a refused request has no data at all."""

    errors: list[FormattedError]
    data: dict[str, Any] | None = None
    """May hold msgspec structs."""
    is_refused: bool = False
    extensions: Mapping[str, Any] | None = None
    status: int | None = None
    """The HTTP status where the answer dictates one."""
    refused_status: int = 400
    """The HTTP status of a refused request in a media type that has statuses for that."""
    retry_after_s: int | None = None
    operation: Operation | None = None
    """None of a request that was refused."""
    is_plan_known: bool | None = None
    """Whether the plan was in the cache; None where none was needed."""

    def encoded(self) -> bytes:
        """The JSON a client gets."""
        body: dict[str, Any] = {} if self.is_refused else {"data": self.data}
        if self.errors:
            body["errors"] = self.errors
        if self.extensions:
            body["extensions"] = self.extensions
        return msgspec.json.encode(body)


def refusal(error: RequestError) -> Answer:
    """What is wrong besides the operation has its status whatever the media type; a bad operation only in the newer one."""
    has_own_status = isinstance(error, BadRequest | Unavailable)
    return Answer(
        error.formatted(),
        is_refused=True,
        status=error.status if has_own_status else None,
        refused_status=error.status,
        retry_after_s=error.retry_after_s if isinstance(error, Unavailable) else None,
    )


class MutationByGet(BadRequest):
    """GET never changes anything."""

    status = 405


class SubscriptionWithoutStream(BadRequest):
    """One answer cannot hold what a subscription brings."""

    status = 406


@dataclass(frozen=True, slots=True)
class Planned:
    """Everything about an operation that does not change from one request to the next."""

    executable: ExecutablePlan
    shape: ResponseShape
    asks_introspection: bool
    weight: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that nothing keeps from being run."""

    request: Request
    operation: Operation
    variables: Mapping[str, Any]
    planned: Planned
    is_plan_known: bool
    here: Mapping[str, Any]
    """What the gateway answers itself."""

    @property
    def events(self) -> Fetch | None:
        """The fetch that brings the events of a subscription."""
        return self.planned.executable.events


class Callers(Protocol):
    """Tells who sends a request."""

    async def identify(self, authorization: tuple[bytes, ...]) -> Caller:
        """Raises RequestError for what is neither nothing nor valid."""


class NobodyKnown:
    """Where nothing says whose tokens are to be believed: everybody is anonymous."""

    async def identify(self, authorization: tuple[bytes, ...]) -> Caller:  # noqa: ARG002 — the subgraphs may know better
        return ANONYMOUS


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
    ) -> None:
        """*trusted*: the only documents that are answered; None: any."""
        self._supergraph = supergraph
        self._callers = callers or NobodyKnown()
        self._client = client
        self._settings = settings
        thread = SideThread()
        self._operations = KeptWork[OperationKey, Operation](settings.plan_cache_entries, thread)
        self._plans = KeptWork[PlanKey, Planned](settings.plan_cache_entries, thread)
        self._draw = draw
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
            return await self._answer(request)
        except RequestError as error:
            return refusal(error)

    async def _answer(self, request: Request) -> Answer:
        prepared = await self.prepared(request)
        if prepared.operation.kind == "subscription":
            raise SubscriptionWithoutStream(
                "A subscription is answered as text/event-stream, or over a WebSocket."
            )
        return await self.run(prepared)

    async def is_subscription(self, request: Request) -> bool:
        """Raises RequestError."""
        return (await self._operation(request, self._patience())).kind == "subscription"

    async def prepared(self, request: Request) -> Prepared:
        """Raises RequestError when the request is refused."""
        until = self._patience()
        operation = await self._operation(request, until)
        variables = operation.variables.coerced(request.variables, may_suggest=self._settings.introspection)
        operation.cost.check(variables, self._settings.limits.cost)
        lacks = await self._lacking(request, operation)
        key = self._plan_key(request, operation, variables, lacks)
        planned, is_known = await self._planned(key, operation, until)
        here = self._introspected(planned, operation, variables)
        return Prepared(request, operation, variables, planned, is_known, here)

    async def run(self, prepared: Prepared, event: Event | None = None) -> Answer:
        """Run the plan; a subscription's for one *event*, which stands for what its first fetch brings."""
        request, planned = prepared.request, prepared.planned
        deadline = asyncio.get_running_loop().time() + self._settings.request_timeout_s

        async def send(fetch: Fetch, values: Mapping[str, Any]) -> SubgraphAnswer:
            if fetch is prepared.events and event is not None:
                return _answered(event)
            decode = planned.executable.decoders[fetch.index]
            return await self._client.send(fetch, values, request.headers, deadline, decode)

        portion = self._settings.entities_per_request
        result = await execute(planned.executable, send, prepared.variables, portion)
        data = planned.shape.shape(result.data, result.errors, prepared.here)
        return Answer(
            result.errors,
            data,
            extensions=self._extensions(request, planned),
            operation=prepared.operation,
            is_plan_known=prepared.is_plan_known,
        )

    def _patience(self) -> float:
        """Until when an operation that is not known yet has to be read and planned, on the event loop's clock."""
        return asyncio.get_running_loop().time() + self._settings.planning_timeout_s

    async def _operation(self, request: Request, until: float) -> Operation:
        key = (request.query, request.operation_name)
        operation = self._operations.get(key) or await self._new_operation(key, until)
        if operation.kind == "mutation" and not request.may_mutate:
            raise MutationByGet("A mutation must be sent by POST.")
        return operation

    async def _new_operation(self, key: OperationKey, until: float) -> Operation:
        text, _ = key
        if len(text) <= SMALL_TEXT:
            return self._operations.make(key, partial(self._read, key), _weight)
        return await self._operations.make_aside(key, partial(self._read, key), _weight, len(text), until)

    def _read(self, key: OperationKey) -> Operation:
        # Here, where everything passes that is not known yet; another manifest comes with another pipeline.
        if self._trusted:
            self._trusted.check(key[0])
        limits, schema = self._settings.limits, self._supergraph.api_schema
        operation = prepare(*key, schema, limits, may_suggest=self._settings.introspection)
        return operation.with_cost(self._supergraph, limits.cost).with_demands(self._supergraph)

    @property
    def plan_count(self) -> int:
        return len(self._plans)

    async def check_caller(self, prepared: Prepared) -> None:
        """Raises RequestError once the caller is no longer who they were when the request was prepared."""
        await self._lacking(prepared.request, prepared.operation)

    async def _lacking(self, request: Request, operation: Operation) -> Demands:
        """What the caller does not have of what the operation demands.

        Who asks for nothing protected is not asked who they are: a stale token keeps nobody from logging in again.
        """
        demands = operation.touched.demands
        return lacking(demands, await self._callers.identify(request.authorization)) if demands else NONE

    def _plan_key(
        self, request: Request, operation: Operation, variables: Mapping[str, Any], lacks: Demands
    ) -> PlanKey:
        """A plan serves this text under these values of its @skip and @include variables, for all callers who lack
        the same; it depends on no other variable."""
        conditions = tuple([variables.get(name) for name in operation.condition_variables])
        return request.query, request.operation_name, conditions, self._labels(), lacks

    async def _planned(self, key: PlanKey, operation: Operation, until: float) -> tuple[Planned, bool]:
        """The plan, and whether it was there already."""
        planned = self._plans.get(key)
        return (planned, True) if planned else (await self._new_plan(key, operation, until), False)

    async def _new_plan(self, key: PlanKey, operation: Operation, until: float) -> Planned:
        """A plan that takes more than a few steps keeps nobody waiting but those who want it."""
        text, limit = key[0], self._settings.limits.planning_steps
        if len(text) <= SMALL_TEXT:
            with suppress(PlanTooComplex):
                planned = self._plan(key, operation, min(limit, FEW_STEPS))
                return self._plans.make(key, lambda: planned, _weight)
        plan = partial(self._plan, key, operation, limit)
        return await self._plans.make_aside(key, plan, _weight, len(text), until)

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
                self._plan_again(key)

    def _plan_again(self, key: PlanKey) -> None:
        read = partial(self._read, key[:2])
        operation = self._operations.get(key[:2]) or self._operations.make(key[:2], read, _weight)
        plan = partial(self._plan, key, operation, self._settings.limits.planning_steps)
        self._plans.make(key, plan, _weight)

    def _labels(self) -> frozenset[str]:
        known = self._supergraph.override_labels
        return labels_on(known, self._settings.override_labels, self._draw) if known else known

    def _plan(self, key: PlanKey, operation: Operation, step_limit: int) -> Planned:
        _, _, values, labels, lacks = key
        conditions = dict(zip(operation.condition_variables, values, strict=True))
        supergraph = self._supergraph
        selection = operation.selection(supergraph, conditions, lacks)
        plan = plan_operation(operation.node, selection, supergraph, labels, step_limit)
        root_type = supergraph.roots[operation.kind]
        names = {each.name for each in selection.fields(root_type).values()}
        whole = WholeObjects(plan, selection, root_type, supergraph)
        shape = ResponseShape(selection, root_type, plan.root, supergraph, whole)
        executable = compile_plan(plan, whole.decoder)
        return Planned(executable, shape, asks_introspection(names), operation.weight)

    def _introspected(
        self, planned: Planned, operation: Operation, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        if not planned.asks_introspection:
            return {}
        if not self._settings.introspection:
            raise ValidationFailed([{"message": "Introspection is switched off."}])
        return introspect(operation, self._supergraph.api_schema, variables)

    def _extensions(self, request: Request, planned: Planned) -> Mapping[str, Any] | None:
        if not (request.wants_plan and self._settings.show_plans):
            return None
        return {"queryPlan": str(planned.executable.plan)}


def _weight(made: Operation | Planned) -> int:
    return made.weight


def _answered(event: Event) -> SubgraphAnswer:
    if isinstance(event, SubgraphFailure):
        raise event
    return event
