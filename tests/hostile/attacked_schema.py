"""What in a schema can be asked for, so that hostile operations get past validation where they are meant to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.type import is_list_type, is_non_null_type

Composite = GraphQLObjectType | GraphQLInterfaceType
Step = tuple[int, str, str]
"""(how many steps there are with this one, the field's opening, the type it leads to)"""


@dataclass(frozen=True)
class ValuePlace:
    """Somewhere a client's value goes: an argument, or a field of an input object."""

    name: str
    query: str
    """Takes the value, or the input object around it, as `$value`."""
    around: Callable[[Any], Any]
    """A hostile value -> the whole of `$value`."""


class AttackedSchema:
    """Texts to build operations of, read from *sdl*: a client's API or a subgraph's own schema."""

    def __init__(self, sdl: str) -> None:
        self.schema = build_schema(sdl, assume_valid=True, assume_valid_sdl=True)
        query = self.schema.query_type
        assert query, "a schema without queries cannot be attacked here"
        self._query = query
        self._steps: list[dict[str, Step]] = []
        self._entrance, self.type = self._first_object()
        self.opening = self._opening(self._entrance, query.fields[self._entrance])
        """A root field that gives an object, with its arguments, as in `user(id: "1")`."""
        self.leaves: list[str] = [name for name, field in self.type.fields.items() if _is_plain_leaf(field)]
        """Fields of that object that need nothing."""

    @property
    def leaf(self) -> str:
        return self.leaves[0]

    def field(self, selections: str) -> str:
        """The object behind `opening` with *selections* asked of it."""
        return f"{self.opening} {{ {selections} }}"

    def nested(self, levels: int, selections: str = "__typename") -> str:
        """Fields in one another, *levels* deep if the schema has circles, as deep as it goes if not."""
        chain = self.chain(levels)
        return "".join(f"{opening} {{ " for opening in chain) + selections + " }" * len(chain)

    def chain(self, levels: int) -> list[str]:
        """The fields of `nested`, outermost first. Pages are asked for as large as may be."""

        while len(self._steps) < levels:
            self._steps.append(self._steps_before(self._steps[-1] if self._steps else {}))
        chain, here = [], self._query.name
        for left in reversed(range(levels)):
            if here not in self._steps[left]:
                break
            _, opening, here = self._steps[left][here]
            chain.append(opening)
        return chain

    def _steps_before(self, following: dict[str, Step]) -> dict[str, Step]:
        """From each type, the field after which most of the *following* steps can be taken."""
        steps: dict[str, Step] = {}
        for type_ in self.schema.type_map.values():
            if isinstance(type_, Composite) and not type_.name.startswith("__"):
                fields = ((name, field, get_named_type(field.type)) for name, field in type_.fields.items())
                possible = [
                    (following[below.name][0] + 1 if below.name in following else 1, name, field, below)
                    for name, field, below in fields
                    if isinstance(below, Composite)
                ]
                if possible:
                    length, name, field, below = max(possible, key=lambda one: one[0])
                    steps[type_.name] = (length, self._opening(name, field, "100"), below.name)
        return steps

    @property
    def connections(self) -> Iterator[str]:
        """Openings of root fields that give pages, with `{first}` where the size goes."""
        for name, field in self._query.fields.items():
            if "first" in field.args:
                yield self._opening(name, field, "{first}")

    def places(self) -> Iterator[ValuePlace]:
        """One place for each type of value that a client can give."""
        seen: set[str] = set()
        for keyword, root in (("query", self._query), ("mutation", self.schema.mutation_type)):
            for name, field in root.fields.items() if root else ():
                for argument_name, argument in field.args.items():
                    query = _with_value(keyword, name, field, argument_name)
                    yield from _places(query, argument.type, lambda value: value, seen)

    def _first_object(self) -> tuple[str, GraphQLObjectType]:
        """The one with most to ask of it, and of its root fields the one with fewest arguments to fill in."""
        found = [
            (-sum(map(_is_plain_leaf, type_.fields.values())), len(list(_required(field.args))), name, type_)
            for name, field in self._query.fields.items()
            if isinstance(type_ := get_named_type(field.type), GraphQLObjectType)
        ]
        *_, name, type_ = min(found, key=lambda one: one[:2])
        return name, type_

    def _opening(self, name: str, field: GraphQLField, first: str | None = None) -> str:
        given = [f"{each}: {_literal(argument.type)}" for each, argument in _required(field.args)]
        if first and "first" in field.args:
            given.append(f"first: {first}")
        return f"{name}({', '.join(given)})" if given else name


def _with_value(keyword: str, name: str, field: GraphQLField, argument_name: str) -> str:
    """An operation that hands `$value` to that argument."""
    given = [
        f"{each}: {_literal(other.type)}" for each, other in _required(field.args) if each != argument_name
    ]
    arguments = ", ".join([f"{argument_name}: $value", *given])
    return f"{keyword} ($value: {field.args[argument_name].type}) {{ {name}({arguments}) {_below(field)} }}"


def _places(
    query: str, type_: GraphQLInputType, around: Callable[[Any], Any], seen: set[str]
) -> Iterator[ValuePlace]:
    """The place itself and, if objects go there, those in them; of the types that were not *seen* yet."""
    named = get_named_type(type_)
    if str(named) not in seen:
        seen.add(str(named))
        yield ValuePlace(str(named), query, around)
        if isinstance(named, GraphQLInputObjectType):
            for name, field in named.fields.items():
                yield from _places(query, field.type, _put_at(around, _value(named), name), seen)


def _put_at(around: Callable[[Any], Any], usual: dict[str, Any], name: str) -> Callable[[Any], Any]:
    return lambda value: around({**usual, name: value})


def _required(arguments: dict[str, GraphQLArgument]) -> Iterator[tuple[str, GraphQLArgument]]:
    return ((name, argument) for name, argument in arguments.items() if is_required_argument(argument))


def _is_plain_leaf(field: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(field.type)) and not field.args


def _below(field: GraphQLField) -> str:
    return "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"


def _value(type_: GraphQLInputType) -> Any:
    """A value of that type that validation lets through."""
    if is_non_null_type(type_):
        return _value(type_.of_type)
    if is_list_type(type_):
        return [_value(type_.of_type)]
    if isinstance(type_, GraphQLEnumType):
        return str(next(iter(type_.values)))
    if isinstance(type_, GraphQLInputObjectType):
        return {
            name: _value(each.type) for name, each in type_.fields.items() if is_required_input_field(each)
        }
    return {"Int": 1, "Float": 1.5, "Boolean": True}.get(str(type_), "1")


def _literal(type_: GraphQLInputType) -> str:
    """The same as `_value`, written in a document."""
    if is_non_null_type(type_):
        return _literal(type_.of_type)
    if is_list_type(type_):
        return f"[{_literal(type_.of_type)}]"
    if isinstance(type_, GraphQLInputObjectType):
        fields = (
            f"{name}: {_literal(each.type)}"
            for name, each in type_.fields.items()
            if is_required_input_field(each)
        )
        return "{" + ", ".join(fields) + "}"
    if isinstance(type_, GraphQLEnumType):
        return str(next(iter(type_.values)))
    return {"Int": "1", "Float": "1.5", "Boolean": "true"}.get(str(type_), '"1"')
