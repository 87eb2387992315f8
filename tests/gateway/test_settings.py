"""Settings whose values have a grammar of their own."""

import pytest

from gateway.errors import SettingsError
from gateway.settings import events_urls
from gateway.supergraph.model import Graph, Subgraph

LOTS = Subgraph(Graph("LOTS"), "big-lots", "https://lots.example/graphql")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", ""),
        ("sse", "https://lots.example/graphql"),
        ("ws", "wss://lots.example/graphql"),
        ("ws://127.0.0.1:9/ws", "ws://127.0.0.1:9/ws"),
        ("http://127.0.0.1:9/stream", "http://127.0.0.1:9/stream"),
    ],
)
def test_where_a_subgraph_serves_subscriptions(given: str, url: str) -> None:
    environment = {"SUBGRAPH_SUBSCRIPTIONS_BIG_LOTS": given}

    assert events_urls({LOTS.graph: LOTS}, environment) == {LOTS.graph: url}


@pytest.mark.parametrize("given", ["websocket", "lots.example", "ftp://lots.example", "WS"])
def test_a_wrong_place_for_subscriptions_is_named(given: str) -> None:
    with pytest.raises(SettingsError, match="SUBGRAPH_SUBSCRIPTIONS_BIG_LOTS"):
        events_urls({LOTS.graph: LOTS}, {"SUBGRAPH_SUBSCRIPTIONS_BIG_LOTS": given})
