"""Statements that find a page of users. What one costs does not grow with the table.

Each status has an index of its own in each order. So a page is the first rows of a few walks, one for each status asked for,
merged: however rare a status is, and wherever its users lie, nobody else's row is read on the way. What a walk has no index
for, it passes by: whom a search does not find, and those of other roles or times, where more than FEW are meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    exists,
    false,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from user_subgraph.search_keys import AFTER_ALL, sought
from user_subgraph.tables import UserRoleRow, UserRow, UserSearchKeyRow, UtcDateTime
from user_subgraph.user import UserStatus
from user_subgraph.user_page import NEVER, PageRequest, Position, SortDirection, UserFilter, UserSortField

FEW = 2_000
"""So many users are read and sorted at once; where more fit, a walk meets them early, unless all lie at its far end."""

NOT_TOO_MANY = 50_000
"""So many are looked through for a count; where more fit, a walk meets enough of them early."""

Ids = Select[str]
Found = Select[str, Any]
"""Of users: the id, and the key they are sorted by, which is never null."""


@dataclass(frozen=True)
class _Order:
    """*floor* stands for null, below everything; `None`: there are no nulls."""

    column: ColumnElement[Any]
    floor: ColumnElement[Any] | None = None

    @property
    def key(self) -> ColumnElement[Any]:
        return self.column if self.floor is None else func.coalesce(self.column, self.floor)


def listed(chosen: UserFilter, request: PageRequest, few: Ids | None) -> Found:
    """The rows of the page and one more if there is any, in the order in which they are walked.

    *few*: one of the `narrowings`, if it gives no more than FEW; then those are looked through, and nobody else.
    """
    order = _order(request.order.field)
    if few is not None:
        return _in_order(_looked_through(few, chosen, request, order), request)
    walks = [
        select(*walk.subquery().c)
        for status in _statuses(chosen)
        for walk in _walks(status, chosen, request, order)
    ]
    if not walks:
        return _selected(order).where(false())
    return _in_order(union_all(*walks).subquery(), request)


def narrowings(chosen: UserFilter) -> Iterator[Ids]:
    """What else than status and order has an index: what is searched for, roles, and the time of creation."""
    if chosen.search:
        yield _found_by(chosen.search)
    if chosen.roles is not None:
        yield _with_roles(chosen)
    if chosen.created_after is not None or chosen.created_before is not None:
        yield select(UserRow.id).where(_has_status(chosen), *_created(chosen))


def counted_to(most: int, rows: Select[Any]) -> Select[int]:
    """Counts up to one more than *most*, and finds no more of *rows*."""
    return select(func.count()).select_from(rows.limit(most + 1).subquery())


def chosen_ids(chosen: UserFilter, few: Ids | None) -> Ids:
    """All whom the filter leaves, in no order; *few*: one of the `narrowings`, if it gives no more than NOT_TOO_MANY."""
    if few is not None:
        return select(UserRow.id).where(*_among(few, chosen))
    return select(UserRow.id).where(_has_status(chosen), *_conditions(chosen))


def direction(request: PageRequest, rows: FromClause) -> list[ColumnElement[Any]]:
    """For ORDER BY: how *rows* with an id and a key are walked to the page."""
    return _directed(request, rows.c.key, rows.c.id)


def _directed(request: PageRequest, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [column.asc() if _is_ascending(request) else column.desc() for column in columns]


def _is_ascending(request: PageRequest) -> bool:
    return (request.order.direction is SortDirection.ASC) is not request.backwards


def _order(field: UserSortField) -> _Order:
    match field:
        case UserSortField.CREATED_AT:
            return _Order(UserRow.created_at.expression)
        case UserSortField.EMAIL:
            return _Order(UserRow.email.expression, literal(""))
        case UserSortField.LAST_LOGIN_AT:
            return _Order(UserRow.last_login_at.expression, literal(NEVER, UtcDateTime))


def _walks(
    status: UserStatus, chosen: UserFilter, request: PageRequest, order: _Order
) -> Iterator[Select[str, Any]]:
    """Who has this status, on from the page's position; those without a key apart, as the index has them."""
    of_status = _selected(order).where(
        UserRow.status == status.value, *_sought(chosen), *_created_on_walk(chosen, request)
    )
    in_order = _directed(request, order.column, UserRow.id.expression)
    for stretch in _stretches(order, request.position, ascending=_is_ascending(request)):
        yield of_status.where(*stretch).order_by(*in_order).limit(request.size + 1)


