"""Runs a plan: each fetch as soon as what it reads from is there; keeps the data and the errors.

A fetch that fails costs the fields it was to bring, at every place it was to bring them to, and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.errors import ERROR_LIMIT, FormattedError, SubgraphFailure, SubgraphUnavailable
from gateway.execution.representations import (
    Entities,
    Object,
    ResponsePath,
    compile_part,
    copy_of,
    in_portions,
    merge,
    objects_at,
    paths_to,
)
from gateway.operations.selection import TYPENAME
from gateway.planner.locations import Location
from gateway.planner.query_plan import Asked, EntityPart, Fetch, Plan, all_brought
from gateway.subgraphs.answer import Decode, SubgraphAnswer

PORTIONS_AT_ONCE = 8
"""Of a fetch that is too large for one request; more would let one client take all connections to a subgraph."""


class Sender(Protocol):
    """One request to one subgraph. Raises SubgraphFailure."""

    def __call__(self, fetch: Fetch, variables: Mapping[str, Any], /) -> Awaitable[SubgraphAnswer]: ...


@dataclass(frozen=True)
class ExecutablePlan:
    """A plan with what can be prepared once for all its executions."""

    plan: Plan
    first: tuple[Fetch, ...]
    """Those that wait for no other."""
    collectors: Mapping[int, tuple[Callable[[Object], Entities], ...]]
    dependents: Mapping[int, tuple[Fetch, ...]]
    waits: Mapping[int, int]
    """Fetch -> how many others it waits for."""
    decoders: Mapping[int, Decode | None]
    overlapping: frozenset[int]
    """Fetches that may bring what another one brings too."""
    events: Fetch | None
    """The fetch that brings a subscription's events."""


def compile_plan(plan: Plan, decoder: Callable[[Fetch], Decode | None] = lambda _: None) -> ExecutablePlan:
    """*decoder* tells how the answer of a fetch is best decoded; None: as any JSON."""
    dependents: dict[int, list[Fetch]] = {fetch.index: [] for fetch in plan.fetches}
    for fetch in plan.fetches:
        for index in fetch.after:
            dependents[index].append(fetch)
    return ExecutablePlan(
        plan,
        tuple(fetch for fetch in plan.fetches if not fetch.after),
        {fetch.index: tuple(compile_part(part) for part in fetch.parts) for fetch in plan.fetches},
        {index: tuple(fetches) for index, fetches in dependents.items()},
        {fetch.index: len(fetch.after) for fetch in plan.fetches},
        {fetch.index: decoder(fetch) for fetch in plan.fetches},
        _overlapping(plan),
        plan.subscription,
    )


def _overlapping(plan: Plan) -> frozenset[int]:
    """Only what a fetch asks at its top is put into objects that hold something already.

    Two parts of one fetch can bring the same too: an object asked about as its interface and as its type.
    """
    bringers: dict[tuple[Location, str], list[int]] = {}
    for fetch in plan.fetches:
        for place in all_brought(fetch):
            bringers.setdefault(place, []).append(fetch.index)
    shared = (fetches for (_, key), fetches in bringers.items() if len(fetches) > 1 and key != TYPENAME)
    return frozenset[int]().union(*shared)


@dataclass
class Result:
    """What the subgraphs brought: data under the gateway's own keys, and errors with the client's paths."""

    data: Object = field(default_factory=dict)
    errors: list[FormattedError] = field(default_factory=list)
    failures: list[SubgraphFailure] = field(default_factory=list)
    """Why requests to subgraphs brought nothing, one for each."""
    absent: dict[int, dict[str, str]] = field(default_factory=dict)
    """id of an object in `data` -> the keys that no subgraph brought, each with the one that answered null for the entity."""
    absentees: list[Object] = field(default_factory=list)
    """The objects of `absent`: as long as they are kept, no other can have the id of one."""


async def execute(
    executable: ExecutablePlan, send: Sender, variables: Mapping[str, Any], portion_size: int
) -> Result:
    """Run every fetch of the plan. A request asks about at most *portion_size* entities; a larger fetch is several."""
    execution = _Execution(executable, send, variables, portion_size)
    await execution.run(executable.first)
    return execution.result


