"""How much one operation may ask for, counted before it is validated or executed. Pure.

One pass over the document, each fragment counted once and remembered, all counts saturating: 2^20
fragment spreads in 749 bytes cost 20 additions.
"""

from collections.abc import Mapping
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

MAX_TOKENS: Final = 3000
MAX_DEPTH: Final = 20
MAX_FIELDS: Final = 2000
MAX_ALIASES: Final = 200
MAX_ROOT_FIELDS: Final = 50
MAX_ITEMS: Final = 50_000

_LISTS: Final = frozenset({"payments", "refunds"})
_PAGE_ARGUMENTS: Final = frozenset({"first", "last"})
_SATURATED: Final = 10**9


@dataclass(frozen=True, slots=True)
class Weight:
    """*items*: list entries the answer may hold, connections multiplying what is below them."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    items: int = 0

    def beside(self, other: "Weight") -> "Weight":
        return Weight(
            max(self.depth, other.depth),
            min(self.fields + other.fields, _SATURATED),
            min(self.aliases + other.aliases, _SATURATED),
            min(self.items + other.items, _SATURATED),
        )


def check_limits(document: DocumentNode, variables: Mapping[str, Any]) -> None:
    """Raise QueryTooComplex if anything in *document* passes a limit.

    All of it, not only the operation that will run: validation looks at all of it too.
    """
    weigher = _Weigher(document, variables)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            _check(weigher.of(node.selection_set), len(node.selection_set.selections))


def _check(weight: Weight, roots: int) -> None:
    for name, count, limit in (
        ("deep", weight.depth, MAX_DEPTH),
        ("many fields", weight.fields, MAX_FIELDS),
        ("many aliases", weight.aliases, MAX_ALIASES),
        ("many root fields", roots, MAX_ROOT_FIELDS),
        ("many list items", weight.items, MAX_ITEMS),
    ):
        if count > limit:
            raise QueryTooComplex(f"The operation is too complex: too {name} (limit {limit}).")


class _Weigher:
    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._variables = variables
        self._known: dict[str, Weight] = {}

    def of(self, selections: SelectionSetNode | None) -> Weight:
        weight = Weight()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                weight = weight.beside(self._field(node))
            elif isinstance(node, FragmentSpreadNode):
                weight = weight.beside(self._fragment(node.name.value))
            else:
                weight = weight.beside(self.of(getattr(node, "selection_set", None)))
        return weight

    def _field(self, node: FieldNode) -> Weight:
        below, times = self.of(node.selection_set), self._times(node)
        return Weight(
            min(below.depth + 1, _SATURATED),
            min(below.fields + 1, _SATURATED),
            min(below.aliases + (node.alias is not None), _SATURATED),
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
