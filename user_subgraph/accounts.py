"""Making, reading, changing and deleting accounts."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, assert_never

from sqlalchemy.orm import Session
from ulid import ULID

from user_subgraph.audit import OPERATOR, Action, Caller, changes_of
from user_subgraph.audit_repository import AuditLog, forget_origins_of
from user_subgraph.bounds import Throttled
from user_subgraph.clock import Clock
from user_subgraph.data_export_repository import DataExportRepository
from user_subgraph.database import Database
from user_subgraph.errors import (
    ConflictError,
    EmailTaken,
    FieldCode,
    FieldError,
    Forbidden,
    LastAdminError,
    NotFoundError,
    Unauthenticated,
    ValidationError,
)
from user_subgraph.mail import MailKind
from user_subgraph.one_time_token import Purpose
from user_subgraph.one_time_tokens import OneTimeTokens
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.passwords import PasswordHashes, strong_password
from user_subgraph.reauthentication import Reauthentication
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.throttling import Throttling
from user_subgraph.tokens import Viewer
from user_subgraph.user import Role, User, UserId, UserStatus, changed, erased, soft_deleted
from user_subgraph.user_event import UserEventType
from user_subgraph.user_event_repository import UserEventRepository
from user_subgraph.user_input import PROFILE_RULES, STAFF_RULES, FieldProblem, checked, email_address
from user_subgraph.user_page import Page, PageRequest, UserFilter
from user_subgraph.user_repository import UserRepository

USERS_WRITE = "users:write"


class UserDeleteMode(Enum):
    SOFT_DELETE = "SOFT_DELETE"
    ERASE = "ERASE"


@dataclass(frozen=True)
class RegisterUserSuccess:
    requires_verification: bool


@dataclass(frozen=True)
class UserSuccess:
    user: User


@dataclass(frozen=True)
class DeleteUserSuccess:
    deleted_user_id: UserId
    mode: UserDeleteMode
    retained_payment_records: bool = True


@dataclass(frozen=True)
class Accounts:
    database: Database
    passwords: PasswordHashes
    reauthentication: Reauthentication
    throttling: Throttling
    clock: Clock
    _: KW_ONLY
    verification_required: bool = False
    caller: Caller = OPERATOR

    def asked_by(self, caller: Caller) -> "Accounts":
        """These accounts for one request, whose caller the audit log names."""
        return replace(self, caller=caller, reauthentication=self.reauthentication.asked_by(caller))

    def register(self, values: Mapping[str, Any]) -> RegisterUserSuccess:
        """Open an account for a stranger; answers alike, in equal work, for a known address."""
        clean = _checked_with_password(values)
        with self.throttling.attempt(Throttled.REGISTRATION, clean["email"], self.caller):
            password_hash = self.passwords.hash(clean.pop("password"))
        status = UserStatus.PENDING_VERIFICATION if self.verification_required else UserStatus.ACTIVE
        user = self._new_user({**clean, "roles": frozenset({Role.CUSTOMER})}, status)
        with self.database.writing() as session:
            owner = UserRepository(session).register(user, password_hash)
            # A row in either case: else the time it takes to write one would tell which case it is.
            action = Action.USER_REGISTERED if owner == user.id else Action.USER_REGISTERED_AGAIN
            AuditLog(session, self.caller).record(action, user.created_at, subject=owner)
            mail = MailKind.VERIFY_EMAIL if owner == user.id else MailKind.ALREADY_REGISTERED
            OutgoingMails(session).ask_for(mail, clean["email"], user.created_at)
        return RegisterUserSuccess(requires_verification=self.verification_required)

    def create(self, viewer: Viewer, values: Mapping[str, Any]) -> UserSuccess:
        """An account made by staff; without a password nobody can log in as the new user yet.

        They are then sent a mail to set one with, unless `send_invite` is false.
        """
        given = {name: value for name, value in values.items() if name != "send_invite"}
        clean = _checked_with_password({"roles": [Role.CUSTOMER], **given})
        password = clean.pop("password", None)
        password_hash = self.passwords.hash(password) if password else None
        status = UserStatus.ACTIVE if password else UserStatus.PENDING_VERIFICATION
        user = self._new_user(clean, status)
        with self._staff_transaction(viewer) as session, _taken_address_is_a_field_error():
            self._add(session, user, password_hash)
            if password is None and values.get("send_invite", True):
                OutgoingMails(session).ask_for(MailKind.INVITATION, clean["email"], user.created_at)
        return UserSuccess(user)

    def update(self, viewer: Viewer, user_id: str, values: Mapping[str, Any]) -> UserSuccess:
        changes, version = _changes(values, STAFF_RULES)
        with self._staff_transaction(viewer) as session, _taken_address_is_a_field_error():
            users = UserRepository(session)
            before = _existing(users.locked(UserId(user_id)), user_id)
            after = _next_version(before, changes, version, self.clock())
            _refuse_loss_of_the_last_admin(users, before, after)
            users.save(after)
            if not after.is_active:
                SessionRepository(session).revoke_of_user(after.id, self.clock())
            if after.email != before.email:
                _leave_old_address(session, before, after.updated_at)
            self._record_change(session, Action.USER_UPDATED, before, after)
        return UserSuccess(after)

    def delete(self, viewer: Viewer, user_id: str, mode: UserDeleteMode) -> DeleteUserSuccess:
        """Who is deleted already can still be erased; erasing once more changes nothing and is a success."""
        with self._staff_transaction(viewer) as session:
            users = UserRepository(session)
            user = users.locked(UserId(user_id))
            match mode:
                case UserDeleteMode.SOFT_DELETE:
                    self._soft_delete(session, users, _existing(user, user_id))
                case UserDeleteMode.ERASE:
                    self._erase(session, users, _known(user, user_id))
                case _:
                    assert_never(mode)
        return DeleteUserSuccess(UserId(user_id), mode)

    def delete_mine(self, viewer: Viewer, current_password: str) -> DeleteUserSuccess:
        """Erase the viewer's own account.

        Raises `ReauthenticationRequiredError`, `InvalidCredentialsError`, `LastAdminError`.
        """
        account = self.reauthentication.account(viewer, fresh_only=True)
        self.reauthentication.judge(account, current_password)
        if not self._is_erased(viewer, account.password_hash):
            self.reauthentication.refuse(account)
        return DeleteUserSuccess(viewer.user_id, UserDeleteMode.ERASE)

    def update_profile(self, viewer: Viewer, values: Mapping[str, Any]) -> UserSuccess:
        changes, version = _changes(values, PROFILE_RULES)
        with self.database.writing() as session:
            users = UserRepository(session)
            users.locked(viewer.user_id)
            before = self._logged_in(users, viewer)
            after = _next_version(before, changes, version, self.clock())
            users.save(after)
            self._record_change(session, Action.PROFILE_UPDATED, before, after)
        return UserSuccess(after)

    def me(self, viewer: Viewer) -> User:
        """Raises `Unauthenticated` when the session has ended, though the token may still be fresh."""
        with self.database.reading() as session:
            return self._logged_in(UserRepository(session), viewer)

    def visible(self, viewer: Viewer | None, ids: Collection[str]) -> dict[UserId, User]:
        """Those of *ids* that exist and that the viewer may know of, in at most one statement."""
        if viewer is None:
            return {}
        may_see_all = viewer.may("users:read")
        if not may_see_all:
            ids = {viewer.user_id}.intersection(ids) if viewer.may("profile:read") else ()
        if not ids:
            return {}
        with self.database.reading() as session:
            users = UserRepository(session).by_ids(ids)
        return {id_: user for id_, user in users.items() if may_see_all or user.is_active}

    def page(self, chosen: UserFilter, request: PageRequest) -> Page[User]:
        with self.database.reading() as session:
            return UserRepository(session).page(chosen, request)

    def count(self, chosen: UserFilter) -> int | None:
        with self.database.reading() as session:
            return UserRepository(session).count(chosen)

    def add_by_operator(self, values: Mapping[str, Any]) -> User:
        """For the commands of the operator, who answers to nobody, and for the address: no mail has to confirm it.

        Raises `ValidationError`.
        """
        clean = _checked_with_password(values)
        password_hash = self.passwords.hash(clean.pop("password"))
        user = replace(self._new_user(clean, UserStatus.ACTIVE), email_verified=True)
        with self.database.writing() as session, _taken_address_is_a_field_error():
            self._add(session, user, password_hash)
        return user

    def knows(self, email: str) -> bool:
        """Whether the (normalised) address belongs to an account. For the operator's commands only."""
        with self.database.reading() as session:
            return UserRepository(session).id_of(email) is not None

    def _add(self, session: Session, user: User, password_hash: str | None) -> None:
        UserRepository(session).add(user, password_hash)
        self._record_change(session, Action.USER_CREATED, None, user)

    def _soft_delete(self, session: Session, users: UserRepository, before: User) -> None:
        after = soft_deleted(before, self.clock())
        _refuse_loss_of_the_last_admin(users, before, after)
        users.save(after)
        SessionRepository(session).revoke_of_user(after.id, self.clock())
        self._record_change(session, Action.USER_DELETED, before, after)

    def _is_erased(self, viewer: Viewer, stored: str | None) -> bool:
        """Not if somebody has just changed the password."""
        with self.database.writing() as session:
            users = UserRepository(session)
            users.lock_admins()
            users.locked(viewer.user_id)
            user = self._logged_in(users, viewer)
            if not users.has_hash(user.id, stored):
                return False
            self._erase(session, users, user)
        return True

    def _erase(self, session: Session, users: UserRepository, before: User) -> None:
        """The order matters: who acts in a session of theirs holds it, and then waits to keep an origin."""
        if before.is_erased:
            return
        after = erased(before, self.clock())
        _refuse_loss_of_the_last_admin(users, before, after)
        users.erase(after)
        SessionRepository(session).erase_of_user(after.id)
        SecondFactorRepository(session).forget(after.id)
        OneTimeTokens(session).forget(after.id, *Purpose)
        OutgoingMails(session).forget_all_of(before)
        DataExportRepository(session).forget_of(after.id)
        self._record_change(session, Action.USER_ERASED, before, after)
        UserEventRepository(session).add(UserEventType.ERASED, after.id, after.updated_at)
        forget_origins_of(session, after.id)

    def _record_change(self, session: Session, action: Action, before: User | None, after: User) -> None:
        changes = changes_of(before, after)
        AuditLog(session, self.caller).record(action, after.updated_at, subject=after.id, changes=changes)

    def _new_user(self, clean: Mapping[str, Any], status: UserStatus) -> User:
        now = self.clock()
        names = {name: clean.get(name) for name in PROFILE_RULES}
        return User(
            id=UserId(f"usr_{ULID()}".lower()),
            email=clean["email"],
            email_verified=False,
            **names,
            status=status,
            roles=clean["roles"],
            created_at=now,
            updated_at=now,
            last_login_at=None,
            deleted_at=None,
            version=1,
            mfa_enabled=False,
        )

    @contextmanager
    def _staff_transaction(self, viewer: Viewer) -> Iterator[Session]:
        """A write by somebody who still administers: the token says so, and so does the row, now.

        The token alone would let a dismissed administrator reinstate themselves for as long as it lasts.
        """
        with self.database.writing() as session:
            users = UserRepository(session)
            users.lock_admins()
            if USERS_WRITE not in self._logged_in(users, viewer).scopes:
                raise Forbidden([[USERS_WRITE]])
            yield session

    def _logged_in(self, users: UserRepository, viewer: Viewer) -> User:
        user = users.logged_in(viewer.user_id, viewer.session_id, self.clock())
        if user is None:
            raise Unauthenticated
        return user


