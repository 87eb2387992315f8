"""Whatever order, repetition or loss of events: rows and ledger end as if each had come at once, and equal to Stripe's."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from payment_subgraph.books import Books
from payment_subgraph.ledger import off_from_provider
from payment_subgraph.tables import (
    balance_transactions,
    disputes,
    ledger_entries,
    outbox_messages,
    payment_transitions,
    payments,
    refunds,
)
from payment_subgraph.verification import Verification
from payment_subgraph.viewer import Viewer
from tests.payment_subgraph.bank import Bank
from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio

_ANYBODY = Viewer("usr_staff", frozenset({"payments:write:any"}))

Step = Callable[["Case"], Awaitable[object]]


@dataclass
class Case:
    """One payment and what happens to it; *dispute* holds the ids of its disputes, in the order of opening."""

    world: World
    bank: Bank
    payment_id: str = ""
    intent: str = ""
    disputes: list[str] = field(default_factory=list)

    async def pay(self, **how: Any) -> None:
        self.payment_id = (await self.world.pay("10.00", **how))["id"]
        (row,) = await self.world.rows(payments)
        self.intent = row["provider_payment_id"]

    async def open(self, **how: Any) -> None:
        self.disputes.append(await self.bank.dispute(self.intent, **how))

    async def decide(self, word: str, which: int = 0) -> None:
        await self.bank.tell(f"disputes/{self.disputes[which]}/{word}")

    async def refund(self, amount: str) -> dict[str, Any]:
        """By us; refused or not as things stand."""
        money = {"amount": amount, "currency": "EUR"}
        return await self.world.mutate("refundPayment", STAFF, paymentId=self.payment_id, amount=money)

    async def refund_in_the_dashboard(self, amount: int) -> None:
        await self.bank.post("refunds", payment_intent=self.intent, amount=str(amount))

    async def end_refunds(self, how: str) -> None:
        for one in await self.bank.listed("refunds"):
            await self.bank.tell(f"refunds/{one['id']}/{how}")


def paying(**how: Any) -> Step:
    return lambda case: case.pay(**how)


def opening(**how: Any) -> Step:
    return lambda case: case.open(**how)


def deciding(word: str, which: int = 0) -> Step:
    return lambda case: case.decide(word, which)


def refunding(amount: int) -> Step:
    return lambda case: case.refund_in_the_dashboard(amount)


def ending_refunds(how: str) -> Step:
    return lambda case: case.end_refunds(how)


STORIES: dict[str, list[Step]] = {
    "larger than the payment, lost": [paying(), opening(amount=1700), deciding("lose")],
    "won after it was withdrawn": [paying(), opening(amount=600), deciding("win")],
    "an inquiry that ends": [paying(), opening(case_type="inquiry"), deciding("close_inquiry")],
    "an inquiry that escalates and is lost": [
        paying(paymentMethodId="pm_card_pendingRefund"),
        refunding(300),
        opening(case_type="inquiry"),
        deciding("escalate"),
        deciding("lose"),
    ],
    "an inquiry about what was refunded whole": [
        paying(),
        opening(case_type="inquiry"),
        refunding(1000),
        deciding("escalate"),
        deciding("lose"),
    ],
    "on a payment refunded in part, which fails later": [
        paying(),
        refunding(300),
        opening(amount=700),
        ending_refunds("fail"),
        deciding("win"),
        refunding(200),
    ],
    "two on one payment, one lost and one won": [
        paying(),
        opening(amount=300),
        opening(amount=400),
        deciding("lose", 0),
        deciding("win", 1),
    ],
    "refunds that arrive late": [
        paying(paymentMethodId="pm_card_pendingRefund"),
        refunding(300),
        refunding(200),
        ending_refunds("succeed"),
        ending_refunds("fail"),
    ],
}


@asynccontextmanager
async def case(database_url: str, folder: Path, currency: str) -> AsyncIterator[Case]:
    """Stripe settles in *currency*, or in the payment's own."""
    never = "9999999"
    folder.mkdir()
    async with Bank(
        folder, FAKE_STRIPE_SETTLEMENT_CURRENCY=currency, FAKE_STRIPE_REFUND_SETTLE_SECONDS=never
    ) as bank:
        world = World.build(database_url, bank.wire)
        yield Case(world, bank)
        await world.close()


Outcome = tuple[object, ...]


async def outcome(world: World) -> Outcome:
    """Rows without ids and times, and the balance of each account by kind and currency."""
    (payment,) = await world.rows(payments)
    sums: Counter[tuple[str, str, str]] = Counter()
    for row in await world.rows(ledger_entries):
        sums[row["account"], row["kind"], row["currency"]] += row["amount_minor"]
    return (
        [payment[name] for name in _OF_PAYMENT],
        sorted(
            (row["amount_minor"], row["status"], row["failure_reason"]) for row in await world.rows(refunds)
        ),
        sorted(tuple(row[name] for name in _OF_DISPUTE) for row in await world.rows(disputes)),
        sorted(
            (row["kind"], row["amount_minor"], row["net_minor"])
            for row in await world.rows(balance_transactions)
        ),
        {key: total for key, total in sums.items() if total},
    )


