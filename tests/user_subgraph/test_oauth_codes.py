"""Codes that apps change for tokens: good once, with their verifier, for the app they were given to."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.user_subgraph.service import Service
from tests.user_subgraph.third_party import (
    ADA,
    Program,
    app_of,
    refused_as,
)
from user_subgraph.user import Role

ME = "{ me { email sessions { appName current userAgent } } }"
ACTIONS = "SELECT action FROM audit_events ORDER BY id"


def test_a_code_is_good_once_and_the_second_time_ends_the_session(service: Service, app: Program) -> None:
    code = app.code(ADA)
    tokens = app.redeem(code).get_json()

    again = app.redeem(code)

    assert refused_as(again) == (400, "invalid_grant")
    assert refused_as(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert service.refusal(ME, tokens["access_token"])["code"] == "UNAUTHENTICATED"
    assert "authorization_code.reused" in [row["action"] for row in service.rows(ACTIONS)]
    (mail,) = service.rows("SELECT kind, recipient, what FROM outgoing_mails")
    assert (mail["kind"], mail["recipient"]) == ("LOGIN_ENDED", ADA)
    assert mail["what"] == 'the app "Budget", since 2026-11-23, 10:00 UTC'


@pytest.mark.parametrize("verifier", ["w" * 43, ""])
def test_who_has_but_seen_the_used_code_of_an_app_without_secret_ends_nothing(
    service: Service, verifier: str
) -> None:
    service.add_user(ADA)
    app = app_of(service, secret=None)
    code = app.code(ADA)
    tokens = app.redeem(code).get_json()
    before = service.everything()

    stranger = app.redeem(code, code_verifier=verifier)

    assert stranger.status_code == 400
    assert service.everything() == before
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_who_has_the_verifier_too_has_copied_them_and_ends_the_session(
    service: Service, any_app: Program
) -> None:
    code = any_app.code(ADA)
    tokens = any_app.redeem(code).get_json()

    assert refused_as(any_app.redeem(code)) == (400, "invalid_grant")

    assert refused_as(any_app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_an_app_that_has_proved_itself_ends_the_session_of_a_used_code_whatever_the_verifier(
    app: Program,
) -> None:
    code = app.code(ADA)
    tokens = app.redeem(code).get_json()

    assert refused_as(app.redeem(code, code_verifier="w" * 43)) == (400, "invalid_grant")

    assert refused_as(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_a_code_that_is_brought_for_ever_is_recorded_once(service: Service, app: Program) -> None:
    code = app.code(ADA)

    statuses = [app.redeem(code).status_code for _ in range(4)]

    assert statuses == [200, 400, 400, 400]
    assert [row["action"] for row in service.rows(ACTIONS)].count("authorization_code.reused") == 1


def test_a_code_brought_many_times_at_once_opens_one_session(service: Service, app: Program) -> None:
    code = app.code(ADA)

    def redeem(_number: int) -> int:
        own = Program(service.with_own_client(), app.id, app.secret)
        return own.redeem(code).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(redeem, range(8)))

    assert statuses == [200] + [400] * 7
    assert len(service.rows("SELECT id FROM sessions WHERE client_id IS NOT NULL")) == 1


def test_a_code_lasts_a_minute(service: Service, app: Program) -> None:
    code = app.code(ADA)
    service.clock.move(60)

    assert refused_as(app.redeem(code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"code_verifier": "short"},
        {"redirect_uri": "https://app.example/other"},
        {"redirect_uri": ""},
        {"code": "unknown"},
        {"code": ""},
    ],
    ids=str,
)
def test_a_code_needs_its_verifier_and_its_address(app: Program, changes: dict[str, str]) -> None:
    response = app.redeem(app.code(ADA), **changes)

    assert response.status_code == 400
    assert response.get_json()["error"] in {"invalid_grant", "invalid_request"}
    assert "access_token" not in response.text


def test_a_code_is_good_for_the_app_it_was_given_to(service: Service, app: Program) -> None:
    other = app_of(service)
    code = app.code(ADA)

    assert refused_as(other.redeem(code)) == (400, "invalid_grant")
    assert app.redeem(code).status_code == 200


def test_what_ends_all_sessions_ends_codes_too(service: Service, app: Program) -> None:
    code = app.code(ADA)
    access = service.log_in(ADA).access
    assert service.data("mutation { logout(scope: ALL_SESSIONS) { revokedSessions } }", access)

    assert refused_as(app.redeem(code)) == (400, "invalid_grant")


def test_who_has_one_address_need_not_name_it(app: Program) -> None:
    code = app.code(ADA, redirect_uri=None)
    unnamed = app.token(grant_type="authorization_code", code=code, code_verifier="v" * 43)

    assert unnamed.status_code == 200


def test_a_suspended_account_lets_nobody_in(service: Service, app: Program) -> None:
    admin = service.token_of("root@example.com", Role.ADMIN)
    ada = service.rows("SELECT id FROM users WHERE email = 'ada@example.com'")[0]["id"]
    code = app.code(ADA)
    suspend = "mutation ($id: ID!) { updateUser(id: $id, input: {status: SUSPENDED}) { __typename } }"
    assert service.data(suspend, admin, id=ada)["__typename"] == "UserSuccess"

    assert "disabled" in app.let_in(ADA).text
    assert refused_as(app.redeem(code)) == (400, "invalid_grant")
