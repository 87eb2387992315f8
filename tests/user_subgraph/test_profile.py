"""me and updateProfile: one's own account."""

from typing import Any

import pytest

from tests.user_subgraph.service import ERROR, Service, field_errors

UPDATE = f"""mutation ($input: UpdateProfileInput!) {{ updateProfile(input: $input) {{ __typename {ERROR}
  ... on UserSuccess {{ user {{ firstName lastName displayName phone locale version updatedAt }} }}
  ... on ConflictError {{ currentVersion }} ... on ValidationError {{ fields {{ path code }} }} }} }}"""


def test_a_profile_is_changed_where_it_was_asked_to(service: Service) -> None:
    token = service.token_of("ada@example.com")
    service.data(UPDATE, token, input={"firstName": "Ada", "lastName": "Byron"})
    service.clock.move(5)

    result = service.data(
        UPDATE,
        token,
        input={"lastName": None, "displayName": "A.", "phone": "+49 (151) 1234-5678", "locale": "EN_gb"},
    )

    assert result["user"] == {
        "firstName": "Ada",
        "lastName": None,
        "displayName": "A.",
        "phone": "+4915112345678",
        "locale": "en-GB",
        "version": 3,
        "updatedAt": "2026-11-23T10:00:05Z",
    }


def test_the_version_the_client_read_must_still_be_the_newest(service: Service) -> None:
    token = service.token_of("ada@example.com")
    first = service.data(UPDATE, token, input={"version": 1, "firstName": "Ada"})
    assert first["user"]["version"] == 2
    before = service.everything()

    result = service.data(UPDATE, token, input={"version": 1, "firstName": "Eve"})

    assert (result["__typename"], result["code"], result["currentVersion"]) == (
        "ConflictError",
        "CONFLICT",
        2,
    )
    assert service.everything() == before


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"phone": "0151 12345678"}, {("input.phone", "INVALID")}),
        ({"phone": "+1"}, {("input.phone", "INVALID")}),
        ({"displayName": "x" * 101}, {("input.displayName", "TOO_LONG")}),
        (
            {"firstName": "a\u2028b", "locale": "!"},
            {("input.firstName", "INVALID"), ("input.locale", "INVALID")},
        ),
    ],
)
def test_wrong_values_change_nothing(
    service: Service, given: dict[str, Any], wrong: set[tuple[str, str]]
) -> None:
    token = service.token_of("ada@example.com")
    before = service.everything()

    assert field_errors(service.data(UPDATE, token, input={"firstName": "Ada", **given})) == wrong
    assert service.everything() == before


@pytest.mark.parametrize("given", [{"email": "x@example.com"}, {"roles": ["ADMIN"]}, {"status": "ACTIVE"}])
def test_a_profile_holds_no_address_roles_or_status(service: Service, given: dict[str, Any]) -> None:
    token = service.token_of("ada@example.com")
    before = service.everything()

    assert service.refusal(UPDATE, token, input=given)["code"] == "BAD_USER_INPUT"
    assert service.everything() == before


def test_a_profile_needs_a_login_and_the_scope(service: Service) -> None:
    service.add_user("ada@example.com")
    narrow = service.log_in("ada@example.com", scopes=["profile:read"]).access
    before = service.everything()

    assert service.refusal(UPDATE, input={"firstName": "Eve"})["code"] == "UNAUTHENTICATED"
    refused = service.refusal(UPDATE, narrow, input={"firstName": "Eve"})
    assert (refused["code"], refused["requiredScopes"]) == ("FORBIDDEN", [["profile:write"]])
    assert service.everything() == before


def test_me_needs_a_login_and_no_scope(service: Service) -> None:
    service.add_user("ada@example.com")
    narrow = service.log_in("ada@example.com", scopes=[]).access

    assert service.data("{ me { email } }", narrow) == {"email": "ada@example.com"}
    assert service.refusal("{ me { email } }")["code"] == "UNAUTHENTICATED"
