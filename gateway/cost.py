"""What an operation costs: about how many fields it can bring, reckoned before anything is fetched.

A field costs 1, and what is selected below it as often as it can bring objects: as many as its slicing argument says
(`first`, `last`, `limit` …). `@cost` and `@listSize` in the supergraph say it better:
https://ibm.github.io/graphql-specs/cost-spec.html

The number of objects may stand in a variable. So a cost is a sum of products, made once for each text, whose factors
are looked up among the variables of each request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)

from gateway.errors import TooCostly
from gateway.prices import ListSize, Prices

SLICING_ARGUMENTS = frozenset({"first", "last", "limit", "top", "take", "pageSize", "perPage"})
"""Whole numbers under one of these names say how many objects a field brings, where no `@listSize` says it."""

ASSUMED_PAGE = 10
"""How many objects come where such an argument exists but is not given, and has no default."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What one argument says about the number of objects."""

    path: tuple[str, ...] = ()
    """The variable that says it, and where inside; empty: none does."""
    otherwise: int | None = None

    def of(self, variables: Mapping[str, Any]) -> int | None:
        value: Any = variables if self.path else None
        for name in self.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        said = _number(value)
        return self.otherwise if said is None else said


@dataclass(frozen=True, slots=True)
class Size:
    """How many objects a field can bring: the most any argument says."""

    amounts: tuple[Amount, ...]
    assumed: int

    @property
    def is_fixed(self) -> bool:
        return not any(each.path for each in self.amounts)

    def of(self, variables: Mapping[str, Any]) -> int:
        said = [number for each in self.amounts if (number := each.of(variables)) is not None]
        return max(0, *said) if said else self.assumed


