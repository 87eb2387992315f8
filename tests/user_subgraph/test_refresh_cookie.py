"""The refresh token in a cookie: only for who asks for it with a header, and then nowhere else."""

from dataclasses import replace
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.user_subgraph.service import LOGIN, PASSWORD, Service
from tests.user_subgraph.test_second_factor import COMPLETE, challenge, code_of, enabled
from user_subgraph.errors import StartRefused
from user_subgraph.settings import Settings
from user_subgraph.user import User

ASKING = {"X-Refresh-Token": "cookie"}
REFRESH = """mutation ($input: RefreshTokenInput!) { refreshToken(input: $input) { __typename
  ... on LoginSuccess { tokens { accessToken refreshToken } } } }"""
LOGOUT = "mutation ($scope: LogoutScope!) { logout(scope: $scope) { revokedSessions } }"


@pytest.fixture(autouse=True)
def ada(service: Service) -> User:
    return service.add_user("ada@example.com")


def sent(
    service: Service, query: str, headers: dict[str, str] | None = None, **variables: Any
) -> TestResponse:
    """The test client keeps cookies as a browser does."""
    body = {"query": query, "variables": variables}
    return service.http.post("/graphql", json=body, headers=ASKING if headers is None else headers)


def value(response: TestResponse) -> Any:
    (only,) = response.get_json()["data"].values()
    return only


def cookie_of(response: TestResponse) -> Morsel[str]:
    (header,) = response.headers.getlist("Set-Cookie")
    return SimpleCookie(header)["refresh_token"]


def logged_in(service: Service, headers: dict[str, str] | None = None) -> TestResponse:
    return sent(service, LOGIN, headers, input={"email": "ada@example.com", "password": PASSWORD})


def bearing(response: TestResponse) -> dict[str, str]:
    return {"Authorization": f"Bearer {value(response)['tokens']['accessToken']}"}


def test_who_asks_gets_it_in_a_cookie_and_not_in_the_answer(service: Service) -> None:
    response = logged_in(service)

    assert value(response)["tokens"]["refreshToken"] is None
    cookie = cookie_of(response)
    assert len(cookie.value) > 40
    assert cookie.value not in response.get_data(as_text=True)
    shown = {name: cookie[name] for name in ("path", "samesite", "httponly", "secure", "domain", "max-age")}
    assert shown == {
        "path": "/graphql",
        "samesite": "Strict",
        "httponly": True,
        "secure": True,
        "domain": "",
        "max-age": str(service.settings.session_ttl_s),
    }
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("headers", [{}, {"X-Refresh-Token": "body"}, {"X-Refresh-Token": "cookie, cookie"}])
def test_who_does_not_ask_gets_no_cookie(service: Service, headers: dict[str, str]) -> None:
    response = logged_in(service, headers)

    assert value(response)["tokens"]["refreshToken"]
    assert "Set-Cookie" not in response.headers


def test_path_and_secure_are_settings(service: Service) -> None:
    other = Service(
        replace(service.settings, refresh_cookie_path="/api", refresh_cookie_secure=False), service.clock
    )
    cookie = cookie_of(logged_in(other))
    other.close()

    assert (cookie["path"], cookie["secure"]) == ("/api", "")


@pytest.mark.parametrize("path", ["graphql", "/graphql; Domain=example.com", "/a b", "/\u00e9"])
def test_a_path_that_would_say_something_else_stops_the_start(path: str) -> None:
    with pytest.raises(StartRefused, match="REFRESH_COOKIE_PATH"):
        Settings.from_environment({"REFRESH_COOKIE_PATH": path})


def test_the_cookie_refreshes_and_is_replaced_as_often_as_it_is_asked_for(service: Service) -> None:
    seen = [cookie_of(logged_in(service)).value]
    for _ in range(3):
        service.clock.move(600)
        response = sent(service, REFRESH, input={})
        assert value(response)["__typename"] == "LoginSuccess"
        assert value(response)["tokens"]["refreshToken"] is None
        seen.append(cookie_of(response).value)

    assert len(set(seen)) == 4
    assert cookie_of(response)["max-age"] == str(service.settings.session_ttl_s - 1800)
    assert len(service.rows("SELECT id FROM sessions WHERE revoked_at IS NULL")) == 1


@pytest.mark.parametrize("given", [{}, {"refreshToken": None}])
def test_the_cookie_alone_refreshes_nothing(service: Service, given: dict[str, None]) -> None:
    """As a form of another site would send it, if SameSite did not keep it back."""
    logged_in(service)
    before = service.everything()

    response = sent(service, REFRESH, {}, input=given)

    assert value(response) == {"__typename": "InvalidTokenError"}
    assert "Set-Cookie" not in response.headers
    assert service.everything() == before


def test_asking_without_a_cookie_is_refused_and_counted_nowhere(service: Service) -> None:
    with service.statements() as statements:
        response = sent(service, REFRESH, input={})

    assert value(response) == {"__typename": "InvalidTokenError"}
    assert statements == []