def _checked_with_password(values: Mapping[str, Any]) -> dict[str, Any]:
    """Clean values of a new account; a password is judged together with the address it belongs to."""
    rules = {**STAFF_RULES, "password": lambda password: strong_password(password, _address(values["email"]))}
    return checked(values, rules)


def _address(email: str) -> str | None:
    try:
        return email_address(email)
    except FieldProblem:
        return None  # reported under its own field


def _changes(values: Mapping[str, Any], rules: Mapping[str, Any]) -> tuple[dict[str, Any], int | None]:
    """The checked changes, and the version they were made from (`None`: the client does not mind)."""
    others = {name: value for name, value in values.items() if name != "version"}
    return checked(others, rules), values.get("version")


def _known(user: User | None, user_id: str) -> User:
    if user is None:
        raise NotFoundError(user_id)
    return user


def _existing(user: User | None, user_id: str) -> User:
    if user is None or user.status is UserStatus.DELETED:
        raise NotFoundError(user_id)
    return user


def _next_version(user: User, changes: Mapping[str, Any], version: int | None, now: datetime) -> User:
    if version is not None and version != user.version:
        raise ConflictError(user.version)
    return changed(user, changes, now)


def _refuse_loss_of_the_last_admin(users: UserRepository, before: User, after: User) -> None:
    loses = before.is_active_admin and not after.is_active_admin
    if loses and users.active_admins_besides(before.id) == 0:
        raise LastAdminError


def _leave_old_address(session: Session, before: User, now: datetime) -> None:
    """What was mailed there opens nothing any more, no change that the user began undoes this one, and they are told."""
    mails = OutgoingMails(session)
    OneTimeTokens(session).forget(before.id, *Purpose)
    mails.withdraw(MailKind.CHANGE_EMAIL, before.id)
    mails.notify(MailKind.EMAIL_CHANGED, before, now)


@contextmanager
def _taken_address_is_a_field_error() -> Iterator[None]:
    try:
        yield
    except EmailTaken as error:
        message = "Another account has this address."
        raise ValidationError([FieldError(("input", "email"), message, FieldCode.TAKEN)]) from error
