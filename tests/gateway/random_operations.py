"""Random valid operations for a schema, with variables, fragments, @skip and @include; the same seed gives the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field
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
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    is_union_type,
    parse,
    validate,
)

DEPTH = 3
WORDS = ["1", "2", "USD", "EUR", "cm", "m", "b"]
ALIASES = ["a", "b", "id", "name", "title"]


@dataclass(frozen=True)
class RandomOperation:
    query: str
    variables: dict[str, Any] = field(default_factory=dict)


def operations(
    schema: GraphQLSchema, seed: int, count: int, *, may_mutate: bool = True, may_alias: bool = True
) -> Iterator[RandomOperation]:
    """*count* valid queries; mutations too, where there are any and they are wanted."""
    random = Random(seed)
    while count:
        operation = _Writer(schema, random, may_alias=may_alias).operation(may_mutate=may_mutate)
        if not validate(schema, parse(operation.query)):
            yield operation
            count -= 1


class _Writer:
    def __init__(self, schema: GraphQLSchema, random: Random, *, may_alias: bool) -> None:
        self._schema = schema
        self._random = random
        self._uses_aliases = may_alias and self._chance(0.5)
        self._uses_variables = self._chance(0.4)
        self._uses_conditions = self._chance(0.3)
        self._names_fragments = self._chance(0.3)
        self._definitions: list[str] = []
        self._values: dict[str, Any] = {}
        self._fragments: list[str] = []

    def operation(self, *, may_mutate: bool) -> RandomOperation:
        mutates = may_mutate and self._schema.mutation_type is not None and self._chance(0.3)
        kind, root = (
            ("mutation", self._schema.mutation_type) if mutates else ("query", self._schema.query_type)
        )
        selections = self._selections(root, DEPTH)
        definitions = f"({', '.join(self._definitions)})" if self._definitions else ""
        text = f"{kind} Random{definitions} {{ {selections} }}"
        return RandomOperation("\n".join([text, *self._fragments]), self._values)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _selections(self, parent: Any, depth: int) -> str:
        written = [*self._inline(parent, depth)]
        if not is_union_type(parent):
            written += self._fields(parent, depth)
        if not written or self._chance(0.2):
            written.append("__typename")
        self._random.shuffle(written)
        return " ".join(written)

    def _inline(self, parent: Any, depth: int) -> Iterator[str]:
        if not is_union_type(parent) and not hasattr(parent, "resolve_type"):
            if depth and self._chance(0.1):
                yield self._fragment("", parent, depth)
            return
        if not is_union_type(parent) and self._chance(0.4):
            return
        for each in self._schema.get_possible_types(parent):
            if self._chance(0.7):
                yield self._fragment(each.name, each, depth)
            for interface in each.interfaces:
                if self._chance(0.1):
                    yield self._fragment(interface.name, interface, depth)

    def _fragment(self, condition: str, parent: Any, depth: int) -> str:
        selections = self._selections(parent, depth)
        if self._names_fragments and self._chance(0.5):
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {parent.name} {{ {selections} }}")
            return f"...{name}{self._condition()}"
        return f"...{f' on {condition}' if condition else ''}{self._condition()} {{ {selections} }}"

    def _fields(self, parent: Any, depth: int) -> Iterator[str]:
        names = self._random.sample(list(parent.fields), self._random.randint(1, min(len(parent.fields), 5)))
        for name in names:
            asked: GraphQLField = parent.fields[name]
            head = self._alias() + name + self._arguments(asked) + self._condition()
            inner = get_named_type(asked.type)
            if is_leaf_type(inner):
                yield head
            elif depth:
                yield f"{head} {{ {self._selections(inner, depth - 1)} }}"

    def _alias(self) -> str:
        if not self._uses_aliases or self._chance(0.75):
            return ""
        return self._random.choice(ALIASES) + ": "

    def _condition(self) -> str:
        if not self._uses_conditions or self._chance(0.75):
            return ""
        names = self._random.choice([["skip"], ["include"], ["skip", "include"]])
        return "".join(f" @{name}(if: {self._boolean()})" for name in names)

    def _boolean(self) -> str:
        value = self._chance(0.5)
        return self._variable("Boolean!", value) if self._chance(0.6) else str(value).lower()

    def _arguments(self, asked: GraphQLField) -> str:
        given = [
            f"{name}: {self._value(argument.type)}"
            for name, argument in asked.args.items()
            if is_required_argument(argument) or self._chance(0.5)
        ]
        return f"({', '.join(given)})" if given else ""

    def _value(self, type_: Any) -> str:
        literal, value = self._literal(type_)
        if not self._uses_variables or self._chance(0.5):
            return literal
        if not is_non_null_type(type_) and self._chance(0.3):
            value = None
        return self._variable(str(type_), value, default=literal if self._chance(0.3) else "")

    def _variable(self, type_: str, value: Any, default: str = "") -> str:
        name = f"v{len(self._definitions)}"
        self._definitions.append(f"${name}: {type_}{f' = {default}' if default else ''}")
        if not default or self._chance(0.5):
            self._values[name] = value
        return f"${name}"

    def _object(self, type_: GraphQLInputObjectType) -> tuple[str, dict[str, Any]]:
        given = {
            name: self._literal(each.type)
            for name, each in type_.fields.items()
            if is_required_input_field(each) or self._chance(0.2)
        }
        literal = ", ".join(f"{name}: {text}" for name, (text, _) in given.items())
        return f"{{{literal}}}", {name: value for name, (_, value) in given.items()}

    def _literal(self, type_: Any) -> tuple[str, Any]:
        """As text in a document, and as the value of a variable."""
        nullable = get_nullable_type(type_)
        if is_list_type(nullable):
            literal, value = self._literal(nullable.of_type)
            return f"[{literal}]", [value]
        if isinstance(nullable, GraphQLEnumType):
            name = self._random.choice(list(nullable.values))
            return name, name
        if isinstance(nullable, GraphQLInputObjectType):
            return self._object(nullable)
        if nullable.name == "Int":
            number = self._random.randint(0, 3)
            return str(number), number
        if nullable.name == "Boolean":
            yes = self._chance(0.5)
            return str(yes).lower(), yes
        word = "2026-01-02T03:04:05Z" if nullable.name == "DateTime" else self._random.choice(WORDS)
        return f'"{word}"', word
