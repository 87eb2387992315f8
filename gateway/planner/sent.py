"""How a fetch makes its representations: which values of an object it sends, and under which names."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from gateway.operations.selection import Field, Selection
from gateway.planner.drafts import Draft, DraftRepresentation
from gateway.planner.locations import Location
from gateway.planner.query_plan import EntitySent, Sent
from gateway.supergraph.model import Supergraph


class SentReader:
    """Reads what drafts are to send."""

    def __init__(self, supergraph: Supergraph) -> None:
        self._supergraph = supergraph

    def sent(self, draft: Draft) -> tuple[EntitySent, ...]:
        """How the fetch makes its representations."""
        return tuple(
            EntitySent(
                types=frozenset({condition}) if condition else None,
                typename=typename,
                fields=self._fields_sent(held, draft.location),
                target_type=target_type,
            )
            for (condition, target_type, typename), held in draft.sent.items()
        )

    def _fields_sent(self, held: DraftRepresentation, location: Location) -> tuple[Sent, ...]:
        of_keys = (self._sent_fields(each, (held.source_type,), location) for each in held.keys)
        of_requires = (self._sent_fields(each, (held.source_type,), location) for each in held.requires)
        keys = map(_as_key, chain.from_iterable(of_keys))
        return _merged((*keys, *chain.from_iterable(of_requires)))

    def _sent_fields(
        self, selection: Selection, types: tuple[str, ...], location: Location
    ) -> Iterator[Sent]:
        """Fields every type has are sent for all, others for their types only."""
        having: dict[tuple[str, str], tuple[Field, list[str]]] = {}
        for type_name in types:
            for asked in selection.fields(type_name).values():
                key = self._key_of(type_name, asked, location)
                having.setdefault((asked.name, key), (asked, []))[1].append(type_name)
        for (name, key), (asked, of_types) in having.items():
            only = None if len(of_types) == len(types) else frozenset(of_types)
            yield self._with_fields(Sent(name, key, only), asked, of_types[0], location)

    def _key_of(self, type_name: str, asked: Field, location: Location) -> str:
        possible = self._supergraph.possible_types(type_name) or (type_name,)
        return location.key_for(possible[0], asked, self._supergraph)

    def _with_fields(self, sent: Sent, asked: Field, type_name: str, location: Location) -> Sent:
        if asked.selection is None:
            return sent
        child_type = self._supergraph.child_type(type_name, sent.name)
        possible = self._supergraph.possible_types(child_type)
        fields = tuple(self._sent_fields(asked.selection, possible, location.below(sent.key)))
        return replace(sent, fields=fields, with_typename=self._supergraph.types[child_type].is_abstract)


def _as_key(sent: Sent) -> Sent:
    return replace(sent, is_key=True, fields=tuple(map(_as_key, sent.fields)))


def _merged(sent: Iterable[Sent]) -> tuple[Sent, ...]:
    """Key and requirement may name the same field, each with other children."""
    merged: dict[tuple[str, str, frozenset[str] | None], Sent] = {}
    for each in sent:
        at = (each.name, each.key, each.types)
        held = merged.get(at)
        merged[at] = replace(held, fields=_merged((*held.fields, *each.fields))) if held else each
    return tuple(merged.values())
