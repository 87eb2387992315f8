"""Very many payments, made by PostgreSQL itself, and how long the books take with them.

From the root, with `PAYMENT_DATABASE_URL=postgresql://…` of an empty database, or without for a server of its own:

    .tools/bin/uv run --project payment_subgraph python -m tests.payment_subgraph.many_payments --payments 1000000
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import event

from payment_subgraph.books import Books
from payment_subgraph.database import Database, migrate
from payment_subgraph.report import ReportInterval
from payment_subgraph.totals import Totals
from tests.payment_subgraph.databases import postgres_server

LARGE_OWNER: Final = "usr_large"
"""One payment in ten is this one's."""

DAYS: Final = 1096
END: Final = datetime(2026, 11, 28, tzinfo=UTC)
START: Final = END - timedelta(days=DAYS)
_SECONDS: Final = DAYS * 86400
_COLUMNS: Final = "kind, payment_id, changed, debit, credit, amount_minor, currency, at"

# 90 % succeed, 5 % of those are refunded in part, 1 in 200 is disputed, all cost a fee; evenly over three years.
_NUMBERED: Final = f"""
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT n, 'pay_' || lpad(to_hex(n), 26, '0') AS id, 'pi_' || n AS intent,
    CASE WHEN n %% 10 = 0 THEN '{LARGE_OWNER}' ELSE 'usr_' || n %% 49999 END AS owner_id,
    (ARRAY['EUR', 'EUR', 'EUR', 'USD', 'JPY'])[n %% 5 + 1] AS currency,
    500 + (n::bigint * 7919) %% 20000 AS amount_minor, n %% 100 < 90 AS paid, n %% 100 BETWEEN 20 AND 24 AS refunded,
    n %% 200 = 30 AS disputed,
    timestamptz '{START.isoformat()}' + make_interval(secs => n::float8 * {_SECONDS} / %(count)s) AS at
FROM generate_series(0, %(count)s - 1) AS n
"""  # noqa: S608 - words of our own
_PAYMENTS: Final = """
INSERT INTO payments (id, owner_id, metadata, amount_minor, currency, capture_method, status, provider_payment_id,
    amount_capturable, amount_captured, amount_refunded, amount_refund_pending, amount_disputed, dispute_standing,
    version, readings, created_at, updated_at, succeeded_at, canceled_at)
SELECT id, owner_id, '[]', amount_minor, currency, 'AUTOMATIC', CASE WHEN paid THEN 'SUCCEEDED' ELSE 'CANCELED' END,
    intent, 0, CASE WHEN paid THEN amount_minor ELSE 0 END, CASE WHEN refunded THEN 100 ELSE 0 END, 0,
    CASE WHEN disputed THEN 400 ELSE 0 END, CASE WHEN disputed THEN 'OPEN' END, 2, 1,
    at, at + interval '9 seconds', CASE WHEN paid THEN at + interval '9 seconds' END,
    CASE WHEN NOT paid THEN at + interval '9 seconds' END
FROM made ORDER BY n
"""
_REFUNDS: Final = """
INSERT INTO refunds (id, payment_id, amount_minor, status, reason, source, provider_refund_id, version,
    created_at, updated_at)
SELECT 'rfd' || substr(id, 4), id, 100, 'SUCCEEDED', 'OTHER', 'EXTERNAL', 're_' || n, 1, at, at
FROM made WHERE refunded ORDER BY n
"""
_DISPUTES: Final = """
INSERT INTO disputes (id, payment_id, provider_dispute_id, amount_minor, currency, status, reason, funds_withdrawn,
    held_minor, held_currency, version, created_at, updated_at)
SELECT 'dsp' || substr(id, 4), id, 'du_' || n, 400, currency, 'NEEDS_RESPONSE', 'fraudulent', true, 400, currency, 1, at,
    at
FROM made WHERE disputed ORDER BY n
"""
_BALANCE_TRANSACTIONS: Final = """
INSERT INTO balance_transactions (id, payment_id, kind, source_id, amount_minor, fee_minor, net_minor, currency,
    created_at, available_at)
SELECT 'txn_' || kind || n, id, kind, source || n, amount, fee, amount - fee, currency, at, at
FROM made, LATERAL (VALUES ('CHARGE', 'ch_', amount_minor, 30, paid), ('REFUND', 're_', -100, 0, refunded),
    ('DISPUTE', 'du_', -400, 0, disputed)) AS moved (kind, source, amount, fee, happened)
WHERE happened ORDER BY n
"""
_OBSERVATIONS: Final = """
INSERT INTO observations (object_type, object_id, source, cause_id, snapshot, observed_at)
SELECT 'payment', id, 'ANSWER', intent, jsonb_build_object('provider_payment_id', intent,
        'status', CASE WHEN paid THEN 'SUCCEEDED' ELSE 'CANCELED' END,
        'amount', jsonb_build_object('minor', amount_minor, 'currency', currency),
        'captured', jsonb_build_object('minor', CASE WHEN paid THEN amount_minor ELSE 0 END, 'currency', currency),
        'capturable', jsonb_build_object('minor', 0, 'currency', currency)), at
FROM made ORDER BY n
"""
_REFUNDS_OBSERVED: Final = """
INSERT INTO observations (object_type, object_id, source, cause_id, snapshot, observed_at)
SELECT 'refund', 'rfd' || substr(id, 4), 'ANSWER', intent, jsonb_build_object('provider_payment_id', intent,
        'provider_refund_id', 're_' || n, 'status', 'SUCCEEDED',
        'amount', jsonb_build_object('minor', 100, 'currency', currency)), at
FROM made WHERE refunded ORDER BY n
"""
_POSTINGS: Final = f"""
INSERT INTO ledger_entries (txn_id, posting_key, kind, payment_id, account, amount_minor, currency, effective_at,
    created_at)
SELECT changed || kind, changed || kind || account, kind, payment_id, account, sign * amount_minor, currency, at, at
FROM (
    SELECT 'CAPTURE', id, id, 'stripe_clearing', 'payments_received', amount_minor, currency, at FROM made WHERE paid
    UNION ALL
    SELECT 'FEE', id, id, 'stripe_fees', 'stripe_clearing', 30, currency, at FROM made WHERE paid
    UNION ALL
    SELECT 'REFUND', id, id, 'payments_received', 'stripe_clearing', 100, currency, at FROM made WHERE refunded
    UNION ALL
    SELECT 'DISPUTE', id, id, 'disputes_held', 'stripe_clearing', 400, currency, at FROM made WHERE disputed
    UNION ALL
    SELECT 'SETTLEMENT', id, id, 'stripe_balance', 'stripe_clearing',
        amount_minor - 30 - CASE WHEN refunded THEN 100 ELSE 0 END - CASE WHEN disputed THEN 400 ELSE 0 END, currency, at
    FROM made WHERE paid
) AS posted ({_COLUMNS}),
LATERAL (VALUES (debit, 1), (credit, -1)) AS entry (account, sign)
ORDER BY at
"""  # noqa: S608 - words of our own


