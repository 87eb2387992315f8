"""What a caller may write into an account: each rule takes a raw value and gives the one to store. Pure."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email

from user_subgraph.errors import FieldCode, FieldError, ValidationError
from user_subgraph.user import SETTABLE_STATUSES, Role, UserStatus

Rule = Callable[[Any], Any]

NAME_MAX_LENGTH = 100
_PHONE_SPACING = re.compile(r"[\s().-]")
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
# The part of BCP 47 that a program can act on: language, script, region.
_LOCALE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?", re.IGNORECASE | re.ASCII)


class FieldProblem(Exception):
    """Raised by a rule; `checked` adds the path."""

    def __init__(self, code: FieldCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def checked(values: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The clean form of those *values* that were sent; a key that was not sent stays away.

    Raises `ValidationError` naming every wrong field at once, in the API's spelling (`firstName`).
    """
    clean: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for name, value in values.items():
        try:
            clean[name] = rules[name](value)
        except FieldProblem as problem:
            wrong.append(FieldError(("input", api_name(name)), problem.message, problem.code))
    if wrong:
        raise ValidationError(wrong)
    return clean


# No address is longer (RFC 5321), and the time it takes to refuse one grows with its length.
MAX_EMAIL_CHARACTERS = 254


def email_address(value: str | None) -> str:
    """The address as it is stored and compared: Unicode form, lower case.

    Deliverability is not asked of the DNS: an account must not depend on a name server's mood.
    """
    if not value:
        raise FieldProblem(FieldCode.REQUIRED, "An e-mail address is needed.")
    if len(value) > MAX_EMAIL_CHARACTERS:
        raise FieldProblem(FieldCode.INVALID, "This is not an e-mail address.")
    try:
        parts = validate_email(value, check_deliverability=False)
    except EmailNotValidError as error:
        raise FieldProblem(FieldCode.INVALID, "This is not an e-mail address.") from error
    return parts.normalized.lower()


def name(value: str | None) -> str | None:
    """A person's name, trimmed and in NFC; blank and null both mean none."""
    if value is None or not value.strip():
        return None
    text = unicodedata.normalize("NFC", value.strip())
    if len(text) > NAME_MAX_LENGTH:
        raise FieldProblem(FieldCode.TOO_LONG, f"At most {NAME_MAX_LENGTH} characters.")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text):
        raise FieldProblem(FieldCode.INVALID, "Control characters are not part of a name.")
    return text


def phone(value: str | None) -> str | None:
    """A number in E.164, e.g. +4915112345678; customary spacing is taken out."""
    if value is None or not value.strip():
        return None
    number = _PHONE_SPACING.sub("", value)
    if not _E164.fullmatch(number):
        raise FieldProblem(
            FieldCode.INVALID, "Write the number with its country code, e.g. +49 151 12345678."
        )
    return number


def locale(value: str | None) -> str | None:
    """A language tag in its customary case, e.g. `de-AT` or `zh-Hant-TW` (BCP 47)."""
    if value is None or not value.strip():
        return None
    match = _LOCALE.fullmatch(value.strip().replace("_", "-"))
    if match is None:
        raise FieldProblem(FieldCode.INVALID, "Write a language tag, e.g. en-GB.")
    language, script, region = match.groups()
    parts = (language.lower(), script.title() if script else None, region.upper() if region else None)
    return "-".join(part for part in parts if part)


def settable_status(value: UserStatus | None) -> UserStatus:
    if value is None:
        raise FieldProblem(FieldCode.REQUIRED, "An account always has a status.")
    if value not in SETTABLE_STATUSES:
        raise FieldProblem(FieldCode.NOT_ALLOWED, "Only ACTIVE and SUSPENDED can be set; deleteUser deletes.")
    return value


def roles(value: Collection[Role] | None) -> frozenset[Role]:
    if not value:
        raise FieldProblem(FieldCode.REQUIRED, "An account needs at least one role.")
    return frozenset(value)


def api_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)


PROFILE_RULES: Mapping[str, Rule] = {
    "first_name": name,
    "last_name": name,
    "display_name": name,
    "phone": phone,
    "locale": locale,
}
STAFF_RULES: Mapping[str, Rule] = {
    **PROFILE_RULES,
    "email": email_address,
    "status": settable_status,
    "roles": roles,
}
