"""Settings whose values have a grammar of their own."""

import pytest

from gateway.errors import SettingsError
from gateway.settings import events_urls, read_settings, unknown_settings
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


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("GATEWAY_LIMIT_KOST", "GATEWAY_LIMIT_COST"),
        ("GATEWAY_DRAIN", "GATEWAY_DRAIN_S"),
        ("GATEWAY_POLICY_CLAIMS", "GATEWAY_POLICY_CLAIM"),
        ("GATEWAY_PORT_8000_TCP_PROTO", None),
    ],
)
def test_a_variable_that_is_no_setting_is_found_out(given: str, meant: str | None) -> None:
    environment = {given: "5", "GATEWAY_LIMIT_DEPTH": "5", "GATEWAY_PRODUCTION": "1", "PATH": "/bin"}

    assert list(unknown_settings(environment)) == [(given, meant)]


def test_what_kubernetes_takes_for_the_port_is_explained() -> None:
    with pytest.raises(SettingsError, match=r"GATEWAY_PORT is 'tcp://.*enableServiceLinks: false"):
        read_settings({"GATEWAY_PORT": "tcp://10.0.0.1:8000"})
