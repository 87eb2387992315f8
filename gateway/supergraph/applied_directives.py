"""Directives as they stand on the definitions of a schema document."""

from collections.abc import Iterator
from typing import Any

from graphql import DirectiveNode, value_from_ast_untyped


def applied(node: Any, directive: str) -> Iterator[dict[str, Any]]:
    """The arguments of each application of *directive* on *node*."""
    for each in node.directives or ():
        if each.name.value == directive:
            yield directive_arguments(each)


def directive_arguments(node: DirectiveNode) -> dict[str, Any]:
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in node.arguments or ()}
