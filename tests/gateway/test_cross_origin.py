"""CORS is off until origins are allowed; and no page can make a browser do harm without being asked first."""

import httpx
import pytest

from gateway.errors import SettingsError
from gateway.settings import Settings, read_settings
from tests.gateway.over_asgi import EMMA, Headers, ask
from tests.gateway.test_entities import library

SHOP = "https://shop.example"
EVIL = "https://evil.example"
PREFLIGHT = (("access-control-request-method", "POST"), ("access-control-request-headers", "content-type"))


def allowing(*origins: str, credentials: bool = False) -> Settings:
    return Settings(cors_origins=frozenset(origins), cors_credentials=credentials)


def cors(response: httpx.Response) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value
        for name, value in response.headers.items()
        if name.startswith("access-control-")
    }


def test_by_default_no_page_of_another_origin_can_read_or_ask() -> None:
    answer = ask(library(), headers=[("origin", SHOP)])
    preflight = ask(library(), method="OPTIONS", headers=[("origin", SHOP), *PREFLIGHT])

    assert (answer.json(), cors(answer)) == (EMMA, {})
    assert (preflight.status_code, cors(preflight)) == (405, {})
    assert "vary" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_an_allowed_origin_may_read(method: str) -> None:
    answer = ask(library(), allowing(SHOP), method=method, headers=[("origin", SHOP)])

    assert answer.json() == EMMA
    assert cors(answer) == {"allow-origin": SHOP, "expose-headers": "x-request-id, retry-after"}
    assert answer.headers["vary"] == "origin"


def test_what_is_refused_can_be_read_too() -> None:
    answer = ask(library(), allowing(SHOP), headers=[("origin", SHOP)], json={"query": "{"})

    assert "errors" in answer.json()
    assert cors(answer)["allow-origin"] == SHOP


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "", SHOP + ".evil.example", SHOP + ":8443", "http://shop.example", SHOP.upper()]
)
def test_pages_of_any_other_origin_may_not(origin: str) -> None:
    headers: Headers = [("origin", origin)] if origin else []
    answer = ask(library(), allowing(SHOP), headers=headers)
    preflight = ask(library(), allowing(SHOP), method="OPTIONS", headers=[*headers, *PREFLIGHT])

    assert cors(answer) == cors(preflight) == {}
    assert answer.headers["vary"] == preflight.headers["vary"] == "origin"
    assert preflight.status_code == 403


def test_a_preflight_says_what_pages_may_send() -> None:
    preflight = ask(library(), allowing(SHOP), method="OPTIONS", headers=[("origin", SHOP), *PREFLIGHT])

    assert (preflight.status_code, preflight.content) == (204, b"")
    assert cors(preflight) == {
        "allow-origin": SHOP,
        "allow-methods": "GET, POST",
        "allow-headers": "authorization, content-type, traceparent, tracestate, x-query-plan, x-request-id",
        "expose-headers": "x-request-id, retry-after",
        "max-age": "7200",
    }


def test_cookies_come_along_only_if_that_is_said() -> None:
    with_them = ask(library(), allowing(SHOP, credentials=True), headers=[("origin", SHOP)])
    without = ask(library(), allowing(SHOP), headers=[("origin", SHOP)])

    assert cors(with_them)["allow-credentials"] == "true"
    assert "allow-credentials" not in cors(without)


def test_any_origin_can_be_allowed_but_not_with_cookies() -> None:
    answer = ask(library(), read_settings({"GATEWAY_CORS_ORIGINS": "*"}), headers=[("origin", EVIL)])

    assert cors(answer)["allow-origin"] == "*"
    with pytest.raises(
        SettingsError, match=r"GATEWAY_CORS_ORIGINS=\* and GATEWAY_CORS_CREDENTIALS=1 do not go"
    ):
        read_settings({"GATEWAY_CORS_ORIGINS": "*", "GATEWAY_CORS_CREDENTIALS": "1"})


@pytest.mark.parametrize(
    "origins", ["shop.example", "https://shop.example/path", f"{SHOP},*", "null", "ftp://x"]
)
def test_an_allowed_origin_is_an_origin(origins: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_CORS_ORIGINS"):
        read_settings({"GATEWAY_CORS_ORIGINS": origins})


def test_origins_are_read_from_the_environment() -> None:
    settings = read_settings({"GATEWAY_CORS_ORIGINS": SHOP, "GATEWAY_CORS_CREDENTIALS": "1"})

    assert settings.cors_origins == {SHOP}
    assert settings.cors_credentials


# --- what browsers send without asking first ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "TEXT/PLAIN;charset=utf-8",
    ],
)
def test_a_post_that_a_form_could_send_is_refused(content_type: str) -> None:
    federation = library()
    headers: Headers = [("content-type", content_type)] if content_type else []

    answer = ask(federation, headers=headers, content=b'{"query":"{ me { id } }"}')

    assert answer.status_code == 415
    assert federation.request_count() == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_get_that_a_page_of_another_site_makes_is_refused(site: str) -> None:
    federation = library()

    answer = ask(federation, method="GET", headers=[("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")])

    assert answer.status_code == 403
    assert federation.request_count() == 0


@pytest.mark.parametrize("site", ["same-origin", "none", ""])
def test_a_get_from_elsewhere_is_served(site: str) -> None:
    """`none`: somebody typed the address. Tools other than browsers say nothing."""
    headers: Headers = [("sec-fetch-site", site)] if site else []

    assert ask(library(), method="GET", headers=headers).json() == EMMA


def test_a_get_from_a_page_that_is_allowed_is_served() -> None:
    headers = [("sec-fetch-site", "cross-site"), ("origin", SHOP)]

    assert ask(library(), allowing(SHOP), method="GET", headers=headers).json() == EMMA
    assert ask(library(), allowing(EVIL), method="GET", headers=headers).status_code == 403


def test_no_cache_keeps_an_answer_and_no_browser_guesses_its_type() -> None:
    for response in (ask(library()), ask(library(), json={"query": "{"}), ask(library(), json=[])):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
