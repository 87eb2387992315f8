"""The audit log: what is recorded, who it is told of, and how much of a change. Pure.

Nobody can take a record back, so none may hold a name, an e-mail address or a telephone number: they would outlive the
person's erasure. Of such fields a record says that they were changed, and not from what to what. Where an act came from
is kept beside the record, and can be taken away (ADR 26).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from user_subgraph.user import User, UserId
from user_subgraph.user_input import api_name


class Action(StrEnum):
    """The word under which an event is found: what it happened to, and what happened."""

    USER_REGISTERED = "user.registered"
    USER_REGISTERED_AGAIN = "user.registered_again"  # somebody tried to, with an address that has its account
    USER_CREATED = "user.created"
    USER_UPDATED = "user.updated"
    USER_DELETED = "user.deleted"
    USER_ERASED = "user.erased"
    DATA_EXPORT_REQUESTED = "data_export.requested"
    DATA_EXPORT_DOWNLOADED = "data_export.downloaded"
    PROFILE_UPDATED = "profile.updated"
    VERIFICATION_REQUESTED = "verification.requested"  # of any address, by whoever
    EMAIL_VERIFIED = "email.verified"
    EMAIL_CHANGE_REQUESTED = "email_change.requested"
    EMAIL_CHANGED = "email.changed"
    PASSWORD_RESET_REQUESTED = "password_reset.requested"  # noqa: S105 - the name of an event
    PASSWORD_RESET = "password.reset"  # noqa: S105 - the name of an event
    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    LOGIN_REFUSED = "login.refused"  # the password was right, and the account is disabled
    # Over a bound of bounds.py; once for as long as the bound's window.
    LOGIN_THROTTLED = "login.throttled"
    REAUTHENTICATION_THROTTLED = "reauthentication.throttled"
    REGISTRATION_THROTTLED = "registration.throttled"
    REFRESH_TOKEN_THROTTLED = "refresh_token.throttled"  # noqa: S105 - the name of an event
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of an event
    LOGIN_CHALLENGED = "login.challenged"  # the password was right, and the second factor is asked for
    MFA_FAILED = "mfa.failed"
    MFA_ENABLED = "mfa.enabled"
    MFA_DISABLED = "mfa.disabled"
    AUTHENTICATOR_REMOVED = "authenticator.removed"  # and passkeys stay
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    PASSKEY_LOGIN_THROTTLED = "passkey_login.throttled"
    RECOVERY_CODE_USED = "recovery_code.used"
    EMAIL_CHANGE_THROTTLED = "email_change.throttled"
    MAIL_THROTTLED = "mail.throttled"
    SESSION_LOGGED_OUT = "session.logged_out"
    REAUTHENTICATION_FAILED = "reauthentication.failed"  # logged in, and asked for the password once more
    SESSION_REVOKED = "session.revoked"  # one of the user's own, which need not be the one they did it in
    CLIENT_ADDED = "client.added"
    CLIENT_SECRET_CHANGED = "client.secret_changed"  # noqa: S105 - the name of an event
    CLIENT_REMOVED = "client.removed"
    APP_AUTHORIZED = "app.authorized"  # somebody let an app in
    AUTHORIZATION_CODE_REUSED = "authorization_code.reused"  # and its session has ended
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an event; by the app that had it
    REFRESH_TOKEN_REUSED = "refresh_token.reused"  # noqa: S105 - the name of an event


@dataclass(frozen=True)
class Caller:
    """Who asks, and from where: the same for all that one request does. `None` is not known."""

    user_id: UserId | None
    ip_address: str | None
    request_id: str | None
    user_agent: str | None = None


# Who uses the commands of `python -m user_subgraph` has no account here.
OPERATOR = Caller(None, None, None)


@dataclass(frozen=True)
class AuditChange:
    """A field in the API's spelling, and its values. Both are `None` if they are not told."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class AuditEvent:
    """`action` is no `Action`: rows outlive the words of this version, and a newer one may have written them.

    `ip_address` and `request_id` are `None` where they are not known any more.
    """

    id: str
    action: str
    actor_id: UserId | None
    subject_id: UserId | None
    ip_address: str | None
    request_id: str | None
    changes: tuple[AuditChange, ...]
    created_at: datetime


# Moved by every change, or told by the event itself.
_BOOKKEEPING = frozenset(
    {"id", "created_at", "updated_at", "last_login_at", "deleted_at", "version", "mfa_enabled"}
)
# The only fields whose values are told; one that is added to `User` is not, unless somebody adds it here too.
_TOLD = frozenset({"email_verified", "status", "roles"})


def changes_of(before: User | None, after: User) -> tuple[AuditChange, ...]:
    """What became different; *before* is `None` for a new account."""
    names = (name for name in User.__dataclass_fields__ if name not in _BOOKKEEPING)
    return tuple(_change(name, before, after) for name in names if _differs(name, before, after))


def noted(**facts: object) -> tuple[AuditChange, ...]:
    """Facts that are no change of a user. Personal data have no place here."""
    return tuple(AuditChange(api_name(name), None, _text(value)) for name, value in facts.items())


def _differs(name: str, before: User | None, after: User) -> bool:
    return bool(getattr(before, name, None) != getattr(after, name))


def _change(name: str, before: User | None, after: User) -> AuditChange:
    if name not in _TOLD:
        return AuditChange(api_name(name), None, None)
    return AuditChange(api_name(name), _text(getattr(before, name, None)), _text(getattr(after, name)))


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case frozenset():
            return " ".join(sorted(_texts(value)))
        case _:
            return str(value)


def _texts(values: Iterable[object]) -> Iterable[str]:
    return (str(_text(value)) for value in values)
