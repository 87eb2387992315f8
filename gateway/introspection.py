"""`__schema` and `__type`, answered here from the API schema; no subgraph is asked."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    execute_sync,
)

from gateway.errors import ValidationFailed
from gateway.operation import Operation

FIELDS = frozenset({"__schema", "__type"})


def asks_introspection(names: set[str]) -> bool:
    return not FIELDS.isdisjoint(names)


def introspect(operation: Operation, schema: GraphQLSchema, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Response key -> value, of the introspection fields of an operation."""
    node = operation.node
    only = OperationDefinitionNode(
        operation=node.operation,
        name=node.name,
        variable_definitions=node.variable_definitions,
        directives=node.directives,
        selection_set=_introspection_only(node.selection_set, operation),
    )
    document = DocumentNode(definitions=(only, *operation.fragments.values()))
    result = execute_sync(schema, document, variable_values=dict(variables))
    if result.errors:
        raise ValidationFailed([{"message": error.message} for error in result.errors])
    return result.data or {}


def _introspection_only(selection_set: SelectionSetNode, operation: Operation) -> SelectionSetNode:
    """Fragments at the root are spelled out, since they may hold fields a subgraph answers."""
    return SelectionSetNode(selections=tuple(_kept(selection_set, operation)))


def _kept(selection_set: SelectionSetNode, operation: Operation) -> list[SelectionNode]:
    kept: list[SelectionNode] = []
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            kept += [node] if node.name.value in FIELDS else []
        else:
            kept.append(_as_inline(node, operation))
    return kept


def _as_inline(node: Any, operation: Operation) -> SelectionNode:
    source = node if isinstance(node, InlineFragmentNode) else operation.fragments[node.name.value]
    return InlineFragmentNode(
        type_condition=source.type_condition,
        directives=node.directives,
        selection_set=_introspection_only(source.selection_set, operation),
    )
