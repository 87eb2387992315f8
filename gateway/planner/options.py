"""One way to get some fields, what it costs, and how the ways of several fields combine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from gateway.operations.selection import Field, Selection
from gateway.supergraph.model import Graph

KEPT_OPTIONS = 8
"""Among how many of the cheapest combinations the search goes on. Small operations are searched completely."""

FetchKey = tuple[tuple[str, ...], Graph, int]
"""A fetch, seen from where an option starts: (path to it, subgraph, how many fetches come before it)."""


@dataclass(frozen=True, slots=True)
class Representation:
    """What an entity fetch is to be sent about each object: `{__typename, key fields, required fields}`."""

    source_type: str
    """The type of the objects where they are."""
    target_type: str
    """The type the other subgraph knows them as."""
    typename: str | None
    """The `__typename` to send; None: the one the object has."""
    selections: tuple[Selection, ...]
    """The key's selection, then that of `@requires` if there is one."""
    arguments: str = ""
    """The text of a `@requires` with arguments: one representation cannot carry a field twice, with different ones."""


@dataclass(frozen=True, slots=True)
class Take:
    """Ask the fetch at hand for a field."""

    type_name: str
    field: Field
    child_type: str | None = None
    picks: "tuple[Pick, ...]" = ()


@dataclass(frozen=True, slots=True)
class Narrow:
    """Go on with objects of one type only."""

    type_name: str
    picks: "tuple[Pick, ...]"


@dataclass(frozen=True, slots=True)
class Hop:
    """Go on in another subgraph: a root fetch, or with a *representation* an entity fetch."""

    graph: Graph
    type_name: str
    step: int
    representation: Representation | None
    requirement: "tuple[Pick, ...]"
    picks: "tuple[Pick, ...]"


Pick = Take | Narrow | Hop


@dataclass(frozen=True, slots=True)
class Option:
    """A way to get some fields from one place."""

    picks: tuple[Pick, ...] = ()
    fetches: frozenset[FetchKey] = frozenset()
    """The fetches it needs besides the one it starts in."""
    gaps: int = 0
    """How much that is asked about it may never bring: types that a subgraph on the way does not know, and fields that
    are asked of one that does not promise them."""

    @property
    def steps(self) -> int:
        """How many fetches have to wait for each other."""
        return max((step for _, _, step in self.fetches), default=0)

    @property
    def cost(self) -> tuple[int, int, int]:
        return self.steps, len(self.fetches), self.gaps

    def below(self, take: Take, label: str) -> "Option":
        """This option for the children of a field, as an option for the field."""
        lifted = frozenset(((label, *path), graph, step) for path, graph, step in self.fetches)
        return Option((take,), lifted, self.gaps)

    def narrowed(self, type_name: str) -> "Option":
        """This option for objects of *type_name* only."""
        if not self.picks:
            return self
        narrowed = frozenset(
            (_conditional(path, type_name), graph, step) for path, graph, step in self.fetches
        )
        return Option((Narrow(type_name, self.picks),), narrowed, self.gaps)

    def after(self, requirement: "Option", hop: Hop) -> "Option":
        """This option inside the fetch *hop* makes, once *requirement* is there."""
        inner = frozenset((path, graph, step + hop.step) for path, graph, step in self.fetches)
        return Option(
            (hop,), requirement.fetches | inner | {((), hop.graph, hop.step)}, requirement.gaps + self.gaps
        )


FREE = Option()


def _conditional(path: tuple[str, ...], type_name: str) -> tuple[str, ...]:
    return (f"[{type_name}]{path[0]}", *path[1:]) if path else path


def fullest(options: Sequence[Option]) -> list[Option]:
    """Those with the fewest gaps."""
    fewest = min((option.gaps for option in options), default=0)
    return [option for option in options if option.gaps == fewest]


def cheapest(options: Iterable[Option]) -> list[Option]:
    """The best few, cheapest first; of equals the first found, so that plans are deterministic."""
    distinct: dict[frozenset[FetchKey], Option] = {}
    for option in options:
        distinct.setdefault(option.fetches, option)
    return sorted(distinct.values(), key=lambda option: option.cost)[:KEPT_OPTIONS]


def combine(alternatives: Sequence[Sequence[Option]]) -> list[Option]:
    """Choose one option for each of several fields: fewest steps first, then fewest fetches.

    Empty when one of the fields has no option. Fields with a single option are settled first: they are no choice,
    and what they fetch makes other options free.
    """
    if all(len(options) == 1 and not options[0].fetches for options in alternatives):
        picks = chain.from_iterable(options[0].picks for options in alternatives)
        return [Option(tuple(picks), gaps=sum(options[0].gaps for options in alternatives))]
    order = sorted(range(len(alternatives)), key=lambda index: len(alternatives[index]))
    combined: list[tuple[Option, dict[int, Option]]] = [(FREE, {})]
    for index in order:
        combined = _extended(combined, index, alternatives[index])
    return [_joined(total, chosen) for total, chosen in combined]


def _extended(
    combined: list[tuple[Option, dict[int, Option]]], index: int, options: Sequence[Option]
) -> list[tuple[Option, dict[int, Option]]]:
    found: dict[frozenset[FetchKey], tuple[Option, dict[int, Option]]] = {}
    for total, chosen in combined:
        for option in options:
            fetches = total.fetches | option.fetches
            if fetches not in found:
                found[fetches] = (Option((), fetches, total.gaps + option.gaps), chosen | {index: option})
    return sorted(found.values(), key=lambda each: each[0].cost)[:KEPT_OPTIONS]


def _joined(total: Option, chosen: dict[int, Option]) -> Option:
    picks = chain.from_iterable(chosen[index].picks for index in sorted(chosen))
    return Option(tuple(picks), total.fetches, total.gaps)