class _Execution:
    def __init__(
        self, executable: ExecutablePlan, send: Sender, variables: Mapping[str, Any], portion_size: int
    ) -> None:
        self.result = Result()
        self._executable = executable
        self._send = send
        self._variables = variables
        self._portion_size = portion_size
        self._waiting = dict(executable.waits)
        self._failures: dict[int, SubgraphFailure] = {}

    async def run(self, fetches: Sequence[Fetch]) -> None:
        """Run fetches side by side, and after each what was only waiting for it."""
        while len(fetches) == 1:
            [fetch] = fetches
            await (self._fetch_entities(fetch) if fetch.parts else self._fetch_root(fetch))
            fetches = self._now_ready(fetch)
        if fetches:
            async with asyncio.TaskGroup() as group:
                for fetch in fetches:
                    group.create_task(self.run((fetch,)))

    def _now_ready(self, fetch: Fetch) -> list[Fetch]:
        ready = []
        for dependent in self._executable.dependents[fetch.index]:
            self._waiting[dependent.index] -= 1
            if not self._waiting[dependent.index]:
                ready.append(dependent)
        return ready

    def _variables_of(self, fetch: Fetch) -> dict[str, Any]:
        if not fetch.variables:
            return {}
        return {name: self._variables[name] for name in fetch.variables if name in self._variables}

    # --- root fetches -----------------------------------------------------------------------------------------------

    async def _fetch_root(self, fetch: Fetch) -> None:
        places = tuple(objects_at(fetch.path)(self.result.data)) if fetch.path else (self.result.data,)
        if not places:
            return
        try:
            answer = await self._send(fetch, self._variables_of(fetch))
        except SubgraphFailure as failure:
            self._note(fetch, failure)
            self._report(_missing_at(self._root_places(fetch), fetch.asked, fetch.location), failure.at)
            return
        for number, place in enumerate(places):
            merge(place, copy_of(answer.data) if number else answer.data)
        if answer.errors:
            self._pass_on_errors(fetch, answer.errors)

    def _root_places(self, fetch: Fetch) -> list[tuple[ResponsePath, Object]]:
        return list(paths_to(self.result.data, fetch.path, self._executable.plan.root))

    def _pass_on_errors(self, fetch: Fetch, errors: Iterable[Any]) -> None:
        for error in errors:
            path = error.get("path") if isinstance(error, dict) else None
            below = client_path(fetch.location, path) if isinstance(path, list) else ()
            if below:
                at = [(*place, *below) for place, _ in self._root_places(fetch)]
            else:
                at = list(_missing_at(self._root_places(fetch), fetch.asked, fetch.location))
            self._report(at, _passed_on(error, fetch.service))

    # --- entity fetches ---------------------------------------------------------------------------------------------

    async def _fetch_entities(self, fetch: Fetch) -> None:
        wanted = [collect(self.result.data) for collect in self._executable.collectors[fetch.index]]
        self._report_incomplete(fetch, wanted)
        for part, entities in zip(fetch.parts, wanted, strict=True):
            self._note_incomplete(part, entities)
        portions = list(in_portions(wanted, self._portion_size))
        if len(portions) == 1:
            await self._fetch_portion(fetch, portions[0])
        elif portions:
            left = iter(portions)
            async with asyncio.TaskGroup() as group:
                for _ in range(PORTIONS_AT_ONCE):
                    group.create_task(self._fetch_portions(fetch, left))

    async def _fetch_portions(self, fetch: Fetch, left: Iterator[list[Entities]]) -> None:
        for wanted in left:
            await self._fetch_portion(fetch, wanted)

    async def _fetch_portion(self, fetch: Fetch, wanted: list[Entities]) -> None:
        variables = self._variables_of(fetch)
        for part, entities in zip(fetch.parts, wanted, strict=True):
            variables[part.variable] = entities.representations
        try:
            answer = await self._send(fetch, variables)
            found = [
                _entities_of(answer, part, each, fetch.service)
                for part, each in zip(fetch.parts, wanted, strict=True)
            ]
        except SubgraphFailure as failure:
            self._note(fetch, failure)
            for part, entities in zip(fetch.parts, wanted, strict=True):
                self._report(self._missing(part, _all_places(entities)), failure.at)
            return
        put = merge if fetch.index in self._executable.overlapping else dict.update
        for part, entities, answers in zip(fetch.parts, wanted, found, strict=True):
            _put_in(part, entities, answers, put)
            if None in answers:
                self._note_absent(part, entities, answers, fetch.service)
        if answer.errors:
            self._pass_on_entity_errors(fetch, wanted, answer.errors)

    def _note_absent(self, part: EntityPart, entities: Entities, answers: list[Any], service: str) -> None:
        brings = dict.fromkeys((key for _, key in part.asked), service)
        for places, answer in zip(entities.places, answers, strict=True):
            if answer is None:
                for _, place in places:
                    self.result.absent.setdefault(id(place), {}).update(brings)
                    self.result.absentees.append(place)

    def _note_incomplete(self, part: EntityPart, entities: Entities) -> None:
        """An entity that one subgraph does not know cannot be asked for where only that one's fields lead to."""
        for _, place in entities.incomplete:
            if known := self.result.absent.get(id(place)):
                service = next(iter(known.values()))
                known.update({key: service for _, key in part.asked if key not in known})

    def _report_incomplete(self, fetch: Fetch, wanted: list[Entities]) -> None:
        """Where a required field was not delivered because its fetch failed, that failure is the reason here too."""
        failure = next((self._failures[index] for index in fetch.after if index in self._failures), None)
        if failure is None:
            return
        if any(entities.incomplete for entities in wanted):
            self._failures[fetch.index] = failure
        for part, entities in zip(fetch.parts, wanted, strict=True):
            self._report(self._missing(part, entities.incomplete), failure.at)

    def _pass_on_entity_errors(self, fetch: Fetch, wanted: list[Entities], errors: Iterable[Any]) -> None:
        by_name = {part.name: (part, entities) for part, entities in zip(fetch.parts, wanted, strict=True)}
        for error in errors:
            self._report(self._places_of_error(error, by_name), _passed_on(error, fetch.service))

    def _places_of_error(
        self, error: Any, by_name: Mapping[str, tuple[EntityPart, Entities]]
    ) -> Iterator[ResponsePath]:
        """`["_entities", 3, "name"]` -> the client's path of `name` at each place of the third representation."""
        path = error.get("path") if isinstance(error, dict) else None
        match path:
            case [str(name), int(index), *rest] if name in by_name and 0 <= index < len(
                by_name[name][1].places
            ):
                part, entities = by_name[name]
                places = entities.places[index]
                yield from self._below(part, places, rest) if rest else self._missing(part, places)
            case _:
                for part, entities in by_name.values():
                    yield from self._missing(part, _all_places(entities))

    def _below(
        self, part: EntityPart, places: list[tuple[int, Object]], rest: list[Any]
    ) -> Iterator[ResponsePath]:
        for at, _, location in self._located(part, places):
            yield (*at, *client_path(location, rest))

    def _missing(self, part: EntityPart, places: list[tuple[int, Object]]) -> Iterator[ResponsePath]:
        for at, place, location in self._located(part, places):
            yield from _missing_at([(at, place)], part.asked, location)

    def _located(
        self, part: EntityPart, places: list[tuple[int, Object]]
    ) -> Iterator[tuple[ResponsePath, Object, Location]]:
        """The client's paths of objects, looked up only now that an error needs them."""
        for number, path in enumerate(part.paths):
            wanted = {id(place) for of_path, place in places if of_path == number}
            if wanted:
                for at, place in paths_to(self.result.data, path, self._executable.plan.root):
                    if id(place) in wanted:
                        yield at, place, part.locations[number]

    # --- errors -----------------------------------------------------------------------------------------------------

    def _note(self, fetch: Fetch, failure: SubgraphFailure) -> None:
        self._failures[fetch.index] = failure
        self.result.failures.append(failure)

    def _report(self, paths: Iterable[ResponsePath], make: Callable[[ResponsePath], FormattedError]) -> None:
        for path in paths:
            if len(self.result.errors) >= ERROR_LIMIT:
                return
            self.result.errors.append(make(path))


