"""Field sets: the selections written in `key`, `requires` and `provides`."""

from collections.abc import Iterator
from functools import cache

from graphql import FieldNode, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, parse

FieldPath = tuple[tuple[str, str], ...]
"""Steps of (type condition or "", field name)."""

FieldPaths = frozenset[FieldPath]
"""Every field of a selection, each as the path that leads to it."""


@cache
def parse_field_set(text: str) -> SelectionSetNode:
    """`id org { id }` -> a selection set; for equal texts the same one."""
    source = text if text.lstrip().startswith("{") else f"{{ {text} }}"
    operation = parse(source, no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 — `{ … }` parses to nothing else
    return operation.selection_set


def paths_of(selection_set: SelectionSetNode) -> FieldPaths:
    """Every field a selection names, inner ones too."""
    return frozenset(_paths(selection_set, ""))


def _paths(selection_set: SelectionSetNode, condition: str) -> Iterator[FieldPath]:
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            step = (condition, node.name.value)
            yield (step,)
            if node.selection_set:
                yield from ((step, *rest) for rest in _paths(node.selection_set, ""))
        elif isinstance(node, InlineFragmentNode):
            inner = node.type_condition.name.value if node.type_condition else condition
            yield from _paths(node.selection_set, inner)
