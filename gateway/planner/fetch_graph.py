"""The chosen picks, laid out as fetches that depend on each other.

One draft per address and step: what is picked for the same place at the same moment shares a fetch.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from graphql import print_ast

from gateway.planner.drafts import Address, Draft, DraftField, DraftRepresentation, DraftSelection, Entry
from gateway.planner.locations import Location
from gateway.planner.options import Hop, Narrow, Pick, Representation, Take
from gateway.planner.query_plan import Path
from gateway.planner.steps import Steps
from gateway.supergraph.model import Graph, Supergraph


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where picks are being applied: in which fetch, at which of its selections, for which type."""

    draft: Draft | None
    """None before the first fetch."""
    selection: DraftSelection | None
    location: Location
    path: Path
    condition: str | None = None
    """The type condition to write fields under."""
    narrowed: str | None = None
    """The one type, of several possible here, that the picks are meant for."""

    @property
    def step(self) -> int:
        return self.draft.step if self.draft else 0


class FetchGraph:
    """Collects the fetches of a query, or of one root field of a mutation."""

    def __init__(self, supergraph: Supergraph, root: Location, steps: Steps) -> None:
        self._supergraph = supergraph
        self._steps = steps
        self._drafts: dict[tuple[Address, int], Draft] = {}
        self._root = root

    def apply(self, picks: Iterable[Pick]) -> None:
        self._apply(picks, Cursor(None, None, self._root, ()))

    def drafts(self) -> list[Draft]:
        """The fetches, each after those it reads from; a fetch that can wait for a later one is merged into it."""
        self._merge_into_later()
        return sorted(self._drafts.values(), key=lambda each: each.step)

    def _merge_into_later(self) -> None:
        """Where nothing reads from a fetch, what it asks can be asked by the next one of the same address."""
        readers: dict[Draft, set[Draft]] = {draft: set() for draft in self._drafts.values()}
        for draft in self._drafts.values():
            for read in draft.after:
                readers[read].add(draft)
        later: dict[Address, Draft] = {}
        for draft in sorted(self._drafts.values(), key=lambda each: -each.step):
            into = later.get(draft.at)
            if into is None or readers[draft]:
                later[draft.at] = draft
                continue
            for read in draft.after:
                readers[read] = readers[read] - {draft} | {into}
            self._merge(draft, into)

    def _merge(self, draft: Draft, into: Draft) -> None:
        into.selection.absorb(draft.selection)
        into.after |= draft.after
        for at, theirs in draft.sent.items():
            ours = into.sent.setdefault(at, theirs)
            ours.absorb(theirs.keys, theirs.requires)
        del self._drafts[draft.at, draft.step]

    # --- applying picks: each returns the fetches that were touched -------------------------------------------------

    def _apply(self, picks: Iterable[Pick], cursor: Cursor) -> set[Draft]:
        touched: set[Draft] = set()
        for pick in picks:
            self._steps.take()
            match pick:
                case Take():
                    touched |= self._take(pick, cursor)
                case Narrow():
                    touched |= self._apply(pick.picks, self._narrowed(cursor, pick))
                case Hop():
                    touched |= self._hop(pick, cursor)
        return touched

    def _narrowed(self, cursor: Cursor, pick: Narrow) -> Cursor:
        return replace(cursor, condition=pick.type_name, narrowed=pick.type_name)

    def _take(self, take: Take, cursor: Cursor) -> set[Draft]:
        assert cursor.selection is not None  # noqa: S101 — the walk takes fields only inside a fetch
        assert cursor.draft is not None  # noqa: S101
        touched = {cursor.draft}
        for condition, key in self._keys(take, cursor):
            drafted = cursor.selection.add(condition, key, take.field)
            if take.child_type is not None:
                touched |= self._apply(take.picks, self._below(take, key, drafted, cursor))
        return touched

    def _keys(self, take: Take, cursor: Cursor) -> list[tuple[str | None, str]]:
        """(type condition, key) to ask the field under: usually one, several where the types' keys differ."""
        types = self._supergraph.possible_types(take.type_name, cursor.draft.graph if cursor.draft else None)
        is_interface_object = not types or types == (take.type_name,)
        if is_interface_object:
            types = self._supergraph.possible_types(take.type_name) or (take.type_name,)
        keys = {each: cursor.location.key_for(each, take.field, self._supergraph) for each in types}
        if len(set(keys.values())) == 1 or is_interface_object:
            return [(cursor.condition, key) for key in dict.fromkeys(keys.values())]
        return list(keys.items())

    def _below(self, take: Take, key: str, drafted: DraftField, cursor: Cursor) -> Cursor:
        assert cursor.draft is not None  # noqa: S101 — see _take
        graph, child_type = cursor.draft.graph, take.child_type or ""
        if drafted.selection is None:
            drafted.selection = DraftSelection(child_type, self._must_say_type(take, graph))
        condition = (f"|[{cursor.narrowed}]",) if cursor.narrowed else ()
        owner = self._supergraph.field(take.type_name, take.field.name, graph)
        lists = ("@",) * (print_ast(owner.type).count("[") if owner else 0)
        path = (*cursor.path, *condition, key, *lists)
        return Cursor(cursor.draft, drafted.selection, cursor.location.below(key), path)

    def _must_say_type(self, take: Take, graph: Graph) -> bool:
        """Whether objects of the field say their type: where the subgraph, or the supergraph, has several. An interface
        object cannot."""
        child_type = take.child_type or ""
        if self._supergraph.is_interface_object(child_type, graph):
            return False
        general = self._supergraph.child_type(take.type_name, take.field.name)
        return self._supergraph.types[child_type].is_abstract or self._supergraph.types[general].is_abstract

    def _hop(self, hop: Hop, cursor: Cursor) -> set[Draft]:
        suppliers = self._apply(hop.requirement, cursor)
        draft = self._draft_for(hop, cursor)
        draft.after |= suppliers | ({cursor.draft} if cursor.draft else set())
        if hop.representation:
            self._send(draft, hop.representation, cursor.narrowed)
        condition = hop.type_name if hop.representation else None
        if self._supergraph.is_abstract_in(hop.type_name, hop.graph):
            draft.selection.fields[condition, "__typename"] = DraftField("__typename", frozenset())
        inner = Cursor(draft, draft.selection, cursor.location, cursor.path, condition, cursor.narrowed)
        return self._apply(hop.picks, inner) | {draft}

    def _draft_for(self, hop: Hop, cursor: Cursor) -> Draft:
        at = Address(cursor.path, hop.graph, self._entry(hop, cursor))
        step = cursor.step + hop.step
        if (at, step) not in self._drafts:
            selection = DraftSelection("_Entity" if hop.representation else hop.type_name, is_abstract=False)
            self._drafts[at, step] = Draft(at, cursor.location, selection, step)
        return self._drafts[at, step]

    def _entry(self, hop: Hop, cursor: Cursor) -> Entry:
        """Objects of several types that are asked for as one type keep to themselves: what is asked of that type is
        asked of all of them, so all of them must bring what it requires."""
        if hop.representation is None:
            return Entry("Query")
        is_object = self._supergraph.possible_types(hop.type_name) == (hop.type_name,)
        arguments = hop.representation.arguments
        return (
            Entry("_Entity", "", arguments)
            if is_object
            else Entry(hop.type_name, cursor.narrowed or "", arguments)
        )

    def _send(self, draft: Draft, representation: Representation, condition: str | None) -> None:
        at = (condition, representation.target_type, representation.typename)
        held = draft.sent.setdefault(at, DraftRepresentation(representation.source_type))
        held.absorb(representation.selections[:1], representation.selections[1:])
