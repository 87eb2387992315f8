"""The supergraph SDL -> a `Supergraph`.

Reads the join specification v0.1 to v0.5: `@join__type`, `@join__field`, `@join__implements`,
`@join__unionMember`. Directives it does not know are left alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeGuard

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    parse_type,
    print_ast,
)

from gateway.errors import SupergraphError
from gateway.supergraph.api_schema import api_schema
from gateway.supergraph.applied_directives import applied
from gateway.supergraph.authorization_reader import read_authorization
from gateway.supergraph.field_set import FieldPath, parse_field_set, paths_of
from gateway.supergraph.model import (
    FieldInGraph,
    Graph,
    Key,
    Subgraph,
    Supergraph,
    SupergraphType,
    TypeInGraph,
    named_type,
)
from gateway.supergraph.prices_reader import read_prices


def load_supergraph(sdl: str) -> Supergraph:
    """Read a composed supergraph. Raises SupergraphError with one sentence when it cannot be served."""
    try:
        document = parse(sdl, no_location=True)
        schema = api_schema(document)
    except (GraphQLError, TypeError) as error:
        raise SupergraphError(f"The supergraph is not a valid schema: {_sentence(error)}") from error
    subgraphs = _read_subgraphs(document)
    if not subgraphs:
        raise SupergraphError("The supergraph names no subgraphs: `enum join__Graph` is missing or empty")
    return _Reader(document, subgraphs).supergraph(schema)


def _sentence(error: GraphQLError | TypeError) -> str:
    """In one line; graphql-core would print the place itself below."""
    if isinstance(error, GraphQLError):
        places = "".join(f" (line {each.line}, column {each.column})" for each in error.locations or ())
        return error.message + places
    return " ".join(str(error).split())


def _read_subgraphs(document: DocumentNode) -> dict[Graph, Subgraph]:
    for definition in document.definitions:
        if isinstance(definition, EnumTypeDefinitionNode) and definition.name.value == "join__Graph":
            values = ((value.name.value, value) for value in definition.values or ())
            found = ((graph, _first(applied(value, "join__graph"))) for graph, value in values)
            return {
                graph: Subgraph(graph, args.get("name", graph), args.get("url", "")) for graph, args in found
            }
    return {}


def _first(applications: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return next(iter(applications), {})


_Composite = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | UnionTypeDefinitionNode


class _Reader:
    """Holds what every step of reading one document needs."""

    def __init__(self, document: DocumentNode, subgraphs: Mapping[Graph, Subgraph]) -> None:
        self._document = document
        self._subgraphs = subgraphs
        self._graph_of = {subgraph.name: graph for graph, subgraph in subgraphs.items()}
        self._composites: dict[str, Any] = {
            node.name.value: node for node in document.definitions if _is_composite(node)
        }

    def supergraph(self, schema: GraphQLSchema) -> Supergraph:
        types = {name: self._type(definition) for name, definition in self._composites.items()}
        if self._is_first_version:
            types = _with_provided(types)
        possible = self._possible(types)
        return Supergraph(
            subgraphs=self._subgraphs,
            types=types,
            possible=possible,
            interfaces={name: self._interfaces(name) for name in types},
            roots=_roots(schema),
            api_schema=schema,
            prices=read_prices(self._document, types, possible),
            authorization=read_authorization(self._document, types, possible),
        )

    def _type(self, definition: Any) -> SupergraphType:
        graphs = self._graphs(definition)
        fields = {field.name.value: field for field in getattr(definition, "fields", None) or ()}
        return SupergraphType(
            name=definition.name.value,
            is_abstract=not isinstance(definition, ObjectTypeDefinitionNode),
            graphs=graphs,
            fields={name: self._field(field, graphs) for name, field in fields.items()},
            field_types={name: field.type for name, field in fields.items()},
        )

    def _graphs(self, definition: Any) -> dict[Graph, TypeInGraph]:
        """Join v0.1 leaves value types and root types unmarked: they are everywhere."""
        graphs: dict[Graph, TypeInGraph] = {}
        for arguments in applied(definition, "join__type"):
            held = graphs.get(arguments["graph"], TypeInGraph())
            graphs[arguments["graph"]] = TypeInGraph(
                held.keys + _keys(arguments),
                held.is_interface_object or arguments.get("isInterfaceObject", False),
            )
        return graphs or dict.fromkeys(self._subgraphs, TypeInGraph())

    def _field(
        self, field: FieldDefinitionNode, graphs: Mapping[Graph, TypeInGraph]
    ) -> dict[Graph, FieldInGraph]:
        joins = list(applied(field, "join__field"))
        # Join v0.1 marks a value type's field for its @provides only, without a subgraph: it does not say whose.
        if not joins or (self._is_first_version and not any("graph" in join for join in joins)):
            return {graph: FieldInGraph(field.type) for graph in graphs}
        if any(join.get("contextArguments") for join in joins):
            raise SupergraphError(
                f"The supergraph takes arguments of `{field.name.value}` from the context (@fromContext), "
                "which this gateway does not do"
            )
        held = {join["graph"]: _field_in_graph(field, join) for join in joins if "graph" in join}
        self._mark_overridden(held, joins)
        return held | self._held_as_key(field, held, graphs)

    def _mark_overridden(self, held: dict[Graph, FieldInGraph], joins: Iterable[Mapping[str, Any]]) -> None:
        for join in joins:
            source = self._graph_of.get(join.get("override") or "")
            if source in held:
                label = join.get("overrideLabel")
                held[source] = replace(
                    held[source], overridden=label is None, override_label=label, takes_over=False
                )

    def _held_as_key(
        self,
        field: FieldDefinitionNode,
        held: Mapping[Graph, FieldInGraph],
        graphs: Mapping[Graph, TypeInGraph],
    ) -> dict[Graph, FieldInGraph]:
        """Join v0.1 names only a field's owner, though every subgraph with the key holds the key's fields."""
        if not self._is_first_version or not held:
            return {}
        step = ("", field.name.value)
        holders = (
            graph for graph, there in graphs.items() if any(path[0] == step for path in there.key_paths)
        )
        return {graph: FieldInGraph(field.type) for graph in holders if graph not in held}

    @cached_property
    def _is_first_version(self) -> bool:
        return any(any(applied(definition, "join__owner")) for definition in self._composites.values())

    def _interfaces(self, name: str) -> tuple[str, ...]:
        return tuple(each.name.value for each in getattr(self._composites[name], "interfaces", None) or ())

    def _possible(
        self, types: Mapping[str, SupergraphType]
    ) -> dict[tuple[str, Graph | None], tuple[str, ...]]:
        possible: dict[tuple[str, Graph | None], tuple[str, ...]] = {}
        for name, held in types.items():
            for graph in (None, *held.graphs):
                possible[name, graph] = (
                    tuple(self._members(name, graph, types)) if held.is_abstract else (name,)
                )
        return possible

    def _members(self, name: str, graph: Graph | None, types: Mapping[str, SupergraphType]) -> Iterator[str]:
        definition = self._composites[name]
        if isinstance(definition, UnionTypeDefinitionNode):
            yield from self._union_members(definition, graph, types)
            return
        for object_name, held in types.items():
            if not held.is_abstract and self._implements(object_name, name, graph, held):
                yield object_name

    def _union_members(
        self, union: UnionTypeDefinitionNode, graph: Graph | None, types: Mapping[str, SupergraphType]
    ) -> list[str]:
        marks = list(applied(union, "join__unionMember"))
        members = [member.name.value for member in union.types or ()]
        if graph is None:
            return members
        if marks:
            here = {mark["member"] for mark in marks if mark["graph"] == graph}
            return [member for member in members if member in here]
        return [member for member in members if member in types and graph in types[member].graphs]

    def _implements(
        self, object_name: str, interface: str, graph: Graph | None, held: SupergraphType
    ) -> bool:
        if interface not in self._interfaces(object_name):
            return False
        if graph is None:
            return True
        marks = list(applied(self._composites[object_name], "join__implements"))
        if not marks:
            return graph in held.graphs
        return any(mark["graph"] == graph and mark["interface"] == interface for mark in marks)


def _with_provided(types: dict[str, SupergraphType]) -> dict[str, SupergraphType]:
    """Join v0.1 names only a field's owner, not who has it to provide it."""
    provided = [
        (each.type_name, path, graph)
        for holder in types.values()
        for held in holder.fields.values()
        for graph, each in held.items()
        for path in each.provides
    ]
    for type_name, path, graph in provided:
        holder, field = _at_the_end(types, type_name, path)
        types = types | {holder.name: _with_external(holder, field, graph)}
    return types


