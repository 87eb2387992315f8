"""The ledger: what is posted, what the databases refuse, and that it says the same as the payments."""

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from alembic import command
from sqlalchemy import insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from payment_subgraph import database
from payment_subgraph.ledger import Account, postings
from payment_subgraph.payment import Payment
from payment_subgraph.refresh import Errand
from payment_subgraph.refund import Refund, RefundStatus
from payment_subgraph.repository import Cause
from payment_subgraph.tables import ledger_entries, observations, payments
from tests.payment_subgraph.databases import PostgresServer
from tests.payment_subgraph.test_event_order import story
from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio

CAPTURED = [("CAPTURE", "payments_received", -1000), ("CAPTURE", "stripe_clearing", 1000)]
REFUNDED = [("REFUND", "payments_received", 300), ("REFUND", "stripe_clearing", -300)]
TAKEN_BACK = [("REFUND", "payments_received", -300), ("REFUND", "stripe_clearing", 300)]


async def posted(world: World) -> list[tuple[str, str, int]]:
    """In the order of writing, the two entries of a posting by account."""
    rows = await world.rows(ledger_entries)
    at = {row["txn_id"]: row["id"] for row in reversed(rows)}
    kept = sorted(rows, key=lambda row: (at[row["txn_id"]], row["account"]))
    return [(row["kind"], row["account"], row["amount_minor"]) for row in kept]


async def assert_the_ledger_equals_the_payments(world: World) -> None:
    """Reckoned here from the bare rows, not by what the service itself compares with."""
    sums: dict[tuple[str, str], int] = {}
    transactions: dict[str, int] = {}
    for row in await world.rows(ledger_entries):
        transactions[row["txn_id"]] = transactions.get(row["txn_id"], 0) + row["amount_minor"]
        if row["account"] == Account.STRIPE_CLEARING:
            key = (row["payment_id"], row["kind"])
            sums[key] = sums.get(key, 0) + row["amount_minor"]

    for payment in await world.rows(payments):
        assert sums.get((payment["id"], "CAPTURE"), 0) == payment["amount_captured"]
        assert sums.get((payment["id"], "REFUND"), 0) == -payment["amount_refunded"]
    assert set(transactions.values()) <= {0}


# What is posted.


async def test_an_unpaid_payment_posts_nothing(world: World) -> None:
    await world.create("10.00")

    assert await posted(world) == []


async def test_a_payment_and_its_refund_are_posted(world: World) -> None:
    payment = await world.pay("10.00")
    await world.mutate(
        "refundPayment", STAFF, paymentId=payment["id"], amount={"amount": "3.00", "currency": "EUR"}
    )

    assert await posted(world) == [*CAPTURED, *REFUNDED]


@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_a_refund_that_fails_later_is_taken_back(world: World, status: str) -> None:
    payment = await world.pay("10.00")
    await world.mutate(
        "refundPayment", STAFF, paymentId=payment["id"], amount={"amount": "3.00", "currency": "EUR"}
    )
    world.wire.refunds["re_1"]["status"] = status

    for _ in range(2):
        await world.deliver(world.wire.event("refund.failed", world.wire.refunds["re_1"]))
        await world.work()

    assert await posted(world) == [*CAPTURED, *REFUNDED, *TAKEN_BACK]


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_repetition_of_events_posts_the_same(world: World, seed: int) -> None:
    await world.create("10.00")
    events = story(world)
    chance = random.Random(seed)

    for one in chance.choices(events, k=4) + chance.sample(events, k=len(events)):
        await world.deliver(one)
        if seed % 2:
            await world.work()
    await world.work()

    assert sorted(await posted(world)) == sorted([*CAPTURED, *REFUNDED])


async def test_a_reading_that_comes_too_late_posts_nothing(world: World) -> None:
    """It saw the refund still pending; written now, it would take back what was posted since."""
    payment = await world.pay("10.00")
    refund = world.wire.add_refund("pi_1", 300)
    refresh = world.parts.reconciler.refresh
    slow, quick = (
        Errand(payment["id"], "pi_1", Cause("WEBHOOK", name), refunds=True)
        for name in ("evt_slow", "evt_quick")
    )
    refund["status"] = "pending"
    late = await refresh.read(slow)
    refund["status"] = "succeeded"

    await refresh(quick)
    await refresh(slow, late)

    assert await posted(world) == [*CAPTURED, *REFUNDED]


# The rules alone.


