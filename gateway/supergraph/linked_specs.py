"""The specifications a supergraph links, and the names their parts have in it: `@link` may rename them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, SchemaDefinitionNode, SchemaExtensionNode

from gateway.supergraph.applied_directives import directive_arguments


@dataclass(frozen=True, slots=True)
class LinkedSpec:
    """One `@link` (or `@core`) of the schema."""

    name: str
    """`https://specs.apollo.dev/join/v0.3` is `join`."""
    namespace: str
    """What the names of the specification begin with here: its own name unless `as` says otherwise."""
    imports: Mapping[str, str]
    """Name in the specification -> name in this document; directives with their `@`."""
    identity: str
    """Its URL without the version: `https://specs.apollo.dev/join`."""

    def directive(self, name: str) -> frozenset[str]:
        """Every name the specification's directive *name* has here, without the `@`."""
        names = {f"{self.namespace}__{name}"}
        if name == self.name:
            names.add(self.namespace)
        if f"@{name}" in self.imports:
            names.add(self.imports[f"@{name}"].removeprefix("@"))
        return frozenset(names)


def linked_specs(document: DocumentNode) -> tuple[LinkedSpec, ...]:
    """In the order they are linked."""
    schemas = (
        node for node in document.definitions if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode)
    )
    links = (
        each for node in schemas for each in node.directives or () if each.name.value in {"link", "core"}
    )
    return tuple(_linked_spec(directive_arguments(link)) for link in links)


def _linked_spec(link: Mapping[str, Any]) -> LinkedSpec:
    identity = _identity(str(link.get("url") or link.get("feature") or ""))
    name = identity.rsplit("/", 1)[-1]
    imports = (_import(each) for each in link.get("import") or ())
    return LinkedSpec(name, str(link.get("as") or name), dict(imports), identity)


def _identity(url: str) -> str:
    parts = url.rstrip("/").split("/")
    return "/".join(parts[:-1] if len(parts) > 1 and parts[-1].startswith("v") else parts)


def _import(imported: Any) -> tuple[str, str]:
    if isinstance(imported, str):
        return imported, imported
    return imported["name"], imported.get("as") or imported["name"]
