"""The schema clients see: the supergraph without join and link machinery and without what is @inaccessible."""

from typing import Any

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveLocation,
    DocumentNode,
    GraphQLSchema,
    Node,
    StringValueNode,
    Visitor,
    VisitorAction,
    build_ast_schema,
    visit,
)

from gateway.supergraph.linked_specs import linked_specs

KEPT_DIRECTIVES = frozenset({"deprecated", "specifiedBy", "oneOf"})
EXECUTABLE = frozenset(location.name for location in list(DirectiveLocation)[:8])
"""QUERY to VARIABLE_DEFINITION: the locations a client can write a directive at."""


def api_schema(document: DocumentNode) -> GraphQLSchema:
    """Build the API schema out of a supergraph document."""
    specs = _Specs(document)
    definitions = [each for each in document.definitions if not specs.owns(each)]
    hidden = frozenset(_name(each) for each in definitions if specs.hides(each))
    kept = DocumentNode(definitions=tuple(each for each in definitions if _name(each) not in hidden))
    return build_ast_schema(visit(kept, _Pruner(specs, hidden)), assume_valid=True)


def _name(node: Any) -> str:
    name = getattr(node, "name", None)
    return name.value if name else ""


class _Specs:
    """The names that belong to linked specifications, as this document spells them."""

    def __init__(self, document: DocumentNode) -> None:
        specs = linked_specs(document)
        self._namespaces = {"join", "link", "core", "federation"} | {spec.namespace for spec in specs}
        self._imported = {name for spec in specs for name in spec.imports.values()}
        self._inaccessible = {"inaccessible"} | {
            name for spec in specs for name in spec.directive("inaccessible")
        }

    def owns(self, node: DefinitionNode) -> bool:
        """Whether the definition is machinery, not API."""
        name = _name(node)
        if isinstance(node, DirectiveDefinitionNode):
            runs = any(location.value in EXECUTABLE for location in node.locations)
            return self._is_specs(name) or f"@{name}" in self._imported or not runs
        return bool(name) and (("__" in name and self._is_specs(name)) or name in self._imported)

    def _is_specs(self, name: str) -> bool:
        return name.split("__", 1)[0] in self._namespaces

    def hides(self, node: Any) -> bool:
        return any(each.name.value in self._inaccessible for each in getattr(node, "directives", None) or ())


class _Pruner(Visitor):
    """Takes hidden parts and foreign directives out of the definitions that stay."""

    def __init__(self, specs: _Specs, hidden: frozenset[str]) -> None:
        super().__init__()
        self._specs = specs
        self._hidden = hidden

    def enter(self, node: Node, *_: Any) -> VisitorAction:
        if isinstance(node, ConstDirectiveNode) and node.name.value not in KEPT_DIRECTIVES:
            return self.REMOVE
        if isinstance(node, StringValueNode):
            return self.SKIP
        return self.REMOVE if self._specs.hides(node) else self.IDLE

    def enter_named_type(self, node: Any, key: Any, *_: Any) -> VisitorAction:
        """A hidden interface or union member leaves the list it stands in."""
        return self.REMOVE if isinstance(key, int) and node.name.value in self._hidden else self.IDLE
