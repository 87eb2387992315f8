"""`check-books`, `rebuild`, `post-missing`: what people ask of the books on the command line.

Each prints what it found, a line each, and a sum; its exit status is 1 if something is wrong that it did not mend.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta

from payment_subgraph.app import Parts, build_parts, utc_now
from payment_subgraph.book_check import HOUR
from payment_subgraph.book_difference import BookDifference
from payment_subgraph.database import Database
from payment_subgraph.missing_postings import MissingPostings
from payment_subgraph.processor import ProcessorError
from payment_subgraph.processors import open_processor
from payment_subgraph.repository import Repository
from payment_subgraph.settings import DatabaseSettings, Settings
from payment_subgraph.totals import Totals
from payment_subgraph.verification import Progress, Verification

_NOT_OFFERED = (
    "Payments are not rewritten from the log: the log has no client secrets and no times of ours, and what differs is a "
    "fault to be understood first. syncPayment reads one payment anew at the provider."
)


def check_books(day: date) -> int:
    return asyncio.run(with_parts(lambda parts: compare_day(parts, day)))


def rebuild(*, verify: bool) -> int:
    return asyncio.run(_with_database(verify_tables if verify else correct_totals))


def post_missing() -> int:
    return asyncio.run(_with_database(post_what_is_missing))


async def compare_day(parts: Parts, day: date) -> int:
    """Those of other days that are still open are looked at, too: what is mended is resolved."""
    found: set[BookDifference] = set()
    try:
        await parts.bookkeeper.book_check.look_again()
        async for difference in _differences(parts, day):
            if difference not in found:  # a payment is met again in the hour of its refund
                _tell(str(difference))
            found.add(difference)
    except ProcessorError as unread:
        sys.stderr.write(f"The provider could not be asked: {unread}\n")
        return 2
    _tell(f"{day}: {_counted(len(found), 'difference')}" if found else f"{day}: the books are alike")
    return 1 if found else 0


async def _differences(parts: Parts, day: date) -> AsyncIterator[BookDifference]:
    start = datetime.combine(day, time(), UTC)
    for hour in range(24):
        begin = start + hour * HOUR
        for difference in await parts.bookkeeper.book_check.check(begin, begin + HOUR):
            yield difference


async def verify_tables(database: Database) -> int:
    progress, wrong = Progress(), 0
    async for told in Verification(database)(progress):
        wrong += 1
        _tell(told)
    _tell(f"{_counted(progress.payments, 'payment')} verified, {_counted(wrong, 'difference')}")
    return 1 if wrong else 0


async def correct_totals(database: Database) -> int:
    """Only what is made of other rows alone."""
    corrected = await Totals(database).correct()
    _tell(f"{corrected} sums of days corrected. {_NOT_OFFERED}")
    return 0


async def post_what_is_missing(database: Database) -> int:
    posted = 0
    async for posting in MissingPostings(database, Repository(database), utc_now)():
        posted += 1
        _tell(
            f"{posting.payment_id}: {posting.kind} {posting.amount.amount} {posting.amount.currency} posted "
            f"to {posting.debit} from {posting.credit}"
        )
    _tell(f"{_counted(posted, 'missing posting')} written")
    return 0


async def _with_database(job: Callable[[Database], Awaitable[int]]) -> int:
    database = Database(DatabaseSettings.read(os.environ).url)
    try:
        return await job(database)
    finally:
        await database.close()


async def with_parts(job: Callable[[Parts], Awaitable[int]]) -> int:
    settings = Settings.read(os.environ)
    processor = open_processor(settings, utc_now)
    parts = build_parts(settings, processor)
    try:
        return await job(parts)
    finally:
        await processor.close()
        await parts.database.close()


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def yesterday() -> date:
    return utc_now().date() - timedelta(days=1)
