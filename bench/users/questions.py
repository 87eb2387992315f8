"""What staff ask of the list of users."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text

from user_subgraph.database import Database
from user_subgraph.user import Role, UserId, UserStatus
from user_subgraph.user_page import (
    PageRequest,
    Position,
    SortDirection,
    UserFilter,
    UserOrder,
    UserSortField,
    position_of,
)
from user_subgraph.user_repository import UserRepository

SIZE: Final = 20
Ask = Callable[[UserRepository], object]
_NEWEST: Final = UserOrder()
_BY_ADDRESS: Final = UserOrder(UserSortField.EMAIL, SortDirection.ASC)
_BY_LOGIN: Final = UserOrder(UserSortField.LAST_LOGIN_AT, SortDirection.DESC)
_END: Final = datetime(2026, 11, 29, tzinfo=UTC)
_HALF_A_DAY: Final = UserFilter(
    created_after=_END - timedelta(hours=15), created_before=_END - timedelta(hours=3)
)
_ALL: Final = UserFilter()
_RARE: Final = frozenset({UserStatus.SUSPENDED})
_FREQUENT: Final = frozenset({UserStatus.PENDING_VERIFICATION})


@dataclass(frozen=True)
class Page:
    """The first page, or that after the user in the middle of all; or the last one, asked for from behind."""

    order: UserOrder = _NEWEST
    chosen: UserFilter = _ALL
    middle: Position | None = None
    backwards: bool = False

    def __call__(self, users: UserRepository) -> object:
        return users.page(self.chosen, PageRequest(self.order, SIZE, self.backwards, self.middle))


@dataclass(frozen=True)
class Count:
    chosen: UserFilter = _ALL

    def __call__(self, users: UserRepository) -> object:
        return users.count(self.chosen)


def questions(database: Database, stored: int) -> Mapping[str, Ask]:
    orders = {"newest first": _NEWEST, "by address": _BY_ADDRESS, "by last login": _BY_LOGIN}
    middle = {name: _middle(database, stored, order) for name, order in orders.items()}
    searches = {
        "an address": f"person{(stored // 2 * 611953) % 1000003}@",
        "a name that a thousandth has": "family500",
        "what all have": "example",
        "what nobody has": "nobody at all",
        "two letters that nobody has": "qz",
    }
    return (
        {name: Page(order) for name, order in orders.items()}
        | {f"{name}, from the middle on": Page(order, middle=middle[name]) for name, order in orders.items()}
        | {f"{name}, from behind": Page(order, backwards=True) for name, order in orders.items()}
        | {
            "50 suspended, the oldest": Page(chosen=UserFilter(statuses=_RARE)),
            "50 suspended, by address": Page(_BY_ADDRESS, UserFilter(statuses=_RARE)),
            "1 of 20 not verified": Page(chosen=UserFilter(statuses=_FREQUENT)),
            "1 of 20 not verified, by address": Page(_BY_ADDRESS, UserFilter(statuses=_FREQUENT)),
            "5 administrators": Page(chosen=UserFilter(roles=frozenset({Role.ADMIN}))),
            "all customers": Page(chosen=UserFilter(roles=frozenset({Role.CUSTOMER}))),
            "of twelve hours, by address": Page(_BY_ADDRESS, _HALF_A_DAY),
        }
        | {f"search: {name}": Page(chosen=UserFilter(search=term)) for name, term in searches.items()}
        | {
            "totalCount of all": Count(),
            "totalCount of 50 suspended": Count(UserFilter(statuses=_RARE)),
            "totalCount of 1 of 20": Count(UserFilter(statuses=_FREQUENT)),
            "totalCount of 5 administrators": Count(UserFilter(roles=frozenset({Role.ADMIN}))),
            "totalCount of a search: a thousandth": Count(
                UserFilter(search=searches["a name that a thousandth has"])
            ),
            "totalCount of a search: a hundredth": Count(UserFilter(search="family77")),
            "totalCount of a search: all": Count(UserFilter(search=searches["what all have"])),
        }
    )


def _middle(database: Database, stored: int, order: UserOrder) -> Position:
    """Where a page in the middle begins: all orders are spread over all numbers."""
    with database.reading() as session:
        (found,) = session.scalars(
            text("SELECT id FROM users WHERE last_login_at IS NOT NULL AND id >= :id ORDER BY id LIMIT 1"),
            {"id": f"usr_{stored // 2:026}"},
        )
        user = UserRepository(session).by_ids([found])[UserId(found)]
    return position_of(user, order)
