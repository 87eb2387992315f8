"""Which subgraph holds what, and the API schema clients see."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from graphql import GraphQLSchema, SelectionSetNode, TypeNode, print_ast

from gateway.supergraph.authorization import Authorization
from gateway.supergraph.field_set import FieldPaths
from gateway.supergraph.prices import NO_PRICES, Prices

Graph = str
"""A subgraph's name inside the supergraph: a value of `enum join__Graph`."""


@dataclass(frozen=True, slots=True)
class Subgraph:
    graph: Graph
    name: str
    url: str
    events_url: str = ""
    """Where it serves subscriptions, if not at `url`; at `ws:` and `wss:` by graphql-transport-ws, else by
    server-sent events."""


@dataclass(frozen=True, slots=True)
class FieldInGraph:
    """One field as one subgraph declares it."""

    type: TypeNode
    requires: SelectionSetNode | None = None
    provides: FieldPaths = frozenset()
    external: bool = False
    overridden: bool = False
    override_label: str | None = None
    """With a label the field moves only when the label is on …"""
    takes_over: bool = False
    """… and this says which of the two sides this subgraph is."""

    @property
    def type_name(self) -> str:
        return named_type(self.type)

    def is_active(self, labels: frozenset[str]) -> bool:
        """Whether the subgraph answers for this field at all, seen from `@override`."""
        if self.override_label is None:
            return not self.overridden
        return (self.override_label in labels) == self.takes_over


@dataclass(frozen=True, slots=True)
class Key:
    text: str
    selection: SelectionSetNode
    paths: FieldPaths
    resolvable: bool


@dataclass(frozen=True)
class TypeInGraph:
    keys: tuple[Key, ...] = ()
    is_interface_object: bool = False

    @cached_property
    def key_paths(self) -> FieldPaths:
        return frozenset[Any]().union(*(key.paths for key in self.keys))


@dataclass(frozen=True, slots=True)
class SupergraphType:
    name: str
    is_abstract: bool
    graphs: Mapping[Graph, TypeInGraph]
    fields: Mapping[str, Mapping[Graph, FieldInGraph]]
    field_types: Mapping[str, TypeNode]

    def returned(self, field: str) -> str:
        """The named type of a field, as the whole supergraph sees it."""
        return named_type(self.field_types[field])


@dataclass(frozen=True, eq=False)
class Supergraph:
    subgraphs: Mapping[Graph, Subgraph]
    types: Mapping[str, SupergraphType]
    possible: Mapping[tuple[str, Graph | None], tuple[str, ...]]
    """(type, subgraph) -> object types it can be there; subgraph None: anywhere. A plain object type is itself."""
    interfaces: Mapping[str, tuple[str, ...]]
    """Object type -> every interface it implements in any subgraph."""
    roots: Mapping[str, str]
    """operation kind ("query", …) -> type name"""
    api_schema: GraphQLSchema
    prices: Prices = NO_PRICES
    authorization: Authorization = field(default_factory=Authorization)
    _shapes: dict[tuple[str, str], str] = field(default_factory=dict, init=False, repr=False)

    def field(self, type_name: str, field: str, graph: Graph | None) -> FieldInGraph | None:
        """The field as *graph* declares it; None when it does not."""
        holder = self.types.get(type_name)
        return None if holder is None or graph is None else holder.fields.get(field, {}).get(graph)

    def in_graph(self, type_name: str, graph: Graph | None) -> TypeInGraph | None:
        holder = self.types.get(type_name)
        return None if holder is None or graph is None else holder.graphs.get(graph)

    def is_interface_object(self, type_name: str, graph: Graph | None) -> bool:
        held = self.in_graph(type_name, graph)
        return held is not None and held.is_interface_object

    def is_abstract_in(self, type_name: str, graph: Graph | None) -> bool:
        """Whether *graph* answers with other types than this one (an interface object is an object there)."""
        holder = self.types.get(type_name)
        return holder is not None and holder.is_abstract and not self.is_interface_object(type_name, graph)

    def possible_types(self, type_name: str, graph: Graph | None = None) -> tuple[str, ...]:
        return self.possible.get((type_name, graph), ())

    def covers(self, condition: str, type_name: str) -> bool:
        """Whether every object of object type *type_name* fits the type condition."""
        return condition == type_name or type_name in self.possible_types(condition)

    def child_type(self, type_name: str, field: str) -> str:
        """The named type of a field, as the whole supergraph sees it."""
        return self.types[type_name].returned(field)

    def is_root(self, type_name: str) -> bool:
        return type_name in self.roots.values()

    def shape(self, type_name: str, field: str) -> str:
        """What decides whether two fields may share a response name in every subgraph.

        The validation rule compares list and non-null wrappers and leaf types; these may differ by subgraph.
        """
        known = self._shapes.get((type_name, field))
        if known is None:
            known = self._shapes[type_name, field] = self._shape(type_name, field)
        return known

    def _shape(self, type_name: str, field: str) -> str:
        held = self.types[type_name].fields.get(field, {})
        shapes = {self._shape_of(each.type) for each in held.values()}
        return "|".join(sorted(shapes))

    def _shape_of(self, type_node: TypeNode) -> str:
        printed, name = print_ast(type_node), named_type(type_node)
        return printed.replace(name, "{}") if name in self.types else printed

    @cached_property
    def override_labels(self) -> frozenset[str]:
        """Every label of a progressive @override."""
        held = (
            each
            for type_ in self.types.values()
            for field in type_.fields.values()
            for each in field.values()
        )
        return frozenset(each.override_label for each in held if each.override_label)

    def at_urls(self, urls: Mapping[Graph, str]) -> "Supergraph":
        """The same supergraph with subgraphs reached elsewhere."""
        moved = {
            graph: replace(subgraph, url=urls.get(graph, subgraph.url))
            for graph, subgraph in self.subgraphs.items()
        }
        return replace(self, subgraphs=moved)

    def with_events_at(self, urls: Mapping[Graph, str]) -> "Supergraph":
        """The same supergraph with subscriptions reached elsewhere."""
        moved = {
            graph: replace(subgraph, events_url=urls.get(graph, subgraph.events_url))
            for graph, subgraph in self.subgraphs.items()
        }
        return replace(self, subgraphs=moved)


def named_type(node: TypeNode) -> str:
    """`[User!]!` -> `User`."""
    while hasattr(node, "type"):
        node = node.type
    return str(node.name.value)  # type: ignore[attr-defined]  # a type without `type` is a NamedTypeNode
