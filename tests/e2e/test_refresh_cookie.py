"""A browser's login through the gateway: the refresh token in a cookie, which no other site can make it use."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.client import LOGIN, PASSWORD
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.running_system import RunningSystem

ASKING = {"x-refresh-token": "cookie"}
REFRESH = """mutation { refreshToken(input: {}) { __typename
  ... on LoginSuccess { tokens { accessToken refreshToken } user { email } } } }"""
LOGOUT = "mutation { logout { revokedSessions } }"
SESSIONS = "{ me { sessions { userAgent current } } }"


@pytest.fixture
def browser(system: RunningSystem) -> Iterator[httpx.Client]:
    """Keeps cookies as a browser does."""
    with httpx.Client(base_url=system.gateway_url, timeout=60, trust_env=False) as client:
        yield client


def ask(browser: httpx.Client, query: str, headers: dict[str, str], **variables: Any) -> httpx.Response:
    return browser.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


def logged_in(browser: httpx.Client, email: str = "grace@example.com") -> dict[str, str]:
    """The header with the access token."""
    answer = ask(browser, LOGIN, ASKING, input={"email": email, "password": PASSWORD}).json()
    tokens = answer["data"]["login"]["tokens"]
    assert tokens["refreshToken"] is None
    return {"authorization": f"Bearer {tokens['accessToken']}"}


def refreshed(answer: httpx.Response) -> Any:
    return answer.json()["data"]["refreshToken"]


def test_a_login_goes_on_by_its_cookie(browser: httpx.Client) -> None:
    logged_in(browser)
    before = browser.cookies["refresh_token"]

    answer = ask(browser, REFRESH, ASKING)

    assert refreshed(answer)["user"] == {"email": "grace@example.com"}
    assert refreshed(answer)["tokens"]["refreshToken"] is None
    assert browser.cookies["refresh_token"] not in {before, ""}
    assert browser.cookies["refresh_token"] not in answer.text
    (said,) = answer.headers.get_list("set-cookie")
    assert {"HttpOnly", "SameSite=Strict", "Path=/graphql"} <= set(said.split("; "))
    assert answer.headers["cache-control"] == "no-store"


def test_a_session_is_shown_with_the_browser_it_is_in(browser: httpx.Client) -> None:
    headers = {**ASKING, "user-agent": "Firefox/147"}
    given = {"email": "grace@example.com", "password": PASSWORD}
    token = ask(browser, LOGIN, headers, input=given).json()["data"]["login"]["tokens"]["accessToken"]

    me = ask(browser, SESSIONS, {"authorization": f"Bearer {token}"}).json()["data"]["me"]

    assert {"userAgent": "Firefox/147", "current": True} in me["sessions"]


def test_the_cookie_is_of_no_use_without_the_header(browser: httpx.Client) -> None:
    logged_in(browser)
    before = browser.cookies["refresh_token"]

    answer = ask(browser, REFRESH, {})

    assert refreshed(answer) == {"__typename": "InvalidTokenError"}
    assert browser.cookies["refresh_token"] == before


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]
)
def test_a_form_of_another_site_is_refused(browser: httpx.Client, content_type: str) -> None:
    """What a browser sends without asking first, even if it sent the cookie along."""
    logged_in(browser)
    before = browser.cookies["refresh_token"]
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "content-type": content_type}

    answer = browser.post("/graphql", content=json.dumps({"query": REFRESH}), headers=headers)

    assert answer.status_code == 415
    assert "set-cookie" not in answer.headers
    assert browser.cookies["refresh_token"] == before


def test_a_script_of_another_site_is_not_let_send_the_header(browser: httpx.Client) -> None:
    asked = {
        "origin": "https://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-refresh-token",
    }

    preflight = browser.request("OPTIONS", "/graphql", headers=asked)

    assert preflight.status_code == 405
    assert not [name for name in preflight.headers if name.startswith("access-control-")]


def test_after_logging_out_the_cookie_is_gone_and_of_no_use(browser: httpx.Client) -> None:
    token = logged_in(browser)
    stolen = browser.cookies["refresh_token"]

    answer = ask(browser, LOGOUT, ASKING | token)

    assert answer.json() == {"data": {"logout": {"revokedSessions": 1}}}
    assert "refresh_token" not in browser.cookies
    again = ask(browser, REFRESH, {**ASKING, "cookie": f"refresh_token={stolen}"})
    assert refreshed(again) == {"__typename": "InvalidTokenError"}


def test_no_query_brings_the_cookie_to_a_subgraph(
    browser: httpx.Client, users_proxy: RecordingProxy, payments_proxy: RecordingProxy
) -> None:
    token = logged_in(browser)
    ask(browser, REFRESH, ASKING)
    assert {"cookie", "x-refresh-token"} <= users_proxy.headers[-1]

    answer = ask(browser, "{ me { email payments(first: 1) { nodes { id } } } }", ASKING | token)

    assert answer.json()["data"]["me"]["email"] == "grace@example.com"
    assert "set-cookie" not in answer.headers
    for proxy in (users_proxy, payments_proxy):
        assert {"cookie", "x-refresh-token"}.isdisjoint(proxy.headers[-1])
