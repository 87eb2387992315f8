"""Every way to get what an operation asks for, the cheapest first.

The supergraph is read as a graph whose nodes are `Place`s. From a place a field is taken where it is (`Take`), or
after an entity fetch into another subgraph (`Hop`), which needs a key and perhaps `@requires` fields: these are
selections of their own, planned from the same place. So keys that only a third subgraph can supply, and chains of
`@requires`, come out of the recursion; `Need.in_use` ends its circles.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain

from graphql import SelectionSetNode, print_ast

from gateway.operations.selection import TYPENAME, Document, Field, OneField, Selection
from gateway.planner.options import FREE, Hop, Option, Representation, Take, cheapest, combine, fullest
from gateway.planner.places import Move, Need, Place, Resolver
from gateway.planner.steps import Steps
from gateway.supergraph.model import FieldInGraph, Graph, Supergraph

Inner = Callable[[], list[Option]]
"""The ways to go on after a hop."""
Requires = tuple[FieldInGraph, tuple[str, ...]]
"""A field that may have `@requires`, and the move it would be part of."""


class Walk:
    """Finds options; remembers them by (place, what is asked, why).

    A *lenient* walk takes ways too that composers count on though the directives do not promise them: a requirement may
    be what `@provides` brings to the same place, an object may come back by a key that is not resolvable, and an
    external field that nobody else can bring is taken where it is (a composer may have lost who provides it).
    """

    def __init__(
        self, supergraph: Supergraph, labels: frozenset[str], steps: Steps, *, is_lenient: bool = False
    ) -> None:
        self._supergraph = supergraph
        self._is_lenient = is_lenient
        self._resolver = Resolver(supergraph, labels)
        self._steps = steps
        self._known: dict[tuple[Place, Field | Selection, Need], list[Option]] = {}
        self._field_sets: dict[int, Selection] = {}
        self._document = Document(supergraph.covers)
        self._pieces: dict[tuple[str, Field], list[Field]] = {}

    def selection(self, place: Place, selection: Selection, need: Need) -> list[Option]:
        """The ways to get a whole selection from *place*; empty when there is none."""
        key = (place, selection, need)
        if key not in self._known:
            self._known[key] = self._selection(place, selection, need)
        return self._known[key]

    def field(self, place: Place, field: Field, need: Need) -> list[Option]:
        """The ways to get one field, with all that is selected below it, of an object whose type is known."""
        key = (place, field, need)
        if key not in self._known:
            self._steps.take()
            self._known[key] = self._field(place, field, need)
        return self._known[key]

    def _counted(self, options: list[Option]) -> Iterator[Option]:
        """Options that others are made of, at a cost that grows with their fetches."""
        for option in options:
            self._steps.take(1 + len(option.fetches))
            yield option

    def _combined(self, alternatives: list[list[Option]]) -> list[Option]:
        self._steps.take(sum(map(len, alternatives)))
        return combine(alternatives)

    # --- selections -----------------------------------------------------------------------------------------------

    def _selection(self, place: Place, selection: Selection, need: Need) -> list[Option]:
        if self._supergraph.is_interface_object(place.type_name, place.graph):
            return self._of_interface_object(place, selection, need)
        options = self._of_known_type(place, selection, need)
        gaps = self._gaps(place, selection) if need.is_clients else 0
        return [replace(option, gaps=option.gaps + gaps) for option in options] if gaps else options

    def _of_known_type(self, place: Place, selection: Selection, need: Need) -> list[Option]:
        if self._supergraph.is_abstract_in(place.type_name, place.graph):
            return self._of_abstract(place, selection, need)
        fields = selection.fields(place.type_name).values()
        return self._combined([self.field(place, field, need) for field in fields])

    def _of_abstract(self, place: Place, selection: Selection, need: Need) -> list[Option]:
        """Fields every type has are asked on the abstract type if possible, the others type by type."""
        types, everywhere = self._types_at(place, place.graph, need), self._possible(place, place.graph)
        alternatives: list[list[Option]] = []
        for field, having in _by_field(selection, types):
            is_of_all = having == types and field.is_open_to(everywhere)
            options = self._shared_field(place, field, need) if is_of_all else []
            alternatives += [options] if options else self._type_by_type(place, field, having, need)
        return self._combined(alternatives)

    def _gaps(self, place: Place, selection: Selection) -> int:
        """How many types that can stand here by the whole supergraph, and that are asked about, the subgraph lacks."""
        general = place.within or place.type_name
        if not self._supergraph.types[general].is_abstract:
            return 0
        here = self._supergraph.possible_types(place.type_name, place.graph)
        return sum(each not in here for each in self._asked_about(general, selection))

    def _asked_about(self, type_name: str, selection: Selection) -> list[str]:
        """The object types of a type of which something is selected."""
        types = self._supergraph.possible_types(type_name)
        self._steps.take(len(types))
        return [
            each for each in types if each in self._supergraph.api_schema.type_map and selection.fields(each)
        ]

    def _types_at(self, place: Place, graph: Graph | None, need: Need) -> list[str]:
        """The object types that can stand at *place*; for clients only those they know."""
        visible = self._supergraph.api_schema.type_map
        return [each for each in self._possible(place, graph) if not need.is_clients or each in visible]

    def _possible(self, place: Place, graph: Graph | None) -> list[str]:
        """The object types that can stand at *place*, also those that no client knows."""
        types = self._supergraph.possible_types(place.type_name, graph)
        self._steps.take(len(types))
        return [each for each in types if place.within is None or self._supergraph.covers(place.within, each)]

    def _type_by_type(self, place: Place, field: Field, types: list[str], need: Need) -> list[list[Option]]:
        of_types = ((each, self.field(replace(place, type_name=each), field, need)) for each in types)
        return [[option.narrowed(each) for option in self._counted(options)] for each, options in of_types]

    def _shared_field(self, place: Place, field: Field, need: Need) -> list[Option]:
        """A field of all types at an abstract place, asked once for all of them; empty when they differ."""
        if field.name == TYPENAME:
            return [FREE]
        owner = self._resolver.uniform_owner(place, field.name, need)
        if owner and owner.requires is None:
            return self._taken(place, field, owner, need)
        return cheapest(self._hops_to_interface(place, field, need))

    def _hops_to_interface(self, place: Place, field: Field, need: Need) -> Iterator[Option]:
        for graph in self._supergraph.types[place.type_name].graphs:
            is_object = self._supergraph.is_interface_object(place.type_name, graph)
            owner = self._resolver.target(place.type_name, field.name, graph)
            if graph != place.graph and owner and (is_object or self._knows_all_types(place, graph)):
                yield from self._entered(Move(place, Place(place.type_name, graph)), field, need)

    def _knows_all_types(self, place: Place, graph: Graph) -> bool:
        there = self._supergraph.possible_types(place.type_name, graph)
        return set(self._supergraph.possible_types(place.type_name, place.graph)) <= set(there)

    def _of_interface_object(self, place: Place, selection: Selection, need: Need) -> list[Option]:
        """The subgraph does not know the object's type: what depends on it asks one that does."""
        types = self._types_at(place, None, need) or [place.type_name]
        everywhere = self._possible(place, None)
        alternatives = []
        for field, having in _by_field(selection, types):
            is_of_all = having == types and field.name != TYPENAME and field.is_open_to(everywhere)
            options = self.field(place, field, need) if is_of_all else []
            alternatives.append(options or self._of_some_types(place, field, having, need))
        return self._combined(alternatives)

    def _of_some_types(self, place: Place, field: Field, types: list[str], need: Need) -> list[Option]:
        """A field only some types are asked for: from a subgraph that tells the types apart, or from this one for
        all of them, as long as another says which is which and nobody is denied it."""
        options = list(self._refined(place, self._piece(field, types), need))
        if field.name != TYPENAME and field.is_open_to(self._possible(place, None)):
            options += self._combined(
                [self.field(place, field, need), cheapest(self._refined(place, OneField({}), need))]
            )
        return cheapest(options)

    def _refined(self, place: Place, selection: Selection, need: Need) -> Iterator[Option]:
        """Ask a subgraph where the interface is a real one, and go on from there."""
        for graph in self._supergraph.types[place.type_name].graphs:
            if self._supergraph.is_abstract_in(place.type_name, graph):
                target = Place(place.type_name, graph)
                yield from self._hop(
                    Move(place, target), need, partial(self.selection, target, selection, need)
                )

    # --- fields ---------------------------------------------------------------------------------------------------

    def _field(self, place: Place, field: Field, need: Need) -> list[Option]:
        if field.name == TYPENAME:
            return [FREE]
        local = self._local(place, field, need)
        if local and not local[0].fetches:
            return local[:1]
        holders = [] if need.is_local else list(self._holders(place, field))
        options = self._here_or_elsewhere(local, place, holders, field, need)
        has_one_way = len(holders) + (self._resolver.owner(place, field.name, need) is not None) < 2
        if not has_one_way and not (options and len(options[0].fetches) <= 1):
            options = cheapest([*options, *self._in_pieces(place, field, need)])
        if place.graph is None:
            return self._for_every_type(options, place, field, need)
        return options or self._trusted(place, field, need)

    def _here_or_elsewhere(
        self, local: list[Option], place: Place, holders: list[Place], field: Field, need: Need
    ) -> list[Option]:
        """Hops that need other hops first are looked at only where no others lead on; it keeps the search small."""
        for is_near in (True, False):
            moves = (Move(place, target, is_near) for target in holders)
            options = cheapest(chain(local, *(self._entered(move, field, need) for move in moves)))
            if options:
                return options
        return []

    def _local(self, place: Place, field: Field, need: Need) -> list[Option]:
        owner = self._resolver.owner(place, field.name, need)
        if owner is None or (
            owner.requires is not None and not self._is_at_hand(place, owner.requires, need)
        ):
            return []
        return self._taken(place, field, owner, need)

    def _is_at_hand(self, place: Place, required: SelectionSetNode, need: Need) -> bool:
        if not self._is_lenient:
            return False
        of_requires = need.of_requires((), is_local=True)
        return bool(self.selection(place, self._field_set(required), of_requires))

    def _trusted(self, place: Place, field: Field, need: Need) -> list[Option]:
        owner = self._supergraph.field(place.type_name, field.name, place.graph)
        if owner is None or not owner.external or not self._is_lenient or need.is_local:
            return []
        return [replace(each, gaps=each.gaps + 1) for each in self._taken(place, field, owner, need)]

    def _taken(self, place: Place, field: Field, owner: FieldInGraph, need: Need) -> list[Option]:
        if field.selection is None:
            return [Option((Take(place.type_name, field),))]
        child = self._resolver.child(place, field.name, owner)
        label = f"{field.response_key}: {field.signature}"
        return [
            option.below(Take(place.type_name, field, child.type_name, option.picks), label)
            for option in self._counted(self.selection(child, field.selection, need))
        ]

    def _holders(self, place: Place, field: Field) -> Iterator[Place]:
        """Subgraphs that have the field on the type itself, or on an interface of it as an interface object."""
        for graph in self._supergraph.types[place.type_name].graphs:
            owner = self._resolver.target(place.type_name, field.name, graph)
            if owner and (graph != place.graph or owner.requires is not None):
                yield Place(place.type_name, graph)
        for interface in self._supergraph.interfaces[place.type_name]:
            for graph in self._supergraph.types[interface].graphs:
                is_object = self._supergraph.is_interface_object(interface, graph)
                if is_object and self._resolver.target(interface, field.name, graph):
                    yield Place(interface, graph)

    def _entered(self, move: Move, field: Field, need: Need) -> Iterator[Option]:
        """The field after a hop."""
        target = move.target
        edge = (target.type_name, target.graph or "", field.name)
        owner = self._resolver.target(target.type_name, field.name, target.graph)
        if owner is None or (owner.requires is not None and edge in need.in_use):
            return
        inner = partial(self._there, target, field, owner, need)
        yield from self._hop(move, need, inner, requires=(owner, edge))

    def _there(self, target: Place, field: Field, owner: FieldInGraph, need: Need) -> list[Option]:
        """The field once an entity fetch has arrived; what it requires came along."""
        if self._supergraph.is_abstract_in(target.type_name, target.graph):
            types = self._types_at(target, target.graph, need)
            permitted = [each for each in types if field.is_open_to([each])]
            return self.selection(target, self._piece(field, permitted), need)
        return self._taken(target, field, owner, need)

    def _piece(self, field: Field, types: list[str]) -> Selection:
        return OneField({each: {field.response_key: field} for each in types})

    def _in_pieces(self, place: Place, field: Field, need: Need) -> list[Option]:
        """A field whose children no single subgraph has: each leaf goes its own way.

        A mutation must run once, so it is never asked of two subgraphs.
        """
        pieces = self._leaves(place.type_name, field)
        if len(pieces) < 2 or (
            self._supergraph.is_root(place.type_name) and not self._is_query(place.type_name)
        ):
            return []
        return self._combined([self.field(place, piece, need) for piece in pieces])

    def _for_every_type(self, options: list[Option], place: Place, field: Field, need: Need) -> list[Option]:
        """A root field is asked of a subgraph that knows every type in question: the object may be of any of them."""
        full = fullest(options)
        if full and full[0].gaps:
            pieces = self._types_of(place.type_name, field)
            by_type = (
                self._combined([self.field(place, piece, need) for piece in pieces])
                if len(pieces) > 1
                else []
            )
            full = fullest([*full, *by_type])
        return full

    def _types_of(self, root: str, field: Field) -> list[Field]:
        """The field with one type below it at a time. Lists of several subgraphs cannot be put together, should each
        have left out what it does not know; and a mutation must run once."""
        is_list = "[" in print_ast(self._supergraph.types[root].field_types[field.name])
        if field.selection is None or is_list or not self._is_query(root):
            return []
        selection = field.selection
        types = self._asked_about(self._supergraph.child_type(root, field.name), selection)
        return [field.with_selection(OneField({each: selection.fields(each)})) for each in types]

    def _leaves(self, type_name: str, field: Field) -> list[Field]:
        key = (type_name, field)
        if key not in self._pieces:
            self._pieces[key] = list(self._cut(type_name, field))
        return self._pieces[key]

    def _cut(self, type_name: str, field: Field) -> Iterator[Field]:
        """The field with one leaf below it at a time, for each type that has the leaf.

        Where all below is skipped, it is still to be seen whether there is an object.
        """
        children = self._children(type_name, field)
        if not children:
            yield field
        for child, having in children:
            for leaf in self._leaves(having[0], child):
                yield field.with_selection(self._piece(leaf, having))

    def _children(self, type_name: str, field: Field) -> list[tuple[Field, list[str]]]:
        """Every field asked for below a field, with the types it is asked of."""
        if field.selection is None:
            return []
        child_type = self._supergraph.child_type(type_name, field.name)
        return _by_field(field.selection, self._supergraph.possible_types(child_type))

    def _is_query(self, type_name: str) -> bool:
        return type_name == self._supergraph.roots["query"]

    # --- hops -----------------------------------------------------------------------------------------------------

    def _hop(
        self, move: Move, need: Need, inner: Inner, requires: Requires | None = None
    ) -> Iterator[Option]:
        target = move.target
        assert target.graph is not None  # noqa: S101 — only the start stands outside every subgraph
        self._steps.take()
        if self._supergraph.is_root(target.type_name):
            hop = Hop(target.graph, target.type_name, 1, None, (), ())
            yield from self._after(FREE, hop, inner)
            return
        arguments = _text_with_arguments(requires[0].requires if requires else None)
        for selections, requirement in self._requirements(move, need, requires):
            sent = replace(self._representation(move.source, target, selections), arguments=arguments)
            hop = Hop(target.graph, target.type_name, requirement.steps + 1, sent, requirement.picks, ())
            yield from self._after(requirement, hop, inner)

    def _after(self, requirement: Option, hop: Hop, inner: Inner) -> Iterator[Option]:
        for option in self._counted(inner()):
            yield option.after(requirement, replace(hop, picks=option.picks))

    def _requirements(
        self, move: Move, need: Need, requires: Requires | None
    ) -> Iterator[tuple[tuple[Selection, ...], Option]]:
        """For each key of the target: what has to be sent, and a way to get it from the source."""
        target = move.target
        held = self._supergraph.in_graph(target.type_name, target.graph)
        edge = (target.type_name, target.graph or "")
        if held is None or edge in need.in_use or need.is_local:
            return
        extra, extra_options = self._required(move, need, requires)
        for key in held.keys:
            itself = (move.source.type_name, "", key.text)
            is_usable = key.resolvable or self._is_lenient
            if extra_options and is_usable and itself not in need.in_use:
                selection = self._field_set(key.selection)
                of_key = self.selection(
                    move.source, selection, need.of_key(edge, itself, is_local=move.is_near)
                )
                for option in self._combined([of_key, extra_options])[:2]:
                    yield (selection, *extra), option

    def _required(
        self, move: Move, need: Need, requires: Requires | None
    ) -> tuple[tuple[Selection, ...], list[Option]]:
        if requires is None or requires[0].requires is None:
            return (), [FREE]
        owner, edge = requires
        selection = self._field_set(owner.requires)  # type: ignore[arg-type]  # checked above
        of_requires = need.of_requires(edge, is_local=move.is_near)
        return (selection,), self.selection(move.source, selection, of_requires)

    def _field_set(self, node: SelectionSetNode) -> Selection:
        if id(node) not in self._field_sets:
            self._field_sets[id(node)] = Selection(self._document, (node,))
        return self._field_sets[id(node)]

    def _representation(
        self, place: Place, target: Place, selections: tuple[Selection, ...]
    ) -> Representation:
        has_own_name = self._supergraph.is_abstract_in(place.type_name, place.graph)
        is_interface_object = self._supergraph.is_interface_object(target.type_name, target.graph)
        typename = None if has_own_name and not is_interface_object else target.type_name
        return Representation(place.type_name, target.type_name, typename, selections)


def _text_with_arguments(field_set: SelectionSetNode | None) -> str:
    text = print_ast(field_set) if field_set else ""
    return text if "(" in text else ""


def _by_field(selection: Selection, types: "tuple[str, ...] | list[str]") -> list[tuple[Field, list[str]]]:
    """Every field that is asked of one of *types*, with the types it is asked of."""
    having: dict[Field, list[str]] = {}
    for each in types:
        for field in selection.fields(each).values():
            having.setdefault(field, []).append(each)
    return list(having.items())
