"""registerUser: a stranger gets an account, and learns nothing about those of others."""

from dataclasses import replace

import argon2
import pytest

from tests.user_subgraph.service import ERROR, PASSWORD, Service, field_errors
from user_subgraph.passwords import PasswordHashes

REGISTER = f"""mutation ($input: RegisterUserInput!) {{ registerUser(input: $input) {{ __typename {ERROR}
  ... on RegisterUserSuccess {{ requiresVerification }} ... on ValidationError {{ fields {{ path code message }} }} }} }}"""
ME = "{ me { email emailVerified firstName lastName displayName locale status roles createdAt version } }"


def test_who_registers_can_log_in_as_an_active_customer(service: Service) -> None:
    given = {"email": "Neu@Example.com", "password": PASSWORD, "firstName": " Ada ", "locale": "de_at"}
    result = service.data(REGISTER, input=given)

    assert result == {"__typename": "RegisterUserSuccess", "requiresVerification": False}
    tokens = service.log_in("neu@example.com")
    assert tokens.scope == "payments:read payments:write profile:read profile:write"
    assert service.data(ME, tokens.access) == {
        "email": "neu@example.com",
        "emailVerified": False,
        "firstName": "Ada",
        "lastName": None,
        "displayName": None,
        "locale": "de-AT",
        "status": "ACTIVE",
        "roles": ["CUSTOMER"],
        "createdAt": "2026-11-23T10:00:00Z",
        "version": 1,
    }


def test_the_password_is_stored_as_an_argon2id_hash(service: Service) -> None:
    service.data(REGISTER, input={"email": "neu@example.com", "password": PASSWORD})

    (row,) = service.rows("SELECT password_hash FROM users")
    assert row["password_hash"].startswith("$argon2id$")
    assert PASSWORD not in str(service.everything())


def test_a_known_address_is_answered_like_a_new_one_and_its_account_stays(service: Service) -> None:
    service.add_user("ada@example.com")
    before = service.everything(but_for="audit_events")

    given = {"email": "ADA@example.com", "password": "another password", "firstName": "Eve"}
    result = service.data(REGISTER, input=given)

    assert result == {"__typename": "RegisterUserSuccess", "requiresVerification": False}
    after = service.everything(but_for="audit_events")
    (mail,) = after.pop("outgoing_mails")
    assert (mail["kind"], before.pop("outgoing_mails")) == ("ALREADY_REGISTERED", [])
    assert after["users"][0].pop("registration_tried_at") is not None
    assert before["users"][0].pop("registration_tried_at") is None
    assert after == before
    assert service.log_in("ada@example.com", PASSWORD)


class CountingHashes(PasswordHashes):
    hashed = 0

    def hash(self, password: str) -> str:
        self.hashed += 1
        return super().hash(password)


def test_known_and_new_addresses_cost_the_same_hashes_and_statements(service: Service) -> None:
    service.add_user("ada@example.com")
    counting = CountingHashes(argon2.PasswordHasher(1, 8, 1), slots=1, wait_s=1)
    accounts = replace(service.parts.accounts, passwords=counting)

    work = []
    for email in ("ada@example.com", "neu@example.com"):
        counting.hashed = 0
        with service.statements() as sent:
            accounts.register({"email": email, "password": PASSWORD})
        work.append((counting.hashed, sent))

    assert work[0] == work[1]
    assert counting.hashed == 1


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"email": "no-address"}, {("input.email", "INVALID")}),
        ({"email": ""}, {("input.email", "REQUIRED")}),
        ({"email": "a@b"}, {("input.email", "INVALID")}),
        ({"email": "a\0@example.com"}, {("input.email", "INVALID")}),
        ({"email": f"{'x' * 300}@example.com"}, {("input.email", "INVALID")}),
        ({"password": "short"}, {("input.password", "TOO_SHORT")}),
        ({"password": "x9" * 129}, {("input.password", "TOO_LONG")}),
        ({"password": "password1234"}, {("input.password", "TOO_COMMON")}),
        ({"password": "Neu@example.COM"}, {("input.password", "SAME_AS_EMAIL")}),
        ({"firstName": "x" * 101}, {("input.firstName", "TOO_LONG")}),
        ({"lastName": "a\nb"}, {("input.lastName", "INVALID")}),
        ({"locale": "german"}, {("input.locale", "INVALID")}),
        (
            {"email": "x", "password": "y", "locale": "1"},
            {("input.email", "INVALID"), ("input.password", "TOO_SHORT"), ("input.locale", "INVALID")},
        ),
    ],
)
def test_wrong_input_is_named_field_by_field_and_changes_nothing(
    service: Service, given: dict[str, str], wrong: set[tuple[str, str]]
) -> None:
    before = service.everything()

    result = service.data(REGISTER, input={"email": "neu@example.com", "password": PASSWORD, **given})

    assert field_errors(result) == wrong
    assert result["code"] == "VALIDATION"
    assert service.everything() == before


def test_nobody_can_register_with_a_role(service: Service) -> None:
    given = {"email": "neu@example.com", "password": PASSWORD, "roles": ["ADMIN"]}

    assert service.refusal(REGISTER, input=given)["code"] == "BAD_USER_INPUT"
    assert service.rows("SELECT id FROM users") == []


def test_registering_works_with_a_stale_token_in_the_header(service: Service) -> None:
    given = {"email": "neu@example.com", "password": PASSWORD}

    assert service.data(REGISTER, "stale", input=given)["__typename"] == "RegisterUserSuccess"