def _stretches(
    order: _Order, position: Position | None, *, ascending: bool
) -> Iterator[list[ColumnElement[bool]]]:
    """The conditions of each stretch of an index that has rows of the page.

    Nulls are a stretch of their own at one end of it, where the key is as low as can be.
    """
    beyond = [] if position is None else [_beyond(position, order.column, ascending=ascending)]
    if order.floor is None:
        yield beyond
        return
    is_among_nulls = position is not None and position.key in {"", NEVER}
    # On the way up there may be one lower bound only, or SQLite begins at the wrong one.
    above_nulls = [] if beyond and ascending and not is_among_nulls else [order.column > order.floor]
    if not is_among_nulls:
        yield beyond + above_nulls
    elif ascending:
        yield above_nulls
    if position is None or not (is_among_nulls or ascending):
        yield [order.column.is_(None)]
    elif is_among_nulls:
        yield [order.column.is_(None), UserRow.id > position.id if ascending else UserRow.id < position.id]


def _looked_through(few: Ids, chosen: UserFilter, request: PageRequest, order: _Order) -> FromClause:
    rows = _selected(order).where(*_among(few, chosen))
    if request.position is not None:
        rows = rows.where(_beyond(request.position, order.key, ascending=_is_ascending(request)))
    return rows.subquery()


def _among(few: Ids, chosen: UserFilter) -> list[ColumnElement[bool]]:
    """Who of *few* fits the rest. Nothing else here may look to SQLite like a way in through an index."""
    statuses = [status.value for status in _statuses(chosen)]
    return [UserRow.id.in_(few), (UserRow.status + "").in_(statuses), *_conditions(chosen)]


def _selected(order: _Order) -> Select[str, Any]:
    return select(UserRow.id.label("id"), order.key.label("key"))


def _in_order(rows: FromClause, request: PageRequest) -> Found:
    return select(rows.c.id, rows.c.key).order_by(*direction(request, rows)).limit(request.size + 1)


def _beyond(position: Position, key: ColumnElement[Any], *, ascending: bool) -> ColumnElement[bool]:
    place = tuple_(literal(position.key, key.type), literal(position.id))
    here = tuple_(key, UserRow.id)
    return here > place if ascending else here < place


def _statuses(chosen: UserFilter) -> list[UserStatus]:
    return [status for status in UserStatus if _is_asked_for(status, chosen)]


def _is_asked_for(status: UserStatus, chosen: UserFilter) -> bool:
    return status is not UserStatus.DELETED if chosen.statuses is None else status in chosen.statuses


def _has_status(chosen: UserFilter) -> ColumnElement[bool]:
    return UserRow.status.in_([status.value for status in _statuses(chosen)])


def _with_roles(chosen: UserFilter) -> Select[str]:
    roles = [role.value for role in chosen.roles or ()]
    return select(UserRoleRow.user_id).where(UserRoleRow.role.in_(roles))


def _found_by(search: str) -> Select[str]:
    """Somebody may be there more than once."""
    beginning = sought(search)
    if beginning is None:
        return select(UserSearchKeyRow.user_id).where(false())
    key = UserSearchKeyRow.key
    return select(UserSearchKeyRow.user_id).where(key >= beginning, key < beginning + AFTER_ALL)


def _conditions(chosen: UserFilter) -> list[ColumnElement[bool]]:
    """All that is asked for but for the status."""
    return _sought(chosen) + _created(chosen)


def _sought(chosen: UserFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.search:
        of_user = UserSearchKeyRow.user_id == UserRow.id
        conditions.append(exists(_found_by(chosen.search).where(of_user)))
    if chosen.roles is not None:
        conditions.append(exists(_with_roles(chosen).where(UserRoleRow.user_id == UserRow.id)))
    return conditions


def _created_on_walk(chosen: UserFilter, request: PageRequest) -> list[ColumnElement[bool]]:
    """As `_created`, but an index is looked through by these bounds only if the walk ends, or else begins, there.

    SQLite would begin a walk at the bound instead of the position, or leave the order for the index of the times.
    """
    plain = UserRow.created_at.expression
    no_way_in = func.coalesce(plain, plain)
    if request.order.field is not UserSortField.CREATED_AT:
        return _created(chosen, no_way_in, no_way_in)
    begin = plain if request.position is None else no_way_in
    return _created(chosen, begin, plain) if _is_ascending(request) else _created(chosen, plain, begin)


def _created(
    chosen: UserFilter,
    after: ColumnElement[Any] = UserRow.created_at.expression,
    before: ColumnElement[Any] = UserRow.created_at.expression,
) -> list[ColumnElement[bool]]:
    """*after* and *before*: the time, as it is held against each bound."""
    conditions: list[ColumnElement[bool]] = []
    if chosen.created_after is not None:
        conditions.append(after > chosen.created_after)
    if chosen.created_before is not None:
        conditions.append(before < chosen.created_before)
    return conditions
