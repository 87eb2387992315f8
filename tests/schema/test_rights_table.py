"""tests/contract/rights.toml has a row for each rule of the schemas, and no other."""

from collections.abc import Iterator

from graphql import (
    DirectiveNode,
    FieldDefinitionNode,
    ListValueNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    parse,
)

from schema.__main__ import HERE
from tests.contract.rights import ENTITIES, RULES

SUBGRAPHS = ("users", "payments")
ROOTS = ("Query", "Mutation", "Subscription")


def types(subgraph: str) -> list[ObjectTypeDefinitionNode]:
    document = parse((HERE / f"{subgraph}.graphql").read_text())
    return [each for each in document.definitions if isinstance(each, ObjectTypeDefinitionNode)]


def scopes(directive: DirectiveNode) -> str:
    alternatives = directive.arguments[0].value
    assert isinstance(alternatives, ListValueNode)
    return " or ".join(_alone(each) for each in alternatives.values)


def _alone(needed: object) -> str:
    """The table has no word for two scopes that are needed together."""
    assert isinstance(needed, ListValueNode)
    (scope,) = needed.values
    assert isinstance(scope, StringValueNode)
    return scope.value


def rule(field: FieldDefinitionNode) -> str | None:
    for directive in field.directives or ():
        if directive.name.value == "requiresScopes":
            return scopes(directive)
        if directive.name.value == "authenticated":
            return "token"
    return None


def rules_of_schemas() -> Iterator[tuple[str, str]]:
    for subgraph in SUBGRAPHS:
        for each in types(subgraph):
            for field in each.fields or ():
                found = rule(field) or ("anybody" if each.name.value in ROOTS else None)
                if found and not field.name.value.startswith("_"):
                    yield f"{each.name.value}.{field.name.value}", found


def entities_of_schemas() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for subgraph in SUBGRAPHS:
        for each in types(subgraph):
            if any(directive.name.value == "key" for directive in each.directives or ()):
                found.setdefault(each.name.value, []).append(subgraph)
    return found


def test_each_rule_of_the_schemas_has_its_row() -> None:
    wrong = [f'"{field}" = "{rule}"' for field, rule in rules_of_schemas() if RULES.get(field) != rule]

    assert not wrong, "If it is meant, write under [fields] of tests/contract/rights.toml:\n" + "\n".join(
        wrong
    )


def test_each_row_has_its_field() -> None:
    gone = RULES.keys() - dict(rules_of_schemas()).keys()

    assert not gone, f"Take out of [fields] of tests/contract/rights.toml: {sorted(gone)}"


def test_each_entity_has_its_row() -> None:
    assert entities_of_schemas() == ENTITIES, "Correct [entities] of tests/contract/rights.toml"
