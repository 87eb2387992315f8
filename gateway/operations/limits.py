"""How much an operation asks for, measured in one pass over each definition.

Fragments are measured once and added up, so that a few hundred bytes of fragments that spread each other cannot make
the measuring itself expensive. Nothing here follows a spread by recursion.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from gateway.errors import (
    FragmentsTooDeep,
    TooComplex,
    TooDeep,
    TooManyAliases,
    TooManyDirectives,
    TooManyFields,
    TooManyRootFields,
    TooManyVariables,
    ValidationFailed,
)
from gateway.settings import Limits

SPREAD_CHAIN_LIMIT = 50
"""How many fragments deep a spread may lead."""

VARIABLE_USES_LIMIT = 10_000
"""How often the operations of a document may use variables, with every fragment spelled out."""


@dataclass(slots=True)
class Measure:
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    variable_uses: int = 0
    depth: int = 0
    chain: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)
    """(fragment, depth it is spread at)"""

    def add(self, other: "Measure", depth: int) -> None:
        """Count a fragment spread at *depth*."""
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.variable_uses += other.variable_uses
        self.root_fields += other.root_fields if depth == 0 else 0
        self.depth = max(self.depth, depth + other.depth)
        self.chain = max(self.chain, other.chain + 1)


def check_limits(document: DocumentNode, limits: Limits) -> int:
    """The fields of all operations, counted with every fragment spelled out.

    Raises TooComplex for the first limit that is passed, ValidationFailed for a cycle of fragments.
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
    for measure in operations:
        _check(measure, limits)
    for measure in fragments.values():
        # Also what no operation spreads is validated; but its fields stand at nobody's root.
        _check(replace(measure, root_fields=0), limits)
    return _check_together(operations, limits)


def _check_together(operations: Iterable[Measure], limits: Limits) -> int:
    """Validation looks at every operation of a document, and in each at every variable that is used."""
    uses = sum(measure.variable_uses for measure in operations)
    if uses > VARIABLE_USES_LIMIT:
        raise TooManyVariables(VARIABLE_USES_LIMIT)
    fields = sum(measure.fields for measure in operations)
    if fields > limits.fields:
        raise TooManyFields(limits.fields)
    return fields


def _check(measure: Measure, limits: Limits) -> None:
    bounds: tuple[tuple[type[TooComplex], int, int], ...] = (
        (TooDeep, measure.depth, limits.depth),
        (TooManyAliases, measure.aliases, limits.aliases),
        (TooManyDirectives, measure.directives, limits.directives),
        (TooManyRootFields, measure.root_fields, limits.root_fields),
        (TooManyFields, measure.fields, limits.fields),
        (FragmentsTooDeep, measure.chain, SPREAD_CHAIN_LIMIT),
    )
    for error, amount, limit in bounds:
        if amount > limit:
            raise error(limit)


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
    measure.variable_uses += sum(map(_variable_uses, node.directives or ()))
    if isinstance(node, FragmentSpreadNode):
        measure.spreads.append((node.name.value, depth))
    elif isinstance(node, FieldNode):
        measure.fields += 1
        measure.variable_uses += _variable_uses(node)
        measure.aliases += node.alias is not None
        measure.root_fields += depth == 0
        measure.depth = max(measure.depth, depth + 1)


def _variable_uses(node: FieldNode | DirectiveNode) -> int:
    """How often the arguments name a variable."""
    uses = 0
    values: list[Any] = [each.value for each in node.arguments or ()]
    while values:
        value = values.pop()
        uses += isinstance(value, VariableNode)
        values += getattr(value, "values", ())
        values += (each.value for each in getattr(value, "fields", ()))
    return uses


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
