"""The directives `@authenticated`, `@requiresScopes` and `@policy` of a supergraph -> its `Authorization`.

Where the supergraph could be read in two ways, the stricter one is taken:

- A directive on a type counts for every field that returns the type, and for objects of it however they are reached.
- A directive on an interface that demands more than its object types together do was written there by somebody, so
  each of these types demands it too; else it could be passed by, by asking on the object type. If it only sums up
  what the object types demand, as composition writes it, the object types decide.
- A field demands what the fields that it reads demand (`@requires`), however far that leads.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from graphql import DirectiveNode, DocumentNode, FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.errors import SupergraphError
from gateway.supergraph.applied_directives import directive_arguments
from gateway.supergraph.authorization import (
    AUTHENTICATED,
    NONE,
    POLICIES,
    SCOPES,
    Alternatives,
    Authorization,
    Coordinate,
    Demand,
    Demands,
)
from gateway.supergraph.linked_specs import LinkedSpec, linked_specs
from gateway.supergraph.model import Graph, SupergraphType

DIRECTIVES = {"authenticated": "", "requiresScopes": "scopes", "policy": "policies"}
"""Directive -> the argument that holds its alternatives."""

COMPARED_ALTERNATIVES = 256
"""Beyond, a directive on an interface is not compared with those of the object types but taken as written."""


def read_authorization(
    document: DocumentNode,
    types: Mapping[str, SupergraphType],
    possible: Mapping[tuple[str, Graph | None], tuple[str, ...]],
) -> Authorization:
    """Raises SupergraphError for a directive that cannot be understood: it must not be served as if it were not there."""
    stated = _Stated(document)
    if stated.is_empty:
        return Authorization()
    anywhere = {name: found for (name, graph), found in possible.items() if graph is None}
    return _Reader(stated, types, anywhere).authorization()


class _Stated:
    """What the document demands, word for word."""

    def __init__(self, document: DocumentNode) -> None:
        self._names = _names(linked_specs(document))
        self.of_types: dict[str, Demands] = {}
        self.of_fields: dict[Coordinate, Demands] = {}
        for node in document.definitions:
            name = getattr(node, "name", None)
            if name and not node.kind.startswith("directive"):
                self._read(name.value, node)

    @property
    def is_empty(self) -> bool:
        return not (self.of_types or self.of_fields)

    def _read(self, type_name: str, node: Any) -> None:
        self._put(self.of_types, type_name, node)
        if node.kind in {"object_type_definition", "interface_type_definition"}:
            for field in node.fields or ():
                self._put(self.of_fields, (type_name, field.name.value), field)

    def _put(self, into: dict[Any, Demands], at: Any, node: Any) -> None:
        demands = NONE.union(*(self._demands(each) for each in node.directives or ()))
        if demands:
            into[at] = demands

    def _demands(self, directive: DirectiveNode) -> Demands:
        """Scopes and policies stand in a token, so they demand one too."""
        name = self._names.get(directive.name.value)
        if name is None:
            return NONE
        if name == "authenticated":
            return frozenset({AUTHENTICATED})
        given = directive_arguments(directive).get(DIRECTIVES[name])
        alternatives = _alternatives(given, f"@{directive.name.value}")
        kind = SCOPES if name == "requiresScopes" else POLICIES
        return frozenset({AUTHENTICATED, Demand(kind, alternatives)})


def _names(specs: Iterable[LinkedSpec]) -> dict[str, str]:
    """Name in the document -> the directive it is.

    The plain names count even if nothing links them, unless they are another specification's.
    """
    specs = tuple(specs)
    names: dict[str, str] = {}
    for directive in DIRECTIVES:
        ours = [spec for spec in specs if spec.name in {directive, "federation"}]
        others = {name for spec in specs if spec not in ours for name in _claimed(spec)}
        for name in frozenset({directive} - others).union(*(spec.directive(directive) for spec in ours)):
            names[name] = directive
    return names


def _claimed(spec: LinkedSpec) -> Iterator[str]:
    yield spec.namespace
    yield from (name.removeprefix("@") for name in spec.imports.values())


def _alternatives(value: Any, directive: str) -> Alternatives:
    """GraphQL lets lists of one be written without brackets."""
    outer = value if isinstance(value, list) else [value]
    alternatives = [each if isinstance(each, list) else [each] for each in outer]
    if not all(isinstance(name, str) for each in alternatives for name in each):
        raise SupergraphError(
            f"The supergraph has a {directive} whose argument is not a list of lists of names"
        )
    return frozenset(map(frozenset, alternatives))


class _Reader:
    def __init__(
        self,
        stated: _Stated,
        types: Mapping[str, SupergraphType],
        possible: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._stated = stated
        self._types = types
        self._possible = possible
        self._interfaces = _by_object_type(types, possible)
        self._reads = _Reads(types, possible, self._interfaces)
        self._of_types = {name: self._of_type(name) for name in self._interfaces}
        self._own = dict(self._own_demands())

    def authorization(self) -> Authorization:
        return Authorization(
            of_fields={at: found for at in self._own if (found := self._with_what_is_read(at))},
            of_types={name: found for name, found in self._of_types.items() if found},
            of_interfaces={at: found for at in self._interface_fields() if (found := self._on_interface(at))},
            guarded=dict(self._guarded()),
            possible=self._possible,
        )

    # --- object types -----------------------------------------------------------------------------------------------

    def _of_type(self, name: str) -> Demands:
        of_interfaces = (self._added_by_type(each) for each in self._interfaces[name])
        return self._stated.of_types.get(name, NONE).union(*of_interfaces)

    def _own_demands(self) -> Iterator[tuple[Coordinate, Demands]]:
        for name in self._interfaces:
            for field in self._types[name].fields:
                yield (name, field), self._of_field((name, field))

    def _of_field(self, at: Coordinate) -> Demands:
        name, field = at
        of_interfaces = (self._added_by_field((each, field)) for each in self._interfaces[name])
        of_types = (self._of_types[name], self._returned(at))
        return self._stated.of_fields.get(at, NONE).union(*of_types, *of_interfaces)

    def _returned(self, at: Coordinate) -> Demands:
        """What the type of the field demands: an object, interface, enum or scalar."""
        returned = self._types[at[0]].returned(at[1])
        return self._of_types.get(returned) or self._added_by_type(returned)

    def _with_what_is_read(self, at: Coordinate) -> Demands:
        return NONE.union(*(self._own.get(each, NONE) for each in self._reads.all_from(at)))

    # --- interfaces -------------------------------------------------------------------------------------------------

    def _interface_fields(self) -> Iterator[Coordinate]:
        for name, held in self._types.items():
            if name not in self._interfaces:
                yield from ((name, field) for field in held.fields)

    def _on_interface(self, at: Coordinate) -> Demands:
        return self._stated.of_fields.get(at, NONE) | self._returned(at)

    def _added_by_type(self, name: str) -> Demands:
        """What the directives of a type demand beyond what its object types do; of enums and scalars: all."""
        stated = self._stated.of_types.get(name, NONE)
        of_objects = (self._stated.of_types.get(each, NONE) for each in self._possible.get(name, ()))
        return _added(stated, NONE.union(*of_objects))

    def _added_by_field(self, at: Coordinate) -> Demands:
        name, field = at
        holders = self._possible.get(name, ())
        of_objects = (self._stated.of_fields.get((each, field), NONE) for each in holders)
        return _added(self._stated.of_fields.get(at, NONE), NONE.union(*of_objects))

    def _guarded(self) -> Iterator[tuple[Coordinate, tuple[str, ...]]]:
        for at in self._own:
            possible = self._possible.get(self._types[at[0]].returned(at[1]), ())
            if possible and all(self._of_types[each] for each in possible):
                yield at, possible


def _by_object_type(
    types: Mapping[str, SupergraphType], possible: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Object type -> the interfaces it implements in the whole supergraph."""
    interfaces = [name for name, held in types.items() if held.is_abstract and held.fields]
    return {
        name: tuple(each for each in interfaces if name in possible[each])
        for name, held in types.items()
        if not held.is_abstract
    }


