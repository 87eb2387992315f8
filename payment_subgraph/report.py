"""What was paid and paid back in each day, week or month. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Final, Self

from payment_subgraph.errors import BadUserInput

MAX_SPAN: Final = timedelta(days=3660)


class ReportInterval(StrEnum):
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class Takings:
    """Of one currency, on one day or in the period that begins with it. Amounts are minor units."""

    day: date
    currency: str
    attempted: int = 0
    succeeded: int = 0
    captured: int = 0
    refunded: int = 0
    disputed: int = 0
    fees: int = 0

    @property
    def net(self) -> int:
        return self.captured - self.refunded - self.disputed - self.fees

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.day, time(), UTC)

    def plus(self, other: Self) -> "Takings":
        return Takings(
            self.day,
            self.currency,
            self.attempted + other.attempted,
            self.succeeded + other.succeeded,
            self.captured + other.captured,
            self.refunded + other.refunded,
            self.disputed + other.disputed,
            self.fees + other.fees,
        )


def check_span(start: datetime, end: datetime) -> None:
    """Raise BadUserInput for a span that is empty or too long."""
    if not timedelta(0) < end - start <= MAX_SPAN:
        raise BadUserInput(f"`from` must lie before `to`, and at most {MAX_SPAN.days} days before it.")


def whole_days(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The first and the last midnight within the span, in UTC; both *start* if there is not more than one."""
    first = _midnight(start) if start == _midnight(start) else _midnight(start) + timedelta(days=1)
    last = _midnight(end)
    return (first, last) if first < last else (start, start)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)


def by_period(takings: Iterable[Takings], interval: ReportInterval) -> list[Takings]:
    """Summed up, by period and currency; a period in which nothing happened is left out."""
    groups: dict[tuple[date, str], list[Takings]] = defaultdict(list)
    for one in takings:
        groups[period_start(one.day, interval), one.currency].append(one)
    return sorted((_sum(*key, group) for key, group in groups.items()), key=attrgetter("day", "currency"))


def period_start(day: date, interval: ReportInterval) -> date:
    """Weeks begin on Monday."""
    match interval:
        case ReportInterval.DAY:
            return day
        case ReportInterval.WEEK:
            return day - timedelta(days=day.weekday())
        case ReportInterval.MONTH:
            return day.replace(day=1)


def _sum(day: date, currency: str, group: Iterable[Takings]) -> Takings:
    total = Takings(day, currency)
    for one in group:
        total = total.plus(one)
    return total