def payment_of(captured: int, version: int = 1) -> Payment:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    return Payment("pay_1", "usr_1", 1000, "EUR", now, now, amount_captured=captured, version=version)


def refund_of(status: RefundStatus, version: int = 1) -> Refund:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    return Refund("rfd_1", "pay_1", 300, now, now, status=status, version=version)


def test_what_is_collected_in_parts_is_posted_in_parts() -> None:
    parts = [payment_of(0, 1), payment_of(400, 2), payment_of(1000, 3)]

    made = [posting for pair in pairwise(parts) for posting in postings(*pair, [])]

    assert [(one.key, one.debit, one.amount.minor) for one in made] == [
        ("pay_1:2", Account.STRIPE_CLEARING, 400),
        ("pay_1:3", Account.STRIPE_CLEARING, 600),
    ]


@pytest.mark.parametrize("before", [None, *RefundStatus])
@pytest.mark.parametrize("after", RefundStatus)
def test_a_refund_posts_only_when_it_enters_or_leaves_succeeded(
    before: RefundStatus | None, after: RefundStatus
) -> None:
    was = None if before is None else refund_of(before)

    made = postings(payment_of(1000), payment_of(1000), [(was, refund_of(after))])

    succeeded = RefundStatus.SUCCEEDED
    assert len(made) == ((before is succeeded) != (after is succeeded))
    for posting in made:
        entered = after is succeeded
        assert posting.debit is (Account.PAYMENTS_RECEIVED if entered else Account.STRIPE_CLEARING)
        assert sum(entry.amount_minor for entry in posting.entries()) == 0


def test_the_same_change_has_the_same_key_and_the_next_another() -> None:
    succeeded, failed = refund_of(RefundStatus.SUCCEEDED, 2), refund_of(RefundStatus.FAILED, 3)
    pending = refund_of(RefundStatus.PENDING)
    payment = payment_of(1000)

    once, again = (postings(payment, payment, [(pending, succeeded)]) for _ in range(2))
    later = postings(payment, payment, [(succeeded, failed)])

    assert [one.key for one in (*once, *again, *later)] == ["rfd_1:2", "rfd_1:2", "rfd_1:3"]


# What the databases refuse.


async def write(world: World, *entries: dict[str, Any]) -> None:
    async with world.parts.database.writing() as connection:
        await connection.execute(insert(ledger_entries).values(list(entries)))


def entry(payment: dict[str, Any], amount: int, name: str, **other: Any) -> dict[str, Any]:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    return {
        "txn_id": "txn",
        "posting_key": name,
        "kind": "CAPTURE",
        "payment_id": payment["id"],
        "account": "stripe_clearing",
        "amount_minor": amount,
        "currency": "EUR",
        "effective_at": now,
        "created_at": now,
    } | other


@pytest.mark.parametrize(
    "second",
    [
        None,
        {"amount_minor": -499},
        {"currency": "USD"},
        {"txn_id": "another"},
        {"amount_minor": 500},
    ],
    ids=["alone", "one short", "in another currency", "in another transaction", "on the same side"],
)
async def test_the_database_refuses_a_transaction_that_does_not_balance(
    world: World, second: dict[str, Any] | None
) -> None:
    payment = (await world.create("10.00"))["payment"]
    one, other = entry(payment, 500, "a"), entry(payment, -500, "b")

    with pytest.raises(IntegrityError):
        await write(world, *([one] if second is None else [one, other | second]))

    assert await posted(world) == []
    await write(world, one, other)
    assert len(await posted(world)) == 2


async def test_a_transaction_may_have_more_than_two_entries(world: World) -> None:
    payment = (await world.create("10.00"))["payment"]

    await write(world, entry(payment, 500, "a"), entry(payment, -300, "b"), entry(payment, -200, "c"))

    assert len(await posted(world)) == 3


async def test_a_transaction_cannot_be_unbalanced_later(world: World) -> None:
    await world.pay("10.00")
    (row, *_) = await world.rows(ledger_entries)

    with pytest.raises(IntegrityError):
        await write(world, entry({"id": row["payment_id"]}, 5, "later", txn_id=row["txn_id"]))

    assert await posted(world) == CAPTURED


