"""Limits on an operation before it is validated or executed. Pure.

Each fragment is measured once, whatever the number of places that spread it, and sums stop at `_ENORMOUS`:
20 fragments that spread each other twice are a million fields in 700 bytes, and must cost 20 steps here.
Validation comes after, because its overlap check is what such documents blow up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from user_subgraph.errors import QueryTooComplex

_ENORMOUS = 1_000_000
# Validation walks through all of them, and fragments that spread one another in a row recurse here and there.
MAX_DEFINITIONS = 50
# Each may hash a password, which takes a core and a thread for a fifth of a second.
MAX_MUTATIONS = 5
# Each description of the schema may fill hundreds of kilobytes.
MAX_DESCRIPTIONS = 3
_DESCRIPTIONS = {"__schema", "__type", "_service"}


@dataclass(frozen=True)
class Limits:
    max_tokens: int
    max_depth: int
    max_fields: int
    max_aliases: int


@dataclass(frozen=True)
class Measure:
    """The size of a selection with every fragment in it written out.

    *fields*: all selections, whether or not they are fields; *descriptions*: those that describe the schema.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    descriptions: int = 0

    def beside(self, other: "Measure") -> "Measure":
        return Measure(
            max(self.depth, other.depth),
            min(self.fields + other.fields, _ENORMOUS),
            min(self.aliases + other.aliases, _ENORMOUS),
            min(self.descriptions + other.descriptions, _ENORMOUS),
        )


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Raises `QueryTooComplex` when any operation passes a limit, or a fragment: validation walks unused ones too."""
    if len(document.definitions) > MAX_DEFINITIONS:
        raise QueryTooComplex(f"There are more than {MAX_DEFINITIONS} operations and fragments.")
    measured = _Measuring(document, max_levels=3 * limits.max_depth)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            _check(measured.selection_set(definition.selection_set), limits)


def _check(measure: Measure, limits: Limits) -> None:
    if measure.depth > limits.max_depth:
        raise QueryTooComplex(f"The operation is deeper than {limits.max_depth} levels.")
    if measure.fields > limits.max_fields:
        raise QueryTooComplex(f"The operation selects more than {limits.max_fields} fields.")
    if measure.aliases > limits.max_aliases:
        raise QueryTooComplex(f"The operation has more than {limits.max_aliases} aliases.")
    if measure.descriptions > MAX_DESCRIPTIONS:
        raise QueryTooComplex(f"The operation describes the schema more than {MAX_DESCRIPTIONS} times.")


_ONE = Measure(fields=1)


class _Measuring:
    """*max_levels* bounds the recursion here: fragments lead each other deeper than any of them is."""

    def __init__(self, document: DocumentNode, max_levels: int) -> None:
        self._fragments = fragments_of(document)
        self._measures: dict[str, Measure] = {}
        self._max_levels = max_levels

    def selection_set(self, selections: SelectionSetNode | None, level: int = 1) -> Measure:
        if level > self._max_levels:
            raise QueryTooComplex("The operation is nested too deeply.")
        total = Measure()
        for selection in selections.selections if selections else ():
            total = total.beside(self._selection(selection, level))
        return total

    def _selection(self, selection: SelectionNode, level: int) -> Measure:
        match selection:
            case FieldNode():
                below = self.selection_set(selection.selection_set, level + 1)
                aliases = below.aliases + (selection.alias is not None)
                descriptions = below.descriptions + (selection.name.value in _DESCRIPTIONS)
                return Measure(below.depth + 1, below.fields + 1, aliases, descriptions)
            case InlineFragmentNode():
                return _ONE.beside(self.selection_set(selection.selection_set, level + 1))
            case FragmentSpreadNode():
                return _ONE.beside(self._fragment(selection.name.value, level + 1))
            case _:
                raise TypeError(f"an unknown selection: {type(selection).__name__}")

    def _fragment(self, name: str, level: int) -> Measure:
        if name not in self._measures:
            # A fragment that spreads itself counts as nothing here; validation refuses it.
            self._measures[name] = Measure()
            fragment = self._fragments.get(name)
            self._measures[name] = self.selection_set(fragment.selection_set if fragment else None, level)
        return self._measures[name]


def fragments_of(document: DocumentNode) -> Mapping[str, FragmentDefinitionNode]:
    definitions = document.definitions
    return {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
