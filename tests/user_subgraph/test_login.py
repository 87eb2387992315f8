"""login: the right password opens a session, anything else tells a stranger nothing."""

from dataclasses import replace

import argon2
import pytest

from tests.user_subgraph.service import LOGIN, PASSWORD, Service
from user_subgraph.errors import InvalidCredentialsError
from user_subgraph.passwords import PasswordHashes
from user_subgraph.user import Role

SUSPEND = "mutation ($id: ID!) { updateUser(id: $id, input: {status: SUSPENDED}) { __typename } }"

WAIT = "... on RateLimitedError { code retryAfterSeconds }"
REGISTER_OR_WAIT = f"mutation ($input: RegisterUserInput!) {{ registerUser(input: $input) {{ {WAIT} }} }}"
LOGIN_OR_WAIT = f"mutation ($input: LoginInput!) {{ login(input: $input) {{ {WAIT} }} }}"


def outcome(service: Service, email: str, password: str) -> dict[str, str]:
    result: dict[str, str] = service.data(LOGIN, input={"email": email, "password": password})
    return result


def test_the_right_password_opens_a_session(service: Service) -> None:
    user = service.add_user("ada@example.com")

    result = service.data(LOGIN, input={"email": "ADA@example.com", "password": PASSWORD})

    assert result["user"] == {
        "id": user.id,
        "email": "ada@example.com",
        "lastLoginAt": "2026-11-23T10:00:00Z",
    }
    assert (result["tokens"]["tokenType"], result["tokens"]["expiresIn"]) == ("Bearer", 600)
    (session,) = service.rows("SELECT user_id, revoked_at FROM sessions")
    assert session == {"user_id": user.id, "revoked_at": None}


def test_the_refresh_token_is_stored_only_as_a_hash(service: Service) -> None:
    service.add_user("ada@example.com")
    refresh_token = service.log_in("ada@example.com").refresh

    assert len(service.everything()["refresh_tokens"]) == 1
    assert refresh_token not in str(service.everything())


def test_a_login_is_no_change_of_the_profile(service: Service) -> None:
    service.add_user("ada@example.com")
    service.clock.move(60)
    service.log_in("ada@example.com")

    (row,) = service.rows("SELECT version, created_at, updated_at FROM users")
    assert (row["version"], row["updated_at"]) == (1, row["created_at"])


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "the wrong password"),
        ("ada@example.com", ""),
        ("ada@example.com", PASSWORD.upper()),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("staff-made@example.com", ""),
    ],
)
def test_wrong_password_and_unknown_address_look_the_same_and_change_nothing(
    service: Service, email: str, password: str
) -> None:
    service.add_user("ada@example.com")
    admin = service.token_of("admin@example.com", Role.ADMIN)
    create = 'mutation { createUser(input: {email: "staff-made@example.com"}) { __typename } }'
    assert service.data(create, admin) == {"__typename": "UserSuccess"}
    before = service.everything(but_for="audit_events")

    assert outcome(service, email, password) == {
        "__typename": "InvalidCredentialsError",
        "code": "INVALID_CREDENTIALS",
        "message": "The e-mail address or the password is wrong.",
    }
    assert service.everything(but_for="audit_events") == before


def test_an_unknown_address_costs_the_same_hash(service: Service) -> None:
    class Counting(PasswordHashes):
        verified = 0

        def matches(self, password: str, stored: str | None) -> bool:
            self.verified += 1
            return super().matches(password, stored)

    counting = Counting(argon2.PasswordHasher(1, 8, 1), slots=1, wait_s=1)
    login = replace(service.parts.view.login, passwords=counting)

    for email in ("nobody@example.com", "no address"):
        with pytest.raises(InvalidCredentialsError):
            login.log_in(email, PASSWORD, None)

    assert counting.verified == 2


