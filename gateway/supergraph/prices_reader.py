"""The directives `@cost` and `@listSize` of a supergraph -> its `Prices`.

Source: https://specs.apollo.dev/cost/v0.1. Composition has merged already what subgraphs say differently.

The specification knows no prices of interfaces and unions. What is asked of one can be asked of any of its object types,
so it costs as much as the dearest of them: else it would be the cheap way to what is dear.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from graphql import DirectiveNode, DocumentNode

from gateway.errors import SupergraphError
from gateway.supergraph.applied_directives import directive_arguments
from gateway.supergraph.linked_specs import linked_specs
from gateway.supergraph.model import Graph, SupergraphType
from gateway.supergraph.prices import NO_PRICES, ListSize, Prices

COST_SPEC = "https://specs.apollo.dev/cost"
FEDERATION_SPEC = "https://specs.apollo.dev/federation"

T = TypeVar("T")


def read_prices(
    document: DocumentNode,
    types: Mapping[str, SupergraphType],
    possible: Mapping[tuple[str, Graph | None], tuple[str, ...]],
) -> Prices:
    """Raises SupergraphError for a price that cannot be understood: nothing must be cheaper than was meant."""
    stated = _Stated(document)
    if stated.is_empty:
        return NO_PRICES
    members = {name: possible[name, None] for name, held in types.items() if held.is_abstract}
    return _Reader(stated, types, members).prices()


class _Stated:
    """What the document says, word for word."""

    def __init__(self, document: DocumentNode) -> None:
        specs = [each for each in linked_specs(document) if each.identity in {COST_SPEC, FEDERATION_SPEC}]
        self._costs = frozenset[str]().union(*(each.directive("cost") for each in specs))
        self._list_sizes = frozenset[str]().union(*(each.directive("listSize") for each in specs))
        self.types: dict[str, int] = {}
        self.fields: dict[tuple[str, str], int] = {}
        self.arguments: dict[tuple[str, str, str], int] = {}
        self.input_fields: dict[tuple[str, str], int] = {}
        self.sizes: dict[tuple[str, str], ListSize] = {}
        for node in document.definitions if specs else ():
            if node.kind.endswith("type_definition"):
                self._read_type(node)

    @property
    def is_empty(self) -> bool:
        return not (self.types or self.fields or self.arguments or self.input_fields or self.sizes)

    def _read_type(self, node: Any) -> None:
        name = node.name.value
        self._put_weight(self.types, name, node, name)
        is_input = node.kind == "input_object_type_definition"
        for field in getattr(node, "fields", None) or ():
            at, where = (name, field.name.value), f"{name}.{field.name.value}"
            if is_input:
                self._put_weight(self.input_fields, at, field, where)
            else:
                self._read_field(at, where, field)

    def _read_field(self, at: tuple[str, str], where: str, field: Any) -> None:
        self._put_weight(self.fields, at, field, where)
        for argument in field.arguments or ():
            name = argument.name.value
            self._put_weight(self.arguments, (*at, name), argument, f"{where}({name}:)")
        for directive in _named(field, self._list_sizes):
            self.sizes[at] = _list_size(directive, where)

    def _put_weight(self, into: dict[T, int], at: T, node: Any, where: str) -> None:
        for directive in _named(node, self._costs):
            into[at] = _argument(directive, "weight", where, _is_int, "a whole number")


def _named(node: Any, names: frozenset[str]) -> Iterator[DirectiveNode]:
    return (each for each in node.directives or () if each.name.value in names)


def _list_size(directive: DirectiveNode, where: str) -> ListSize:
    assumed = _argument(directive, "assumedSize", where, _is_size, "a whole number from 0 on")
    slicing = _argument(directive, "slicingArguments", where, _is_names, "a list of names")
    sized = _argument(directive, "sizedFields", where, _is_names, "a list of names")
    requires = _argument(directive, "requireOneSlicingArgument", where, _is_flag, "true or false")
    return ListSize(
        assumed,
        tuple(_names(slicing)),
        # Of a path, its first step: then all that is below comes as often, which is never too cheap.
        frozenset(name.split(".")[0] for name in _names(sized)),
        requires_one=requires is not False and bool(slicing),
    )


def _argument(
    directive: DirectiveNode, name: str, where: str, is_right: Callable[[Any], bool], right: str
) -> Any:
    value = directive_arguments(directive).get(name)
    if not is_right(value):
        raise SupergraphError(
            f"The supergraph has a @{directive.name.value} on `{where}` whose argument `{name}` is not {right}"
        )
    return value


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return value is None or (_is_int(value) and value >= 0)


def _is_flag(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _is_names(value: Any) -> bool:
    return value is None or all(isinstance(each, str) and each for each in _listed(value))


def _names(value: Any) -> list[str]:
    return [] if value is None else _listed(value)


def _listed(value: Any) -> list[Any]:
    """GraphQL lets lists of one be written without brackets."""
    return value if isinstance(value, list) else [value]


class _Reader:
    """Adds what follows for interfaces and unions. *members*: each of them -> its object types."""

    def __init__(
        self, stated: _Stated, types: Mapping[str, SupergraphType], members: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._stated = stated
        self._types = types
        self._members = members

    def prices(self) -> Prices:
        stated = self._stated
        types = stated.types | dict(self._of_abstract_types())
        return Prices(
            types=types,
            fields=stated.fields | dict(self._of_interface_fields(types)),
            arguments=stated.arguments | dict(self._of_interface_arguments()),
            input_fields=stated.input_fields,
            sizes=stated.sizes | dict(self._of_interface_sizes()),
        )

    def _of_abstract_types(self) -> Iterator[tuple[str, int]]:
        types = self._stated.types
        for name, members in self._members.items():
            if any(each in types for each in (name, *members)):
                yield name, max(types.get(each, 1) for each in (name, *members))

    def _of_interface_fields(self, types: Mapping[str, int]) -> Iterator[tuple[tuple[str, str], int]]:
        fields = self._stated.fields
        for name, field, holders in self._interface_fields():
            if any((each, field) in fields for each in holders):
                of_type = ((each, types.get(self._types[each].returned(field), 1)) for each in holders)
                yield (name, field), max(fields.get((each, field), price) for each, price in of_type)

    def _of_interface_arguments(self) -> Iterator[tuple[tuple[str, str, str], int]]:
        for name, field, holders in self._interface_fields():
            for argument in self._priced_arguments(field, holders):
                prices = (self._stated.arguments.get((each, field, argument), 0) for each in holders)
                yield (name, field, argument), max(prices)

    def _priced_arguments(self, field: str, holders: Iterable[str]) -> set[str]:
        of_holders = {(each, field) for each in holders}
        return {argument for *at, argument in self._stated.arguments if tuple(at) in of_holders}

    def _of_interface_sizes(self) -> Iterator[tuple[tuple[str, str], ListSize]]:
        for name, field, holders in self._interface_fields():
            stated = [found for each in holders if (found := self._stated.sizes.get((each, field)))]
            if stated:
                yield (name, field), _largest(stated)

    def _interface_fields(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """(interface, field, the interface and its object types)"""
        for name, members in self._members.items():
            for field in self._types[name].fields:
                yield name, field, (name, *(each for each in members if field in self._types[each].fields))


def _largest(sizes: list[ListSize]) -> ListSize:
    """As large as any of them."""
    assumed = [each.assumed_size for each in sizes if each.assumed_size is not None]
    return ListSize(
        max(assumed) if assumed else None,
        tuple(dict.fromkeys(path for each in sizes for path in each.slicing_arguments)),
        frozenset[str]().union(*(each.sized_fields for each in sizes))
        if all(each.sized_fields for each in sizes)
        else frozenset(),
        requires_one=all(each.requires_one for each in sizes),
    )
