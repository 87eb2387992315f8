"""The supergraph file, with its subgraphs where this environment has them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.errors import SupergraphError
from gateway.reload import Reload
from gateway.settings import events_urls, subgraph_urls
from gateway.supergraph.model import Supergraph
from gateway.supergraph.reader import load_supergraph
from gateway.watched_file import WatchedFile


def supergraph_file(path: Path, environment: Mapping[str, str]) -> Reload[Supergraph]:
    return Reload(WatchedFile(path), _reader(environment))


def _reader(environment: Mapping[str, str]) -> Callable[[bytes], Supergraph]:
    def read(content: bytes) -> Supergraph:
        """Raises SupergraphError, or SettingsError for an address it names."""
        try:
            sdl = content.decode()
        except UnicodeDecodeError as error:
            raise SupergraphError("The supergraph is not encoded in UTF-8") from error
        supergraph = load_supergraph(sdl)
        supergraph = supergraph.at_urls(subgraph_urls(supergraph.subgraphs, environment))
        return supergraph.with_events_at(events_urls(supergraph.subgraphs, environment))

    return read
