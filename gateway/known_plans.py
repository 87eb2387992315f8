"""The plans of operations, each made once for all requests that it serves."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import random
from typing import Any

from gateway.execution.executor import ExecutablePlan, compile_plan
from gateway.execution.response import ResponseShape
from gateway.execution.whole_objects import WholeObjects
from gateway.kept_work import KeptWork
from gateway.operations.introspection import asks_introspection
from gateway.operations.operation import Operation
from gateway.operations.request import Request
from gateway.planner import plan_operation
from gateway.settings import Settings
from gateway.side_thread import SideThread
from gateway.supergraph.authorization import Demands
from gateway.supergraph.model import Supergraph
from gateway.supergraph.override_labels import labels_on

PlanKey = tuple[str, str | None, tuple[Any, ...], frozenset[str], Demands]
"""(text, operation name, values of the @skip and @include variables, @override labels that are on, what the caller
lacks of what the operation demands)"""


@dataclass(frozen=True, slots=True)
class Planned:
    """Everything about an operation that does not change from one request to the next."""

    executable: ExecutablePlan
    shape: ResponseShape
    asks_introspection: bool
    weight: int


class KnownPlans:
    """Those for one supergraph."""

    def __init__(
        self,
        supergraph: Supergraph,
        settings: Settings,
        thread: SideThread,
        draw: Callable[[], float] = random,
    ) -> None:
        """*draw* decides, between 0 and 1, which requests a progressive @override moves."""
        self._supergraph = supergraph
        self._settings = settings
        self._draw = draw
        self._kept = KeptWork[PlanKey, Planned](settings.plan_cache_entries, thread)

    def key(
        self, request: Request, operation: Operation, variables: Mapping[str, Any], lacks: Demands
    ) -> PlanKey:
        """A plan serves this text under these values of its @skip and @include variables, for all callers who lack
        the same; it depends on no other variable."""
        conditions = tuple([variables.get(name) for name in operation.condition_variables])
        return request.query, request.operation_name, conditions, self._labels(), lacks

    def get(self, key: PlanKey) -> Planned | None:
        """The plan if it is there already. Raises the RequestError that came of it instead."""
        return self._kept.get(key)

    def plan_now(self, key: PlanKey, operation: Operation) -> None:
        """Raises RequestError."""
        plan = partial(self._plan, key, operation, self._settings.limits.planning_steps)
        self._kept.make(key, plan, _weight)

    def recent(self, count: int) -> list[PlanKey]:
        """What was asked for last, the last first."""
        return self._kept.recent(count)

    def __len__(self) -> int:
        return len(self._kept)

    async def make(self, key: PlanKey, operation: Operation) -> Planned:
        """Keeps nobody waiting but those who want the same plan.

        Raises RequestError, PlanningDelayed for one if others keep it waiting for too long.
        """
        text, limit = key[0], self._settings.limits.planning_steps
        plan = partial(self._plan, key, operation, limit)
        until = asyncio.get_running_loop().time() + self._settings.planning_timeout_s
        return await self._kept.make_aside(key, plan, _weight, len(text), until)

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


def _weight(planned: Planned) -> int:
    return planned.weight
