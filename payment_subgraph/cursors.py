"""Opaque page cursors and page arguments, checked. Pure."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Self

from payment_subgraph.errors import BadUserInput

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 20
_MAX_AMOUNT: Final = 2**62


class SortField(StrEnum):
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    AMOUNT = "AMOUNT"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of one row in a list: the value it is sorted by, and its id against ties."""

    field: SortField
    value: datetime | int
    id: str

    def encode(self) -> str:
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        return (
            base64.urlsafe_b64encode(json.dumps([self.field, value, self.id]).encode()).decode().rstrip("=")
        )

    @classmethod
    def decode(cls, text: str, field: SortField) -> Self:
        """Raises BadUserInput for what this service did not write, or wrote for another order."""
        try:
            return cls._read(text, field)
        except (ValueError, TypeError, OverflowError) as error:
            raise BadUserInput("This cursor does not belong to this list.") from error

    @classmethod
    def _read(cls, text: str, field: SortField) -> Self:
        padded = text + "=" * (-len(text) % 4)
        said, value, row_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if said != field or not isinstance(row_id, str) or not row_id.isascii() or "\0" in row_id:
            raise ValueError(text)
        return cls(field, _amount(value) if field is SortField.AMOUNT else _moment(value), row_id)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _amount(value: object) -> int:
    if not isinstance(value, int) or abs(value) > _MAX_AMOUNT:
        raise ValueError(value)
    return value


@dataclass(frozen=True, slots=True)
class PageRequest:
    """*size* rows after (or, with *backward*, before) *cursor*, in *field* order; hashable."""

    size: int
    cursor: Cursor | None = None
    backward: bool = False
    field: SortField = SortField.CREATED_AT
    descending: bool = True


def page_request(  # noqa: PLR0913 - the arguments of a connection
    first: int | None,
    after: str | None,
    last: int | None = None,
    before: str | None = None,
    *,
    field: SortField = SortField.CREATED_AT,
    descending: bool = True,
) -> PageRequest:
    """`first` has a default, so `last` beside that default means `last`; beside any other it is refused."""
    if last is None:
        if before is not None:
            raise BadUserInput("`before` goes with `last`.")
        size, text = _size(DEFAULT_PAGE if first is None else first, "first"), after
    else:
        if first not in (None, DEFAULT_PAGE) or after is not None:
            raise BadUserInput("Ask for `first` and `after`, or for `last` and `before`.")
        size, text = _size(last, "last"), before
    cursor = Cursor.decode(text, field) if text is not None else None
    return PageRequest(size, cursor, last is not None, field, descending)


def _size(count: int, name: str) -> int:
    if not 1 <= count <= MAX_PAGE:
        raise BadUserInput(f"`{name}` must be 1 to {MAX_PAGE}.")
    return count


@dataclass(frozen=True, slots=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


def page_info(request: PageRequest, cursors: list[str], *, more: bool) -> PageInfo:
    """*more*: whether rows lie beyond the page in the direction of reading."""
    came_from_elsewhere = request.cursor is not None
    forward, back = (came_from_elsewhere, more) if request.backward else (more, came_from_elsewhere)
    return PageInfo(forward, back, cursors[0] if cursors else None, cursors[-1] if cursors else None)
