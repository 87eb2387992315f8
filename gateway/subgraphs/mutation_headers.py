"""Headers that only mutations carry, between clients and the one subgraph that is meant: cookies, above all.

Queries carry none, down or up, so they may be shared and repeated as before.
"""

from collections.abc import Mapping

from gateway.errors import SettingsError
from gateway.headers import Headers, RawHeaders
from gateway.planner.query_plan import Fetch
from gateway.settings import (
    MUTATION_REQUEST_HEADERS,
    MUTATION_RESPONSE_HEADERS,
    Settings,
    in_capitals,
)
from gateway.subgraphs.passed_headers import pass_on
from gateway.supergraph.model import Graph, Subgraph


def refuse_settings_of_nobody(settings: Settings, subgraphs: Mapping[Graph, Subgraph]) -> None:
    """Raises SettingsError for a list of headers that is of none of the *subgraphs*: it would have no effect, and nobody would know."""
    there = {in_capitals(subgraph.name) for subgraph in subgraphs.values()}
    for prefix, lists in (
        (MUTATION_REQUEST_HEADERS, settings.mutation_request_headers),
        (MUTATION_RESPONSE_HEADERS, settings.mutation_response_headers),
    ):
        for name in sorted(lists.keys() - there):
            raise SettingsError(f"{prefix}{name} names no subgraph: there are {', '.join(sorted(there))}")


class MutationHeaders:
    """The allow-lists of each subgraph; by default they are empty."""

    def __init__(self, subgraphs: Mapping[Graph, Subgraph], settings: Settings) -> None:
        names = {graph: in_capitals(subgraph.name) for graph, subgraph in subgraphs.items()}
        down, up = settings.mutation_request_headers, settings.mutation_response_headers
        self._down = {graph: _encoded(down.get(name)) for graph, name in names.items()}
        self._up = {graph: _encoded(up.get(name)) for graph, name in names.items()}

    def down(self, fetch: Fetch, given: Headers) -> Headers:
        """Those of the *given* headers of a client that go along with *fetch*."""
        if not given or fetch.kind != "mutation":
            return ()
        allowed = self._down[fetch.graph]
        return tuple([header for header in given if header[0] in allowed])

    def pass_up(self, fetch: Fetch, answered: RawHeaders) -> None:
        """Note for the client what the subgraph *answered* to *fetch*."""
        if fetch.kind == "mutation" and (allowed := self._up[fetch.graph]):
            pass_on(answered, allowed)


def _encoded(names: frozenset[str] | None) -> frozenset[bytes]:
    return frozenset(name.encode() for name in names or ())
