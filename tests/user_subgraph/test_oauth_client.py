"""Where people may be sent back to, what programs may have, and what is said of it."""

import pytest

from user_subgraph.clock import utc_now
from user_subgraph.oauth_client import (
    APP_SCOPES,
    MACHINE_SCOPES,
    OAuthClient,
    is_client_id,
    new_client_id,
    redirect_uri_problem,
    scopes_problem,
)
from user_subgraph.scope_meanings import MEANINGS

GOOD = [
    "https://app.example/callback",
    "https://app.example:8443/callback?from=us",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:8080/callback",
    "http://[::1]/callback",
    "com.example.app:/callback",
    "com.example.app://callback",
]
BAD = [
    "",
    "app.example/callback",
    "//app.example/callback",
    "/callback",
    "http://app.example/callback",
    "http://localhost/callback",
    "http://127.0.0.1.evil.example/callback",
    "https:///callback",
    "https://app.example/callback#fragment",
    "https://user:password@app.example/callback",
    "https://user@app.example/callback",
    "https://app.example:port/callback",
    "https://app.example:99999/callback",
    "https://[::1/callback",
    "https://app.example/a b",
    "https://app.example/ä",
    'https://app.example/"',
    "https://app.example/\n",
    "javascript:alert(1)",
    "data:text/html,hello",
    "file:///etc/passwd",
    "app:/callback",
    f"https://app.example/{'x' * 500}",
]
LOOPBACK = "http://127.0.0.1/callback"


def client(*redirect_uris: str) -> OAuthClient:
    return OAuthClient(new_client_id(), "Budget", None, redirect_uris, frozenset({"profile:read"}), utc_now())


@pytest.mark.parametrize("uri", GOOD)
def test_people_can_be_sent_back_to_where_only_the_app_listens(uri: str) -> None:
    assert redirect_uri_problem(uri) is None
    assert client(uri).may_be_sent_to(uri)


@pytest.mark.parametrize("uri", BAD)
def test_they_cannot_be_sent_to_what_others_may_hear_or_no_browser_knows(uri: str) -> None:
    assert redirect_uri_problem(uri)


@pytest.mark.parametrize(
    ("registered", "asked", "may"),
    [
        ("https://app.example/callback", "https://app.example/callback/", False),
        ("https://app.example/callback", "https://app.example/callback?x=1", False),
        ("https://app.example/callback", "https://app.example:443/callback", False),
        ("https://app.example/callback", "https://APP.example/callback", False),
        (LOOPBACK, "http://127.0.0.1:51004/callback", True),
        ("http://127.0.0.1:1/callback", "http://127.0.0.1:2/callback", True),
        ("http://[::1]/callback", "http://[::1]:51004/callback", True),
        (LOOPBACK, "http://[::1]:51004/callback", False),
        (LOOPBACK, "http://127.0.0.1:51004/callback?x=1", False),
        (LOOPBACK, "http://127.0.0.1:51004@evil.example/callback", False),
        (LOOPBACK, "http://evil@127.0.0.1/callback", False),
        (LOOPBACK, "https://127.0.0.1/callback", False),
        (LOOPBACK, "http://127.0.0.1:x/callback", False),
        (LOOPBACK, "http://[::1/callback", False),
        (LOOPBACK, "", False),
    ],
)
def test_addresses_are_compared_letter_by_letter_but_for_a_port_of_ones_own_machine(
    registered: str, asked: str, *, may: bool
) -> None:
    assert client(registered).may_be_sent_to(asked) is may


def test_a_machine_is_sent_nobody() -> None:
    assert client().is_machine
    assert not client().may_be_sent_to("")


def test_what_could_cost_an_account_is_for_no_program() -> None:
    assert not {"profile:write", "users:write"} & (APP_SCOPES | MACHINE_SCOPES)
    assert not {"profile:read", "payments:read", "payments:write"} & MACHINE_SCOPES
    assert MACHINE_SCOPES < APP_SCOPES


def test_scopes_are_refused_by_name() -> None:
    assert scopes_problem(["profile:read"], APP_SCOPES) is None
    assert "at least one" in str(scopes_problem([], APP_SCOPES))
    assert str(scopes_problem(["profile:write", "x"], APP_SCOPES)).startswith("profile:write, x: not for")


def test_people_are_told_of_every_scope_that_an_app_can_have() -> None:
    assert set(MEANINGS) == APP_SCOPES


@pytest.mark.parametrize(
    "text", ["", "cli_", "usr_00000000000000000000000000", "cli_\x00", "CLI_" + "0" * 26]
)
def test_ids_have_a_form(text: str) -> None:
    assert is_client_id(new_client_id())
    assert not is_client_id(text)
