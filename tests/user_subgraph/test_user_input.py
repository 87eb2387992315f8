"""The rules for what is written into an account."""

import pytest

from user_subgraph.errors import ValidationError
from user_subgraph.user import Role
from user_subgraph.user_input import PROFILE_RULES, STAFF_RULES, FieldProblem, Rule, checked, email_address


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("Ada.Lovelace@EXAMPLE.com", "ada.lovelace@example.com"),
        ("ada+shop@example.com", "ada+shop@example.com"),
        ("ÄDA@exämple.de", "äda@exämple.de"),
        ("ada@XN--EXMPLE-CUA.de", "ada@exämple.de"),
    ],
)
def test_addresses_that_are_the_same_are_stored_the_same(given: str, stored: str) -> None:
    assert email_address(given) == stored


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@[127.0.0.1]",
        "a b@example.com",
        "ada@example..com",
        " ada@example.com",
        "ada@example.com\n",
        '"a"@example.com',
        "ada@example.com, eve@example.com",
        "a\r@b.de",
    ],
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(FieldProblem):
        email_address(given)


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        ("first_name", "  Ada ", "Ada"),
        ("first_name", "   ", None),
        ("first_name", None, None),
        ("last_name", "O\N{RIGHT SINGLE QUOTATION MARK}Brien", "O\N{RIGHT SINGLE QUOTATION MARK}Brien"),
        ("last_name", "Zwo\u0308lf", "Zwölf"),
        ("display_name", "x" * 100, "x" * 100),
        ("phone", "+1 (212) 555-0100", "+12125550100"),
        ("phone", "", None),
        ("locale", "zh_hant_tw", "zh-Hant-TW"),
        ("locale", "DE", "de"),
        ("locale", "es-419", "es-419"),
        ("locale", None, None),
    ],
)
def test_values_are_stored_in_one_form(field: str, given: str | None, stored: str | None) -> None:
    assert checked({field: given}, PROFILE_RULES) == {field: stored}


@pytest.mark.parametrize(
    ("rules", "values", "path"),
    [
        (PROFILE_RULES, {"first_name": "a\tb"}, ("input", "firstName")),
        (PROFILE_RULES, {"phone": "+0123456789"}, ("input", "phone")),
        (PROFILE_RULES, {"phone": "+" + "1" * 16}, ("input", "phone")),
        (PROFILE_RULES, {"phone": "+49151\N{ARABIC-INDIC DIGIT ONE}2345"}, ("input", "phone")),
        (PROFILE_RULES, {"locale": "e"}, ("input", "locale")),
        (PROFILE_RULES, {"locale": "en-GB-oed"}, ("input", "locale")),
        (STAFF_RULES, {"roles": []}, ("input", "roles")),
    ],
)
def test_wrong_values_are_named_as_the_api_spells_them(
    rules: dict[str, Rule], values: dict[str, object], path: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        checked(values, rules)

    assert [field.path for field in refused.value.fields] == [path]


def test_what_was_not_sent_is_not_changed() -> None:
    assert checked({}, STAFF_RULES) == {}
    assert checked({"roles": [Role.ADMIN, Role.ADMIN]}, STAFF_RULES) == {"roles": {Role.ADMIN}}
