"""The query plan: Subscription, Sequence, Parallel, Flatten and Fetch, and how they print.

A plan is printed in the customary nested form. It runs a little better than it prints: a fetch starts as soon as the
fetches it reads from (`Fetch.after`) have ended, not when the whole step before it has.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from gateway.planner.locations import Location

Path = tuple[str, ...]
"""Steps to a place of the response data: a key, `@` into a list, `|[A,B]` for objects of these types only."""

Asked = tuple[frozenset[str] | None, str]
"""(object types that have it, None: all; key) of a field at the top of a fetch: what is missing when the fetch fails."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One field of a representation: where its value is in the data and what the subgraph calls it."""

    name: str
    key: str
    types: frozenset[str] | None = None
    """Only objects of these types have it; None: all."""
    fields: "tuple[Sent, ...]" = ()
    with_typename: bool = False
    is_key: bool = False
    """Without the value of a key there is nothing to ask for; a required field may be null."""

    def __str__(self) -> str:
        name = self.name if self.name == self.key else f"{self.name}: {self.key}"
        below = " ".join(["__typename"] * self.with_typename + [str(each) for each in self.fields])
        text = f"{name} {{ {below} }}" if self.fields else name
        return f"... on {'|'.join(sorted(self.types))} {{ {text} }}" if self.types else text


@dataclass(frozen=True, slots=True)
class EntitySent:
    """How the representation of an object is made."""

    types: frozenset[str] | None
    """Objects of these types are sent; None: every object at the path."""
    typename: str | None
    """The `__typename` to send; None: the object's own."""
    fields: tuple[Sent, ...]
    target_type: str
    """The type whose selection the fetch asks."""

    def __str__(self) -> str:
        types = "|".join(sorted(self.types)) if self.types else self.target_type
        name = f'__typename: "{self.typename}"' if self.typename and self.typename != types else "__typename"
        return f"... on {types} {{ {' '.join([name, *map(str, self.fields)])} }}"


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """What a fetch asks of the objects at one place."""

    location: Location
    fields: "Mapping[str, Brought | None]"
    """Key -> what is asked below; None: a leaf."""
    type_name: str | None
    """The one object type, if it is told by the schema alone; its objects then are all asked for the same."""


@dataclass(frozen=True, slots=True)
class EntityPart:
    """One `_entities` field of an entity fetch: objects found at some places, and what is asked of them."""

    paths: tuple[Path, ...]
    locations: tuple[Location, ...]
    sent: tuple[EntitySent, ...]
    selection: str
    asked: "tuple[Asked, ...]"
    name: str
    """The response name of the `_entities` field."""
    variable: str
    """The variable that carries the representations."""
    brought: tuple[Brought, ...]
    """What an entity brings, for each of the paths."""

    @property
    def has_objects(self) -> bool:
        """Whether an entity brings objects of its own, not only leaves."""
        return any(below is not None for below in self.brought[0].fields.values())


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph."""

    index: int
    service: str
    graph: str
    kind: str
    """query, mutation or subscription"""
    operation: str
    """The GraphQL text that is sent."""
    variables: frozenset[str]
    after: tuple[int, ...]
    """The fetches this one reads from."""
    step: int
    selection: str = ""
    path: Path = ()
    """A root fetch may also stand below the root, where a field returns `Query` again."""
    location: Location = field(default_factory=Location)
    parts: tuple[EntityPart, ...] = ()
    """Empty for a root fetch."""
    asked: "tuple[Asked, ...]" = ()
    brought: tuple[Brought, ...] = ()
    """What a root fetch brings; one element, none for an entity fetch."""

    def request(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What the subgraph is sent, by whichever protocol."""
        return {"query": self.operation} | ({"variables": variables} if variables else {})


def all_brought(fetch: Fetch) -> Iterator[tuple[Location, str]]:
    """(place, key) of everything a fetch brings, as often as it brings it."""
    for brought in (*fetch.brought, *(each for part in fetch.parts for each in part.brought)):
        yield from _all_brought(brought)


def _all_brought(brought: Brought) -> Iterator[tuple[Location, str]]:
    for key, below in brought.fields.items():
        yield brought.location, key
        if below is not None:
            yield from _all_brought(below)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that has to be fetched, in an order in which it can be."""

    fetches: tuple[Fetch, ...]
    root: Location

    @property
    def subscription(self) -> Fetch | None:
        """The fetch that brings a subscription's events; all others run once for each event."""
        return next((fetch for fetch in self.fetches if fetch.kind == "subscription"), None)

    def __str__(self) -> str:
        return print_plan(self)


def print_plan(plan: Plan) -> str:
    """The plan as `QueryPlan { … }`."""
    primary = plan.subscription
    rest = [fetch for fetch in plan.fetches if fetch is not primary]
    text = _steps(rest) if primary is None else _subscription(_print(primary), _steps(rest))
    return f"QueryPlan {_braces_or_none(text)}"


def _steps(fetches: list[Fetch]) -> str:
    steps = sorted({fetch.step for fetch in fetches})
    nodes = [_block("Parallel", [_print(each) for each in fetches if each.step == step]) for step in steps]
    return _block("Sequence", nodes) if nodes else ""


def _subscription(primary: str, rest: str) -> str:
    parts = f"Primary: {_braces(primary)},\nRest: {_braces_or_none(rest)}"
    return f"Subscription {_braces(parts)}"


def _block(name: str, nodes: list[str]) -> str:
    if len(nodes) == 1:
        return nodes[0]
    return f"{name} {{\n{indent(chr(10).join(f'{node},' for node in nodes), '  ')}\n}}"


def _print(fetch: Fetch) -> str:
    if not fetch.parts:
        text = f'Fetch(service: "{fetch.service}") {_braces(fetch.selection)}'
        return _flatten([fetch.path], text) if fetch.path else text
    parts = [_flatten(part.paths, _print_part(fetch, part)) for part in fetch.parts]
    return parts[0] if len(parts) == 1 else _block("Batch", parts)


def _print_part(fetch: Fetch, part: EntityPart) -> str:
    sent = "\n".join(str(each) for each in part.sent)
    return f'Fetch(service: "{fetch.service}") {{\n{indent(_braces(sent), "  ")} =>\n{indent(_braces(part.selection), "  ")}\n}}'


def _flatten(paths: Iterable[Path], text: str) -> str:
    printed = ", ".join(f'"{".".join(_joined(path))}"' for path in paths)
    return f"Flatten(path: {printed}) {{\n{indent(text, '  ')}\n}}"


def _joined(path: Path) -> Iterator[str]:
    """Type conditions hang on the step before them."""
    held = ""
    for step in path:
        if step.startswith("|"):
            held += step
            continue
        if held:
            yield held
        held = step
    yield held


def _braces_or_none(text: str) -> str:
    return _braces(text) if text else "{}"


def _braces(text: str) -> str:
    return f"{{\n{indent(text, '  ')}\n}}"
