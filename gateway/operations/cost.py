"""What an operation costs: about how many fields it can bring, reckoned before anything is fetched.

A field costs 1, and what is selected below it as often as it can bring objects: as many as its slicing argument says
(`first`, `last`, `limit` …). Arguments cost nothing. `@cost` and `@listSize` in the supergraph say it better:
https://ibm.github.io/graphql-specs/cost-spec.html, as https://specs.apollo.dev/cost/v0.1 has it in supergraphs.

Our rules, where the two differ or leave it open:

- Scalars and enums cost 1 unless they are priced, as they did before anything was (there, 0; objects 1 as here).
- A field costs its own weight, or else that of its type, once each time it is resolved (IBM); not once for each object
  of its list (Apollo's router). What is selected below counts for each object.
- Of an interface or union counts the dearest that an object of it can cost (IBM).
- Arguments and input fields add their weights, or else those of their scalar or enum types, as often as they are given;
  input objects as such add nothing. Weights may be negative, but no field becomes so (IBM).
- Weights are whole numbers (Apollo; IBM has texts).
- Where `requireOneSlicingArgument` holds, an operation that does not give exactly one is refused (Apollo; IBM allows
  it). Giving none is right if one has a default; the default of another than the given one is no second one.
- Where it does not hold, the most that any slicing argument says counts, then `assumedSize`, then `ASSUMED_PAGE`.
- Nothing is taken off for `@skip` and `@include`.

The number of objects may stand in a variable. So a cost is a sum of products, made once for each text, whose factors
are looked up among the variables of each request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

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

from gateway.errors import BadUserInput, TooCostly
from gateway.operations.input_prices import FieldPrice, Given, InputPrices
from gateway.supergraph.prices import ListSize, Prices

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
    is_written: bool = False
    """Whether the operation itself says it, so that *otherwise* is no default."""

    def of(self, given: Given) -> int | None:
        said = self._said(given)
        return self.otherwise if said is None else said

    def is_given(self, given: Given) -> bool:
        return self.is_written or self._said(given) is not None

    def _said(self, given: Given) -> int | None:
        value: Any = given.values if self.path else None
        for name in self.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return _number(value)


@dataclass(frozen=True, slots=True)
class Size:
    """How many objects a field can bring: the most any argument says."""

    amounts: tuple[Amount, ...]
    assumed: int

    @property
    def is_fixed(self) -> bool:
        return not any(each.path for each in self.amounts)

    def of(self, given: Given) -> int:
        said = [number for each in self.amounts if (number := each.of(given)) is not None]
        return max(0, *said) if said else self.assumed


@dataclass(frozen=True, slots=True)
class OneSlicingArgument:
    """That exactly one must say how many objects a field brings."""

    field: str
    amounts: tuple[Amount, ...]

    @property
    def is_fixed(self) -> bool:
        return not any(each.path for each in self.amounts)

    def check(self, given: Given) -> None:
        """Raises BadUserInput."""
        count = sum(each.is_given(given) for each in self.amounts)
        if count > 1 or (count == 0 and all(each.otherwise is None for each in self.amounts)):
            raise BadUserInput(
                f"'{self.field}' must be given exactly one of the arguments that say how many objects it brings, "
                f"and is given {count}."
            )


class Factor(Protocol):
    """A number that depends on the variables."""

    def of(self, given: Given) -> int:
        """The number, for the variables of one request."""


Terms = dict[tuple[Factor, ...], int]
"""factors -> how often their product counts"""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one operation."""

    fixed: int
    terms: tuple[tuple[int, tuple[Factor, ...]], ...] = ()
    slicing: tuple[OneSlicingArgument, ...] = ()

    def of(self, variables: Mapping[str, Any]) -> int:
        given = Given(variables)
        return self.fixed + sum(
            times * prod(each.of(given) for each in factors) for times, factors in self.terms
        )

    def check_fixed(self, limit: int) -> None:
        """Raises TooCostly or BadUserInput when that is certain whatever the variables are."""
        for each in self.slicing:
            if each.is_fixed:
                each.check(Given({}))
        if self.fixed > limit:
            raise TooCostly(self.fixed, limit)

    def check(self, variables: Mapping[str, Any], limit: int) -> None:
        """Raises TooCostly or BadUserInput. What no variable can change was checked before."""
        for each in self.slicing:
            each.check(Given(variables))
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
    reckoner = _Reckoner(fragments, schema, prices)
    terms = reckoner.selections(operation.selection_set, root)
    fixed = terms.pop((), 0)
    return Cost(fixed, tuple((times, each) for each, times in terms.items()), tuple(reckoner.slicing))


class _Reckoner:
    def __init__(
        self, fragments: Mapping[str, FragmentDefinitionNode], schema: GraphQLSchema, prices: Prices
    ) -> None:
        self._fragments = fragments
        self._schema = schema
        self._prices = prices
        self._inputs = InputPrices(prices)
        self._known: dict[str, Terms] = {}
        self.slicing: dict[OneSlicingArgument, None] = {}

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
        total = self._price(node, parent.name, definition)
        if not node.selection_set and (parent.name, name) not in self._prices.sizes:
            return total
        size, sized_fields = self._size(node, parent.name, definition)
        if node.selection_set:
            child = get_named_type(definition.type)
            sized = dict.fromkeys(sized_fields, size) if size else {}
            _add(total, self._sum(node.selection_set, child, sized), None if sized_fields else size)
        return total

    def _price(self, node: FieldNode, parent: str, definition: GraphQLField) -> Terms:
        of_type = self._prices.types.get(get_named_type(definition.type).name, 1)
        own = self._prices.fields.get((parent, node.name.value), of_type)
        of_arguments, of_variables = self._inputs.of_arguments(node, parent, definition)
        price = own + of_arguments
        return {(FieldPrice(price, of_variables),): 1} if of_variables else {(): max(0, price)}

    def _size(
        self, node: FieldNode, parent: str, definition: GraphQLField
    ) -> tuple[Size | None, frozenset[str]]:
        listed = self._prices.sizes.get((parent, node.name.value))
        if listed is None:
            slicing = tuple(name for name, each in definition.args.items() if _slices(name, each))
            listed = ListSize(ASSUMED_PAGE if slicing else None, slicing)
        if listed.assumed_size is None and not listed.slicing_arguments:
            return None, frozenset()
        amounts = tuple(_amount(path.split("."), node, definition) for path in listed.slicing_arguments)
        if listed.requires_one and any(
            path.split(".")[0] in definition.args for path in listed.slicing_arguments
        ):
            self.slicing[OneSlicingArgument(node.name.value, amounts)] = None
        assumed = ASSUMED_PAGE if listed.assumed_size is None else listed.assumed_size
        return Size(amounts, assumed), listed.sized_fields


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
    return Amount((), default) if said is None else Amount((), said, is_written=True)


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
    factor = size.of(Given({})) if size and size.is_fixed else 1
    first = (size,) if size and not size.is_fixed else ()
    for factors, times in more.items():
        key = (*first, *factors)
        total[key] = total.get(key, 0) + times * factor
