"""What reaches Stripe's balance is posted once, whenever we come to know of it."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.engine import make_url

from payment_subgraph import database
from payment_subgraph.balance import BalanceTransaction, MovementKind
from payment_subgraph.books import Books
from payment_subgraph.dispute import Dispute, DisputeStatus
from payment_subgraph.ledger import (
    Account,
    Posting,
    balance_postings,
    chargeback_postings,
    off_from_provider,
)
from payment_subgraph.money import Money
from payment_subgraph.observation import Contradiction, DisputeSnapshot, observe_dispute
from payment_subgraph.payment import Payment
from payment_subgraph.refresh import Errand
from payment_subgraph.repository import Cause
from payment_subgraph.tables import balance_transactions, ledger_entries, payments
from tests.payment_subgraph.bank import Bank
from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@asynccontextmanager
async def worked(database_url: str, folder: Path, **environment: str) -> AsyncIterator[tuple[World, Bank]]:
    async with Bank(folder, **environment) as bank:
        world = World.build(database_url, bank.wire)
        yield world, bank
        await world.close()


async def entries(world: World) -> list[tuple[str, str, int, str]]:
    """Of kind and account, by kind."""
    rows = await world.rows(ledger_entries)
    return sorted((row["kind"], row["account"], row["amount_minor"], row["currency"]) for row in rows)


async def hear(world: World, *events: dict[str, Any]) -> None:
    for event in events:
        await world.deliver(event)
    while await world.parts.reconciler.work_inbox():
        pass


BROUGHT = [
    ("CAPTURE", "payments_received", -1000, "EUR"),
    ("CAPTURE", "stripe_clearing", 1000, "EUR"),
    ("FEE", "stripe_clearing", -40, "EUR"),
    ("FEE", "stripe_fees", 40, "EUR"),
    ("SETTLEMENT", "stripe_balance", 960, "EUR"),
    ("SETTLEMENT", "stripe_clearing", -960, "EUR"),
]


async def test_a_payment_brings_its_amount_less_the_fee(database_url: str, tmp_path: Path) -> None:
    async with worked(database_url, tmp_path) as (world, bank):
        await world.pay("10.00")
        once = await entries(world)
        for _ in range(2):
            await hear(world, *await bank.listed("events"))

        assert once == await entries(world) == BROUGHT
        assert await world.count(balance_transactions) == 1
        (payment,) = await world.rows(payments)
        assert (payment["watched"], payment["reread_at"]) == (False, None)


async def test_in_another_currency_what_is_exchanged_is_posted_in_both(
    database_url: str, tmp_path: Path
) -> None:
    async with worked(database_url, tmp_path, FAKE_STRIPE_SETTLEMENT_CURRENCY="usd") as (world, bank):
        payment = await world.pay("1000", "JPY")
        money = {"amount": "300", "currency": "JPY"}
        await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)

        books = Books(world.parts.database, world.clock)
        yen, dollars = await books.balances("JPY"), await books.balances("USD")
        # 1000 and 300 yen at 1.1, with two digits more; the fee is 1.5 % and 25 cents
        assert {name: held for name, held in yen.items() if held} == {
            Account.PAYMENTS_RECEIVED: -700,
            Account.STRIPE_EXCHANGE: 700,
        }
        assert {name: held for name, held in dollars.items() if held} == {
            Account.STRIPE_EXCHANGE: -77_000,
            Account.STRIPE_FEES: 1_675,
            Account.STRIPE_BALANCE: 75_325,
        }
        assert await books.provider_balances() == await bank.net() == {"USD": 75_325}
        assert await books.differences("JPY") == await books.differences("USD") == []


@pytest.mark.parametrize("told", [True, False])
async def test_money_that_comes_late_is_posted_when_it_is_there(
    database_url: str, tmp_path: Path, *, told: bool
) -> None:
    """`charge.updated` tells of it; or nothing does, and the payment is read again until it is known."""
    async with worked(database_url, tmp_path, FAKE_STRIPE_ASYNC_CAPTURE_SECONDS="600") as (world, bank):
        await world.pay("10.00")
        before = await entries(world)
        (waiting,) = await world.rows(payments)
        await bank.wait(600, "charge.updated")
        if told:
            (event,) = [one for one in await bank.listed("events") if one["type"] == "charge.updated"]
            await hear(world, event)
        world.clock.turn(minutes=16)
        read = await world.parts.reconciler.reread_payments()

        assert before == BROUGHT[:2]
        assert waiting["watched"]
        assert read == (0 if told else 1)
        assert await entries(world) == BROUGHT
        (payment,) = await world.rows(payments)
        assert (payment["watched"], payment["reread_at"]) == (False, None)


async def test_a_reading_that_comes_too_late_posts_nothing_twice(database_url: str, tmp_path: Path) -> None:
    async with worked(database_url, tmp_path, FAKE_STRIPE_ASYNC_CAPTURE_SECONDS="600") as (world, bank):
        payment = await world.pay("10.00")
        (row,) = await world.rows(payments)
        await bank.wait(600, "charge.updated")
        refresh = world.parts.reconciler.refresh
        slow, quick = (
            Errand(payment["id"], row["provider_payment_id"], Cause("WEBHOOK", name))
            for name in ("slow", "quick")
        )
        late = await refresh.read(slow)

        await refresh(quick)
        await refresh(slow, late)

        assert await entries(world) == BROUGHT


async def test_payments_of_an_older_database_get_their_fees_when_they_are_read(
    database_url: str, tmp_path: Path
) -> None:
    async with worked(database_url, tmp_path) as (world, _):
        await world.pay("10.00")
        await world.create("7.00")
        as_of_before(database_url)
        old = await entries(world)

        async with world.parts.repository.writing() as rows:
            marked = await rows.reread_unsettled(world.clock())
        read = await world.parts.reconciler.reread_payments()
        async with world.parts.repository.writing() as rows:
            again = await rows.reread_unsettled(world.clock())

        assert old == BROUGHT[:2]
        assert (marked, read, again) == (1, 1, 0)
        assert await entries(world) == BROUGHT
        assert await Books(world.parts.database, world.clock).differences("EUR") == []


def as_of_before(url: str) -> None:
    """Back to where there were neither disputes nor balance transactions, and forth."""
    parsed = make_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    engine = (database._migrating_sqlite if sqlite else database._migrating_postgres)(parsed)
    with engine.begin() as connection:
        command.downgrade(database._config(connection), "0002")
        kinds = set(connection.execute(text("SELECT DISTINCT kind FROM ledger_entries")).scalars())
        command.upgrade(database._config(connection), "head")
    engine.dispose()
    assert kinds == {"CAPTURE"}


@pytest.mark.parametrize(
    ("change", "kind", "expected", "posted"),
    [
        ("UPDATE balance_transactions SET fee_minor = 41", "FEE", 41, 40),
        ("UPDATE balance_transactions SET net_minor = 0", "SETTLEMENT", 0, 960),
        ("UPDATE disputes SET status = 'LOST'", "CHARGEBACK", 600, 0),
        ("UPDATE balance_transactions SET amount_minor = -1 WHERE kind = 'DISPUTE'", "DISPUTE", 1, 600),
    ],
)
async def test_the_check_finds_what_rows_and_ledger_do_not_say_alike(
    database_url: str, tmp_path: Path, *, change: str, kind: str, expected: int, posted: int
) -> None:
    async with worked(database_url, tmp_path) as (world, bank):
        await world.pay("10.00")
        (row,) = await world.rows(payments)
        books = Books(world.parts.database, world.clock)
        if "DISPUTE" in change or "disputes" in change:
            await bank.dispute(row["provider_payment_id"], amount=600)
            await hear(world, *await bank.listed("events"))
        assert await books.differences("EUR") == []
        async with world.parts.database.writing() as connection:
            await connection.execute(text(change))

        (found,) = await books.differences("EUR")

        assert (found.kind, found.expected.minor, found.posted.minor) == (kind, expected, posted)


# The rules alone.


def payment(currency: str = "EUR") -> Payment:
    return Payment("pay_1", "usr_1", 1000, currency, NOW, NOW, amount_captured=1000)


def transaction(kind: MovementKind, amount: int, fee: int = 0, **other: Any) -> BalanceTransaction:
    made = BalanceTransaction(
        f"txn_{amount}", kind, "ch_1", amount, fee, amount - fee, "EUR", amount, NOW, NOW
    )
    return replace(made, **other)


def moved(postings: list[Posting]) -> dict[tuple[Account, str], int]:
    sums: dict[tuple[Account, str], int] = {}
    for entry in (entry for posting in postings for entry in posting.entries()):
        key = entry.account, entry.currency
        sums[key] = sums.get(key, 0) + entry.amount_minor
    return {key: total for key, total in sums.items() if total}


@pytest.mark.parametrize("seed", range(20))
def test_what_reaches_the_balance_is_the_net_in_any_currency(seed: int) -> None:
    chance = random.Random(seed)
    made = [
        transaction(
            chance.choice(list(MovementKind)),
            chance.randint(-5000, 5000),
            chance.randint(-50, 50),
            id=f"txn_{number}",
            currency=chance.choice(["EUR", "USD"]),
        )
        for number in range(10)
    ]

    sums = moved(balance_postings(payment(), made))

    for currency in ("EUR", "USD"):
        net = sum(one.net_minor for one in made if one.currency == currency)
        assert sums.get((Account.STRIPE_BALANCE, currency), 0) == net


def test_a_fee_that_is_given_back_is_posted_the_other_way() -> None:
    made = balance_postings(payment(), [transaction(MovementKind.DISPUTE, 600, -15)])

    assert moved(made) == {
        (Account.DISPUTES_HELD, "EUR"): -600,
        (Account.STRIPE_FEES, "EUR"): -15,
        (Account.STRIPE_BALANCE, "EUR"): 615,
    }


def test_every_entry_of_a_balance_transaction_has_its_own_key() -> None:
    one = transaction(MovementKind.CHARGE, 1100, 30, currency="USD", payment_minor=1000)

    keys = [
        entry.posting_key for posting in balance_postings(payment(), [one]) for entry in posting.entries()
    ]

    assert len(set(keys)) == len(keys) == 8


def dispute(status: DisputeStatus, *amounts: int, **other: Any) -> Dispute:
    """As its balance transactions of *amounts* make it."""
    made = Dispute("dsp_1", "pay_1", "du_1", 1000, "EUR", status, "general", NOW, NOW)
    seen = DisputeSnapshot(
        "du_1",
        "pi_1",
        status,
        Money(1000, "EUR"),
        "general",
        NOW,
        movements=tuple(transaction(MovementKind.DISPUTE, amount) for amount in amounts),
    )
    return replace(observe_dispute(made, seen), **other)


@pytest.mark.parametrize(
    ("status", "amounts", "withdrawn", "lost"),
    [
        (DisputeStatus.WARNING_NEEDS_RESPONSE, (), False, 0),
        (DisputeStatus.NEEDS_RESPONSE, (-1000,), True, 0),
        (DisputeStatus.LOST, (-1000,), True, 1000),
        (DisputeStatus.LOST, (), False, 0),
        (DisputeStatus.LOST, (-1000, 1000), False, 0),
        (DisputeStatus.WON, (-1000,), True, 0),
        (DisputeStatus.WON, (-1000, 1000), False, 0),
        (DisputeStatus.WON, (-1000, 980), False, 20),
        (DisputeStatus.WON, (-1000, 1030), False, -30),
        (DisputeStatus.PREVENTED, (-1000,), True, 1000),
    ],
)
def test_what_is_withdrawn_and_lost_is_told_by_what_moved(
    status: DisputeStatus, amounts: tuple[int, ...], *, withdrawn: bool, lost: int
) -> None:
    seen = dispute(status, *amounts)

    assert (seen.funds_withdrawn, seen.lost_minor) == (withdrawn, lost)


def test_what_is_reinstated_on_a_lost_dispute_takes_the_loss_back() -> None:
    held = dispute(DisputeStatus.NEEDS_RESPONSE, -1000)
    lost = dispute(DisputeStatus.LOST, -1000, version=2)
    back = dispute(DisputeStatus.LOST, -1000, 1000, version=3)

    losing, returning = chargeback_postings([(held, lost)]), chargeback_postings([(lost, back)])

    assert moved(losing) == {(Account.CHARGEBACK_LOSSES, "EUR"): 1000, (Account.DISPUTES_HELD, "EUR"): -1000}
    assert moved(losing + returning) == {}
    assert [one.key for one in losing + returning] == ["dsp_1:2", "dsp_1:3"]


def test_a_dispute_that_moves_two_currencies_is_a_contradiction() -> None:
    seen = DisputeSnapshot(
        "du_1",
        "pi_1",
        DisputeStatus.WON,
        Money(1000, "EUR"),
        "general",
        NOW,
        movements=(
            transaction(MovementKind.DISPUTE, -1000),
            transaction(MovementKind.DISPUTE, 1000, currency="USD"),
        ),
    )

    with pytest.raises(Contradiction, match="DISPUTE_CURRENCIES"):
        observe_dispute(dispute(DisputeStatus.NEEDS_RESPONSE), seen)


def test_books_that_are_off_say_by_how_much() -> None:
    assert off_from_provider({"EUR": 5, "USD": 3}, {"EUR": 5, "USD": 4, "JPY": 7}) == {"USD": -1, "JPY": -7}
