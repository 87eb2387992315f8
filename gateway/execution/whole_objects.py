"""Objects that arrive whole: one fetch brings all of them, under the client's names, and nothing besides.

Such an object needs no shaping, only checking, and that is best done where its bytes are read. So each becomes a
msgspec struct whose fields are the client's, in the client's order, with the types the API schema gives them: msgspec
checks while it decodes, and writes the struct into the answer as it is. What does not fit is decoded again without
types and goes the long way through `response.py`, which says what is wrong.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from gateway.operations.selection import TYPENAME, Field, OneField, Selection
from gateway.planner.locations import Location
from gateway.planner.query_plan import Brought, EntityPart, Fetch, Plan, all_brought
from gateway.subgraphs.answer import Decode
from gateway.supergraph.model import Supergraph

STRUCT_LIMIT = 50
"""A struct is made in about 50 µs; an operation with more of them goes without, so that it cannot delay others."""

ObjectType = type[msgspec.Struct]

NOT_ASKED = ("", OneField({}))


class WholeObjects:
    """Finds what arrives whole under one plan."""

    def __init__(self, plan: Plan, selection: Selection, root_type: str, supergraph: Supergraph) -> None:
        self._supergraph = supergraph
        self._suppliers = Counter(place for fetch in plan.fetches for place in all_brought(fetch))
        self._entered = frozenset(_entered(plan))
        self._asked: dict[Location, tuple[str, Selection]] = {}
        self._types: dict[Location, ObjectType | None] = {}
        self._locate(plan.root, selection, root_type)
        self._decoders = {fetch.index: self._decoder(fetch) for fetch in plan.fetches}

    def at(self, location: Location) -> ObjectType | None:
        """The struct that objects at this place are decoded to, when they are what they should be."""
        return self._types.get(location)

    def is_entered(self, location: Location) -> bool:
        """Whether a fetch puts something into objects that stand here."""
        return location in self._entered

    def decoder(self, fetch: Fetch) -> Decode | None:
        """Decodes an answer of *fetch* with all it brings whole; None when that is nothing.

        It raises ValueError (msgspec.DecodeError is one) for what does not fit.
        """
        return self._decoders[fetch.index]

    # --- what the client asks for at each place ---------------------------------------------------------------------

    def _locate(self, location: Location, selection: Selection, type_name: str) -> None:
        """Only where the type of an object is told by the schema; there every place has one selection."""
        self._asked[location] = type_name, selection
        for field, declared in self._fields(type_name, selection):
            child = get_named_type(declared)
            if field.selection is not None and is_object_type(child):
                key = location.key_for(type_name, field, self._supergraph)
                self._locate(location.below(key), field.selection, child.name)

    def _fields(self, type_name: str, selection: Selection) -> Iterator[tuple[Field, GraphQLOutputType]]:
        parent = self._supergraph.api_schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType)  # noqa: S101 — only object types are located
        for field in selection.fields(type_name).values():
            if field.name in parent.fields:
                yield field, parent.fields[field.name].type

    # --- structs ----------------------------------------------------------------------------------------------------

    def _whole(self, brought: Brought) -> ObjectType | None:
        location = brought.location
        if location not in self._types:
            self._types[location] = self._struct(brought) if len(self._types) < STRUCT_LIMIT else None
        return self._types[location]

    def _struct(self, brought: Brought) -> ObjectType | None:
        type_name, selection = self._asked.get(brought.location, NOT_ASKED)
        if type_name != brought.type_name or brought.location in self._entered:
            return None
        if selection.of_type(type_name).denied:
            return None  # what stands there instead comes from no subgraph
        fields: dict[str, Any] = {}
        for field in selection.fields(type_name).values():
            value_type = self._value_type(type_name, field, brought)
            if value_type is None:
                return None
            fields[field.response_key] = value_type
        if set(brought.fields) - {TYPENAME} - set(fields):
            return None
        return _struct_of(type_name, fields)

    def _value_type(self, type_name: str, field: Field, brought: Brought) -> Any | None:
        """The type of a field's values; None when it does not arrive as the client wants it."""
        if field.name == TYPENAME:
            return Literal[type_name]
        key = field.response_key
        is_alone = self._suppliers[brought.location, key] == 1
        has_clients_name = brought.location.key_for(type_name, field, self._supergraph) == key
        if not (is_alone and has_clients_name and key in brought.fields):
            return None
        parent: Any = self._supergraph.api_schema.type_map[type_name]
        below = brought.fields[key]
        if below is None:
            return _leaf_type(parent.fields[field.name].type)
        inner = self._whole(below)
        return _wrapped(parent.fields[field.name].type, inner) if inner else None

    # --- decoders ---------------------------------------------------------------------------------------------------

    def _decoder(self, fetch: Fetch) -> Decode | None:
        types = [self._open_type(each) for each in fetch.brought]
        data = types[0] if types else self._entities_type(fetch.parts)
        return msgspec.json.Decoder(_answer_of(data)).decode if data else None

    def _entities_type(self, parts: tuple[EntityPart, ...]) -> Any | None:
        of_parts = {part.name: self._entity_type(part) for part in parts}
        if not any(of_parts.values()):
            return None
        return _typed_dict({name: _list_of(each) if each else Any for name, each in of_parts.items()})

    def _entity_type(self, part: EntityPart) -> Any | None:
        """Entities that are wanted at several places can be decoded to one struct only."""
        return self._open_type(part.brought[0]) if len(part.brought) == 1 else None

    def _open_type(self, brought: Brought) -> Any | None:
        """A dict, since more will be put in, with whole objects somewhere below; None when there are none."""
        type_name, selection = self._asked.get(brought.location, NOT_ASKED)
        if type_name != brought.type_name:
            return None
        types = dict.fromkeys(brought.fields, Any)
        for field, declared in self._fields(type_name, selection):
            key = brought.location.key_for(type_name, field, self._supergraph)
            below = brought.fields.get(key)
            if below is not None and self._suppliers[brought.location, key] == 1:
                inner = self._whole(below) or self._open_type(below)
                types[key] = _wrapped(declared, inner, is_lenient=True) if inner else Any
        return _typed_dict(types) if any(each is not Any for each in types.values()) else None


