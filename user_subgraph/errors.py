"""Everything this service refuses, as one tree.

UserSubgraphError
├── StartRefused                 the process must not start; one sentence says what to set
├── CommandRefused               an operator asked for what cannot be done
├── MailNotCarried               nobody took a mail this time; it stays to be sent
├── EmailTaken                   another account has the address; staff are told at their field, others nothing
├── ConsentNotAsked              the request of an app is none to ask anybody about (oauth.py, whose words it needs)
├── PasskeyNotGood               what a device has answered proves nothing
├── OtherServiceSilent           another service did not say what it was asked; it will be asked again
├── RequestRefused               a top-level entry of the answer's `errors`
│   ├── BadRequest               BAD_REQUEST
│   ├── ParseFailed              GRAPHQL_PARSE_FAILED
│   ├── ValidationFailed         GRAPHQL_VALIDATION_FAILED
│   ├── QueryTooComplex          QUERY_TOO_COMPLEX
│   ├── BadUserInput             BAD_USER_INPUT
│   ├── Unauthenticated          UNAUTHENTICATED
│   ├── Forbidden                FORBIDDEN
│   └── InternalError            INTERNAL_SERVER_ERROR
└── DomainError                  a member of a mutation's result union: an error as data
    ├── ValidationError          VALIDATION
    ├── NotFoundError            NOT_FOUND
    ├── ConflictError            CONFLICT
    ├── RateLimitedError         RATE_LIMITED
    ├── InvalidCredentialsError  INVALID_CREDENTIALS
    ├── InvalidTokenError        INVALID_TOKEN
    ├── AccountDisabledError     ACCOUNT_DISABLED
    ├── MfaRequiredError         MFA_REQUIRED
    ├── ReauthenticationRequiredError  REAUTHENTICATION_REQUIRED
    ├── EmailNotVerifiedError    EMAIL_NOT_VERIFIED
    └── LastAdminError           LAST_ADMIN

Domain errors bear the names of their SDL types. Every code stands in schema/error_codes.json.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import ClassVar, Final


class UserSubgraphError(Exception):
    """The root of the tree."""


class StartRefused(UserSubgraphError):
    """A setting or the environment is not fit to start with; the message names what to change."""


class CommandRefused(UserSubgraphError):
    """What a command was to do is not done; the message says why."""


class MailNotCarried(UserSubgraphError):
    """*reason* names the kind of failure, and nobody's address."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The mail was not taken: {reason}.")
        self.reason = reason


class EmailTaken(UserSubgraphError):
    """Another account has this address, which is not repeated."""

    def __init__(self) -> None:
        super().__init__("Another account has this address.")


class PasskeyNotGood(UserSubgraphError):
    """What a device has answered proves nothing. Why is told nobody: it helps only who has forged it."""


class OtherServiceSilent(UserSubgraphError):
    """*reason* names the kind of failure, and nothing of what was asked or answered."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The other service did not answer: {reason}.")
        self.reason = reason


class RequestRefused(UserSubgraphError):
    """Shown to the client as a top-level error, with `extensions.code` and the facts of `extensions`."""

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def extensions(self) -> dict[str, object]:
        return {"code": self.code}


class BadRequest(RequestRefused):
    code = "BAD_REQUEST"


class ParseFailed(RequestRefused):
    code = "GRAPHQL_PARSE_FAILED"


class ValidationFailed(RequestRefused):
    code = "GRAPHQL_VALIDATION_FAILED"


class QueryTooComplex(RequestRefused):
    code = "QUERY_TOO_COMPLEX"


class BadUserInput(RequestRefused):
    code = "BAD_USER_INPUT"


class Unauthenticated(RequestRefused):
    code = "UNAUTHENTICATED"

    def __init__(self, message: str = "Log in, or refresh the access token.") -> None:
        super().__init__(message)


class Forbidden(RequestRefused):
    """The caller is known, but no alternative of *required_scopes* is wholly among their scopes."""

    code = "FORBIDDEN"

    def __init__(self, required_scopes: Sequence[Sequence[str]]) -> None:
        super().__init__("The access token lacks the scope this needs.")
        self.required_scopes = [list(alternative) for alternative in required_scopes]

    @property
    def extensions(self) -> dict[str, object]:
        return {"code": self.code, "requiredScopes": self.required_scopes}


class InternalError(RequestRefused):
    """Stands in the answer for a fault of ours; the log holds the rest under the request id."""

    code = "INTERNAL_SERVER_ERROR"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side.")


class FieldCode(StrEnum):
    """What is wrong with one input field: `FieldError.code`."""

    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    TOO_COMMON = "TOO_COMMON"
    SAME_AS_EMAIL = "SAME_AS_EMAIL"
    TAKEN = "TAKEN"
    NOT_ALLOWED = "NOT_ALLOWED"


@dataclass(frozen=True)
class FieldError:
    """One wrong field; *path* leads to it from the mutation's arguments, e.g. `input`, `email`."""

    path: tuple[str, ...]
    message: str
    code: FieldCode


