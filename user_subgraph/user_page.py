"""What `users` can be asked for: a filter, an order, and a page found by its cursor. Pure.

Keyset pagination: a cursor names the last row seen, so a page costs the same however deep it lies, and rows
that come and go shift nothing.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Generic, TypeVar

from user_subgraph.errors import BadUserInput
from user_subgraph.user import Role, User, UserStatus

T = TypeVar("T")

MAX_PAGE_SIZE = 100
MAX_SEARCH_LENGTH = 100
COUNTED_TO = 10_000
"""Of more, it is only known that they are more: counting all would cost as much as reading all."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class UserSortField(Enum):
    CREATED_AT = "CREATED_AT"
    EMAIL = "EMAIL"
    LAST_LOGIN_AT = "LAST_LOGIN_AT"


class SortDirection(Enum):
    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True)
class UserOrder:
    field: UserSortField = UserSortField.CREATED_AT
    direction: SortDirection = SortDirection.DESC


@dataclass(frozen=True)
class UserFilter:
    """`None` leaves a dimension open, except that deleted users come only when `statuses` asks for them."""

    search: str | None = None
    statuses: frozenset[UserStatus] | None = None
    roles: frozenset[Role] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def __post_init__(self) -> None:
        if self.search and (len(self.search) > MAX_SEARCH_LENGTH or "\0" in self.search):
            raise BadUserInput(f"`search` takes at most {MAX_SEARCH_LENGTH} characters, none of them NUL.")


@dataclass(frozen=True)
class Position:
    """One row's place in an order: its sort key and, because keys repeat, its id."""

    key: str | datetime
    id: str


@dataclass(frozen=True)
class PageRequest:
    """The *size* rows after *position* (before it when *backwards*); no position: from that end."""

    order: UserOrder
    size: int
    backwards: bool
    position: Position | None


@dataclass(frozen=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    has_more: bool


def page_request(
    order: UserOrder, *, first: int | None, after: str | None, last: int | None, before: str | None
) -> PageRequest:
    """Relay's four arguments as one request. `first` has a default in the schema, so `last` wins over it."""
    backwards = last is not None
    size, cursor = (last, before) if last is not None else (first, after)
    if size is None or not 1 <= size <= MAX_PAGE_SIZE:
        raise BadUserInput(f"`{'last' if backwards else 'first'}` must be from 1 to {MAX_PAGE_SIZE}.")
    if (after if backwards else before) is not None:
        raise BadUserInput("`after` goes with `first`, `before` goes with `last`.")
    return PageRequest(order, size, backwards, None if cursor is None else decoded(cursor, order))


def position_of(user: User, order: UserOrder) -> Position:
    match order.field:
        case UserSortField.CREATED_AT:
            return Position(user.created_at, user.id)
        case UserSortField.EMAIL:
            return Position(user.email or "", user.id)
        case UserSortField.LAST_LOGIN_AT:
            return Position(user.last_login_at or NEVER, user.id)


def encoded(position: Position, order: UserOrder) -> str:
    """The opaque cursor of *position*; it knows its order, so it cannot be used with another one."""
    key = position.key.isoformat() if isinstance(position.key, datetime) else position.key
    text = json.dumps([order.field.value, order.direction.value, key, position.id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded(cursor: str, order: UserOrder) -> Position:
    """The position a cursor of this *order* stands for; raises `BadUserInput` for anything else."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        field, direction, key, id_ = json.loads(base64.urlsafe_b64decode(padded))
        if (field, direction) != (order.field.value, order.direction.value):
            raise BadUserInput("The cursor belongs to another order.")
        return Position(_key(key, order), _text(id_))
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadUserInput("The cursor is not one of ours.") from error


def _key(key: object, order: UserOrder) -> str | datetime:
    if order.field is UserSortField.EMAIL:
        return _text(key)
    moment = datetime.fromisoformat(_text(key))
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment.astimezone(UTC)


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError("not a text the database can hold")
    value.encode()  # refuses lone surrogates
    return value