async def test_the_same_posting_cannot_be_written_twice(world: World) -> None:
    await world.pay("10.00")
    rows = [dict(row) for row in await world.rows(ledger_entries)]

    with pytest.raises(IntegrityError):
        await write(world, *({**row, "id": row["id"] + 10} for row in rows))

    assert await posted(world) == CAPTURED


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_entries SET amount_minor = amount_minor * 2",
        "DELETE FROM ledger_entries",
        "DELETE FROM payments",
    ],
)
async def test_the_database_refuses_to_change_or_delete(world: World, change: str) -> None:
    await world.pay("10.00")

    with pytest.raises(DBAPIError, match=r"append-only|(?i:foreign key)"):
        async with world.parts.database.writing() as connection:
            await connection.execute(text(change))

    assert await posted(world) == CAPTURED


async def test_postgresql_refuses_to_empty_the_ledger(postgres: PostgresServer) -> None:
    with postgres.fresh() as url:
        world = World.build(url)
        await world.pay("10.00")

        with pytest.raises(DBAPIError, match="append-only"):
            async with world.parts.database.writing() as connection:
                await connection.execute(text("TRUNCATE ledger_entries"))

        assert await posted(world) == CAPTURED
        await world.close()


async def test_postgresql_refuses_to_empty_the_observations(postgres: PostgresServer) -> None:
    with postgres.fresh() as url:
        world = World.build(url)
        await world.pay("10.00")
        before = await world.count(observations)

        with pytest.raises(DBAPIError, match="append-only"):
            async with world.parts.database.writing() as connection:
                await connection.execute(text("TRUNCATE observations"))

        assert await world.count(observations) == before > 0
        await world.close()


@pytest.mark.parametrize("foreign_keys", ["ON", "OFF"])
async def test_sqlite_refuses_also_other_programs(
    small_world: World, sqlite_url: str, foreign_keys: str
) -> None:
    """One that replaces rows, and one that has not asked for foreign keys, by which balances are kept."""
    await small_world.pay("10.00")
    added = (
        "INSERT{} INTO ledger_entries (id, txn_id, posting_key, kind, payment_id, account, amount_minor, currency,"
        " effective_at, created_at) SELECT id{}, txn_id, posting_key || '{}', kind, payment_id, account,"
        " amount_minor, currency, effective_at, created_at FROM ledger_entries LIMIT 1"
    )
    refused = "append-only" if foreign_keys == "ON" else "foreign_keys"

    with closing(sqlite3.connect(make_url(sqlite_url).database or "")) as connection:
        connection.execute(f"PRAGMA foreign_keys = {foreign_keys}")
        with pytest.raises(sqlite3.IntegrityError, match=refused):
            connection.execute(
                added.format(" OR REPLACE", "", "") if foreign_keys == "ON" else added.format("", "+9", "x")
            )

    assert await posted(small_world) == CAPTURED


# Payments that are older than the ledger.


async def test_the_migration_posts_what_the_rows_say(world: World) -> None:
    payment = await world.pay("10.00")
    unpaid = (await world.create("7.00"))["payment"]
    money = {"amount": "3.00", "currency": "EUR"}
    for _ in range(2):
        await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)
    world.wire.refunds["re_2"]["status"] = "failed"
    await world.deliver(world.wire.event("refund.failed", world.wire.refunds["re_2"]))
    await world.work()

    migrate_again(world.settings.database.url)

    assert sorted(await posted(world)) == sorted([*CAPTURED, *REFUNDED])
    rows = await world.rows(ledger_entries)
    (paid,) = [row for row in await world.rows(payments) if row["id"] == payment["id"]]
    assert {row["effective_at"] for row in rows if row["kind"] == "CAPTURE"} == {paid["succeeded_at"]}
    assert unpaid["id"] not in {row["payment_id"] for row in rows}
    await assert_the_ledger_equals_the_payments(world)


async def test_what_the_migration_posted_goes_on(world: World) -> None:
    payment = await world.pay("10.00")
    money = {"amount": "3.00", "currency": "EUR"}
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)
    migrate_again(world.settings.database.url)

    world.wire.refunds["re_1"]["status"] = "failed"
    await world.deliver(world.wire.event("refund.failed", world.wire.refunds["re_1"]))
    await world.work()

    assert sorted(await posted(world)) == sorted([*CAPTURED, *REFUNDED, *TAKEN_BACK])


def migrate_again(url: str) -> None:
    """Back to where there was no ledger, and forth; what fails leaves all as it was."""
    parsed = make_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    engine = (database._migrating_sqlite if sqlite else database._migrating_postgres)(parsed)
    with engine.begin() as connection:
        command.downgrade(database._config(connection), "0001")
        command.upgrade(database._config(connection), "head")
    engine.dispose()
