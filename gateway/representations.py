"""Entities out of the data, and what was fetched about them back in.

An entity is asked for by a representation, `{"__typename": T, key fields…, required fields…}`. Equal ones are sent
once, however many places want the answer; what comes back is put in all of those places, by reference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.locations import Location
from gateway.query_plan import EntityPart, EntitySent, Path, Sent

Object = dict[str, Any]
"""A response object: key -> value."""
ResponsePath = tuple[str | int, ...]


@dataclass(slots=True)
class Entities:
    """What one `_entities` field is to be asked, and where its answers belong."""

    representations: list[Object] = field(default_factory=list)
    places: list[list[tuple[int, Object]]] = field(default_factory=list)
    """For each representation: (number of the path, object) of every place that wants its answer."""
    incomplete: list[tuple[int, Object]] = field(default_factory=list)
    """Places that cannot be asked about: a required field was not delivered."""


def in_portions(wanted: list[Entities], size: int) -> Iterator[list[Entities]]:
    """Cut what the `_entities` fields of one fetch ask into requests of at most *size* representations together."""
    total = sum(len(entities.representations) for entities in wanted)
    if 0 < total <= size:
        yield wanted
        return
    for start in range(0, total, size):
        yield list(_cut(wanted, start, start + size))


def _cut(wanted: list[Entities], start: int, stop: int) -> Iterator[Entities]:
    """The part from *start* up to *stop*, counted over all fields."""
    for entities in wanted:
        held = slice(max(start, 0), max(stop, 0))
        yield Entities(entities.representations[held], entities.places[held])
        start -= len(entities.representations)
        stop -= len(entities.representations)


class MissingError(Exception):
    """A representation cannot be made: a field of it was not delivered."""


class _NullKeyError(Exception):
    """A representation cannot be made: no value of its key is there, so there is no entity and nothing is wrong."""


Maker = Callable[[Object], Object]


def compile_part(part: EntityPart) -> Callable[[Object], Entities]:
    """Compile the collecting of representations for one part of an entity fetch."""
    finders = [objects_at(path) for path in part.paths]
    makers = [_maker_for(sent) for sent in part.sent]

    def collect(data: Object) -> Entities:
        found, index_of = Entities(), dict[bytes, int]()
        for number, find in enumerate(finders):
            for each in _distinct(find(data)):
                _collect_one(each, number, makers, found, index_of)
        return found

    return collect


def _distinct(objects: list[Object]) -> Iterator[Object]:
    """An object that was put in several places is one object."""
    return iter({id(each): each for each in objects}.values())


def _collect_one(
    entity: Object,
    path_number: int,
    makers: list[tuple[frozenset[str] | None, Maker]],
    found: Entities,
    index_of: dict[bytes, int],
) -> None:
    for types, make in makers:
        if types is not None and entity.get("__typename") not in types:
            continue
        try:
            representation = make(entity)
        except MissingError:
            found.incomplete.append((path_number, entity))
            continue
        except _NullKeyError:
            continue
        same = orjson.dumps(representation)
        if same not in index_of:
            index_of[same] = len(found.representations)
            found.representations.append(representation)
            found.places.append([])
        found.places[index_of[same]].append((path_number, entity))


def _maker_for(sent: EntitySent) -> tuple[frozenset[str] | None, Maker]:
    fields, static = sent.fields, sent.typename
    keys = tuple(each for each in fields if each.is_key)

    def make(entity: Object) -> Object:
        typename = static or entity.get("__typename")
        if typename is None:
            raise MissingError
        representation: Object = {"__typename": typename}
        _fill(representation, entity, fields)
        if keys and all(_is_null(representation[each.name], each) for each in keys):
            raise _NullKeyError
        return representation

    return sent.types, make


def _is_null(value: Any, sent: Sent) -> bool:
    """Whether nothing of a key's field is there. A part of a compound key may well be null."""
    if not isinstance(value, dict):
        return value is None
    return all(_is_null(value[each.name], each) for each in sent.fields if each.name in value and each.is_key)


