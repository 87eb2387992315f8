"""Drafts -> numbered fetches with the text that is sent."""

from collections.abc import Iterable, Iterator

from graphql import OperationDefinitionNode, VariableDefinitionNode, print_ast

from gateway.planner.drafts import Draft, DraftSelection
from gateway.planner.fetch_graph import FetchGraph
from gateway.planner.locations import Location
from gateway.planner.query_plan import Asked, Brought, EntityPart, EntitySent, Fetch
from gateway.planner.sent import SentReader
from gateway.planner.steps import Steps
from gateway.supergraph.model import Supergraph


def write_fetches(
    operation: OperationDefinitionNode, stages: Iterable[FetchGraph], supergraph: Supergraph, steps: Steps
) -> Iterator[Fetch]:
    """Number the fetches; a later stage waits for all of the one before."""
    writer = _FetchWriter(operation, supergraph, steps)
    index, step = 0, 0
    before: tuple[int, ...] = ()
    for stage in stages:
        indexes: dict[Draft, int] = {}
        written = []
        for number, drafts in enumerate(_batches(stage.drafts()), start=index):
            indexes |= dict.fromkeys(drafts, number)
            after = {indexes[each] for draft in drafts for each in draft.after}
            written.append(writer.fetch(drafts, number, tuple(sorted(after)) or before, step))
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

    def __init__(self, operation: OperationDefinitionNode, supergraph: Supergraph, steps: Steps) -> None:
        self._steps = steps
        self._kind = operation.operation.value
        self._supergraph = supergraph
        self._sent = SentReader(supergraph)
        self._variables = {each.variable.name.value: each for each in operation.variable_definitions or ()}

    def fetch(self, drafts: list[Draft], index: int, after: tuple[int, ...], step: int) -> Fetch:
        first = drafts[0]
        parts = self._parts(drafts) if first.is_entity_fetch else ()
        used = frozenset[str]().union(*(draft.selection.variables() for draft in drafts))
        kind = "query" if parts or first.path else self._kind
        selection = self._text(first)
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
            asked=self._asked(first),
            brought=() if parts else (self._brought(first.selection, first.location),),
        )

    def _text(self, draft: Draft) -> str:
        lines = list(draft.selection.lines())
        self._steps.take(len(lines))
        return "\n".join(lines)

    def _parts(self, drafts: list[Draft]) -> tuple[EntityPart, ...]:
        """Equal questions about objects at different paths are one question about more objects."""
        equal: dict[tuple[tuple[EntitySent, ...], str], list[Draft]] = {}
        for draft in drafts:
            equal.setdefault((self._sent.sent(draft), self._text(draft)), []).append(draft)
        return tuple(
            EntityPart(
                paths=tuple(draft.path for draft in alike),
                locations=tuple(draft.location for draft in alike),
                sent=sent,
                selection=text,
                asked=self._asked(alike[0]),
                name=f"_e{number}" if len(equal) > 1 else "_entities",
                variable=self._representations(number, len(equal)),
                brought=tuple(self._brought(draft.selection, draft.location) for draft in alike),
            )
            for number, ((sent, text), alike) in enumerate(equal.items())
        )

    def _asked(self, draft: Draft) -> tuple[Asked, ...]:
        return tuple(
            (frozenset(self._supergraph.possible_types(condition)) if condition else None, key)
            for condition, key in draft.selection.fields
        )

    def _brought(self, selection: DraftSelection, location: Location) -> Brought:
        below = {
            key: self._brought(each.selection, location.below(key)) if each.selection else None
            for (_, key), each in selection.fields.items()
        }
        return Brought(location, below, self._told_type(selection))

    def _told_type(self, selection: DraftSelection) -> str | None:
        """Entities say their type by the type condition they are asked under, others by the field they are found in."""
        conditions = {condition for condition, _ in selection.fields}
        told = conditions.pop() if len(conditions) == 1 else None
        type_name = told or ("" if conditions else selection.type_name)
        is_object = not selection.is_abstract and self._supergraph.possible_types(type_name) == (type_name,)
        return type_name if is_object else None

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


def _compact(text: str) -> str:
    """One line; no string holds a line break, since arguments are printed without block strings."""
    return " ".join(line.strip() for line in text.split("\n"))
