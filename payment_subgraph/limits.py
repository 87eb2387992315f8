"""How much one operation may ask for, counted before it is validated or executed. Pure.

One pass over the document, each fragment counted once and remembered, all counts saturating: 2^20
fragment spreads in 749 bytes cost 20 additions.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from payment_subgraph.cursors import DEFAULT_PAGE
from payment_subgraph.errors import QueryTooComplex

MAX_DEFINITIONS: Final = 50
MAX_DEPTH: Final = 20
MAX_FIELDS: Final = 1000
MAX_ALIASES: Final = 100
MAX_ROOT_FIELDS: Final = 50
MAX_DESCRIPTIONS: Final = 3
"""Of the schema: each may fill hundreds of kilobytes."""
MAX_ITEMS: Final = 50_000

_DESCRIPTIONS: Final = frozenset({"__schema", "__type", "_service"})
_LISTS: Final = frozenset({"payments", "refunds", "events", "webhookEvents", "outboxMessages"})
_PAGE_ARGUMENTS: Final = frozenset({"first", "last"})
_SATURATED: Final = 10**9
Fragments = Mapping[str, FragmentDefinitionNode]
_Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class Weight:
    """*fields*: all selections, whether or not they are fields, with the fragments written out.

    *items*: list entries the answer may hold, connections multiplying what is below them.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    descriptions: int = 0
    items: int = 0

    def beside(self, other: "Weight") -> "Weight":
        return Weight(
            max(self.depth, other.depth),
            min(self.fields + other.fields, _SATURATED),
            min(self.aliases + other.aliases, _SATURATED),
            min(self.descriptions + other.descriptions, _SATURATED),
            min(self.items + other.items, _SATURATED),
        )


def check_size(document: DocumentNode) -> None:
    """Raise QueryTooComplex if anything in *document* passes a limit, whatever its variables are.

    All of it, not only the operation that will run: validation looks at all of it too.
    """
    _check("many operations and fragments", len(document.definitions), MAX_DEFINITIONS)
    for node, weight in _weighed(document, {}):
        _check("deep", weight.depth, MAX_DEPTH)
        _check("many fields", weight.fields, MAX_FIELDS)
        _check("many aliases", weight.aliases, MAX_ALIASES)
        _check("many root fields", len(node.selection_set.selections), MAX_ROOT_FIELDS)
        _check("many descriptions of the schema", weight.descriptions, MAX_DESCRIPTIONS)


def check_items(document: DocumentNode, variables: Mapping[str, Any]) -> None:
    """Raise QueryTooComplex if an answer to *document* could hold too many list entries."""
    for _, weight in _weighed(document, variables):
        _check("many list items", weight.items, MAX_ITEMS)


def _check(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise QueryTooComplex(f"The operation is too complex: too {what} (limit {limit}).")


def _weighed(document: DocumentNode, variables: Mapping[str, Any]) -> Iterator[tuple[_Definition, Weight]]:
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    weigher = _Weigher(fragments, variables)
    for node in document.definitions:
        if isinstance(node, _Definition):
            yield node, weigher.of(node.selection_set)


def fields_below(nodes: Iterable[FieldNode], fragments: Fragments) -> int:
    """How many fields are asked of each object that *nodes*, together one field of the answer, give."""
    weigher = _Weigher(fragments, {})
    return sum(weigher.of(node.selection_set).fields for node in nodes)


_ONE: Final = Weight(fields=1)


class _Weigher:
    def __init__(self, fragments: Fragments, variables: Mapping[str, Any]) -> None:
        self._fragments = fragments
        self._variables = variables
        self._known: dict[str, Weight] = {}

    def of(self, selections: SelectionSetNode | None) -> Weight:
        weight = Weight()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                weight = weight.beside(self._field(node))
            elif isinstance(node, FragmentSpreadNode):
                weight = weight.beside(_ONE).beside(self._fragment(node.name.value))
            else:
                weight = weight.beside(_ONE).beside(self.of(getattr(node, "selection_set", None)))
        return weight

    def _field(self, node: FieldNode) -> Weight:
        below, times = self.of(node.selection_set), self._times(node)
        return Weight(
            min(below.depth + 1, _SATURATED),
            min(below.fields + 1, _SATURATED),
            min(below.aliases + (node.alias is not None), _SATURATED),
            below.descriptions + (node.name.value in _DESCRIPTIONS),
            min(times * (below.items + 1) if times > 1 else below.items, _SATURATED),
        )

    def _fragment(self, name: str) -> Weight:
        """A cycle counts as nothing here: validation refuses it."""
        if name not in self._known:
            self._known[name] = Weight()
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set) if fragment else Weight()
        return self._known[name]

    def _times(self, node: FieldNode) -> int:
        """How many items the field may give: its page size, or the number of representations."""
        values = {argument.name.value: argument.value for argument in node.arguments or ()}
        if node.name.value == "_entities":
            asked = values.get("representations")
            given = self._variables.get(asked.name.value) if isinstance(asked, VariableNode) else None
            return len(given) if isinstance(given, list) else 1
        sizes = [self._size(value) for name, value in values.items() if name in _PAGE_ARGUMENTS]
        if sizes:
            return max(sizes)
        return DEFAULT_PAGE if node.name.value in _LISTS else 1

    def _size(self, value: object) -> int:
        given = self._variables.get(value.name.value) if isinstance(value, VariableNode) else None
        if isinstance(value, IntValueNode):
            given = int(value.value) if len(value.value) < 10 else _SATURATED
        return given if isinstance(given, int) and given > 0 else DEFAULT_PAGE