def _fill(representation: Object, source: Object, fields: tuple[Sent, ...]) -> None:
    for each in fields:
        if each.types is not None and source.get("__typename") not in each.types:
            continue
        if each.key not in source:
            raise MissingError
        value = source[each.key]
        representation[each.name] = _inner(value, each) if each.fields else value


def _inner(value: Any, sent: Sent) -> Any:
    if isinstance(value, list):
        return [_inner(each, sent) for each in value]
    if not isinstance(value, dict):
        return None
    inner: Object = {"__typename": value.get("__typename")} if sent.with_typename else {}
    _fill(inner, value, sent.fields)
    return inner


# --- finding objects ----------------------------------------------------------------------------------------------


def objects_at(path: Path) -> Callable[[Object], list[Object]]:
    """Compile a path to a function that finds the objects there. Nulls on the way are skipped."""
    steps = [_step(each) for each in path if each != "@"]

    def find(data: Object) -> list[Object]:
        objects = [data]
        for step in steps:
            objects = step(objects)
        return objects

    return find


def _step(text: str) -> Callable[[list[Object]], list[Object]]:
    if text.startswith("|"):
        types = types_of(text)
        return lambda objects: [each for each in objects if each.get("__typename") in types]

    def descend(objects: list[Object]) -> list[Object]:
        found: list[Object] = []
        for each in objects:
            value = each.get(text)
            if type(value) is dict:
                found.append(value)
            elif type(value) is list:
                _flatten(value, found)
        return found

    return descend


def _flatten(values: list[Any], found: list[Object]) -> None:
    for value in values:
        if type(value) is dict:
            found.append(value)
        elif type(value) is list:
            _flatten(value, found)


def types_of(step: str) -> frozenset[str]:
    """`|[A,B]` -> {A, B}"""
    return frozenset(step[2:-1].split(","))


def paths_to(data: Object, path: Path, root: Location) -> Iterator[tuple[ResponsePath, Object]]:
    """Every object at *path* with the path the client knows it by. Slow: for errors only."""
    found: list[tuple[ResponsePath, Location, Object]] = [((), root, data)]
    for step in path:
        if step.startswith("|"):
            found = [each for each in found if each[2].get("__typename") in types_of(step)]
        elif step != "@":
            found = [inner for each in found for inner in _below(each, step)]
    return ((at, value) for at, _, value in found)


def _below(
    place: tuple[ResponsePath, Location, Object], key: str
) -> Iterator[tuple[ResponsePath, Location, Object]]:
    at, location, value = place
    below = location.below(key)
    for indexes, each in _objects_in(value.get(key)):
        yield (*at, location.response_keys.get(key, key), *indexes), below, each


def _objects_in(value: Any) -> Iterator[tuple[tuple[int, ...], Object]]:
    if isinstance(value, dict):
        yield (), value
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from (((number, *indexes), inner) for indexes, inner in _objects_in(each))


# --- putting answers in -------------------------------------------------------------------------------------------


def merge(into: Object, fetched: Object) -> None:
    """Put fetched fields into an object that may hold some of them already."""
    for key, value in fetched.items():
        held = into.get(key)
        if held is None or held is value:
            into[key] = value
        else:
            _merge_values(held, value)


def _merge_values(held: Any, value: Any) -> None:
    if isinstance(held, dict) and isinstance(value, dict):
        merge(held, value)
    elif isinstance(held, list) and isinstance(value, list):
        for ours, theirs in zip(held, value, strict=False):
            _merge_values(ours, theirs)


def copy_of(value: Any) -> Any:
    """A copy of response data, for a place where other fields will be added."""
    if isinstance(value, dict):
        return {key: copy_of(each) for key, each in value.items()}
    return [copy_of(each) for each in value] if isinstance(value, list) else value
