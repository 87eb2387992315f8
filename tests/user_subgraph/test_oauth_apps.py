"""What apps may do in the accounts of who has let them in, and what is kept of them."""

import json

import pytest

from tests.user_subgraph.service import PASSWORD, Service
from tests.user_subgraph.test_second_factor import claims
from tests.user_subgraph.third_party import (
    ADA,
    READ,
    Program,
    app_of,
    refused_as,
)
from user_subgraph.user import Role

CHANGE = (
    'mutation { changePassword(input: {currentPassword: "correct-horse-demo", newPassword: "another-good-one"}) '
    "{ __typename } }"
)


def test_an_app_cannot_take_the_account_over(service: Service, app: Program) -> None:
    access = app.tokens(ADA)["access_token"]
    service.log_in(ADA)

    assert service.refusal(CHANGE, access)["code"] == "FORBIDDEN"
    for scope in ("OTHER_SESSIONS", "ALL_SESSIONS"):
        log_out = f"mutation {{ logout(scope: {scope}) {{ revokedSessions }} }}"
        assert service.refusal(log_out, access)["code"] == "FORBIDDEN"
    assert service.data("mutation { logout { revokedSessions } }", access) == {"revokedSessions": 1}


@pytest.mark.parametrize(
    "field", ["email", "firstName", "lastLoginAt", "roles", "mfaEnabled", "sessions { id }"]
)
def test_an_app_that_was_not_let_see_the_profile_knows_the_id_alone(
    service: Service, app: Program, field: str
) -> None:
    tokens = app.tokens(ADA, scope="payments:read")
    access = tokens["access_token"]

    assert service.data("{ me { id } }", access) == {"id": claims(access)["sub"]}
    answer = service.answer(f"{{ me {{ {field} }} }}", access)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert not any((answer["data"]["me"] or {}).values())


def test_a_login_of_an_app_is_never_fresh(service: Service) -> None:
    """Even of an app that had been given the scope."""
    service.add_user(ADA)
    app = app_of(service, scopes="profile:write")
    access = app.tokens(ADA, scope=None)["access_token"]

    enroll = "mutation { enrollTotp { __typename } }"
    assert service.data(enroll, access) == {"__typename": "ReauthenticationRequiredError"}


def test_people_see_their_apps_and_send_them_away(service: Service, app: Program) -> None:
    tokens, own = app.tokens(ADA), service.log_in(ADA).access
    found = service.data("{ me { sessions { id appName } } }", own)["sessions"]
    (of_app,) = [one for one in found if one["appName"] == "Budget"]

    revoke = f'mutation {{ revokeSession(id: "{of_app["id"]}") {{ __typename }} }}'
    assert service.data(revoke, own) == {"__typename": "LogoutSuccess"}

    assert [one["appName"] for one in found].count(None) == 1
    assert refused_as(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_erasing_takes_consents_along(service: Service, app: Program) -> None:
    app.code(ADA)
    app.tokens(ADA)
    admin = service.token_of("root@example.com", Role.ADMIN)
    ada = service.rows("SELECT id FROM users WHERE email = 'ada@example.com'")[0]["id"]
    erase = "mutation ($id: ID!) { deleteUser(id: $id, mode: ERASE) { __typename } }"

    assert service.data(erase, admin, id=ada)["__typename"] == "DeleteUserSuccess"

    assert service.rows("SELECT * FROM authorization_codes") == []
    assert service.rows("SELECT * FROM sessions WHERE client_id IS NOT NULL") == []


def test_neither_codes_nor_secrets_can_be_read_where_they_are_stored(service: Service, app: Program) -> None:
    code = app.code(ADA)
    tokens = app.tokens(ADA)
    stored = json.dumps(service.everything(), default=str)

    for secret in (code, tokens["access_token"], tokens["refresh_token"], str(app.secret), PASSWORD):
        assert secret not in stored


def test_what_was_consented_to_is_recorded(service: Service, app: Program) -> None:
    app.tokens(ADA)

    rows = service.rows(
        "SELECT action, subject_id, changes FROM audit_events WHERE action IN ('app.authorized', 'login.succeeded')"
    )
    changes = {row["action"]: str(row["changes"]) for row in rows}

    assert set(changes) == {"app.authorized", "login.succeeded"}
    assert app.id in changes["app.authorized"]
    assert READ.split()[1] in changes["app.authorized"]
    assert app.id in changes["login.succeeded"]