def _added(stated: Demands, by_objects: Demands) -> Demands:
    return frozenset(each for each in stated if not _follows(each, by_objects))


def _follows(demand: Demand, others: Demands) -> bool:
    """Whether whoever meets all of *others* meets *demand*."""
    if demand in others:
        return True
    alike = [each.alternatives for each in others if each.kind == demand.kind]
    count = 1
    for alternatives in alike:
        count *= len(alternatives)
    if not alike or count > COMPARED_ALTERNATIVES:
        return False
    together = (frozenset[str]().union(*each) for each in product(*alike))
    return all(any(names <= held for names in demand.alternatives) for held in together)


class _Reads:
    """Which fields a field reads before it can be resolved."""

    def __init__(
        self,
        types: Mapping[str, SupergraphType],
        possible: Mapping[str, tuple[str, ...]],
        interfaces: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._types = types
        self._possible = possible
        self._interfaces = interfaces

    def all_from(self, at: Coordinate) -> set[Coordinate]:
        """The field itself, and every one that it reads, directly or by what these read."""
        found = {at}
        waiting = [at]
        while waiting:
            new = set(self._from(waiting.pop())) - found
            found |= new
            waiting += new
        return found

    def _from(self, at: Coordinate) -> Iterator[Coordinate]:
        name, field = at
        for holder in (name, *self._interfaces.get(name, ())):
            for in_graph in self._types[holder].fields.get(field, {}).values():
                if in_graph.requires:
                    yield from self._selected(in_graph.requires, (name,))

    def _objects(self, types: Iterable[str]) -> tuple[str, ...]:
        return tuple(each for name in types for each in self._possible.get(name, ()))

    def _selected(self, selection_set: SelectionSetNode, types: tuple[str, ...]) -> Iterator[Coordinate]:
        """The fields of a selection, of every type an object there can have."""
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                holders = [each for each in types if node.name.value in self._types[each].fields]
                yield from ((each, node.name.value) for each in holders)
                if node.selection_set:
                    returned = {self._types[each].returned(node.name.value) for each in holders}
                    yield from self._selected(node.selection_set, self._objects(sorted(returned)))
            elif isinstance(node, InlineFragmentNode):
                fitting = self._objects([node.type_condition.name.value]) if node.type_condition else types
                yield from self._selected(
                    node.selection_set, tuple(each for each in types if each in fitting)
                )
