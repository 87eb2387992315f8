"""`__schema` and `__type`, answered here from the API schema; no subgraph is asked.

Tools ask for the whole schema at once, and that takes a while: such answers are made beside the event loop and kept.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
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

from gateway.errors import IntrospectionTooLarge, ValidationFailed
from gateway.kept_work import CHARACTERS, KeptWork
from gateway.operations.introspection_cost import check_introspection, values_of_all
from gateway.operations.operation import Operation
from gateway.side_thread import SideThread

FIELDS = frozenset({"__schema", "__type"})

FEW_VALUES = 500
"""What is answered on the spot, in some milliseconds."""

WHOLE_SCHEMAS = 2
"""As often the values of the whole schema may be asked for at once."""

KEPT_BYTES = 4_000_000
"""Of answers, and of the texts and variables they are known by: these are the client's, and may be the larger part."""

Here = Mapping[str, msgspec.Raw]
"""Response key -> JSON"""

IntrospectionKey = tuple[str, str | None, bytes]
"""(text, operation name, variables as JSON)"""


def asks_introspection(names: set[str]) -> bool:
    return not FIELDS.isdisjoint(names)


class Introspection:
    """What one schema says of itself."""

    def __init__(self, schema: GraphQLSchema, thread: SideThread, patience_s: float) -> None:
        """*patience_s*: how long a large answer may be kept waiting by others."""
        self._schema = schema
        self._patience_s = patience_s
        self._limit = WHOLE_SCHEMAS * values_of_all(schema)
        self._answers = KeptWork[IntrospectionKey, Here](KEPT_BYTES // CHARACTERS, thread)

    async def answer(self, text: str, operation: Operation, variables: Mapping[str, Any]) -> Here:
        """The introspection fields of an operation. Raises RequestError, IntrospectionTooLarge for one."""
        key = (text, operation.name, msgspec.json.encode(variables, order="deterministic"))
        return self._answers.get(key) or await self._new_answer(key, operation, variables)

    async def _new_answer(
        self, key: IntrospectionKey, operation: Operation, variables: Mapping[str, Any]
    ) -> Here:
        document = _introspection_of(operation)
        answered, weigh = partial(self._answered, document, variables), partial(_weight, key)
        if self._is_small(document):
            return self._answers.make(key, answered, weigh)
        until = asyncio.get_running_loop().time() + self._patience_s
        return await self._answers.make_aside(key, answered, weigh, len(key[0]), until)

    def _is_small(self, document: DocumentNode) -> bool:
        try:
            check_introspection(document, self._schema, FEW_VALUES)
        except IntrospectionTooLarge:
            return False
        return True

    def _answered(self, document: DocumentNode, variables: Mapping[str, Any]) -> Here:
        check_introspection(document, self._schema, self._limit)
        result = execute_sync(self._schema, document, variable_values=dict(variables))
        if result.errors:
            raise ValidationFailed([{"message": error.message} for error in result.errors])
        return {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in (result.data or {}).items()}


def _weight(key: IntrospectionKey, answer: Here) -> int:
    text, _, variables = key
    return 1 + (len(text) + len(variables) + sum(map(len, answer.values()))) // CHARACTERS


def _introspection_of(operation: Operation) -> DocumentNode:
    """The operation without what subgraphs answer."""
    node = operation.node
    only = OperationDefinitionNode(
        operation=node.operation,
        name=node.name,
        variable_definitions=node.variable_definitions,
        directives=node.directives,
        selection_set=_introspection_only(node.selection_set, operation),
    )
    return DocumentNode(definitions=(only, *operation.fragments.values()))


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