@pytest.mark.parametrize("how", ["suspended", "deleted"])
def test_a_disabled_account_says_so_only_to_who_has_the_password(service: Service, how: str) -> None:
    user = service.add_user("ada@example.com")
    admin = service.token_of("admin@example.com", Role.ADMIN)
    if how == "suspended":
        assert service.data(SUSPEND, admin, id=user.id) == {"__typename": "UserSuccess"}
    else:
        delete = "mutation ($id: ID!) { deleteUser(id: $id) { __typename } }"
        assert service.data(delete, admin, id=user.id) == {"__typename": "DeleteUserSuccess"}
    before = service.everything(but_for="audit_events")

    assert outcome(service, "ada@example.com", PASSWORD)["code"] == "ACCOUNT_DISABLED"
    assert outcome(service, "ada@example.com", "the wrong one")["code"] == "INVALID_CREDENTIALS"
    assert service.everything(but_for="audit_events") == before


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        (Role.CUSTOMER, "payments:read payments:write profile:read profile:write"),
        (
            Role.SUPPORT,
            "payments:read payments:read:any payments:write payments:write:any profile:read profile:write users:read",
        ),
        (
            Role.FINANCE,
            (
                "disputes:read ledger:read payments:read payments:read:any payments:write payments:write:any"
                " profile:read profile:write refunds:write reports:read"
            ),
        ),
        (
            Role.ADMIN,
            (
                "audit:read disputes:read ledger:read payments:read payments:read:any payments:write"
                " payments:write:any profile:read profile:write refunds:write reports:read users:read users:write"
                " webhooks:manage"
            ),
        ),
    ],
)
def test_roles_become_scopes(service: Service, role: Role, scope: str) -> None:
    service.add_user("ada@example.com", role)

    assert service.log_in("ada@example.com").scope == scope


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (["payments:read"], "payments:read"),
        (["payments:read", "users:write", "no:such"], "payments:read"),
        (["users:write"], ""),
        (["profile:read payments:read"], ""),
        (["payments:read", "\0", "x" * 10_000], "payments:read"),
        ([], ""),
    ],
)
def test_scopes_of_a_login_narrow_and_never_widen(service: Service, asked: list[str], granted: str) -> None:
    service.add_user("ada@example.com")
    tokens = service.log_in("ada@example.com", scopes=asked)

    assert tokens.scope == granted
    assert service.refresh(tokens.refresh)["tokens"]["scope"] == granted
    assert len(str(service.rows("SELECT asked_scopes FROM sessions"))) < 100


def test_a_login_renews_a_hash_of_other_parameters(service: Service) -> None:
    service.add_user("ada@example.com")
    (old,) = service.rows("SELECT password_hash FROM users")
    stronger = Service(replace(service.settings, argon2_memory_kib=16), service.clock)

    stronger.log_in("ada@example.com")
    stronger.close()

    (new,) = service.rows("SELECT password_hash FROM users")
    assert "m=8,t=1" in old["password_hash"]
    assert "m=16,t=1" in new["password_hash"]
    assert service.log_in("ada@example.com")


def test_a_login_sweeps_out_the_users_expired_sessions(service: Service) -> None:
    service.add_user("ada@example.com")
    service.log_in("ada@example.com")
    service.clock.move(service.settings.session_ttl_s + 1)

    service.log_in("ada@example.com")

    assert len(service.rows("SELECT id FROM sessions")) == 1
    assert len(service.rows("SELECT token_hash FROM refresh_tokens")) == 1


def test_a_stale_token_in_the_header_does_not_keep_anybody_out(service: Service) -> None:
    service.add_user("ada@example.com")
    given = {"email": "ada@example.com", "password": PASSWORD}

    assert service.data(LOGIN, "stale", input=given)["__typename"] == "LoginSuccess"


def test_no_free_slot_for_a_hash_is_a_rate_limit(service: Service) -> None:
    busy = Service(replace(service.settings, password_hash_slots=1, password_hash_wait_s=0), service.clock)
    given = {"email": "ada@example.com", "password": PASSWORD}
    before = service.everything()

    with busy.parts.accounts.passwords.slot():
        answers = [busy.data(mutation, input=given) for mutation in (REGISTER_OR_WAIT, LOGIN_OR_WAIT)]

    assert answers == [{"code": "RATE_LIMITED", "retryAfterSeconds": 1}] * 2
    assert service.everything() == before
    busy.close()
