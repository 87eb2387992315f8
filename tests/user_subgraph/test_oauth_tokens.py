"""Tokens of apps: what they are good for, refreshing them, giving them back, asking about them."""

import pytest

from tests.user_subgraph.service import REFRESH, Service
from tests.user_subgraph.test_second_factor import claims
from tests.user_subgraph.third_party import (
    ADA,
    ISSUER,
    Program,
    app_of,
    machine_of,
    refused_as,
)

ME = "{ me { email sessions { appName current userAgent } } }"
ACTIONS = "SELECT action FROM audit_events ORDER BY id"


def test_the_scopes_are_those_that_the_person_has_too(service: Service) -> None:
    service.add_user(ADA)
    app = app_of(service, scopes="payments:read refunds:write")

    tokens = app.tokens(ADA, scope=None)

    assert tokens["scope"] == "payments:read"


def test_a_refresh_gives_new_tokens_and_an_old_one_ends_the_session(service: Service, app: Program) -> None:
    first = app.tokens(ADA)
    second = app.refresh(first["refresh_token"]).get_json()
    third = app.refresh(second["refresh_token"]).get_json()
    service.clock.move(10)

    replayed = app.refresh(first["refresh_token"])

    assert claims(third["access_token"])["client_id"] == app.id
    assert refused_as(replayed) == (400, "invalid_grant")
    assert refused_as(app.refresh(third["refresh_token"])) == (400, "invalid_grant")
    assert "refresh_token.reused" in [row["action"] for row in service.rows(ACTIONS)]


def test_a_refresh_may_ask_for_less_but_not_for_more(app: Program) -> None:
    tokens = app.tokens(ADA)

    less = app.refresh(tokens["refresh_token"], scope="payments:read").get_json()
    more = app.refresh(less["refresh_token"], scope="payments:read payments:write")
    all_again = app.refresh(less["refresh_token"]).get_json()

    assert less["scope"] == "payments:read"
    assert refused_as(more) == (400, "invalid_scope")
    assert all_again["scope"] == "payments:read profile:read"


def test_a_refresh_token_is_good_for_who_it_was_given_to(service: Service, app: Program) -> None:
    other, own = app_of(service), service.log_in(ADA)
    tokens = app.tokens(ADA)

    assert refused_as(other.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert refused_as(app.refresh(own.refresh)) == (400, "invalid_grant")
    assert service.data(REFRESH, refresh=tokens["refresh_token"])["__typename"] == "InvalidTokenError"
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    assert service.refresh(own.refresh)["__typename"] == "LoginSuccess"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_an_app_gives_a_token_back(service: Service, any_app: Program, kind: str) -> None:
    tokens = any_app.tokens(ADA)

    given_back = any_app.post("/oauth/revoke", token=tokens[kind], token_type_hint="no such kind")

    assert given_back.status_code == 200
    assert refused_as(any_app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert service.refusal(ME, tokens["access_token"])["code"] == "UNAUTHENTICATED"
    assert any_app.post("/oauth/revoke", token=tokens[kind]).status_code == 200


def test_an_old_refresh_token_that_is_given_back_ends_the_session_too(app: Program) -> None:
    old = app.tokens(ADA)["refresh_token"]
    middle = app.refresh(old).get_json()["refresh_token"]
    newest = app.refresh(middle).get_json()["refresh_token"]
    app.service.clock.move(10)

    assert app.post("/oauth/revoke", token=old).status_code == 200

    assert refused_as(app.refresh(newest)) == (400, "invalid_grant")


def test_only_ones_own_tokens_can_be_given_back(service: Service, app: Program) -> None:
    other, tokens, own = app_of(service), app.tokens(ADA), service.log_in(ADA)

    for token in (tokens["refresh_token"], tokens["access_token"], own.refresh, own.access):
        assert refused_as(other.post("/oauth/revoke", token=token)) == (400, "invalid_grant")
    assert other.post("/oauth/revoke", token="unknown").status_code == 200
    assert refused_as(other.post("/oauth/revoke")) == (400, "invalid_request")
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_introspection_says_what_a_token_is_worth(service: Service, app: Program) -> None:
    tokens, machine = app.tokens(ADA), machine_of(service)
    ada = claims(tokens["access_token"])["sub"]

    of_access = machine.introspect(tokens["access_token"])
    of_refresh = app.introspect(tokens["refresh_token"])

    assert of_access["active"] is True
    assert (of_access["sub"], of_access["client_id"], of_access["iss"]) == (ada, app.id, ISSUER)
    assert of_access["scope"] == "payments:read profile:read"
    assert of_access["exp"] - of_access["iat"] == 600
    assert of_refresh["active"] is True
    assert of_refresh["scope"] == "payments:read profile:read"
    assert of_refresh["exp"] - of_refresh["iat"] == 30 * 24 * 3600
    app.post("/oauth/revoke", token=tokens["refresh_token"])
    assert machine.introspect(tokens["access_token"]) == {"active": False}
    assert app.introspect(tokens["refresh_token"]) == {"active": False}


def test_a_refresh_token_is_worth_what_a_refresh_would_give(service: Service) -> None:
    service.add_user(ADA)
    idle, wide = (
        app_of(service, scopes="refunds:write"),
        app_of(service, scopes="payments:read refunds:write"),
    )
    nothing, more_than_she_may = idle.tokens(ADA, scope=None), wide.tokens(ADA, scope=None)

    assert idle.introspect(nothing["refresh_token"])["scope"] == ""
    assert wide.introspect(more_than_she_may["refresh_token"])["scope"] == "payments:read"


def test_introspection_tells_an_app_nothing_of_others(service: Service, app: Program) -> None:
    other, tokens, own = app_of(service), app.tokens(ADA), service.log_in(ADA)

    for token in (tokens["access_token"], tokens["refresh_token"], own.access, own.refresh, "unknown"):
        assert other.introspect(token) == {"active": False}
    public = app_of(service, secret=None)
    assert refused_as(public.post("/oauth/introspect", token=tokens["access_token"])) == (
        401,
        "invalid_client",
    )


def test_an_expired_token_is_not_active(service: Service, app: Program) -> None:
    tokens = app.tokens(ADA)
    service.clock.move(631)

    assert app.introspect(tokens["access_token"]) == {"active": False}
    assert app.introspect(tokens["refresh_token"])["active"] is True
