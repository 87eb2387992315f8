"""Entities out of the data, and what was fetched about them back in.

An entity is asked for by a representation, `{"__typename": T, key fields…, required fields…}`. Equal ones are sent
once, however many places want the answer; what comes back is put in all of those places, by reference.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from msgspec import Struct, to_builtins

from gateway.planner.locations import Location
from gateway.planner.query_plan import EntityPart, EntitySent, Path, Sent

Object = dict[str, Any]
"""A response object: key -> value."""
ResponsePath = tuple[str | int, ...]


@dataclass(slots=True)
class Entities:
    """What one `_entities` field is to be asked, and where its answers belong."""

    representations: list[orjson.Fragment] = field(default_factory=list)
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
    """Compile the collecting of representations for one part of an entity fetch.

    Collecting also makes one object of those that are equal and stand at one path: what is known of the entity is put
    in once, and the answer is shaped once.
    """
    finders = [_slots_at(path) for path in part.paths]
    makers = [_maker_for(sent) for sent in part.sent]

    def collect(data: Object) -> Entities:
        collector = _Collector(makers)
        for number, find in enumerate(finders):
            collector.path_number = number
            find(data, collector.one_for)
        return collector.found

    return collect


class _Collector:
    """Collects for one execution."""

    def __init__(self, makers: list[tuple[frozenset[str] | None, Maker]]) -> None:
        self.found = Entities()
        self.path_number = 0
        self._makers = makers
        self._index_of: dict[bytes, int] = {}
        self._done: dict[int, Object] = {}
        """id of an object -> the one that stands for it."""

    def one_for(self, entity: Object) -> Object:
        """Collect an object; gives the one to use in its place, mostly itself."""
        known = self._done.get(id(entity))
        if known is not None:
            return known
        one = entity
        for types, make in self._makers:
            if types is None or entity.get("__typename") in types:
                one = self._collect(entity, make)
        self._done[id(entity)] = one
        return one

    def _collect(self, entity: Object, make: Maker) -> Object:
        found = self.found
        try:
            representation = orjson.dumps(make(entity))
        except MissingError:
            found.incomplete.append((self.path_number, entity))
            return entity
        except _NullKeyError:
            return entity
        index = self._index_of.get(representation)
        if index is None:
            self._index_of[representation] = len(found.representations)
            found.representations.append(orjson.Fragment(representation))
            found.places.append([(self.path_number, entity)])
            return entity
        places = found.places[index]
        number, first = places[-1]
        if len(self._makers) == 1 and number == self.path_number and first == entity:
            return first
        places.append((self.path_number, entity))
        return entity


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
    """Whether nothing of a key's field is there. A part of a compound key may well be null; a scalar may be an object."""
    if not sent.fields or not isinstance(value, dict):
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
    if isinstance(value, Struct):
        value = to_builtins(value)
    if not isinstance(value, dict):
        return None
    inner: Object = {"__typename": value.get("__typename")} if sent.with_typename else {}
    _fill(inner, value, sent.fields)
    return inner


# --- finding objects ----------------------------------------------------------------------------------------------


def objects_at(path: Path) -> Callable[[Object], Iterable[Object]]:
    """Compile a path to a function that finds the objects there, each once. Nulls on the way are skipped."""
    steps = [_step(each) for each in path if each != "@"]

    def find(data: Object) -> Iterable[Object]:
        objects: Iterable[Object] = (data,)
        for step in steps:
            objects = step(objects)
        return objects

    return find


def _step(text: str) -> Callable[[Iterable[Object]], Iterable[Object]]:
    if text.startswith("|"):
        types = types_of(text)
        return lambda objects: [each for each in objects if each.get("__typename") in types]

    def descend(objects: Iterable[Object]) -> Iterable[Object]:
        found: dict[int, Object] = {}
        for each in objects:
            value = each.get(text)
            if type(value) is dict:
                found[id(value)] = value
            elif type(value) is list:
                _flatten(value, found)
        return found.values()

    return descend


def _flatten(values: list[Any], found: dict[int, Object]) -> None:
    for value in values:
        if type(value) is dict:
            found[id(value)] = value
        elif type(value) is list:
            _flatten(value, found)


Replace = Callable[[Object], Object]


def _slots_at(path: Path) -> Callable[[Object, Replace], None]:
    """Compile a path to a function that shows each object there and puts what it is given in its place."""
    steps = [each for each in path if each != "@"]
    types = types_of(steps.pop()) if steps[-1].startswith("|") else None
    key = steps.pop()
    find_holders = objects_at(tuple(steps))

    def replace_at(data: Object, replace: Replace) -> None:
        for holder in find_holders(data):
            value = holder.get(key)
            if type(value) is dict:
                holder[key] = _replaced(value, types, replace)
            elif type(value) is list:
                _replace_in(value, types, replace)

    return replace_at


def _replace_in(values: list[Any], types: frozenset[str] | None, replace: Replace) -> None:
    for index, value in enumerate(values):
        if type(value) is dict:
            values[index] = _replaced(value, types, replace)
        elif type(value) is list:
            _replace_in(value, types, replace)


def _replaced(value: Object, types: frozenset[str] | None, replace: Replace) -> Object:
    return replace(value) if types is None or value.get("__typename") in types else value


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
