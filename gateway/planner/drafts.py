"""Fetches that are being put together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.operations.selection import Field, Selection
from gateway.planner.locations import Location
from gateway.planner.query_plan import Path
from gateway.supergraph.model import Graph


@dataclass(eq=False, slots=True)
class DraftField:
    text: str
    """`key: name(arguments)`"""
    variables: frozenset[str]
    selection: "DraftSelection | None" = None


@dataclass(eq=False, slots=True)
class DraftSelection:
    """A selection set of a fetch that is being put together."""

    type_name: str
    is_abstract: bool
    fields: dict[tuple[str | None, str], DraftField] = field(default_factory=dict)
    """(type condition, key) -> field"""

    def add(self, condition: str | None, key: str, asked: Field) -> DraftField:
        if condition == self.type_name:
            condition = None
        text = asked.signature if key == asked.name else f"{key}: {asked.signature}"
        return self.fields.setdefault((condition, key), DraftField(text, asked.variables))

    def absorb(self, other: "DraftSelection") -> None:
        for at, theirs in other.fields.items():
            ours = self.fields.setdefault(at, theirs)
            if ours is not theirs and ours.selection and theirs.selection:
                ours.selection.absorb(theirs.selection)

    def variables(self) -> frozenset[str]:
        below = (each.selection.variables() for each in self.fields.values() if each.selection)
        return frozenset[str]().union(*(each.variables for each in self.fields.values()), *below)

    def lines(self) -> Iterator[str]:
        """The selections, those for every type first; an abstract type always says which one it is."""
        if self.is_abstract or not self.fields:
            yield "__typename"
        by_condition: dict[str | None, list[str]] = {None: []}
        for (condition, _), each in self.fields.items():
            by_condition.setdefault(condition, []).extend(_field_lines(each))
        yield from by_condition.pop(None)
        for condition, lines in by_condition.items():
            yield from (f"... on {condition} {{", *(f"  {line}" for line in lines), "}")


def _field_lines(drafted: DraftField) -> Iterator[str]:
    if drafted.selection is None:
        yield drafted.text
        return
    yield drafted.text + " {"
    yield from (f"  {line}" for line in drafted.selection.lines())
    yield "}"


@dataclass(eq=False, slots=True)
class DraftRepresentation:
    source_type: str
    keys: list[Selection] = field(default_factory=list)
    requires: list[Selection] = field(default_factory=list)

    def absorb(self, keys: Iterable[Selection], requires: Iterable[Selection]) -> None:
        self.keys += [each for each in keys if each not in self.keys]
        self.requires += [each for each in requires if each not in self.requires]


class Entry(NamedTuple):
    """How a fetch enters its subgraph."""

    type_name: str
    """`Query`; `_Entity` for objects that are asked for as what they are; or the interface they are asked for as."""
    narrowed: str = ""
    """The one type, of those of the interface, that is meant."""
    arguments: str = ""
    """See `Representation.arguments`."""


@dataclass(frozen=True, slots=True)
class Address:
    """What is picked for one address at one step shares a fetch."""

    path: Path
    graph: Graph
    entry: Entry


@dataclass(eq=False, slots=True)
class Draft:
    """A fetch that is being put together."""

    at: "Address"
    location: Location
    selection: DraftSelection
    step: int
    sent: "dict[tuple[str | None, str, str | None], DraftRepresentation]" = field(default_factory=dict)
    """What is sent, by (type condition, target type, typename); empty for a root fetch."""
    after: "set[Draft]" = field(default_factory=set)

    @property
    def graph(self) -> Graph:
        return self.at.graph

    @property
    def path(self) -> Path:
        return self.at.path

    @property
    def is_entity_fetch(self) -> bool:
        return bool(self.sent)
