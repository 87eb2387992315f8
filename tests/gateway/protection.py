"""Authorization directives put into supergraphs that have none."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from graphql import ConstDirectiveNode, parse, print_ast


def protecting(demands: Mapping[str, str]) -> Callable[[str], str]:
    """A change of a supergraph's text. *demands*: `Type` or `Type.field` -> `authenticated`, or a scope."""

    def change(sdl: str) -> str:
        left = set(demands)
        document = parse(sdl, no_location=True)
        definitions = tuple(_protected(each, demands, left) for each in document.definitions)
        assert not left, f"the supergraph has no {left}"
        return print_ast(replace(document, definitions=definitions))

    return change


def _protected(node: Any, demands: Mapping[str, str], left: set[str]) -> Any:
    name = getattr(getattr(node, "name", None), "value", "")
    fields = getattr(node, "fields", None)
    if fields:
        of_fields = ((each, f"{name}.{each.name.value}") for each in fields)
        node = replace(node, fields=tuple(_with_demand(each, at, demands, left) for each, at in of_fields))
    return _with_demand(node, name, demands, left)


def _with_demand(node: Any, at: str, demands: Mapping[str, str], left: set[str]) -> Any:
    if at not in demands:
        return node
    left.discard(at)
    return replace(node, directives=(*(node.directives or ()), _directive(demands[at])))


def _directive(demand: str) -> ConstDirectiveNode:
    text = "@authenticated" if demand == "authenticated" else f'@requiresScopes(scopes: [["{demand}"]])'
    (definition,) = parse(f"scalar X {text}", no_location=True).definitions
    directives: tuple[ConstDirectiveNode, ...] = definition.directives  # type: ignore[attr-defined]  # a scalar has some
    return directives[0]
