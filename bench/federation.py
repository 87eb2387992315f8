"""A federation whose subgraphs are executed here, by graphql-core, over one set of objects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, ObjectTypeDefinitionNode, build_ast_schema, graphql_sync, parse

FEDERATIONS = Path(__file__).resolve().parent / "federations"
STUB = "http://stub"
"""Where the composed supergraphs say that the subgraphs are: a name to put the stub's address in place of."""

ENTITIES = """
scalar _Any
type _Service { sdl: String }
union _Entity = %s
extend type Query { _entities(representations: [_Any!]!): [_Entity]! _service: _Service! }
"""

Object = dict[str, Any]
"""Says its `__typename`; a value may be a function of `info` and the field's arguments."""


@dataclass(frozen=True)
class Federation:
    """Subgraphs `federations/NAME/SUBGRAPH.graphql`, composed into `federations/NAME.graphql`."""

    name: str
    roots: Mapping[str, Any]
    """The values of the fields of Query, in whichever subgraph."""
    entity: Callable[[str, Mapping[str, Any]], Object | None]
    """(subgraph, representation) -> the object."""

    @cached_property
    def subgraphs(self) -> Mapping[str, "Subgraph"]:
        files = sorted((FEDERATIONS / self.name).glob("*.graphql"))
        return {file.stem: Subgraph(self, file.stem, file.read_text()) for file in files}

    def supergraph(self, stub_url: str) -> str:
        """What a gateway reads, with every subgraph at the stub."""
        return (FEDERATIONS / f"{self.name}.graphql").read_text().replace(STUB, stub_url)

    def answer_directly(
        self, api_schema: GraphQLSchema, query: str, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What one server holding everything would answer: the truth that gateways are compared with."""
        return _executed(api_schema, self.roots, query, variables, None)


class Subgraph:
    """One subgraph as its gateway sees it."""

    def __init__(self, federation: Federation, name: str, sdl: str) -> None:
        self._schema = _executable(sdl)
        self._roots = {
            **federation.roots,
            "_service": {"sdl": sdl},
            "_entities": lambda _info, representations: [
                federation.entity(name, each) for each in representations
            ],
        }

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return _executed(
            self._schema,
            self._roots,
            request["query"],
            request.get("variables"),
            request.get("operationName"),
        )


def _executed(
    schema: GraphQLSchema,
    roots: Mapping[str, Any],
    query: str,
    variables: Mapping[str, Any] | None,
    operation_name: str | None,
) -> dict[str, Any]:
    result = graphql_sync(
        schema, query, roots, variable_values=dict(variables or {}), operation_name=operation_name
    )
    return dict(result.formatted)


def _executable(sdl: str) -> GraphQLSchema:
    """The schema with what every subgraph has besides; its federation directives need no definition to be read."""
    entities = [
        node.name.value
        for node in parse(sdl).definitions
        if isinstance(node, ObjectTypeDefinitionNode)
        and any(directive.name.value == "key" for directive in node.directives or ())
    ]
    types = sdl[sdl.index("\n") :]  # the first line is `extend schema @link(…)`
    if "type Query" not in types:
        types += "\ntype Query"
    return build_ast_schema(parse(types + ENTITIES % " | ".join(entities)), assume_valid_sdl=True)