def _all_places(entities: Entities) -> list[tuple[int, Object]]:
    return [place for places in entities.places for place in places]


def _entities_of(answer: SubgraphAnswer, part: EntityPart, wanted: Entities, service: str) -> list[Any]:
    found = answer.data.get(part.name)
    if found is None and answer.errors:
        return [None] * len(wanted.representations)
    if not isinstance(found, list) or len(found) != len(wanted.representations):
        raise SubgraphUnavailable(service, "`_entities` does not hold one entry for each representation")
    return found


def _put_in(
    part: EntityPart, entities: Entities, answers: list[Any], put: Callable[[Object, Object], None]
) -> None:
    """Places of one path share what was found; another path may get other fields later, so it gets a copy."""
    for places, answer in zip(entities.places, answers, strict=True):
        if not isinstance(answer, dict):
            continue
        of_path = {places[0][0]: answer}
        for number, place in places:
            if number not in of_path:
                of_path[number] = copy_of(answer) if part.has_objects else answer
            put(place, of_path[number])


def _missing_at(
    places: Iterable[tuple[ResponsePath, Object]], asked: Iterable[Asked], location: Location
) -> Iterator[ResponsePath]:
    """The paths of the client's fields among *asked*; of each object those its type has."""
    clients = [(types, key) for types, key in asked if key in location.response_keys]
    for at, place in places:
        keys = dict.fromkeys(key for types, key in clients if _lacks(place, types, key))
        yield from ((*at, location.response_keys[key]) for key in keys)


def _lacks(place: Object, types: frozenset[str] | None, key: str) -> bool:
    """Whether what did not come was wanted of this object."""
    typename = place.get(TYPENAME)
    return typename is None or (key != TYPENAME and (types is None or typename in types))


def client_path(location: Location, path: Iterable[Any]) -> ResponsePath:
    """A path in the gateway's keys as the client knows it; cut where it enters a field only the gateway asked for."""
    found: list[str | int] = []
    for step in path:
        if isinstance(step, int):
            found.append(step)
        elif isinstance(step, str) and step in location.response_keys:
            found.append(location.response_keys[step])
            location = location.below(step)
        else:
            break
    return tuple(found)


def _passed_on(error: Any, service: str) -> Callable[[ResponsePath], FormattedError]:
    """A subgraph's error for the client: its message and extensions stay, its query's positions go."""
    known = error if isinstance(error, dict) else {}
    message = known.get("message")
    extensions = known.get("extensions")
    kept = extensions if isinstance(extensions, dict) else {}

    def at(path: ResponsePath) -> FormattedError:
        return {
            "message": message if isinstance(message, str) else f"The service '{service}' reported an error.",
            "path": list(path),
            "extensions": {"code": "SUBGRAPH_ERROR", **kept, "service": service},
        }

    return at