def fill(url: str, count: int) -> None:
    """*count* payments with all that belongs to them, but for the day's sums: `Totals.correct` makes those."""
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            for table in ("payments", "ledger_entries"):  # else a trigger would look at each entry
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in (
                _NUMBERED,
                _PAYMENTS,
                _REFUNDS,
                _DISPUTES,
                _BALANCE_TRANSACTIONS,
                _OBSERVATIONS,
                _REFUNDS_OBSERVED,
                _POSTINGS,
            ):
                connection.execute(statement, {"count": count})
            for table in ("payments", "ledger_entries"):
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        connection.execute("VACUUM ANALYZE")


Ask = Callable[[Books], Awaitable[object]]

QUESTIONS: Final[dict[str, Ask]] = {
    "three years by month": lambda books: books.takings(START, END, None, ReportInterval.MONTH),
    "three years by week": lambda books: books.takings(START, END, None, ReportInterval.WEEK),
    "three years by day, one currency": lambda books: books.takings(START, END, "EUR", ReportInterval.DAY),
    "one year by day": lambda books: books.takings(END - timedelta(days=365), END, None, ReportInterval.DAY),
    "a month by day, from and to in the middle of a day": lambda books: books.takings(
        END - timedelta(days=30, hours=5), END - timedelta(hours=7), None, ReportInterval.DAY
    ),
    "balances": lambda books: books.balances("EUR"),
    "summary of a user with a tenth of all payments": lambda books: books.summaries_of([LARGE_OWNER], "EUR"),
    "summaries of 100 users": lambda books: books.summaries_of([f"usr_{one}" for one in range(100)], "EUR"),
}


@asynccontextmanager
async def explained(database: Database) -> AsyncIterator[list[list[str]]]:
    """The plans, a list of lines each, of all that is asked of *database* inside the block."""
    asked: list[tuple[str, Any]] = []
    plans: list[list[str]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    for engine in database.sync_engines:
        event.listen(engine, "before_cursor_execute", note)
    yield plans
    for engine in database.sync_engines:
        event.remove(engine, "before_cursor_execute", note)
    async with database.reading() as connection:
        for statement, parameters in asked:
            if statement.startswith(("SELECT", "WITH")):
                explain = f"EXPLAIN (ANALYZE, BUFFERS) {statement}"
                plans.append(
                    [row[0] for row in (await connection.exec_driver_sql(explain, parameters)).all()]
                )


async def _timed(ask: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Milliseconds, shortest first."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - begun) * 1000)
    return sorted(taken)


async def measure(url: str) -> None:
    database = Database(url)
    books, totals = Books(database, lambda: datetime.now(UTC)), Totals(database)
    print(f"  sums made in {(await _timed(totals.correct, 1))[0]:.0f} ms")
    print(f"  and moved in {(await _timed(totals.sum_up, 1))[0]:.0f} ms")
    async with database._alone.connect() as connection:
        await connection.exec_driver_sql("VACUUM ANALYZE day_totals, day_changes")
    for name, ask in QUESTIONS.items():
        taken = await _timed(lambda ask=ask: ask(books), 21)  # type: ignore[misc]
        print(f"  {name}: {statistics.median(taken):.1f} ms, longest {taken[-1]:.1f}")
        async with explained(database) as plans:
            await ask(books)
        for line in (line for plan in plans for line in plan if "Scan" in line):
            print("      " + line.strip().removeprefix("->").strip())
    if found := await books.differences("EUR"):
        raise AssertionError(f"what was filled in differs: {found[0]}")
    for name, compare in {
        "differences": lambda: books.differences("EUR"),
        "balanced": lambda: books.balanced("EUR"),
        "wrong totals": lambda: books.wrong_totals("EUR"),
    }.items():
        print(f"  {name}: {(await _timed(compare, 3))[1]:.0f} ms")
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=1_000_000, help="0 measures those that are there")
    count = parser.parse_args().payments
    given = os.environ.get("PAYMENT_DATABASE_URL")
    with (
        nullcontext() if given else postgres_server() as server,
        server.fresh() if server else nullcontext(given or "") as url,
    ):
        migrate(url)
        if count:
            begun = time.perf_counter()
            fill(url, count)
            print(f"  {count} payments made in {time.perf_counter() - begun:.0f} s")
        asyncio.run(measure(url))


if __name__ == "__main__":
    main()