def _at_the_end(
    types: Mapping[str, SupergraphType], type_name: str, path: FieldPath
) -> tuple[SupergraphType, str]:
    *way, (condition, field) = path
    for step_condition, step in way:
        type_name = named_type(types[step_condition or type_name].field_types[step])
    return types[condition or type_name], field


def _with_external(holder: SupergraphType, field: str, graph: Graph) -> SupergraphType:
    external = FieldInGraph(holder.field_types[field], external=True)
    return replace(holder, fields={**holder.fields, field: {graph: external, **holder.fields[field]}})


def _is_composite(definition: DefinitionNode) -> TypeGuard[_Composite]:
    return isinstance(definition, _Composite)


def _keys(arguments: Mapping[str, Any]) -> tuple[Key, ...]:
    if not arguments.get("key"):
        return ()
    selection = parse_field_set(arguments["key"])
    text = " ".join(print_ast(selection).split())
    return (Key(text, selection, paths_of(selection), arguments.get("resolvable", True)),)


def _field_in_graph(field: FieldDefinitionNode, join: Mapping[str, Any]) -> FieldInGraph:
    return FieldInGraph(
        type=parse_type(join["type"]) if join.get("type") else field.type,
        requires=parse_field_set(join["requires"]) if join.get("requires") else None,
        provides=paths_of(parse_field_set(join["provides"])) if join.get("provides") else frozenset(),
        external=bool(join.get("external")),
        overridden=bool(join.get("usedOverridden")) and not join.get("overrideLabel"),
        override_label=join.get("overrideLabel"),
        takes_over=bool(join.get("override")),
    )


def _roots(schema: GraphQLSchema) -> dict[str, str]:
    kinds = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    return {kind: root.name for kind, root in kinds.items() if root}
