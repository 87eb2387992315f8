"""All that an object shows, as a selection; and what of it is guarded by a rule of its own, as it was answered."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
    is_object_type,
)

from schema.__main__ import HERE
from tests.contract.rights import RULES
from tests.e2e.rights_documents import arguments

# Each shows the nodes once more.
BESIDE_THE_NODES = {"edges", "pageInfo"}
ALIAS = "other_"
SECRET = "clientSecret"


@cache
def schema_of(name: str) -> GraphQLSchema:
    """*name*: api, users or payments."""
    return build_schema((HERE / f"{name}.graphql").read_text(), assume_valid=True)


@dataclass(frozen=True)
class Everything:
    """All fields of a type, with all of what they lead to, but for the types that stand above: from there it would go round.

    Of a user who hangs on another object, only what may be null: who may not see them is then shown the rest.
    """

    schema: GraphQLSchema
    way: str = "plain"

    def of(self, type_name: str, *above: str) -> str:
        parent = self.schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType)
        fields = (self._selected(name, field, (*above, type_name)) for name, field in parent.fields.items())
        selected = " ".join(each for each in fields if each)
        return f"{{ __typename {self._in_the_way(type_name, selected)} }}"

    def _in_the_way(self, type_name: str, selected: str) -> str:
        return f"... on {type_name} {{ {selected} }}" if self.way == "inline fragment" else selected

    def _selected(self, name: str, field: GraphQLField, above: tuple[str, ...]) -> str | None:
        named = get_named_type(field.type)
        renamed = self.way == "alias" and (f"{above[-1]}.{name}" in RULES or name == SECRET)
        asked = f"{ALIAS}{name}: {name}" if renamed else name
        if is_leaf_type(named):
            hangs = above[-1] == "User" and len(above) > 1 and name != "id"
            return None if hangs and is_non_null_type(field.type) else f"{asked}{_few(field)}"
        if not is_object_type(named) or named.name in above or name in BESIDE_THE_NODES:
            return None
        return f"{asked}{_few(field)} {self.of(named.name, *above)}"


def _few(field: GraphQLField) -> str:
    return "(first: 5)" if "first" in field.args else arguments(field.args)


def guarded_below(value: Any) -> Iterator[tuple[str, Any]]:
    """(field with a rule of its own, what was answered there), for each object of *value*."""
    if isinstance(value, list):
        for each in value:
            yield from guarded_below(each)
    if isinstance(value, dict):
        for name, held in value.items():
            field = f"{value.get('__typename')}.{name.removeprefix(ALIAS)}"
            if field in RULES:
                yield field, held
            yield from guarded_below(held)


def leaves(value: Any) -> Iterator[Any]:
    """All values that are neither null nor names of types."""
    if isinstance(value, list):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, dict):
        for name, held in value.items():
            if name != "__typename":
                yield from leaves(held)
    elif value is not None:
        yield value


def client_secrets(value: Any) -> Iterator[Any]:
    """No scope opens these: they are the payer's alone."""
    if isinstance(value, list):
        for each in value:
            yield from client_secrets(each)
    elif isinstance(value, dict):
        for name, held in value.items():
            if name.removeprefix(ALIAS) == SECRET and held is not None:
                yield held
            yield from client_secrets(held)
