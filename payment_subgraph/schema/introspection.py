"""What the schema says of itself: some thousand values for a tool, which are put together beside the event loop."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    execute_sync,
)

from payment_subgraph.schema.short_turns import Rests

_FIELDS: Final = frozenset({"__schema", "__type"})


def asks_only_for_the_schema(document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    """*document* is valid: its fragments form no circle."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    names = set(_names(operation.selection_set, fragments, set()))
    return not names.isdisjoint(_FIELDS) and names <= _FIELDS | {"__typename"}


def _names(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif not isinstance(node, FragmentSpreadNode):
            yield from _names(getattr(node, "selection_set"), fragments, seen)  # noqa: B009 - an inline fragment
        elif node.name.value not in seen:
            seen.add(node.name.value)
            yield from _names(fragments[node.name.value].selection_set, fragments, seen)


def introspected(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any] | None, name: str | None
) -> ExecutionResult:
    """The answer to an operation that asks for nothing else."""
    rests = Rests()

    def resolve_and_rest(
        resolve: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Any], **arguments: Any
    ) -> Any:
        rests.rest()
        return resolve(source, info, **arguments)

    return execute_sync(
        schema,
        document,
        variable_values=dict(variables or {}),
        operation_name=name,
        middleware=[resolve_and_rest],
    )
