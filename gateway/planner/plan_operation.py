"""The story of planning, in one function."""

from collections.abc import Iterable, Iterator

from graphql import OperationDefinitionNode

from gateway.errors import PlanningError
from gateway.operations.selection import Field, OneField, Selection
from gateway.planner.fetch_graph import FetchGraph
from gateway.planner.fetch_writer import write_fetches
from gateway.planner.locations import locate_clients_fields
from gateway.planner.options import Hop, Option
from gateway.planner.places import Need, Place
from gateway.planner.query_plan import Plan
from gateway.planner.steps import Steps
from gateway.planner.walk import Walk
from gateway.supergraph.model import Supergraph

ANSWERED_HERE = frozenset({"__typename", "__schema", "__type"})
DEFAULT_STEP_LIMIT = 40_000


def plan_operation(
    operation: OperationDefinitionNode,
    selection: Selection,
    supergraph: Supergraph,
    labels: frozenset[str] = frozenset(),
    step_limit: int = DEFAULT_STEP_LIMIT,
) -> Plan:
    """Find the cheapest way to fetch what *selection*, the operation's normalised selection, asks.

    Raises PlanningError when no subgraph can supply a field, TooComplex beyond *step_limit* steps.
    """
    kind = operation.operation.value
    root = Place(supergraph.roots[kind], None)
    steps = Steps(step_limit)
    location = locate_clients_fields(selection, root.type_name, supergraph, steps.take)
    walks = [Walk(supergraph, labels, steps), Walk(supergraph, labels, steps, is_lenient=True)]
    stages: list[FetchGraph] = []
    for fields in _in_turn(kind, selection.fields(root.type_name).values()):
        picks = _cheapest(walks, root, fields).picks
        if not (stages and _joins(stages[-1], picks)):
            stages.append(FetchGraph(supergraph, location, steps))
        stages[-1].apply(picks)
    return Plan(tuple(write_fetches(operation, stages, supergraph, steps)), location)


def _in_turn(kind: str, fields: Iterable[Field]) -> Iterator[list[Field]]:
    """The fields of a query are one task; those of a mutation one task each, in their order."""
    fetched = [each for each in fields if each.name not in ANSWERED_HERE]
    if kind == "query":
        yield fetched
    else:
        yield from ([each] for each in fetched)


def _cheapest(walks: Iterable[Walk], root: Place, fields: list[Field]) -> Option:
    """The best option of the first walk that finds any."""
    piece = OneField({root.type_name: {each.response_key: each for each in fields}})
    for walk in walks:
        options = walk.selection(root, piece, Need())
        if options:
            return options[0]
    stuck = next((each for each in fields if not walk.field(root, each, Need())), None)
    raise PlanningError(root.type_name, stuck.name if stuck else "")


def _joins(stage: FetchGraph, picks: tuple[object, ...]) -> bool:
    """A mutation field may share the request of the one before it, when that needs nothing else afterwards."""
    drafts = stage.drafts()
    return all(isinstance(pick, Hop) and [pick.graph] == [draft.graph for draft in drafts] for pick in picks)
