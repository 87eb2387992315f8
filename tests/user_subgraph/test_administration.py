"""createUser, updateUser and deleteUser: staff with users:write, and the limits of their power."""

import threading
from typing import Any

import pytest

from tests.user_subgraph.service import ERROR, NOBODY, PASSWORD, Service, field_errors
from user_subgraph.user import Role

FIELDS = "... on ValidationError { fields { path code } }"
USER = "id email emailVerified firstName status roles version deletedAt"
CREATE = f"""mutation ($input: CreateUserInput!) {{ createUser(input: $input) {{ __typename {ERROR} {FIELDS}
  ... on UserSuccess {{ user {{ {USER} }} }} }} }}"""
UPDATE = f"""mutation ($id: ID!, $input: UpdateUserInput!) {{ updateUser(id: $id, input: $input) {{
  __typename {ERROR} {FIELDS} ... on ConflictError {{ currentVersion }} ... on NotFoundError {{ id }}
  ... on UserSuccess {{ user {{ {USER} }} }} }} }}"""
DELETE = f"""mutation ($id: ID!) {{ deleteUser(id: $id) {{ __typename {ERROR}
  ... on DeleteUserSuccess {{ deletedUserId mode retainedPaymentRecords }} ... on NotFoundError {{ id }} }} }}"""
SUCCESS = {"__typename": "UserSuccess"}


@pytest.fixture
def admin(service: Service) -> str:
    return service.token_of("admin@example.com", Role.ADMIN)


def admin_id(service: Service) -> str:
    (row,) = service.rows("SELECT id FROM users WHERE email = 'admin@example.com'")
    found: str = row["id"]
    return found


# ---------- createUser ----------


def test_staff_make_an_account_that_can_log_in(service: Service, admin: str) -> None:
    given = {
        "email": "Fay@example.com",
        "password": PASSWORD,
        "firstName": "Fay",
        "roles": ["FINANCE", "CUSTOMER"],
    }

    user = service.data(CREATE, admin, input=given)["user"]

    assert user | {"id": ""} == {
        "id": "",
        "email": "fay@example.com",
        "emailVerified": False,
        "firstName": "Fay",
        "status": "ACTIVE",
        "roles": ["CUSTOMER", "FINANCE"],
        "version": 1,
        "deletedAt": None,
    }
    assert "refunds:write" in service.log_in("fay@example.com").scope


def test_an_account_without_a_password_waits(service: Service, admin: str) -> None:
    user = service.data(CREATE, admin, input={"email": "new@example.com"})["user"]

    assert (user["status"], user["roles"]) == ("PENDING_VERIFICATION", ["CUSTOMER"])
    assert service.rows("SELECT password_hash FROM users WHERE id = :id", id=user["id"]) == [
        {"password_hash": None}
    ]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"email": "ADMIN@example.com"}, {("input.email", "TAKEN")}),
        ({"email": "x"}, {("input.email", "INVALID")}),
        ({"password": "short"}, {("input.password", "TOO_SHORT")}),
        ({"roles": []}, {("input.roles", "REQUIRED")}),
        ({"lastName": "x" * 101}, {("input.lastName", "TOO_LONG")}),
    ],
)
def test_wrong_input_makes_no_account(
    service: Service, admin: str, given: dict[str, Any], wrong: set[tuple[str, str]]
) -> None:
    before = service.everything()

    result = service.data(CREATE, admin, input={"email": "new@example.com", "password": PASSWORD, **given})

    assert field_errors(result) == wrong
    assert service.everything() == before


# ---------- updateUser ----------


def test_staff_change_an_account(service: Service, admin: str) -> None:
    user = service.add_user("ada@example.com")

    changes = {"email": "Ada.King@example.com", "firstName": "Ada", "roles": ["SUPPORT"], "version": 1}
    result = service.data(UPDATE, admin, id=user.id, input=changes)

    assert result["user"] == {
        "id": user.id,
        "email": "ada.king@example.com",
        "emailVerified": False,
        "firstName": "Ada",
        "status": "ACTIVE",
        "roles": ["SUPPORT"],
        "version": 2,
        "deletedAt": None,
    }
    assert service.rows("SELECT role FROM user_roles WHERE user_id = :id", id=user.id) == [
        {"role": "SUPPORT"}
    ]
    assert service.log_in("ada.king@example.com")


