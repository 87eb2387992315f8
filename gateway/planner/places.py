"""Where a walk can stand, and what the subgraph there resolves itself."""

from dataclasses import dataclass, replace

from gateway.supergraph.field_set import FieldPaths
from gateway.supergraph.model import FieldInGraph, Graph, Supergraph


@dataclass(frozen=True, slots=True)
class Place:
    """An object of *type_name* in the hands of *graph*; graph None: before the first fetch.

    *provided* holds the fields that `@provides` above promises here, on top of what the subgraph always resolves.
    """

    type_name: str
    graph: Graph | None
    provided: FieldPaths = frozenset()
    within: str | None = None
    """The type the whole supergraph gives the field that led here, where the subgraph's own is another one."""


@dataclass(frozen=True, slots=True)
class Move:
    """A hop that is being considered."""

    source: Place
    target: Place
    is_near: bool = False
    """Only if all it has to send is at hand."""


@dataclass(frozen=True, slots=True)
class Need:
    """Why fields are being looked for."""

    for_key: bool = False
    """Fields of a key may come from a subgraph that another one overrides: the value identifies the same object."""
    in_use: frozenset[tuple[str, ...]] = frozenset()
    """What waits for what is being looked for, and so cannot bring it: moves, (type, subgraph[, field]), and keys,
    (type, "", fields of the key)."""

    is_local: bool = False
    """Only what the subgraph at hand has counts."""

    @property
    def is_clients(self) -> bool:
        return not self.in_use

    def of_key(self, *edges: tuple[str, ...], is_local: bool) -> "Need":
        return Need(for_key=True, in_use=self.in_use.union(edges), is_local=is_local)

    def of_requires(self, edge: tuple[str, ...], *, is_local: bool) -> "Need":
        return Need(for_key=False, in_use=self.in_use | {edge}, is_local=is_local)


@dataclass(frozen=True)
class Resolver:
    """Answers what a subgraph resolves at a place, for one set of progressive override labels."""

    supergraph: Supergraph
    labels: frozenset[str]

    def owner(self, place: Place, field: str, need: Need) -> FieldInGraph | None:
        """The field as the place's subgraph resolves it there; None when it does not. May have `requires`."""
        owner = self.supergraph.field(place.type_name, field, place.graph)
        if owner is None:
            return None
        is_promised = self._is_promised(place, field)
        if not owner.is_active(self.labels):
            return owner if need.for_key and is_promised else None
        return None if owner.external and not is_promised else owner

    def target(self, type_name: str, field: str, graph: Graph | None) -> FieldInGraph | None:
        """The field as an entity fetch from *graph* would bring it."""
        owner = self.supergraph.field(type_name, field, graph)
        return owner if owner and owner.is_active(self.labels) and not owner.external else None

    def uniform_owner(self, place: Place, field: str, need: Need) -> FieldInGraph | None:
        """The field of an abstract type when every type that can stand there resolves it without further ado."""
        owner = self.owner(place, field, need)
        if owner is None:
            return None
        types = self.supergraph.possible_types(place.type_name, place.graph)
        owners = (self.owner(replace(place, type_name=each), field, need) for each in types)
        return owner if all(each is not None and each.requires is None for each in owners) else None

    def child(self, place: Place, field: str, owner: FieldInGraph) -> Place:
        """Where the children of a field stand."""
        promised = self._promises(place)
        below = (path[1:] for path in promised if path[0][1] == field and self._fits(path[0][0], place))
        provided = frozenset(path for path in below if path) | owner.provides
        general = self.supergraph.child_type(place.type_name, field)
        return Place(owner.type_name, place.graph, provided, None if general == owner.type_name else general)

    def _is_promised(self, place: Place, field: str) -> bool:
        return any(path[0][1] == field and self._fits(path[0][0], place) for path in self._promises(place))

    def _promises(self, place: Place) -> FieldPaths:
        """What @provides promises, and the keys: a subgraph that hands out a reference can always name its key."""
        held = self.supergraph.in_graph(place.type_name, place.graph)
        return place.provided | held.key_paths if held else place.provided

    def _fits(self, condition: str, place: Place) -> bool:
        return not condition or self.supergraph.covers(condition, place.type_name)