def _entered(plan: Plan) -> Iterator[Location]:
    """Places where a fetch puts something into objects another one brought."""
    for fetch in plan.fetches:
        yield fetch.location
        yield from (location for part in fetch.parts for location in part.locations)


# --- types ----------------------------------------------------------------------------------------------------------

_SCALARS: Mapping[str, Any] = {
    "String": str,
    "ID": str,
    "Boolean": bool,
    "Float": float,
    "Int": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
}
_ANYTHING = str | int | float | bool | list[Any] | dict[str, Any]


def _leaf_type(declared: GraphQLOutputType) -> Any:
    named = get_named_type(declared)
    assert is_leaf_type(named)  # noqa: S101 — nothing is asked below it
    if isinstance(named, GraphQLEnumType):
        return _wrapped(declared, Literal[tuple(named.values)])
    return _wrapped(declared, _SCALARS.get(named.name, _ANYTHING))


def _wrapped(declared: GraphQLOutputType, inner: Any, *, is_lenient: bool = False) -> Any:
    """*inner* in the lists of a GraphQL type, with null where that type allows it; *is_lenient*: anywhere."""
    if is_non_null_type(declared):
        wrapped = _in_lists(declared.of_type, inner, is_lenient=is_lenient)
        return wrapped | None if is_lenient else wrapped
    return _in_lists(declared, inner, is_lenient=is_lenient) | None


def _in_lists(declared: GraphQLOutputType, inner: Any, *, is_lenient: bool) -> Any:
    if not is_list_type(declared):
        return inner
    item: Any = _wrapped(declared.of_type, inner, is_lenient=is_lenient)
    return list[item]


def _struct_of(type_name: str, fields: Mapping[str, Any]) -> ObjectType:
    """`__typename` need not come: the schema tells it."""
    names = {f"field_{number}": name for number, name in enumerate(fields)}
    return msgspec.defstruct(
        type_name,
        [
            (python_name, fields[name], type_name)
            if fields[name] == Literal[type_name]
            else (python_name, fields[name])
            for python_name, name in names.items()
        ],
        rename=names,
        kw_only=True,
        frozen=True,
        gc=False,
    )


def _list_of(entity: Any) -> Any:
    return list[entity | None]


def _typed_dict(types: Mapping[str, Any]) -> Any:
    return TypedDict("Fetched", types, total=False)  # type: ignore[operator]  # its keys are known at run time


def _answer_of(data: Any) -> ObjectType:
    return msgspec.defstruct("Answer", [("data", data | None, None), ("errors", Any, None)], gc=False)