def test_a_suspended_user_can_be_let_in_again(service: Service, admin: str) -> None:
    user = service.add_user("ada@example.com")
    assert (
        service.data(UPDATE, admin, id=user.id, input={"status": "SUSPENDED"})["user"]["status"]
        == "SUSPENDED"
    )
    assert service.data(UPDATE, admin, id=user.id, input={"status": "ACTIVE"})["user"]["status"] == "ACTIVE"

    assert service.log_in("ada@example.com")


def test_suspending_ends_every_session(service: Service, admin: str) -> None:
    user = service.add_user("ada@example.com")
    token = service.log_in("ada@example.com").access

    service.data(UPDATE, admin, id=user.id, input={"status": "SUSPENDED"})

    assert service.refusal("{ me { id } }", token)["code"] == "UNAUTHENTICATED"
    running = "SELECT id FROM sessions WHERE user_id = :id AND revoked_at IS NULL"
    assert service.rows(running, id=user.id) == []


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"email": "admin@example.com"}, {("input.email", "TAKEN")}),
        ({"email": None}, {("input.email", "REQUIRED")}),
        ({"email": "x"}, {("input.email", "INVALID")}),
        ({"status": None}, {("input.status", "REQUIRED")}),
        ({"status": "DELETED"}, {("input.status", "NOT_ALLOWED")}),
        ({"status": "PENDING_VERIFICATION"}, {("input.status", "NOT_ALLOWED")}),
        ({"roles": []}, {("input.roles", "REQUIRED")}),
        ({"roles": None}, {("input.roles", "REQUIRED")}),
        ({"phone": "1", "locale": "1"}, {("input.phone", "INVALID"), ("input.locale", "INVALID")}),
    ],
)
def test_wrong_changes_change_nothing(
    service: Service, admin: str, given: dict[str, Any], wrong: set[tuple[str, str]]
) -> None:
    user = service.add_user("ada@example.com")
    before = service.everything()

    assert field_errors(service.data(UPDATE, admin, id=user.id, input={"firstName": "Eve", **given})) == wrong
    assert service.everything() == before


def test_a_stale_version_is_a_conflict(service: Service, admin: str) -> None:
    user = service.add_user("ada@example.com")
    before = service.everything()

    result = service.data(UPDATE, admin, id=user.id, input={"version": 7, "firstName": "Eve"})

    assert (result["code"], result["currentVersion"]) == ("CONFLICT", 1)
    assert service.everything() == before


@pytest.mark.parametrize("user_id", [NOBODY, "", "usr_\0", "x" * 5000])
def test_a_user_who_is_not_there_is_not_found(service: Service, admin: str, user_id: str) -> None:
    before = service.everything()

    updated = service.data(UPDATE, admin, id=user_id, input={"firstName": "Eve"})
    deleted = service.data(DELETE, admin, id=user_id)

    for result in (updated, deleted):
        assert (result["__typename"], result["code"], result["id"]) == ("NotFoundError", "NOT_FOUND", user_id)
    assert service.everything() == before


# ---------- deleteUser ----------


def test_a_deleted_user_keeps_their_data_and_is_shut_out(service: Service, admin: str) -> None:
    user = service.add_user("ada@example.com")
    token = service.log_in("ada@example.com").access

    result = service.data(DELETE, admin, id=user.id)

    assert result == {
        "__typename": "DeleteUserSuccess",
        "deletedUserId": user.id,
        "mode": "SOFT_DELETE",
        "retainedPaymentRecords": True,
    }
    query = f"query ($id: ID!) {{ user(id: $id) {{ {USER} }} }}"
    shown = service.data(query, admin, id=user.id)
    assert (shown["email"], shown["status"]) == ("ada@example.com", "DELETED")
    assert shown["deletedAt"] == "2026-11-23T10:00:00Z"
    assert service.refusal("{ me { id } }", token)["code"] == "UNAUTHENTICATED"
    assert service.data(query, token, id=user.id) is None


def test_a_deleted_user_is_not_found_by_changes(service: Service, admin: str) -> None:
    user = service.add_user("ada@example.com")
    service.data(DELETE, admin, id=user.id)
    before = service.everything()

    assert service.data(DELETE, admin, id=user.id)["code"] == "NOT_FOUND"
    assert service.data(UPDATE, admin, id=user.id, input={"status": "ACTIVE"})["code"] == "NOT_FOUND"
    assert service.everything() == before