Terms = dict[tuple[Size, ...], int]
"""factors -> how often their product counts"""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one operation."""

    fixed: int
    terms: tuple[tuple[int, tuple[Size, ...]], ...] = ()

    def of(self, variables: Mapping[str, Any]) -> int:
        return self.fixed + sum(
            times * prod(each.of(variables) for each in sizes) for times, sizes in self.terms
        )

    def check_fixed(self, limit: int) -> None:
        """Raises TooCostly when that is certain whatever the variables are."""
        if self.fixed > limit:
            raise TooCostly(self.fixed, limit)

    def check(self, variables: Mapping[str, Any], limit: int) -> None:
        """Raises TooCostly. What no variable can change was checked before."""
        if self.terms and (cost := self.of(variables)) > limit:
            raise TooCostly(cost, limit)


FREE = Cost(0)


def cost_of(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
    prices: Prices,
) -> Cost:
    """The cost of a valid operation. Each fragment is reckoned once."""
    root = schema.get_root_type(operation.operation)
    terms = _Reckoner(fragments, schema, prices).selections(operation.selection_set, root)
    return Cost(terms.pop((), 0), tuple((times, sizes) for sizes, times in terms.items()))


class _Reckoner:
    def __init__(
        self, fragments: Mapping[str, FragmentDefinitionNode], schema: GraphQLSchema, prices: Prices
    ) -> None:
        self._fragments = fragments
        self._schema = schema
        self._prices = prices
        self._known: dict[str, Terms] = {}

    def selections(self, selection_set: SelectionSetNode, parent: Any) -> Terms:
        return self._sum(selection_set, parent, {})

    def _sum(self, selection_set: SelectionSetNode, parent: Any, sized: Mapping[str, Size]) -> Terms:
        """*sized*: the children that come more often than their parent."""
        total: Terms = {}
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                size = sized.get(node.name.value)
                _add(total, self._field(node, parent), size)
            elif isinstance(node, FragmentSpreadNode):
                _add(total, self._spread(node.name.value, sized))
            else:
                condition = node.type_condition  # type: ignore[attr-defined]  # the third and last kind
                inner = self._schema.get_type(condition.name.value) if condition else parent
                _add(total, self._sum(node.selection_set, inner, sized))  # type: ignore[attr-defined]
        return total

    def _spread(self, name: str, sized: Mapping[str, Size]) -> Terms:
        fragment = self._fragments[name]
        parent = self._schema.get_type(fragment.type_condition.name.value)
        if sized:
            return self._sum(fragment.selection_set, parent, sized)
        if name not in self._known:
            self._known[name] = self._sum(fragment.selection_set, parent, {})
        return self._known[name]

    def _field(self, node: FieldNode, parent: Any) -> Terms:
        name = node.name.value
        definition = getattr(parent, "fields", {}).get(name)
        if definition is None:  # `__typename`, or introspection, which no subgraph is asked for
            return {(): 1}
        total: Terms = {(): self._weight(node, parent.name, definition)}
        if node.selection_set:
            size, sized_fields = self._size(node, parent.name, definition)
            child = get_named_type(definition.type)
            sized = dict.fromkeys(sized_fields, size) if size else {}
            _add(total, self._sum(node.selection_set, child, sized), None if sized_fields else size)
        return total

    def _weight(self, node: FieldNode, parent: str, definition: GraphQLField) -> int:
        prices, name = self._prices, node.name.value
        of_type = prices.types.get(get_named_type(definition.type).name, 1)
        of_arguments = (
            prices.arguments.get((parent, name, each.name.value), 0) for each in node.arguments or ()
        )
        return max(0, prices.fields.get((parent, name), of_type) + sum(of_arguments))

    def _size(
        self, node: FieldNode, parent: str, definition: GraphQLField
    ) -> tuple[Size | None, frozenset[str]]:
        listed = self._prices.sizes.get((parent, node.name.value))
        if listed is None:
            slicing = tuple(name for name, each in definition.args.items() if _slices(name, each))
            listed = ListSize(ASSUMED_PAGE if slicing else None, slicing)
        if listed.assumed_size is None and not listed.slicing_arguments:
            return None, frozenset()
        amounts = (_amount(path.split("."), node, definition) for path in listed.slicing_arguments)
        assumed = ASSUMED_PAGE if listed.assumed_size is None else listed.assumed_size
        return Size(tuple(amounts), assumed), listed.sized_fields


def _slices(name: str, argument: GraphQLArgument) -> bool:
    return name in SLICING_ARGUMENTS and str(argument.type).rstrip("!") == "Int"


def _amount(path: list[str], node: FieldNode, definition: GraphQLField) -> Amount:
    given: Any = next((each.value for each in node.arguments or () if each.name.value == path[0]), None)
    argument = definition.args.get(path[0])
    default = _inside(_default(argument), path[1:])
    for position, name in enumerate(path[1:], start=1):
        if isinstance(given, VariableNode):
            return Amount((given.name.value, *path[position:]), default)
        given = _child(given, name)
    if isinstance(given, VariableNode):
        return Amount((given.name.value,), default)
    said = _literal(given)
    return Amount((), default if said is None else said)


def _default(argument: GraphQLArgument | None) -> Any:
    literal = argument.default.literal if argument and argument.default else None
    return value_from_ast_untyped(literal) if literal else None


def _literal(node: Any) -> int | None:
    if isinstance(node, ListValueNode):
        return len(node.values)
    return _number(value_from_ast_untyped(node)) if node else None


def _child(node: Any, name: str) -> Any:
    fields = node.fields if isinstance(node, ObjectValueNode) else ()
    return next((each.value for each in fields if each.name.value == name), None)


def _inside(value: Any, path: list[str]) -> int | None:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return _number(value)


def _number(value: Any) -> int | None:
    """Of a list, its length: the ids of what is asked for, say."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _add(total: Terms, more: Terms, size: Size | None = None) -> None:
    """*more*, as often as *size* says."""
    factor = size.of({}) if size and size.is_fixed else 1
    first = (size,) if size and not size.is_fixed else ()
    for sizes, times in more.items():
        key = (*first, *sizes)
        total[key] = total.get(key, 0) + times * factor
