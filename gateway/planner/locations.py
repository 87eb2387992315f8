"""The name every field has inside the gateway.

All fetches of one operation write into one tree of response data. At a place of that tree two fields can want the
same response name: in fragments on different types, with other arguments, or because a requirement asks `price` while
the client calls something else `price`. So each field has a *key* there: its response name when that is free, else
an alias. Fetches ask under the key, and the answer is shaped from the keys.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.operations.selection import TYPENAME, Field, Selection
from gateway.supergraph.model import Supergraph

TYPENAME_SIGNATURE = (TYPENAME, "", "")

Signature = tuple[str, str, str]
"""(field name, arguments, shape of its type): fields with the same one may share a key."""


@dataclass(eq=False, slots=True)
class Location:
    """One place of the response data, seen without list indexes and types."""

    keys: dict[str, Signature] = field(default_factory=lambda: {TYPENAME: TYPENAME_SIGNATURE})
    children: "dict[str, Location]" = field(default_factory=dict)
    response_keys: dict[str, str] = field(default_factory=dict)
    """Key -> the client's name for it; a key the client did not ask for is missing."""
    known: dict[tuple[str, Field], str] = field(default_factory=dict)

    def below(self, key: str) -> "Location":
        return self.children.setdefault(key, Location())

    def key_for(self, type_name: str, asked: Field, supergraph: Supergraph) -> str:
        """The key of a field of *type_name* here; equal fields get equal keys."""
        if asked.name == TYPENAME:
            return TYPENAME
        if (type_name, asked) not in self.known:
            signature = (asked.name, asked.arguments, supergraph.shape(type_name, asked.name))
            self.known[type_name, asked] = self._key(asked.response_key, signature)
        return self.known[type_name, asked]

    def _key(self, wanted: str, signature: Signature) -> str:
        if self.keys.setdefault(wanted, signature) == signature:
            return wanted
        for number in itertools.count():
            alias = f"_{number}_{wanted}"
            if self.keys.setdefault(alias, signature) == signature:
                return alias
        raise AssertionError("count() does not end")


def locate_clients_fields(
    selection: Selection, type_name: str, supergraph: Supergraph, count: Callable[[int], None]
) -> Location:
    """Give the client's own fields their keys before any requirement can take them; the root's location.

    *count* is told of every so many fields that are looked at, and may raise.
    """
    root = Location()
    _Locator(supergraph, count).locate(root, selection, type_name)
    return root


class _Locator:
    def __init__(self, supergraph: Supergraph, count: Callable[[int], None]) -> None:
        self._supergraph = supergraph
        self._count = count
        self._seen: set[tuple[int, int, str]] = set()

    def locate(self, location: Location, selection: Selection, type_name: str) -> None:
        place = (id(location), id(selection), type_name)
        if place in self._seen:
            return
        self._seen.add(place)
        for each in self._supergraph.possible_types(type_name):
            fields = selection.fields(each).values()
            self._count(len(fields))
            for asked in fields:
                if asked.name not in {"__schema", "__type"}:
                    self._locate_field(location, each, asked)

    def _locate_field(self, location: Location, type_name: str, asked: Field) -> None:
        key = location.key_for(type_name, asked, self._supergraph)
        location.response_keys.setdefault(key, asked.response_key)
        if asked.selection is not None:
            child_type = self._supergraph.child_type(type_name, asked.name)
            self.locate(location.below(key), asked.selection, child_type)