# ---------- the last administrator ----------


@pytest.mark.parametrize("changes", [{"roles": ["CUSTOMER"]}, {"status": "SUSPENDED"}, None])
def test_the_last_administrator_stays(service: Service, admin: str, changes: dict[str, Any] | None) -> None:
    former = service.add_user("former@example.com", Role.ADMIN)
    service.data(UPDATE, admin, id=former.id, input={"status": "SUSPENDED"})
    before = service.everything()

    if changes is None:
        result = service.data(DELETE, admin, id=admin_id(service))
    else:
        result = service.data(UPDATE, admin, id=admin_id(service), input=changes)

    assert (result["__typename"], result["code"]) == ("LastAdminError", "LAST_ADMIN")
    assert service.everything() == before


def test_an_administrator_without_a_password_does_not_count(service: Service, admin: str) -> None:
    new = service.data(CREATE, admin, input={"email": "new@example.com", "roles": ["ADMIN"]})["user"]
    assert (
        service.data(UPDATE, admin, id=new["id"], input={"status": "ACTIVE"})["__typename"] == "UserSuccess"
    )

    me = service.data("{ me { id } }", admin)["id"]
    assert service.data(DELETE, admin, id=me)["__typename"] == "LastAdminError"


def test_an_administrator_can_go_once_there_is_another(service: Service, admin: str) -> None:
    service.add_user("second@example.com", Role.ADMIN)

    assert service.data(DELETE, admin, id=admin_id(service))["__typename"] == "DeleteUserSuccess"


def test_two_administrators_who_dismiss_each_other_at_once_leave_one(service: Service) -> None:
    tokens = [service.token_of(f"admin{number}@example.com", Role.ADMIN) for number in (0, 1)]
    ids = [row["id"] for row in service.rows("SELECT id FROM users ORDER BY email")]
    barrier = threading.Barrier(2)
    results: list[Any] = [None, None]

    def dismiss_the_other(number: int) -> None:
        client = service.with_own_client()
        barrier.wait()
        results[number] = client.answer(
            UPDATE, tokens[number], id=ids[1 - number], input={"roles": ["CUSTOMER"]}
        )

    threads = [threading.Thread(target=dismiss_the_other, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(service.rows("SELECT user_id FROM user_roles WHERE role = 'ADMIN'")) == 1
    # Who came second had lost the right by then.
    refused = [result["errors"][0]["extensions"]["code"] for result in results if "errors" in result]
    assert refused == ["FORBIDDEN"]


# ---------- who may ----------

MUTATIONS: list[tuple[str, dict[str, Any]]] = [
    (CREATE, {"input": {"email": "new@example.com", "password": PASSWORD}}),
    (UPDATE, {"id": NOBODY, "input": {"firstName": "Eve"}}),
    (DELETE, {"id": NOBODY}),
]


@pytest.mark.parametrize(("mutation", "variables"), MUTATIONS)
@pytest.mark.parametrize("role", [None, Role.CUSTOMER, Role.SUPPORT, Role.FINANCE])
def test_only_users_write_administers(
    service: Service, role: Role | None, mutation: str, variables: dict[str, Any]
) -> None:
    token = service.token_of("ada@example.com", role) if role else None
    before = service.everything()

    refused = service.refusal(mutation, token, **variables)

    assert refused["code"] == ("FORBIDDEN" if role else "UNAUTHENTICATED")
    assert refused.get("requiredScopes") == ([["users:write"]] if role else None)
    assert service.everything() == before


def test_a_narrowed_token_of_an_administrator_does_not_administer(service: Service, admin: str) -> None:
    narrow = service.log_in("admin@example.com", scopes=["users:read"]).access

    assert service.refusal(DELETE, narrow, id=NOBODY)["code"] == "FORBIDDEN"


def test_a_dismissed_administrator_cannot_use_the_rest_of_their_token(service: Service, admin: str) -> None:
    second = service.token_of("second@example.com", Role.ADMIN)
    assert service.data(UPDATE, second, id=admin_id(service), input={"roles": ["CUSTOMER"]})["user"]

    reinstate = service.refusal(UPDATE, admin, id=admin_id(service), input={"roles": ["ADMIN"]})

    assert (reinstate["code"], reinstate["requiredScopes"]) == ("FORBIDDEN", [["users:write"]])
