"""Pages of very many users are those of a plain list of all, and are found without reading all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bench.users.stored_users import SUSPENDED, store
from tests.user_subgraph.service import Service
from user_subgraph.user import Role, UserId, UserStatus
from user_subgraph.user_listing import FEW, listed, narrowings
from user_subgraph.user_page import (
    COUNTED_TO,
    PageRequest,
    SortDirection,
    UserFilter,
    UserOrder,
    UserSortField,
    position_of,
)
from user_subgraph.user_repository import UserRepository

MANY = COUNTED_TO + 2_000
SIZE = 20
KEYS = {
    UserSortField.CREATED_AT: "created_at",
    UserSortField.EMAIL: "coalesce(email, '')",
    UserSortField.LAST_LOGIN_AT: "coalesce(last_login_at, '1970-01-01 00:00:00.000000')",
}


def created_between(first: int, last: int) -> tuple[UserFilter, str]:
    """Those whose numbers lie between the two: one is made a minute."""
    after, before = (datetime(2026, 11, 29, tzinfo=UTC) - timedelta(minutes=MANY - n) for n in (first, last))
    numbers = f"id > 'usr_{first:026}' AND id < 'usr_{last:026}'"
    return UserFilter(created_after=after, created_before=before), f"{numbers} AND status <> 'DELETED'"


CHOSEN = [
    created_between(7_000, 7_000 + FEW // 2),
    created_between(3_000, 3_000 + FEW * 3),
    (UserFilter(), "status <> 'DELETED'"),
    (UserFilter(statuses=frozenset()), "status IN ('none')"),
    (UserFilter(statuses=frozenset({UserStatus.SUSPENDED})), "status = 'SUSPENDED'"),
    (UserFilter(statuses=frozenset(UserStatus)), "status IS NOT NULL"),
    (UserFilter(roles=frozenset()), "role IN ('none')"),
    (UserFilter(roles=frozenset({Role.ADMIN})), "role = 'ADMIN' AND status <> 'DELETED'"),
    (UserFilter(roles=frozenset({Role.CUSTOMER})), "role = 'CUSTOMER' AND status <> 'DELETED'"),
    (
        UserFilter(roles=frozenset({Role.ADMIN}), statuses=frozenset({UserStatus.DELETED})),
        "role = 'ADMIN' AND status = 'DELETED'",
    ),
    (UserFilter(search="FAMILY77"), "lower(last_name) LIKE 'family77%' AND status <> 'DELETED'"),
    (UserFilter(search="mail7"), "lower(email) LIKE '%@mail7.%' AND status <> 'DELETED'"),
    (UserFilter(search="given1"), "lower(first_name) LIKE 'given1%' AND status <> 'DELETED'"),
    (UserFilter(search="nobody"), "status IN ('none')"),
]


@pytest.fixture
def many(service: Service) -> Service:
    store(service.parts.database, MANY)
    with service.parts.database.writing() as session:  # as an erased user has none
        session.execute(text("UPDATE users SET email = NULL WHERE status = 'DELETED'"))
    return service


def plain_list(service: Service, condition: str, order: UserOrder) -> list[str]:
    """The ids of all who fit, sorted by the database in the plainest way."""
    way = order.direction.value
    rows = service.rows(
        f"SELECT id FROM users JOIN user_roles ON user_id = id WHERE {condition}"  # noqa: S608 - our own words
        f" ORDER BY {KEYS[order.field]} {way}, id {way}"
    )
    return [row["id"] for row in rows]


def page(
    service: Service, chosen: UserFilter, order: UserOrder, after: str | None, *, backwards: bool
) -> Any:
    with service.parts.database.reading() as session:
        users = UserRepository(session)
        place = None if after is None else position_of(users.by_ids([after])[UserId(after)], order)
        return users.page(chosen, PageRequest(order, SIZE, backwards, place))


def test_pages_are_pieces_of_the_plain_list(many: Service) -> None:
    """From both ends, and on from one in the middle and from the last but one of each end, both ways."""
    for field in UserSortField:
        for direction in SortDirection:
            order = UserOrder(field, direction)
            for chosen, condition in CHOSEN:
                whole = plain_list(many, condition, order)
                for at in {None, *({1, len(whole) // 2, len(whole) - 2} if len(whole) > 2 else ())}:
                    after = None if at is None else whole[at]
                    forwards = page(many, chosen, order, after, backwards=False)
                    back = page(many, chosen, order, after, backwards=True)

                    following = whole if at is None else whole[at + 1 :]
                    before = whole if at is None else whole[:at]
                    assert [user.id for user in forwards.items] == following[:SIZE], (order, chosen, at)
                    assert [user.id for user in back.items] == before[-SIZE:], (order, chosen, at)
                    assert forwards.has_more == (len(following) > SIZE)
                    assert back.has_more == (len(before) > SIZE)


def test_more_than_ten_thousand_are_not_counted(many: Service) -> None:
    with many.parts.database.reading() as session:
        users = UserRepository(session)

        assert users.count(UserFilter()) is None
        assert users.count(UserFilter(statuses=frozenset({UserStatus.SUSPENDED}))) == SUSPENDED
        assert users.count(UserFilter(roles=frozenset({Role.ADMIN}))) == 4  # the fifth is deleted
        assert (
            users.count(UserFilter(statuses=frozenset({UserStatus.PENDING_VERIFICATION}))) == MANY // 20 - 3
        )


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("field", UserSortField)
@pytest.mark.parametrize("direction", SortDirection)
def test_sqlite_reads_no_table_from_end_to_end(
    many: Service, field: UserSortField, direction: SortDirection
) -> None:
    """It has no statistics to go by, so what it does with few users it does with a million."""
    order = UserOrder(field, direction)
    for chosen, condition in [one for one in CHOSEN if one[0].statuses != frozenset()]:
        whole = plain_list(many, condition, order)
        for after in {None, *whole[1:2]}:
            with many.parts.database.reading() as session:
                place = None
                if after is not None:
                    place = position_of(UserRepository(session).by_ids([after])[UserId(after)], order)
                few = next(narrowings(chosen), None) if len(whole) <= FEW else None
                statement = listed(chosen, PageRequest(order, SIZE, backwards=False, position=place), few)
                sql = statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
                plan = [
                    row[3] for row in session.execute(text(f"EXPLAIN QUERY PLAN {sql}").execution_options())
                ]

            assert not [step for step in plan if step.startswith(("SCAN users", "SCAN user_roles"))], plan
            ways = [] if few is not None else [step for step in plan if step.startswith("SEARCH users")]
            column = field.value.lower()
            walked = [way for way in ways if "(id=?)" not in way]
            assert all(f"INDEX ix_users_status_{column}_id" in way for way in walked), plan
            if after is not None and ways:
                assert any(f"({column},id)" in way or f"{column}=? AND id" in way for way in ways), plan