def test_a_token_in_the_input_counts_before_the_cookie_and_moves_into_it(service: Service) -> None:
    logged_in(service)
    given = value(logged_in(service, {}))["tokens"]["refreshToken"]

    response = sent(service, REFRESH, input={"refreshToken": given})

    assert value(response)["tokens"]["refreshToken"] is None
    service.clock.move(60)
    used = service.rows("SELECT generation FROM sessions ORDER BY generation")
    assert [row["generation"] for row in used] == [1, 2]
    assert value(sent(service, REFRESH, input={}))["__typename"] == "LoginSuccess"
    assert max(row["generation"] for row in service.rows("SELECT generation FROM sessions")) == 3


def test_a_bad_token_in_the_input_leaves_the_cookie(service: Service) -> None:
    logged_in(service)

    response = sent(service, REFRESH, input={"refreshToken": "no such token"})

    assert value(response) == {"__typename": "InvalidTokenError"}
    assert "Set-Cookie" not in response.headers
    assert value(sent(service, REFRESH, input={}))["__typename"] == "LoginSuccess"


def test_a_cookie_that_is_not_good_any_more_is_taken_away(service: Service) -> None:
    logged_in(service)
    service.clock.move(service.settings.session_ttl_s)

    cookie = cookie_of(sent(service, REFRESH, input={}))

    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/graphql")
    assert "Set-Cookie" not in sent(service, REFRESH, input={}).headers


@pytest.mark.parametrize(
    ("scope", "clears"), [("THIS_SESSION", True), ("ALL_SESSIONS", True), ("OTHER_SESSIONS", False)]
)
def test_logging_out_takes_the_cookie_away(service: Service, scope: str, *, clears: bool) -> None:
    headers = bearing(logged_in(service)) | ASKING

    response = sent(service, LOGOUT, headers, scope=scope)

    assert ("Set-Cookie" in response.headers) == clears
    if clears:
        assert (cookie_of(response).value, cookie_of(response)["max-age"]) == ("", "0")
    after = value(sent(service, REFRESH, input={}))["__typename"]
    assert after == ("InvalidTokenError" if clears else "LoginSuccess")


def test_logging_out_without_asking_leaves_it_and_it_is_of_no_use(service: Service) -> None:
    response = sent(service, LOGOUT, bearing(logged_in(service)), scope="THIS_SESSION")

    assert "Set-Cookie" not in response.headers
    assert value(sent(service, REFRESH, input={})) == {"__typename": "InvalidTokenError"}


def test_of_several_mutations_the_last_word_stands_in_the_cookie(service: Service) -> None:
    headers = bearing(logged_in(service)) | ASKING
    twice = """mutation { a: refreshToken(input: {}) { __typename } b: refreshToken(input: {}) { __typename }
      %s }"""

    kept = sent(service, twice % "", headers)
    ended = sent(service, twice % "logout { revokedSessions }", headers)

    assert len(service.rows("SELECT generation FROM refresh_tokens")) == 5
    assert cookie_of(kept).value
    assert cookie_of(ended).value == ""


def test_a_login_that_a_second_factor_ends_gets_its_cookie_then(service: Service) -> None:
    secret, _ = enabled(service, "grace@example.com")
    service.clock.move(60)
    started = sent(service, LOGIN, input={"email": "grace@example.com", "password": PASSWORD})
    challenge_id = challenge(service, "grace@example.com")
    given = {"challengeId": challenge_id, "method": "TOTP", "code": code_of(service, secret)}

    ended = sent(service, COMPLETE, input=given)

    assert "Set-Cookie" not in started.headers
    assert value(ended)["__typename"] == "LoginSuccess"
    assert cookie_of(ended).value not in ended.get_data(as_text=True)
    assert value(sent(service, REFRESH, input={}))["__typename"] == "LoginSuccess"


def test_two_browsers_do_not_share_a_cookie(service: Service) -> None:
    other = service.with_own_client()
    logged_in(service)

    assert value(sent(other, REFRESH, input={})) == {"__typename": "InvalidTokenError"}


def test_no_query_gets_or_moves_it(service: Service) -> None:
    headers = bearing(logged_in(service)) | ASKING

    assert "Set-Cookie" not in sent(service, "{ me { id } }", headers).headers


def test_cookies_and_tokens_stay_out_of_the_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    token = cookie_of(logged_in(service)).value
    sent(service, REFRESH, input={})

    assert caplog.records
    assert all(token not in str(record.__dict__) for record in caplog.records)


def test_of_two_cookies_none_is_taken(service: Service) -> None:
    """Another site of the same domain can set one that comes first."""
    forged = cookie_of(logged_in(service)).value
    own = cookie_of(logged_in(service)).value
    service.http.delete_cookie("refresh_token", path="/graphql")
    both = ASKING | {"Cookie": f"refresh_token={forged}; refresh_token={own}"}

    answer = value(sent(service, REFRESH, both, input={}))

    assert answer["__typename"] == "InvalidTokenError"
    assert service.refresh(own)["__typename"] == "LoginSuccess"
