"""The story of planning, in one function; and the last step, drafts -> fetches."""

from collections.abc import Iterable, Iterator

from graphql import OperationDefinitionNode, VariableDefinitionNode, print_ast

from gateway.errors import PlanningError
from gateway.planner.fetch_graph import Draft, FetchGraph
from gateway.planner.locations import locate_clients_fields
from gateway.planner.options import Hop, Option
from gateway.planner.places import Need, Place
from gateway.planner.walk import Walk
from gateway.query_plan import EntityPart, EntitySent, Fetch, Plan
from gateway.selection import Field, OneField, Selection
from gateway.supergraph import Supergraph

ANSWERED_HERE = frozenset({"__typename", "__schema", "__type"})
DEFAULT_STEP_LIMIT = 50_000


def plan_operation(
    operation: OperationDefinitionNode,
    selection: Selection,
    supergraph: Supergraph,
    labels: frozenset[str] = frozenset(),
    step_limit: int = DEFAULT_STEP_LIMIT,
) -> Plan:
    """Find the cheapest way to fetch what *selection*, the operation's normalised selection, asks.

    Raises PlanningError when no subgraph can supply a field, TooComplex beyond *step_limit* steps of the search.
    """
    kind = operation.operation.value
    root = Place(supergraph.roots[kind], None)
    location = locate_clients_fields(selection, root.type_name, supergraph)
    walk = Walk(supergraph, labels, step_limit)
    stages: list[FetchGraph] = []
    for fields in _in_turn(kind, selection.fields(root.type_name).values()):
        picks = _cheapest(walk, root, fields).picks
        if not (stages and _joins(stages[-1], picks)):
            stages.append(FetchGraph(supergraph, location))
        stages[-1].apply(picks)
    return Plan(tuple(_fetches(operation, stages, supergraph)), location)


def _in_turn(kind: str, fields: Iterable[Field]) -> Iterator[list[Field]]:
    """The fields of a query are one task; those of a mutation one task each, in their order."""
    fetched = [each for each in fields if each.name not in ANSWERED_HERE]
    if kind == "query":
        yield fetched
    else:
        yield from ([each] for each in fetched)


def _cheapest(walk: Walk, root: Place, fields: list[Field]) -> Option:
    need = Need()
    piece = OneField({root.type_name: {each.response_key: each for each in fields}})
    options = walk.selection(root, piece, need)
    if not options:
        stuck = next((each for each in fields if not walk.field(root, each, need)), None)
        raise PlanningError(root.type_name, stuck.name if stuck else "")
    return options[0]


def _joins(stage: FetchGraph, picks: tuple[object, ...]) -> bool:
    """A mutation field may share the request of the one before it, when that needs nothing else afterwards."""
    drafts = stage.drafts()
    return all(isinstance(pick, Hop) and [pick.graph] == [draft.graph for draft in drafts] for pick in picks)


def _fetches(
    operation: OperationDefinitionNode, stages: Iterable[FetchGraph], supergraph: Supergraph
) -> Iterator[Fetch]:
    """Number the fetches; a later stage waits for all of the one before."""
    writer = _FetchWriter(operation, supergraph)
    index, step = 0, 0
    before: tuple[int, ...] = ()
    for stage in stages:
        indexes: dict[Draft, int] = {}
        written = []
        for number, drafts in enumerate(_batches(stage.drafts()), start=index):
            indexes |= dict.fromkeys(drafts, number)
            after = {indexes[each] for draft in drafts for each in draft.after}
            written.append(writer.fetch(stage, drafts, number, tuple(sorted(after)) or before, step))
        yield from written
        index += len(written)
        step = max((each.step for each in written), default=step)
        before = tuple(each.index for each in written)


def _batches(drafts: Iterable[Draft]) -> list[list[Draft]]:
    """Entity fetches to one subgraph at one step travel in one request."""
    batches: dict[object, list[Draft]] = {}
    for draft in drafts:
        batches.setdefault((draft.graph, draft.step) if draft.is_entity_fetch else draft, []).append(draft)
    return list(batches.values())


class _FetchWriter:
    """Writes the requests of one operation."""

    def __init__(self, operation: OperationDefinitionNode, supergraph: Supergraph) -> None:
        self._kind = operation.operation.value
        self._supergraph = supergraph
        self._variables = {each.variable.name.value: each for each in operation.variable_definitions or ()}

    def fetch(
        self, stage: FetchGraph, drafts: list[Draft], index: int, after: tuple[int, ...], step: int
    ) -> Fetch:
        first = drafts[0]
        parts = self._parts(stage, drafts) if first.is_entity_fetch else ()
        used = frozenset[str]().union(*(draft.selection.variables() for draft in drafts))
        kind = "query" if parts or first.path else self._kind
        selection = _text(first)
        return Fetch(
            index=index,
            service=self._supergraph.subgraphs[first.graph].name,
            graph=first.graph,
            kind=kind,
            operation=self._operation(kind, used, parts)
            if parts
            else self._root_operation(kind, used, selection),
            variables=used,
            after=after,
            step=first.step + step,
            selection=selection,
            path=first.path,
            location=first.location,
            parts=parts,
            asked=_asked(first),
        )

    def _parts(self, stage: FetchGraph, drafts: list[Draft]) -> tuple[EntityPart, ...]:
        """Equal questions about objects at different paths are one question about more objects."""
        equal: dict[tuple[tuple[EntitySent, ...], str], list[Draft]] = {}
        for draft in drafts:
            equal.setdefault((stage.sent(draft), _text(draft)), []).append(draft)
        return tuple(
            EntityPart(
                paths=tuple(draft.path for draft in alike),
                locations=tuple(draft.location for draft in alike),
                sent=sent,
                selection=text,
                asked=_asked(alike[0]),
                name=f"_e{number}" if len(equal) > 1 else "_entities",
                variable=self._representations(number, len(equal)),
                has_objects=alike[0].selection.has_objects,
            )
            for number, ((sent, text), alike) in enumerate(equal.items())
        )

    def _representations(self, number: int, of: int) -> str:
        name = f"representations{number}" if of > 1 else "representations"
        while name in self._variables:
            name = f"_{name}"
        return name

    def _operation(self, kind: str, used: frozenset[str], parts: tuple[EntityPart, ...]) -> str:
        sent = [f"${part.variable}: [_Any!]!" for part in parts]
        fields = (
            f"{'' if part.name == '_entities' else part.name + ': '}"
            f"_entities(representations: ${part.variable}) {{ {_compact(part.selection)} }}"
            for part in parts
        )
        return f"{kind}({', '.join([*sent, *self._definitions(used)])}) {{ {' '.join(fields)} }}"

    def _root_operation(self, kind: str, used: frozenset[str], selection: str) -> str:
        definitions = self._definitions(used)
        return f"{kind}{f'({chr(44).join(definitions)})' if definitions else ''} {{ {_compact(selection)} }}"

    def _definitions(self, used: frozenset[str]) -> list[str]:
        return [_print_definition(node) for name, node in self._variables.items() if name in used]


def _print_definition(node: VariableDefinitionNode) -> str:
    default = f" = {print_ast(node.default_value)}" if node.default_value else ""
    return f"${node.variable.name.value}: {print_ast(node.type)}{default}"


def _asked(draft: Draft) -> tuple[tuple[str | None, str], ...]:
    return tuple(draft.selection.fields)


def _text(draft: Draft) -> str:
    return "\n".join(draft.selection.lines())


def _compact(text: str) -> str:
    """One line; no string holds a line break, since arguments are printed without block strings."""
    return " ".join(line.strip() for line in text.split("\n"))