_OF_PAYMENT = (
    "status",
    "amount_captured",
    "amount_refunded",
    "amount_refund_pending",
    "amount_disputed",
    "dispute_standing",
    "watched",
    "frozen_reason",
)
_OF_DISPUTE = ("amount_minor", "status", "funds_withdrawn", "held_minor", "held_currency")


async def work(world: World) -> None:
    while await world.parts.reconciler.work_inbox():
        pass


async def assert_the_books_are_stripes(world: World, bank: Bank) -> None:
    books = Books(world.parts.database, world.clock)
    assert off_from_provider(await books.provider_balances(), await bank.net()) == {}
    for currency in ("EUR", "USD"):
        assert await books.differences(currency) == []
        assert await books.balanced(currency)
    assert [told async for told in Verification(world.parts.database)()] == []


_ENDS = {"dispute.opened", "dispute.funds_withdrawn", "dispute.funds_reinstated", "dispute.closed"}


async def assert_each_dispute_is_told_once(world: World, *, whole: bool) -> None:
    """*whole*: every step was seen; otherwise money that came and went between two readings may be unsaid."""
    rows = await world.rows(payment_transitions)
    told = Counter((row["subject_id"], row["type"]) for row in rows if row["type"].startswith("dispute."))
    messages = Counter(row["type"] for row in await world.rows(outbox_messages))
    debited = [row["source_id"] for row in await world.rows(balance_transactions) if row["amount_minor"] < 0]
    for dispute in await world.rows(disputes):
        name = dispute["id"]
        away, back = told[name, "dispute.funds_withdrawn"], told[name, "dispute.funds_reinstated"]
        decided = dispute["status"] in ("WON", "LOST", "PREVENTED", "WARNING_CLOSED")
        assert told[name, "dispute.opened"] == 1
        assert away - back == dispute["funds_withdrawn"]
        assert away <= 1
        assert told[name, "dispute.closed"] == decided
        if whole:
            assert away == any(taken == dispute["provider_dispute_id"] for taken in debited)
    for kind in _ENDS:
        assert messages[kind] == sum(count for (_, one), count in told.items() if one == kind)


async def in_order(story: Sequence[Step], case: Case) -> None:
    """Each event as soon as it happened."""
    heard: set[str] = set()
    for step in story:
        await step(case)
        for event in await case.bank.listed("events"):
            if event["id"] not in heard:
                heard.add(event["id"])
                await case.world.deliver(event)
                await work(case.world)


async def in_any_order(story: Sequence[Step], case: Case, chance: random.Random) -> None:
    """Events come late, again and again, in another order, and some never; then all is read once more."""
    for step in story:
        await step(case)
        events = await case.bank.listed("events")
        for event in chance.choices(events, k=chance.randrange(3)):
            await case.world.deliver(event)
            if chance.random() < 0.5:
                await work(case.world)
    events = await case.bank.listed("events")
    for event in chance.sample(events, k=len(events) * 2 // 3):
        await case.world.deliver(event)
    await work(case.world)
    await case.world.parts.syncing.sync_payment(_ANYBODY, case.payment_id)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_any_order_repetition_and_loss_ends_as_in_order(
    story: list[Step], seed: int, database_url: str, sqlite_url: str, tmp_path: Path
) -> None:
    currency = "usd" if seed == 2 else ""
    async with case(sqlite_url, tmp_path / "one", currency) as calm:
        await in_order(story, calm)
        wanted = await outcome(calm.world)
        await assert_the_books_are_stripes(calm.world, calm.bank)
        await assert_each_dispute_is_told_once(calm.world, whole=True)

    async with case(database_url, tmp_path / "other", currency) as wild:
        await in_any_order(story, wild, random.Random(seed))

        assert await outcome(wild.world) == wanted
        await assert_the_books_are_stripes(wild.world, wild.bank)
        await assert_each_dispute_is_told_once(wild.world, whole=False)


async def test_a_refund_that_meets_a_dispute(database_url: str, tmp_path: Path) -> None:
    """The dispute is there first, our refund does not know; and the other way round."""
    async with case(database_url, tmp_path / "bank", "") as one:
        await one.pay()
        first = await one.refund("3.00")
        await one.open(amount=700)
        second = await one.refund("1.00")
        await one.decide("win")
        third = await one.refund("1.00")
        for event in await one.bank.listed("events"):
            await one.world.deliver(event)
        await work(one.world)
        fourth = await one.refund("1.00")

        kinds = [member["__typename"] for member in (first, second, third, fourth)]
        assert kinds == ["RefundSuccess", "PaymentDisputedError", "PaymentDisputedError", "RefundSuccess"]
        (payment,) = await one.world.rows(payments)
        assert (payment["amount_refunded"], payment["amount_disputed"]) == (400, 0)
        await assert_the_books_are_stripes(one.world, one.bank)
