"""What is given to a field costs: its arguments, and the fields of input objects in them as often as they are given.

A default that steps in counts as if it were given; null counts nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    VariableNode,
    get_named_type,
)

from gateway.supergraph.prices import Prices


class Given:
    """The variables of one request. What is inside of one is reckoned once, however often it is used."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self._inside: dict[tuple[str, str], int] = {}

    def inside(self, variable: str, kind: Any, prices: "InputPrices") -> int:
        key = variable, kind.name
        if key not in self._inside:
            self._inside[key] = prices.inside(self.values[variable], kind)
        return self._inside[key]


@dataclass(frozen=True, slots=True)
class PriceOfVariable:
    """What a variable adds where it stands for an argument, an input field or an item of a list."""

    variable: str
    type_name: str
    weight: int
    otherwise: int
    """What the default adds that steps in where the variable is absent."""
    kind: Any = field(compare=False)
    prices: "InputPrices" = field(compare=False)

    def of(self, given: Given) -> int:
        if self.variable not in given.values:
            return self.otherwise
        if given.values[self.variable] is None:
            return 0
        return self.weight + given.inside(self.variable, self.kind, self.prices)


@dataclass(frozen=True, slots=True)
class FieldPrice:
    """The price of a field whose arguments hold priced variables: arguments may make it cheaper, but not negative."""

    fixed: int
    variables: tuple[PriceOfVariable, ...]

    def of(self, given: Given) -> int:
        return max(0, self.fixed + sum(each.of(given) for each in self.variables))


@dataclass(frozen=True, slots=True)
class _Place:
    """Somewhere a value can be given."""

    kind: Any
    """The named type of the value."""
    weight: int
    value: Any
    default: Any = None


class InputPrices:
    """The prices of arguments and input fields."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._priced: dict[str, bool] = {}
        self.are_none = not (prices.arguments or prices.input_fields or prices.types)

    def of_arguments(
        self, node: FieldNode, parent: str, definition: GraphQLField
    ) -> tuple[int, tuple[PriceOfVariable, ...]]:
        """What the arguments add whatever the variables are, and what depends on these."""
        if self.are_none:
            return 0, ()
        values = {each.name.value: each.value for each in node.arguments or ()}
        places = []
        for name, argument in definition.args.items():
            own = self._prices.arguments.get((parent, node.name.value, name))
            places.append(self._place(argument, own, values.get(name)))
        return self._sum(places)

    def inside(self, value: Any, kind: Any) -> int:
        """What the input fields in a variable's value add."""
        total = 0
        waiting = [(value, kind)]
        while waiting:
            value, kind = waiting.pop()
            if isinstance(value, list):
                waiting += ((each, kind) for each in value)
            elif isinstance(value, Mapping) and isinstance(kind, GraphQLInputObjectType):
                for name, inner in value.items():
                    if inner is not None:
                        place = self._input_field(kind, name, None)
                        total += place.weight
                        waiting.append((inner, place.kind))
        return total

    def _sum(self, waiting: list[_Place]) -> tuple[int, tuple[PriceOfVariable, ...]]:
        fixed = 0
        variables: list[PriceOfVariable] = []
        while waiting:
            place = waiting.pop()
            value = place.value or place.default
            if isinstance(value, VariableNode):
                variables += self._of_variable(value.name.value, place)
            elif value and not isinstance(value, NullValueNode):
                fixed += place.weight
                waiting += self._places_in(value, place.kind)
        return fixed, tuple(variables)

    def _of_variable(self, name: str, place: _Place) -> Iterator[PriceOfVariable]:
        if place.weight or self._is_priced_inside(place.kind):
            # A default holds no variables, so this goes no deeper.
            otherwise, _ = self._sum([_Place(place.kind, place.weight, place.default)])
            yield PriceOfVariable(name, place.kind.name, place.weight, otherwise, place.kind, self)

    def _places_in(self, value: Any, kind: Any) -> Iterator[_Place]:
        if isinstance(value, ListValueNode):
            yield from (_Place(kind, 0, each) for each in value.values)
        elif isinstance(value, ObjectValueNode) and isinstance(kind, GraphQLInputObjectType):
            given = {each.name.value: each.value for each in value.fields}
            for name, definition in kind.fields.items():
                if name in given or definition.default:
                    yield self._input_field(kind, name, given.get(name))

    def _input_field(self, kind: GraphQLInputObjectType, name: str, value: Any) -> _Place:
        return self._place(kind.fields[name], self._prices.input_fields.get((kind.name, name)), value)

    def _place(self, definition: Any, own: int | None, value: Any) -> _Place:
        kind = get_named_type(definition.type)
        weight = self._prices.types.get(kind.name, 0) if own is None else own
        return _Place(kind, weight, value, definition.default.literal if definition.default else None)

    def _is_priced_inside(self, kind: Any) -> bool:
        if kind.name not in self._priced:
            self._priced[kind.name] = any(each.weight for each in self._all_below(kind))
        return self._priced[kind.name]

    def _all_below(self, kind: Any) -> Iterator[_Place]:
        seen = {kind.name}
        waiting = [kind]
        while waiting:
            kind = waiting.pop()
            for name in kind.fields if isinstance(kind, GraphQLInputObjectType) else ():
                place = self._input_field(kind, name, None)
                yield place
                if place.kind.name not in seen:
                    seen.add(place.kind.name)
                    waiting.append(place.kind)
