"""Random valid operations for a schema; the same seed gives the same operation."""

from collections.abc import Iterator
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_union_type,
    parse,
    validate,
)

DEPTH = 3
WORDS = ["1", "2", "USD", "EUR", "cm", "m", "b"]
ALIASES = ["a", "b", "id", "name", "title"]


def operations(schema: GraphQLSchema, seed: int, count: int) -> Iterator[str]:
    """*count* valid queries."""
    random = Random(seed)  # noqa: S311 — not for secrets
    assert schema.query_type
    while count:
        query = f"{{ {_Writer(schema, random).selections(schema.query_type, DEPTH)} }}"
        if not validate(schema, parse(query)):
            yield query
            count -= 1


class _Writer:
    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self._uses_aliases = random.random() < 0.5

    def selections(self, parent: Any, depth: int) -> str:
        written = [*self._fragments(parent, depth)]
        if not is_union_type(parent):
            written += self._fields(parent, depth)
        if not written or self._random.random() < 0.2:
            written.append("__typename")
        self._random.shuffle(written)
        return " ".join(written)

    def _fragments(self, parent: Any, depth: int) -> Iterator[str]:
        possible = self._schema.get_possible_types(parent) if hasattr(parent, "resolve_type") else []
        if not is_union_type(parent) and self._random.random() < 0.4:
            return
        for each in possible:
            if self._random.random() < 0.7:
                yield f"... on {each.name} {{ {self.selections(each, depth)} }}"
            for interface in each.interfaces:
                if self._random.random() < 0.1:
                    yield f"... on {interface.name} {{ {self.selections(interface, depth)} }}"

    def _fields(self, parent: Any, depth: int) -> Iterator[str]:
        names = self._random.sample(list(parent.fields), self._random.randint(1, min(len(parent.fields), 5)))
        for name in names:
            field: GraphQLField = parent.fields[name]
            head = self._alias() + name + self._arguments(field)
            inner = get_named_type(field.type)
            if is_leaf_type(inner):
                yield head
            elif depth:
                yield f"{head} {{ {self.selections(inner, depth - 1)} }}"

    def _alias(self) -> str:
        if not self._uses_aliases or self._random.random() < 0.75:
            return ""
        return self._random.choice(ALIASES) + ": "

    def _arguments(self, field: GraphQLField) -> str:
        given = [
            f"{name}: {self._literal(argument.type)}"
            for name, argument in field.args.items()
            if is_required_argument(argument) or self._random.random() < 0.5
        ]
        return f"({', '.join(given)})" if given else ""

    def _literal(self, type_: Any) -> str:
        nullable = get_nullable_type(type_)
        if is_list_type(nullable):
            return f"[{self._literal(nullable.of_type)}]"
        if isinstance(nullable, GraphQLEnumType):
            return self._random.choice(list(nullable.values))
        if isinstance(nullable, GraphQLInputObjectType):
            return "{}"
        return (
            str(self._random.randint(0, 3)) if nullable.name == "Int" else f'"{self._random.choice(WORDS)}"'
        )
