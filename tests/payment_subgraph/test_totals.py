"""The sums that reports are made of: right at any moment, whoever writes late, and checked."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import insert, update
from sqlalchemy.engine import make_url

from payment_subgraph import database
from payment_subgraph.books import Books
from payment_subgraph.database import Database
from payment_subgraph.report import ReportInterval, Takings, by_period
from payment_subgraph.tables import day_changes, day_totals, ledger_entries, payments
from payment_subgraph.totals import Totals
from tests.payment_subgraph.databases import PostgresServer
from tests.payment_subgraph.many_payments import QUESTIONS, explained, fill
from tests.payment_subgraph.test_books import FINANCE, balances, check, happen, report, summaries
from tests.payment_subgraph.test_ledger import entry, write
from tests.payment_subgraph.world import ADA, HELPDESK, STAFF, World

pytestmark = pytest.mark.anyio


def totals_of(world: World) -> Totals:
    return Totals(world.parts.database)


@pytest.mark.parametrize("seed", range(3))
async def test_any_flow_leaves_right_sums_whenever_they_are_moved(world: World, seed: int) -> None:
    chance, totals = random.Random(seed), totals_of(world)
    for number in range(3):
        await world.pay(f"{chance.randint(5, 90)}.00", reference=f"order-{number}")
    ids = [row["id"] for row in await world.rows(payments)]

    for _ in range(6):
        await happen(world, chance, ids)
        before = await report(world)
        if chance.random() < 0.5:
            await totals.sum_up()

        assert await report(world) == before
        assert await totals.wrong() == []


async def test_summing_up_moves_every_note_into_one_row_a_key(world: World) -> None:
    for number in range(3):
        await world.pay("10.00", reference=f"order-{number}")
    before = await report(world)

    moved = await totals_of(world).sum_up()

    assert moved >= 3
    assert await world.rows(day_changes) == []
    kept = {(row["account"], row["kind"]): row for row in await world.rows(day_totals)}
    assert kept["stripe_clearing", "CAPTURE"]["amount_minor"] == 3000
    assert [kept["", kind]["entries"] for kind in ("ATTEMPTED", "SUCCEEDED")] == [3, 3]
    assert await report(world) == before
    assert await totals_of(world).sum_up() == 0


async def test_an_entry_that_commits_late_with_an_older_time_is_counted(postgres: PostgresServer) -> None:
    """Its transaction began before others that are summed up already; its ids and times are older than theirs."""
    with postgres.fresh() as url:
        world = World.build(url)
        payment = (await world.create("10.00"))["payment"]
        longer = world.clock() - timedelta(days=2)
        late = [
            entry(payment, 700, "late:a", effective_at=longer),
            entry(payment, -700, "late:b", effective_at=longer, account="payments_received"),
        ]
        async with world.parts.database.writing() as slow:
            await slow.execute(insert(ledger_entries).values(late))
            await world.pay("5.00", reference="quick")
            await totals_of(world).sum_up()
            assert "7.00" not in {row[4] for row in await report(world)}

        assert tuple(row[4] for row in await report(world) if row[4] != "0.00") == ("7.00", "5.00")
        await totals_of(world).sum_up()
        assert await totals_of(world).wrong() == []
        await world.close()


async def test_several_workers_sum_up_at_once(postgres: PostgresServer) -> None:
    with postgres.fresh() as url:
        world = World.build(url)
        for number in range(4):
            await world.pay("10.00", reference=f"order-{number}")
        before = await report(world)

        moved = await asyncio.gather(*(totals_of(world).sum_up() for _ in range(4)))

        assert sum(moved) > 0
        assert await report(world) == before
        assert await totals_of(world).wrong() == []
        await world.close()


async def test_a_report_never_misses_and_never_counts_twice_while_sums_are_moved(world: World) -> None:
    totals, books = totals_of(world), Books(world.parts.database, world.clock)
    start = world.clock() - timedelta(days=1)
    paid: list[int] = []

    async def pay() -> None:
        for number in range(8):
            await world.pay("1.00", reference=f"order-{number}")
            paid.append(number)

    paying = asyncio.create_task(pay())
    while not paying.done():
        before = len(paid)
        await asyncio.gather(totals.sum_up(), totals.sum_up())
        (now,) = by_period(
            await books.takings(start, start + timedelta(days=40), "EUR", ReportInterval.MONTH),
            ReportInterval.MONTH,
        ) or [Takings(start.date(), "EUR")]
        assert before <= now.succeeded <= len(paid) + 1
        assert now.captured == 100 * now.succeeded
    await paying

    assert await totals.wrong() == []


async def test_a_wrong_total_is_told_and_made_right(world: World) -> None:
    await world.pay("10.00")
    totals = totals_of(world)
    await totals.sum_up()
    async with world.parts.database.writing() as connection:
        wrong = day_totals.c.account == "stripe_clearing"
        await connection.execute(update(day_totals).where(wrong).values(amount_minor=900))

    (told,) = await totals.wrong("EUR")
    assert (told.account, told.entries, told.amount_minor) == ("stripe_clearing", 0, 100)
    assert not (await check(world))["matchesTotals"]
    assert (await check(world, "USD"))["matchesTotals"]

    assert await totals.correct() == 1
    assert (await check(world))["matchesTotals"]
    assert balances(await check(world))["stripe_clearing"] == "10.00"
    assert await totals.correct() == 0


async def test_a_database_of_an_older_release_has_its_sums_after_the_migration(world: World) -> None:
    payment = await world.pay("10.00")
    await world.create("7.00")
    money = {"amount": "3.00", "currency": "EUR"}
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)
    before = await report(world)

    migrate_again(world.settings.database.url)

    assert await report(world) == before
    assert await totals_of(world).wrong() == []
    await world.pay("2.00", reference="later")
    assert await totals_of(world).wrong() == []


def migrate_again(url: str) -> None:
    """Back to where there were no sums, and forth."""
    parsed = make_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    engine = (database._migrating_sqlite if sqlite else database._migrating_postgres)(parsed)
    with engine.begin() as connection:
        command.downgrade(database._config(connection), "0002")
        command.upgrade(database._config(connection), "head")
    engine.dispose()


async def test_periods_are_the_same_in_sql_as_in_python(world: World) -> None:
    """Over the ends of months, of years and of leap Februaries, summed up already or not."""
    payment = (await world.create("10.00"))["payment"]
    start = datetime(2023, 12, 20, tzinfo=UTC)
    days = [start + timedelta(days=one, hours=one % 24) for one in range(0, 440, 3)]
    for number, day in enumerate(days):
        at = {"txn_id": f"txn_{number}", "effective_at": day}
        await write(
            world,
            entry(payment, number + 1, f"{number}:a", **at),
            entry(payment, -number - 1, f"{number}:b", **at, account="payments_received"),
        )
        if number == len(days) // 2:
            await totals_of(world).sum_up()
    expected = [Takings(day.date(), "EUR", captured=number + 1) for number, day in enumerate(days)]
    books = Books(world.parts.database, world.clock)

    for interval in ReportInterval:
        found = await books.takings(start, start + timedelta(days=441), "EUR", interval)
        assert by_period(found, interval) == by_period(expected, interval)


# Disputes and fees.


async def post_by_hand(world: World, payment: dict[str, Any], *moves: tuple[str, str, str, int]) -> None:
    """Each of *moves* is kind, debited and credited account, and minor units."""
    for number, (kind, debit, credit, minor) in enumerate(moves):
        same = {"txn_id": f"txn_{number}", "kind": kind, "effective_at": world.clock()}
        await write(
            world,
            entry(payment, minor, f"{number}:a", **same, account=debit),
            entry(payment, -minor, f"{number}:b", **same, account=credit),
        )


async def test_disputes_and_fees_lessen_the_net(world: World) -> None:
    payment = await world.pay("100.00")
    world.clock.turn(days=1)
    await post_by_hand(
        world,
        payment,
        ("FEE", "stripe_fees", "stripe_clearing", 320),
        ("DISPUTE", "disputes_held", "stripe_clearing", 4000),
        ("DISPUTE", "disputes_held", "stripe_clearing", 1000),
        ("DISPUTE", "stripe_clearing", "disputes_held", 1000),  # reinstated
        ("CHARGEBACK", "chargeback_losses", "disputes_held", 4000),  # lost
    )
    async with world.parts.database.writing() as connection:
        await connection.execute(update(payments).values(amount_disputed=4000))

    every = await world.ask(
        """query($from: DateTime!, $to: DateTime!) { paymentReport(from: $from, to: $to) {
            captured { amount } disputed { amount } fees { amount } net { amount } } }""",
        FINANCE,
        **{"from": "2026-01-01T00:00:00Z", "to": (world.clock() + timedelta(days=1)).isoformat()},
    )
    summary = await summaries(world, HELPDESK, ADA.id)

    rows = [{name: sum_["amount"] for name, sum_ in row.items()} for row in every["data"]["paymentReport"]]
    assert [row for row in rows if row["disputed"] != "0.00"] == [
        {"captured": "0.00", "disputed": "40.00", "fees": "3.20", "net": "-43.20"}
    ]
    told = summary["data"]["_entities"][0]["paymentSummary"]
    assert (told["disputed"]["amount"], told["net"]["amount"]) == ("40.00", "60.00")


# The plans.


async def test_postgresql_reads_neither_all_payments_nor_all_entries(postgres: PostgresServer) -> None:
    with postgres.fresh() as url:
        fill(url, 10_000)
        pool = Database(url)
        await Totals(pool).correct()
        await Totals(pool).sum_up()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE day_totals")
        books = Books(pool, lambda: pytest.fail("no time is asked for"))
        for name, ask in QUESTIONS.items():
            async with explained(pool) as plans:
                await ask(books)

            scans = [line for plan in plans for line in plan if "Scan" in line]
            assert scans, name
            assert [line for line in scans if "Seq Scan on payments" in line] == [], name
            assert [line for line in scans if "Seq Scan on ledger_entries" in line] == [], name
        await pool.close()


async def test_the_bookkeepers_round_sums_up(world: World) -> None:
    await world.pay("10.00")

    await world.parts.bookkeeper.round()

    assert await world.rows(day_changes) == []
    assert await world.rows(day_totals) != []
