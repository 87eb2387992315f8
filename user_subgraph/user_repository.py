"""Users in and out of the database. Rows stop here; callers see `User`."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from user_subgraph.errors import EmailTaken
from user_subgraph.search_keys import search_keys
from user_subgraph.session_repository import UNSYNCHRONISED
from user_subgraph.tables import SessionRow, UserRoleRow, UserRow, UserSearchKeyRow
from user_subgraph.user import Role, User, UserId, UserStatus, is_user_id
from user_subgraph.user_listing import (
    FEW,
    NOT_TOO_MANY,
    Ids,
    chosen_ids,
    counted_to,
    direction,
    listed,
    narrowings,
)
from user_subgraph.user_page import COUNTED_TO, Page, PageRequest, UserFilter

_COLUMNS = tuple(name for name in User.__dataclass_fields__ if name not in {"status", "roles"})


class UserRepository:
    def __init__(self, session: Session) -> None:
        self._session = session
        # A Session forgets rows that nobody else holds; `save` needs the ones it writes over.
        self._locked: dict[UserId, UserRow] = {}

    def by_ids(self, ids: Collection[str]) -> dict[UserId, User]:
        """Those of *ids* that exist, in one statement."""
        possible = [id_ for id_ in ids if is_user_id(id_)]
        statement = select(UserRow).where(UserRow.id.in_(possible)).options(joinedload(UserRow.roles))
        return {UserId(row.id): _user(row) for row in self._session.scalars(statement).unique()}

    def locked(self, user_id: UserId) -> User | None:
        """The user, whom nobody else can change until this transaction ends."""
        if not is_user_id(user_id):
            return None
        statement = select(UserRow).where(UserRow.id == user_id).with_for_update(of=UserRow)
        row = self._session.scalar(statement.options(selectinload(UserRow.roles)), **_FRESH)
        if row is None:
            return None
        self._locked[user_id] = row
        return _user(row)

    def lock_admins(self) -> None:
        """Make changes to who administers the system wait for each other (PostgreSQL; SQLite has one writer).

        Always the first lock of a transaction and always in one order, so that two of them cannot deadlock.
        """
        is_admin = exists().where(UserRoleRow.user_id == UserRow.id, UserRoleRow.role == Role.ADMIN.value)
        self._session.execute(select(UserRow.id).where(is_admin).order_by(UserRow.id).with_for_update())

    def active_admins_besides(self, user_id: UserId) -> int:
        """How many others can log in and administer; without a password nobody can."""
        statement = (
            select(func.count())
            .select_from(UserRow)
            .join(UserRoleRow)
            .where(UserRoleRow.role == Role.ADMIN.value, UserRow.status == UserStatus.ACTIVE.value)
            .where(UserRow.password_hash.is_not(None), UserRow.id != user_id)
        )
        return self._session.scalars(statement).one()

    def logged_in(self, user_id: UserId, session_id: str, now: datetime) -> User | None:
        """The user, if active and if that session of theirs still runs."""
        statement = (
            select(UserRow)
            .join(SessionRow, SessionRow.user_id == UserRow.id)
            .where(UserRow.id == user_id, UserRow.status == UserStatus.ACTIVE.value)
            .where(SessionRow.id == session_id, SessionRow.revoked_at.is_(None), SessionRow.expires_at > now)
            .options(joinedload(UserRow.roles))
        )
        row = self._session.scalars(statement).unique().one_or_none()
        return _user(row) if row else None

    def password_hash_of(self, user_id: UserId) -> str | None:
        return self._session.scalar(select(UserRow.password_hash).where(UserRow.id == user_id))

    def id_of(self, email: str) -> UserId | None:
        """Whose address it is. Not the user: the time it takes to make one tells a stranger that there is one."""
        owner = select(UserRow.id).where(UserRow.email == email).scalar_subquery()
        found = self._session.scalar(select(owner))  # a row in either case
        return None if found is None else UserId(found)

    def credentials_of(self, email: str) -> tuple[UserId, str | None] | None:
        """Whose address it is, and their password hash. Not the user, as above."""
        statement = select(UserRow.id, UserRow.password_hash).where(UserRow.email == email)
        row = self._session.execute(statement).one_or_none()
        return None if row is None else (UserId(row.id), row.password_hash)

    def note_login(self, user_id: UserId, now: datetime) -> None:
        """Not a change of the profile: neither `version` nor `updated_at` moves. The user is `locked`."""
        self._locked[user_id].last_login_at = now

    def has_hash(self, user_id: UserId, password_hash: str | None) -> bool:
        """Whether the user, who is `locked`, has that one still."""
        return self._locked[user_id].password_hash == password_hash

    def set_hash(self, user_id: UserId, new: str) -> None:
        """Another password, or the same one under a better hash. The user is `locked`."""
        self._locked[user_id].password_hash = new

    def register(self, user: User, password_hash: str) -> UserId:
        """Add *user*, unless the address is known; either way by the same statements (see `tables.UserRow`).

        Gives the id of whose address it is: the new user's, or that of who has had it.
        """
        row = {**_values(user), "password_hash": password_hash, "registration_tried_at": user.created_at}
        upsert = sqlite.insert if self._session.get_bind().dialect.name == "sqlite" else postgresql.insert
        statement = (
            upsert(UserRow)
            .values(**row)
            .on_conflict_do_update(
                index_elements=["email"], set_={"registration_tried_at": row["registration_tried_at"]}
            )
            .returning(UserRow.id)
        )
        owner = self._session.scalars(statement).one()
        # A known address has another user's id, so these find nobody and add nothing.
        for role in user.roles:
            added = select(UserRow.id, literal(role.value)).where(UserRow.id == user.id)
            self._session.execute(insert(UserRoleRow).from_select(["user_id", "role"], added))
        for key in search_keys(user):
            added = select(UserRow.id, literal(key)).where(UserRow.id == user.id)
            self._session.execute(insert(UserSearchKeyRow).from_select(["user_id", "key"], added))
        return UserId(owner)

    def add(self, user: User, password_hash: str | None) -> None:
        roles = [UserRoleRow(role=role.value) for role in user.roles]
        self._session.add(UserRow(**_values(user), password_hash=password_hash, roles=roles))
        self._flush()
        self._find_by(user)

    def save(self, user: User) -> None:
        """Write *user* over the row that `locked` has read in this transaction."""
        row = self._locked[user.id]
        for name, value in _values(user).items():
            setattr(row, name, value)
        kept = [role for role in row.roles if Role(role.role) in user.roles]
        added = user.roles - {Role(role.role) for role in kept}
        row.roles = kept + [UserRoleRow(role=role.value) for role in added]
        self._flush()
        self._find_by(user)

    def erase(self, user: User) -> None:
        """Save *user*, who is `erased`, and forget what of the account is no part of a `User`."""
        row = self._locked[user.id]
        row.password_hash = None
        row.registration_tried_at = None
        self.save(user)

    def page(self, chosen: UserFilter, request: PageRequest) -> Page[User]:
        """In the asked order, whichever way the page was reached."""
        found = listed(chosen, request, self._narrowed(chosen, FEW)).subquery()
        statement = select(UserRow).join(found, found.c.id == UserRow.id).options(joinedload(UserRow.roles))
        rows = self._session.scalars(statement.order_by(*direction(request, found))).unique().all()
        users = [_user(row) for row in rows[: request.size]]
        return Page(tuple(reversed(users) if request.backwards else users), len(rows) > request.size)

    def count(self, chosen: UserFilter) -> int | None:
        """`None`: more than COUNTED_TO."""
        return self._counted(COUNTED_TO, chosen_ids(chosen, self._narrowed(chosen, NOT_TOO_MANY)))

    def _narrowed(self, chosen: UserFilter, most: int) -> Ids | None:
        return next((ids for ids in narrowings(chosen) if self._counted(most, ids) is not None), None)

    def _counted(self, most: int, ids: Ids) -> int | None:
        found = self._session.scalars(counted_to(most, ids)).one()
        return found if found <= most else None

    def _find_by(self, user: User) -> None:
        """Make the search keys those of *user*."""
        keys, of_user = search_keys(user), UserSearchKeyRow.user_id == user.id
        stored = frozenset(self._session.scalars(select(UserSearchKeyRow.key).where(of_user)))
        if stored - keys:
            old = delete(UserSearchKeyRow).where(of_user, UserSearchKeyRow.key.in_(stored - keys))
            self._session.execute(old, **UNSYNCHRONISED)
        if keys - stored:
            rows = [{"user_id": user.id, "key": key} for key in keys - stored]
            self._session.execute(insert(UserSearchKeyRow), rows)

    def _flush(self) -> None:
        try:
            self._session.flush()
        except IntegrityError as error:
            if "email" in str(error.orig):
                raise EmailTaken from error
            raise


# A row this session has read before is read again: it may have changed while we waited for its lock.
_FRESH: Mapping[str, Any] = {"execution_options": {"populate_existing": True}}


def _user(row: UserRow) -> User:
    values = {name: getattr(row, name) for name in _COLUMNS}
    roles = frozenset(Role(role.role) for role in row.roles)
    return User(**values, status=UserStatus(row.status), roles=roles)


def _values(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in _COLUMNS} | {"status": user.status.value}