class DomainError(UserSubgraphError):
    """Returned as data: the SDL type of the same name shows its attributes."""

    code: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationError(DomainError):
    code = "VALIDATION"

    def __init__(self, fields: Sequence[FieldError]) -> None:
        super().__init__("Some input is not valid; nothing was changed.")
        self.fields = tuple(fields)


class NotFoundError(DomainError):
    """No such object, or not one the caller may know of: both look the same."""

    code = "NOT_FOUND"

    def __init__(self, id: str) -> None:  # noqa: A002 - the SDL's field is named `id`
        super().__init__("There is no such object, or it is not yours.")
        self.id = id


class ConflictError(DomainError):
    code = "CONFLICT"

    def __init__(self, current_version: int) -> None:
        super().__init__("The row changed since it was read; read it again.")
        self.current_version = current_version


class RateLimitedError(DomainError):
    """*rule*: what was asked for too often, or how often it may be."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after_seconds: int, rule: str = "Too many attempts at once, or of late") -> None:
        super().__init__(f"{rule}; try again in {_spoken(retry_after_seconds)}.")
        self.retry_after_seconds = retry_after_seconds


def _spoken(seconds: int) -> str:
    """Seconds up to two minutes, then minutes up to two hours, then hours; rounded up."""
    if seconds == 1:
        return "a second"
    if seconds <= 2 * 60:
        return f"{seconds} seconds"
    if seconds <= 2 * 3600:
        return f"{math.ceil(seconds / 60)} minutes"
    return f"{math.ceil(seconds / 3600)} hours"


class InvalidCredentialsError(DomainError):
    """Unknown address or wrong password: never says which. Or a second factor that is not good."""

    code = "INVALID_CREDENTIALS"

    def __init__(self, message: str = "The e-mail address or the password is wrong.") -> None:
        super().__init__(message)


_FACTORS: Final = {
    "TOTP": "a code of your authenticator",
    "RECOVERY_CODE": "one of your recovery codes",
    "PASSKEY": "a passkey",
}


class MfaRequiredError(DomainError):
    """The password was right; `completeMfa` with this challenge and one of *methods* ends the login.

    *passkey_options*: PublicKeyCredentialRequestOptionsJSON; `None` for who has no passkeys.
    """

    code = "MFA_REQUIRED"

    def __init__(self, challenge_id: str, methods: Sequence[Enum], passkey_options: str | None) -> None:
        super().__init__(f"Use {_either([_FACTORS[method.name] for method in methods])}.")
        self.challenge_id = challenge_id
        self.methods = tuple(methods)
        self.passkey_options = passkey_options


def _either(things: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(things[:-1]), *things[-1:]]))


class ReauthenticationRequiredError(DomainError):
    """The session was begun too long ago for this, or without the account's second factor."""

    code = "REAUTHENTICATION_REQUIRED"

    def __init__(self) -> None:
        super().__init__("Log in again for this, with your second factor if you have one.")


class EmailNotVerifiedError(DomainError):
    """Nobody has shown that they read the mails of the account's address, so whose account it is is not known."""

    code = "EMAIL_NOT_VERIFIED"

    def __init__(self) -> None:
        super().__init__("Confirm your e-mail address first: a mail says how, and it can be sent again.")


class InvalidTokenError(DomainError):
    """Unknown, expired, revoked or already used: never says which."""

    code = "INVALID_TOKEN"

    def __init__(self, message: str = "The token is not valid any more; log in again.") -> None:
        super().__init__(message)


class AccountDisabledError(DomainError):
    """Shown only after the right password or passkey, so it tells nothing to a stranger."""

    code = "ACCOUNT_DISABLED"

    def __init__(self, message: str = "This account is disabled; ask the support.") -> None:
        super().__init__(message)


class LastAdminError(DomainError):
    """The system would be left without an administrator who can log in."""

    code = "LAST_ADMIN"

    def __init__(self) -> None:
        super().__init__("This is the last active administrator; make somebody else one first.")
