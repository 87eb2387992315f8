"""How much an operation asks for, measured in one pass over each definition.

Fragments are measured once and added up, so that a few hundred bytes of fragments that spread each other cannot make
the measuring itself expensive. Nothing here follows a spread by recursion.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.errors import TooComplex, ValidationFailed
from gateway.settings import Limits

SPREAD_CHAIN_LIMIT = 50
"""How many fragments deep a spread may lead."""


@dataclass(slots=True)
class Measure:
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    depth: int = 0
    chain: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)
    """(fragment, depth it is spread at)"""

    def add(self, other: "Measure", depth: int) -> None:
        """Count a fragment spread at *depth*."""
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.root_fields += other.root_fields if depth == 0 else 0
        self.depth = max(self.depth, depth + other.depth)
        self.chain = max(self.chain, other.chain + 1)


def check_limits(document: DocumentNode, limits: Limits) -> int:
    """The fields of the largest operation, counted with every fragment spelled out.

    Raises TooComplex for the first limit an operation passes, ValidationFailed for a cycle of fragments.
    """
    fragments = {
        each.name.value: _measure(each)
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    for name in _spread_last(fragments):
        _add_spreads(fragments[name], fragments)
    operations = [
        _measure(each) for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    for measure in operations:
        _add_spreads(measure, fragments)
    for measure in (*operations, *fragments.values()):
        _check(measure, limits)
    return max((measure.fields for measure in operations), default=0)


def _check(measure: Measure, limits: Limits) -> None:
    for what, amount, limit in (
        ("levels of depth", measure.depth, limits.depth),
        ("aliases", measure.aliases, limits.aliases),
        ("directives", measure.directives, limits.directives),
        ("fields at the root", measure.root_fields, limits.root_fields),
        ("fields", measure.fields, limits.fields),
        ("fragments inside each other", measure.chain, SPREAD_CHAIN_LIMIT),
    ):
        if amount > limit:
            raise TooComplex(what, limit)


def _add_spreads(measure: Measure, fragments: Mapping[str, Measure]) -> None:
    for name, depth in measure.spreads:
        if name in fragments:
            measure.add(fragments[name], depth)


def _measure(definition: OperationDefinitionNode | FragmentDefinitionNode) -> Measure:
    measure = Measure(directives=len(definition.directives or ()))
    open_sets: list[tuple[SelectionSetNode, int]] = [(definition.selection_set, 0)]
    while open_sets:
        selection_set, depth = open_sets.pop()
        for node in selection_set.selections:
            _measure_node(measure, node, depth)
            inner = getattr(node, "selection_set", None)
            if inner:
                open_sets.append((inner, depth + isinstance(node, FieldNode)))
    return measure


def _measure_node(measure: Measure, node: SelectionNode, depth: int) -> None:
    measure.directives += len(node.directives or ())
    if isinstance(node, FragmentSpreadNode):
        measure.spreads.append((node.name.value, depth))
    elif isinstance(node, FieldNode):
        measure.fields += 1
        measure.aliases += node.alias is not None
        measure.root_fields += depth == 0
        measure.depth = max(measure.depth, depth + 1)


def _spread_last(fragments: Mapping[str, Measure]) -> list[str]:
    """The fragments in an order in which each comes after those it spreads. Raises ValidationFailed for a cycle."""
    users: dict[str, list[str]] = {name: [] for name in fragments}
    waits: Counter[str] = Counter()
    for name, measure in fragments.items():
        for used in {used for used, _ in measure.spreads if used in fragments}:
            users[used].append(name)
            waits[name] += 1
    order = [name for name in fragments if not waits[name]]
    for name in order:
        for user in users[name]:
            waits[user] -= 1
            if not waits[user]:
                order.append(user)
    if len(order) < len(fragments):
        stuck = next(name for name in fragments if waits[name])
        raise ValidationFailed([{"message": f"Cannot spread fragment '{stuck}' within itself."}])
    return order
