"""A user, what their roles allow, and how an account may change. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, NewType

UserId = NewType("UserId", str)
_USER_ID = re.compile(r"usr_[0-9a-hjkmnp-tv-z]{26}")


class UserStatus(Enum):
    PENDING_VERIFICATION = "PENDING_VERIFICATION"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DELETED = "DELETED"


class Role(Enum):
    CUSTOMER = "CUSTOMER"
    SUPPORT = "SUPPORT"
    FINANCE = "FINANCE"
    ADMIN = "ADMIN"


EVERY_USER = frozenset({"profile:read", "profile:write"})
_ANY_PAYMENT = frozenset({"payments:read:any", "payments:write:any"})
_MONEY = frozenset({"refunds:write", "disputes:read", "reports:read", "ledger:read"})
_OWN_PAYMENTS = frozenset({"payments:read", "payments:write"})

SCOPES: Mapping[Role, frozenset[str]] = {
    Role.CUSTOMER: _OWN_PAYMENTS,
    Role.SUPPORT: _OWN_PAYMENTS | _ANY_PAYMENT | {"users:read"},
    Role.FINANCE: _OWN_PAYMENTS | _ANY_PAYMENT | _MONEY,
    Role.ADMIN: _OWN_PAYMENTS
    | _ANY_PAYMENT
    | _MONEY
    | {"users:read", "users:write", "audit:read", "webhooks:manage"},
}

# What staff may set with updateUser. PENDING_VERIFICATION is only a beginning, DELETED has its own mutation.
SETTABLE_STATUSES = frozenset({UserStatus.ACTIVE, UserStatus.SUSPENDED})


def is_user_id(text: str) -> bool:
    """Whether *text* has the form of our ids; anything else names nobody, and may be no text for a database."""
    return _USER_ID.fullmatch(text) is not None


@dataclass(frozen=True)
class User:
    id: UserId
    email: str | None
    email_verified: bool
    first_name: str | None
    last_name: str | None
    display_name: str | None
    phone: str | None
    locale: str | None
    status: UserStatus
    roles: frozenset[Role]
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None
    deleted_at: datetime | None
    version: int
    mfa_enabled: bool

    @property
    def is_active(self) -> bool:
        return self.status is UserStatus.ACTIVE

    @property
    def is_active_admin(self) -> bool:
        return self.is_active and Role.ADMIN in self.roles

    @property
    def is_erased(self) -> bool:
        """Only erasing takes an account's address away."""
        return self.status is UserStatus.DELETED and self.email is None

    @property
    def scopes(self) -> frozenset[str]:
        return scopes_of(self.roles)


def scopes_of(roles: Iterable[Role]) -> frozenset[str]:
    """Everything *roles* allow together; a user without a role still owns their profile."""
    return EVERY_USER.union(*(SCOPES[role] for role in roles))


EVERY_SCOPE = scopes_of(Role)


def granted_scopes(roles: Iterable[Role], asked_for: frozenset[str] | None) -> frozenset[str]:
    """The scopes of a token: what the roles allow, narrowed to what was *asked_for* (`None`: all)."""
    allowed = scopes_of(roles)
    return allowed if asked_for is None else allowed & asked_for


def changed(user: User, changes: Mapping[str, Any], now: datetime) -> User:
    """*user* with checked *changes*, as the next version. A new address is not a verified one."""
    if "email" in changes and changes["email"] != user.email:
        changes = {**changes, "email_verified": False}
    return replace(user, **changes, updated_at=now, version=user.version + 1)


def verified(user: User, now: datetime) -> User:
    """*user* of whom it is known that they read the mails of their address."""
    waited = user.status is UserStatus.PENDING_VERIFICATION
    status = UserStatus.ACTIVE if waited else user.status
    return changed(user, {"email_verified": True, "status": status}, now)


def moved(user: User, email: str, now: datetime) -> User:
    """*user* under another address, of which it is known that they read its mails."""
    return replace(user, email=email, email_verified=True, updated_at=now, version=user.version + 1)


def soft_deleted(user: User, now: datetime) -> User:
    """*user* after deletion: the data stays (payments refer to it), nobody can log in as them."""
    return changed(user, {"status": UserStatus.DELETED, "deleted_at": now}, now)


# All that says who somebody is; what is not named here stays, so that payments still refer to something.
_PERSONAL: Mapping[str, Any] = {
    "email": None,
    "email_verified": False,
    "first_name": None,
    "last_name": None,
    "display_name": None,
    "phone": None,
    "locale": None,
    "roles": frozenset(),
    "last_login_at": None,
    "mfa_enabled": False,
}


def erased(user: User, now: datetime) -> User:
    """*user* of whom only the id is left, and when the account was made, changed and deleted."""
    gone = {"status": UserStatus.DELETED, "deleted_at": user.deleted_at or now}
    return changed(user, {**_PERSONAL, **gone}, now)
