"""Data -> the answer: the operation's names and order, nothing that was not asked, nulls by the API schema's rules.

Compiled once for an operation into closures, one for each selection and type. A value that breaks the schema becomes
null and an error, never a crash; a null where the schema allows none takes its parent along.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from gateway.errors import ERROR_LIMIT, FormattedError, Unauthorized, UnknownEntity
from gateway.execution.representations import Object
from gateway.execution.whole_objects import WholeObjects
from gateway.operations.selection import TYPENAME, Field, Selection
from gateway.planner.locations import Location
from gateway.supergraph.model import Supergraph

PathNode = tuple["PathNode | None", str | int]
"""A response path, innermost step first, so that going deeper costs one small tuple."""


class _Bubble(Exception):
    """A null where none may be: the parent becomes null."""


@dataclass(slots=True)
class Shaping:
    """One answer being made."""

    errors: list[FormattedError]
    here: Mapping[str, Any]
    """What the gateway answers itself: response key -> value of `__schema` and `__type`."""
    absent: Mapping[int, Mapping[str, str]]
    """id of an object -> what it lacks because a subgraph has no such entity, or does not show it: key -> subgraph."""
    done: dict[int, Any] = field(default_factory=dict)
    """id of an entity -> what it was shaped to; an object stands at one place of the operation only."""

    def broken(self, path: "PathNode", message: str) -> None:
        """Report a value that breaks the schema, unless an error at or around the place has said so already."""
        self._explain(
            path,
            lambda steps: {
                "message": message,
                "path": steps,
                "extensions": {"code": "INVALID_SUBGRAPH_VALUE"},
            },
        )

    def lacking(self, value: Object, key: str, path: "PathNode", where: str) -> None:
        """Report that *value* has no *where*, which may not be null: nobody may see the object, or it is broken."""
        service = self.absent.get(id(value), {}).get(key)
        if service is None:
            self.broken(path, f"Cannot return null for non-nullable field {where}.")
        else:
            self._explain(path, UnknownEntity(service).at)

    def _explain(self, path: "PathNode", make: Callable[[list[str | int]], FormattedError]) -> None:
        if len(self.errors) >= ERROR_LIMIT:
            return
        steps = unfolded(path)
        if not any(_explains(error.get("path"), steps) for error in self.errors):
            self.errors.append(make(steps))

    def deny(self, path: "PathNode", reason: Unauthorized) -> None:
        """Say what is withheld at *path*, and why."""
        if len(self.errors) < ERROR_LIMIT:
            self.errors.append(reason.at(unfolded(path)))


def _explains(error_path: list[str | int] | None, path: list[str | int]) -> bool:
    """An error explains a null above it (it took its parents along) and below it (nothing was delivered)."""
    if error_path is None:
        return True
    shorter = min(len(error_path), len(path))
    return error_path[:shorter] == path[:shorter]


def unfolded(path: "PathNode | None") -> list[str | int]:
    steps: list[str | int] = []
    while path is not None:
        path, step = path
        steps.append(step)
    return steps[::-1]


Complete = Callable[[Any, PathNode, Shaping], Any]
"""(value that is not null, path, shaping) -> value of the answer. Raises _Bubble."""
Shape = Callable[[Object, "PathNode | None", Shaping], Object]


class ResponseShape:
    """Shapes the answers of one operation."""

    def __init__(
        self,
        selection: Selection,
        root_type: str,
        location: Location,
        supergraph: Supergraph,
        whole: WholeObjects,
    ) -> None:
        compiler = _Compiler(supergraph, whole)
        self._shape = compiler.object(selection, root_type, location)

    def shape(
        self,
        data: Object,
        errors: list[FormattedError],
        absent: Mapping[int, Mapping[str, str]],
        here: Mapping[str, Any],
    ) -> Object | None:
        """The `data` of the answer; adds to *errors* what is found to be broken."""
        try:
            return self._shape(data, None, Shaping(errors, here, absent))
        except _Bubble:
            return None


class _Compiler:
    def __init__(self, supergraph: Supergraph, whole: WholeObjects) -> None:
        self._supergraph = supergraph
        self._whole = whole
        self._schema: GraphQLSchema = supergraph.api_schema

    def object(self, selection: Selection, type_name: str, location: Location) -> Shape:
        selected = selection.of_type(type_name)
        fields = tuple(
            self._denied(field, type_name, selected.denied[key])
            if key in selected.denied
            else self._field(field, type_name, location)
            for key, field in selected.asked.items()
        )

        def shape(value: Object, path: "PathNode | None", shaping: Shaping) -> Object:
            return {response_key: complete(value, path, shaping) for response_key, complete in fields}

        return shape

    def _field(self, field: Field, type_name: str, location: Location) -> tuple[str, Shape]:
        response_key = field.response_key
        if field.name == TYPENAME:
            return response_key, lambda value, path, shaping: type_name  # type: ignore[return-value] # noqa: ARG005 — a leaf
        if field.name.startswith("__"):
            return response_key, lambda value, path, shaping: shaping.here[response_key]  # noqa: ARG005 — answered here
        parent = self._schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType)  # noqa: S101 — shapes are made for object types
        declared = parent.fields[field.name].type
        key = location.key_for(type_name, field, self._supergraph)
        where = f"{type_name}.{field.name}"
        complete = self._complete(declared, field, location.below(key))
        read = _reader((key, response_key, where), complete, may_be_null=not is_non_null_type(declared))
        kind = _PLAIN.get(str(declared).rstrip("!"))
        return response_key, _plain_reader(key, kind, read) if kind else read

    def _denied(self, field: Field, type_name: str, reason: Unauthorized) -> tuple[str, Shape]:
        """Nothing is read, whatever the data may hold under the field's name for the gateway's own use."""
        parent = self._schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType)  # noqa: S101 — as above
        is_non_null = is_non_null_type(parent.fields[field.name].type)
        response_key = field.response_key

        def deny(value: Object, path: "PathNode | None", shaping: Shaping) -> None:  # noqa: ARG001 — as said
            shaping.deny((path, response_key), reason)
            if is_non_null:
                raise _Bubble

        return response_key, deny  # type: ignore[return-value]  # a leaf

    def _complete(self, declared: GraphQLOutputType, field: Field, location: Location) -> Complete:
        if is_non_null_type(declared):
            declared = declared.of_type
        if is_list_type(declared):
            return self._list(declared.of_type, self._complete(declared.of_type, field, location))
        if is_leaf_type(declared):
            return _leaf(declared)
        assert field.selection is not None  # noqa: S101 — validation demands one for a composite type
        if is_object_type(declared):
            shape = self.object(field.selection, declared.name, location)
            complete = _object(shape, declared.name, self._whole.at(location))
            return _once(complete) if self._whole.is_entered(location) else complete
        return self._abstract(get_named_type(declared).name, field.selection, location)

    def _list(self, inner: GraphQLOutputType, complete: Complete) -> Complete:
        items_may_be_null = not is_non_null_type(inner)

        def item(value: Any, path: PathNode, shaping: Shaping) -> Any:
            if value is None:
                if items_may_be_null:
                    return None
                shaping.broken(path, "Cannot return null for a non-nullable list item.")
                raise _Bubble
            try:
                return complete(value, path, shaping)
            except _Bubble:
                if items_may_be_null:
                    return None
                raise

        def complete_list(value: Any, path: PathNode, shaping: Shaping) -> Any:
            if type(value) is not list:
                shaping.broken(path, "Expected a list.")
                raise _Bubble
            return [item(each, (path, number), shaping) for number, each in enumerate(value)]

        return complete_list

    def _abstract(self, name: str, selection: Selection, location: Location) -> Complete:
        shapes: dict[str, Shape] = {}
        abstract = self._schema.type_map[name]
        assert is_abstract_type(abstract)  # noqa: S101 — the only kind left
        possible = [each.name for each in self._schema.get_possible_types(abstract)]
        untold = _type_if_it_does_not_matter(possible, selection)

        def complete(value: Any, path: PathNode, shaping: Shaping) -> Any:
            if type(value) is not dict:
                shaping.broken(path, f"Expected an object of type {name}.")
                raise _Bubble
            typename = value.get(TYPENAME, untold)
            if typename not in possible:
                shaping.broken(path, f"Expected an object of type {name}.")
                raise _Bubble
            if typename not in shapes:
                shapes[typename] = self._one_of_several(selection, typename, location)
            return shapes[typename](value, path, shaping)

        return complete

    def _one_of_several(self, selection: Selection, type_name: str, location: Location) -> Shape:
        reason = selection.of_type(type_name).denied_whole
        if reason is None:
            return self.object(selection, type_name, location)

        def deny(value: Object, path: "PathNode | None", shaping: Shaping) -> Object:  # noqa: ARG001 — nothing is read
            assert path is not None  # noqa: S101 — an abstract type is never the root
            shaping.deny(path, reason)
            raise _Bubble

        return deny


def _type_if_it_does_not_matter(possible: Sequence[str], selection: Selection) -> str | None:
    """For an object whose type nobody had to find out, because the answer is the same for each."""
    alike = {tuple(selection.fields(each).values()) for each in possible}
    says_type = any(field.name == TYPENAME for fields in alike for field in fields)
    return possible[0] if len(alike) == 1 and not says_type else None


def _reader(names: tuple[str, str, str], complete: Complete, *, may_be_null: bool) -> Shape:
    """How one field of an object is read: (key, response key, the field's name for people)."""
    key, response_key, where = names

    def read_non_null(value: Object, path: "PathNode | None", shaping: Shaping) -> Any:
        held = value.get(key)
        if held is None:
            shaping.lacking(value, key, (path, response_key), where)
            raise _Bubble
        return complete(held, (path, response_key), shaping)

    def read(value: Object, path: "PathNode | None", shaping: Shaping) -> Any:
        held = value.get(key)
        if held is None:
            return None
        try:
            return complete(held, (path, response_key), shaping)
        except _Bubble:
            return None

    return read if may_be_null else read_non_null


def _plain_reader(key: str, kind: type, read: Shape) -> Shape:
    """A short way for what most fields hold: a scalar of just the right type."""

    def read_plain(value: Object, path: "PathNode | None", shaping: Shaping) -> Any:
        held = value.get(key)
        return held if type(held) is kind else read(value, path, shaping)

    return read_plain


def _object(shape: Shape, type_name: str, whole: type | None) -> Complete:
    def complete(value: Any, path: PathNode, shaping: Shaping) -> Any:
        if type(value) is whole:
            return value
        if type(value) is not dict:
            shaping.broken(path, f"Expected an object of type {type_name}.")
            raise _Bubble
        return shape(value, path, shaping)

    return complete


def _once(complete: Complete) -> Complete:
    """For entities: the executor makes one object of equal ones, and what is one object is shaped once.

    Unless something is wrong with it, which has to be said at every place.
    """

    def complete_once(value: Any, path: PathNode, shaping: Shaping) -> Any:
        shaped = shaping.done.get(id(value))
        if shaped is None:
            errors = len(shaping.errors)
            shaped = complete(value, path, shaping)
            if len(shaping.errors) == errors < ERROR_LIMIT:
                shaping.done[id(value)] = shaped
        return shaped

    return complete_once


_PLAIN: Mapping[str, type] = {"String": str, "ID": str, "Boolean": bool, "Float": float}
_INTS = range(-(2**31), 2**31)


def _leaf(leaf: GraphQLLeafType) -> Complete:
    values = frozenset(leaf.values) if isinstance(leaf, GraphQLEnumType) else frozenset()
    is_int = leaf.name == "Int"

    def complete(value: Any, path: PathNode, shaping: Shaping) -> Any:
        if (is_int and type(value) is int and value in _INTS) or (type(value) is str and value in values):
            return value
        try:
            return leaf.serialize(value)
        except (GraphQLError, TypeError, ValueError):
            shaping.broken(path, f"Not a value of type {leaf.name}.")
            raise _Bubble from None

    return complete
