"""The tree of errors, its catalogue, and the mask over everything unexpected."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.user_subgraph.service import LOGIN, PASSWORD, Service
from user_subgraph import errors
from user_subgraph.errors import DomainError, FieldCode, RateLimitedError, RequestRefused, UserSubgraphError
from user_subgraph.federation import subgraph_schema

CATALOGUE = json.loads((Path(__file__).parents[2] / "schema" / "error_codes.json").read_text())


def leaves(root: type[UserSubgraphError]) -> Iterator[type[UserSubgraphError]]:
    for child in root.__subclasses__():
        if child.__subclasses__():
            yield from leaves(child)
        else:
            yield child


@pytest.mark.parametrize(
    ("branch", "where", "how_many"), [(RequestRefused, "errors", 8), (DomainError, "data", 11)]
)
def test_every_code_is_explained_in_the_catalogue(
    branch: type[RequestRefused | DomainError], where: str, how_many: int
) -> None:
    codes = [leaf.code for leaf in leaves(branch)]  # type: ignore[attr-defined]

    assert len(codes) == how_many
    assert {code: CATALOGUE.get(code, {}).get("where") for code in codes} == dict.fromkeys(codes, where)


def test_every_code_of_a_field_is_explained_in_the_catalogue() -> None:
    assert {code: CATALOGUE[code]["where"] for code in FieldCode} == dict.fromkeys(FieldCode, "field")


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = errors.__doc__ or ""

    for leaf in leaves(UserSubgraphError):
        code = getattr(leaf, "code", None)
        assert any(leaf.__name__ in line and (code or "") in line for line in drawn.splitlines()), leaf


def test_every_domain_error_has_the_sdl_type_of_its_name() -> None:
    types = subgraph_schema().type_map

    assert all(leaf.__name__ in types for leaf in leaves(DomainError))


def test_an_unexpected_error_is_masked_for_the_client_and_told_in_full_to_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with service.parts.database.writing() as session:
        session.execute(text("ALTER TABLE users RENAME TO elsewhere"))
    try:
        with caplog.at_level(logging.ERROR):
            given = {"email": "ada@example.com", "password": PASSWORD}
            answer = service.answer(f"{LOGIN}", input=given)
    finally:
        with service.parts.database.writing() as session:
            session.execute(text("ALTER TABLE elsewhere RENAME TO users"))

    (error,) = answer["errors"]
    assert answer["data"] == {"login": None}
    assert error["message"] == "Something went wrong on our side."
    assert error["path"] == ["login"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    (record,) = [record for record in caplog.records if record.name == "user_subgraph.answer"]
    assert record.request_id == error["extensions"]["requestId"]  # type: ignore[attr-defined]
    logged = logging.Formatter().format(record)
    assert "users" in logged
    assert PASSWORD not in logged
    assert "ada@example.com" not in logged


def test_the_row_that_a_database_refuses_is_not_told_to_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL quotes it whole: address, hash and all."""
    service.add_user("ada@example.com")
    with pytest.raises(IntegrityError) as refused, service.parts.database.writing() as session:
        session.execute(text("UPDATE users SET version = 0"))
    logging.getLogger("user_subgraph").error("unexpected error", exc_info=refused.value)

    logged = logging.Formatter().format(caplog.records[-1])
    assert "ck_users_version" in logged
    assert "ada@example.com" not in logged
    assert "argon2" not in logged


def test_a_refused_variable_is_explained_without_repeating_its_value(service: Service) -> None:
    answer = service.answer(
        LOGIN, input={"email": "ada@example.com", "password": "my secret", "colour": "red"}
    )

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "$input: LoginInput!: Field 'colour' is not defined by type 'LoginInput'."


def test_a_null_where_the_schema_has_only_a_default_is_bad_input(service: Service) -> None:
    token = service.token_of("ada@example.com")
    answer = service.answer(
        "mutation ($scope: LogoutScope = ALL_SESSIONS) { logout(scope: $scope) { revokedSessions } }",
        token,
        scope=None,
    )

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [
        (1, "a second"),
        (5, "5 seconds"),
        (120, "120 seconds"),
        (121, "3 minutes"),
        (7200, "120 minutes"),
        (7201, "3 hours"),
        (86400, "24 hours"),
    ],
)
def test_who_is_refused_for_being_too_much_hears_when_to_come_back(seconds: int, spoken: str) -> None:
    assert RateLimitedError(seconds).message.endswith(f"; try again in {spoken}.")
