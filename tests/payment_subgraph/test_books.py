"""What can be asked about the books: the ledger's check, the report, a user's summary."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.engine import make_url

from payment_subgraph.errors import BadUserInput
from payment_subgraph.ledger import Account
from payment_subgraph.report import MAX_SPAN, ReportInterval, Takings, by_period, check_span
from payment_subgraph.tables import payments
from tests.payment_subgraph.databases import PostgresServer
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.test_ledger import assert_the_ledger_equals_the_payments, entry, write
from tests.payment_subgraph.world import ADA, GRACE, HELPDESK, STAFF, Person, Statements, World

pytestmark = pytest.mark.anyio

FINANCE = Person("usr_finance", "ledger:read reports:read")
CHECK = """query($currency: CurrencyCode!) { ledgerCheck(currency: $currency) {
  balanced matchesPayments accounts { account balance { amount currency } } checkedAt
  differences { paymentId kind cause expected { amount } posted { amount } } } }"""


# The check.


async def check(world: World, currency: str = "EUR") -> dict[str, Any]:
    answer = await world.ask(CHECK, FINANCE, currency=currency)
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["ledgerCheck"]
    return found


@pytest.mark.parametrize("seed", range(8))
async def test_the_ledger_equals_the_payments_after_any_flow(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(3):
        await world.pay(f"{chance.randint(5, 90)}.00", reference=f"order-{number}")
    ids = [row["id"] for row in await world.rows(payments)]

    for _ in range(12):
        await happen(world, chance, ids)
        await assert_the_ledger_equals_the_payments(world)
    world.clock.turn(hours=25)
    await world.work()

    await assert_the_ledger_equals_the_payments(world)
    assert (await check(world))["matchesPayments"]


async def happen(world: World, chance: random.Random, ids: list[str]) -> None:
    """Something to one of the payments: a refund here or elsewhere, a lost answer, a change of mind, old news."""
    intent = chance.choice(list(world.wire.intents))
    money = {"amount": f"{chance.randint(1, 30)}.00", "currency": "EUR"}
    what = chance.choice(["refund", "lost", "elsewhere", "fails", "news", "work"])
    if what == "lost":
        world.wire.faults = [Fault.LOST_ANSWER]
    if what in ("refund", "lost"):
        await world.mutate("refundPayment", STAFF, paymentId=chance.choice(ids), amount=money)
    if what == "elsewhere" and (left := refundable(world, intent)) > 0:
        world.wire.add_refund(intent, chance.randint(1, left))
    if what == "fails" and world.wire.refunds:
        failed = chance.choice(list(world.wire.refunds.values()))
        failed["status"] = chance.choice(["failed", "canceled"])
        await world.deliver(world.wire.event("refund.failed", failed))
    if what in ("news", "elsewhere"):
        await world.deliver(
            world.wire.event("charge.refunded", {"object": "charge", "payment_intent": intent})
        )
    if what != "news":
        await world.work()


def refundable(world: World, intent: str) -> int:
    found = [one for one in world.wire.refunds.values() if one["payment_intent"] == intent]
    taken = sum(one["amount"] for one in found if one["status"] == "succeeded")
    return int(world.wire.intents[intent]["amount_received"]) - taken


async def test_the_check_tells_what_is_on_each_account(world: World) -> None:
    payment = await world.pay("10.00")
    await world.pay("500", "JPY", reference="yen")
    money = {"amount": "3.00", "currency": "EUR"}
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)

    found = await check(world)

    assert (found["balanced"], found["matchesPayments"], found["differences"]) == (True, True, [])
    assert [one["account"] for one in found["accounts"]] == [account.value for account in Account]
    assert balances(found) == {"stripe_clearing": "7.00", "payments_received": "-7.00"}
    assert balances(await check(world, "JPY")) == {"stripe_clearing": "500", "payments_received": "-500"}
    assert balances(await check(world, "USD")) == {}


def balances(found: dict[str, Any]) -> dict[str, str]:
    """Of the accounts that are not empty."""
    amounts = {one["account"]: one["balance"]["amount"] for one in found["accounts"]}
    return {account: amount for account, amount in amounts.items() if float(amount)}


async def test_the_check_tells_where_payments_and_ledger_differ(world: World) -> None:
    paid = [await world.pay("10.00", reference=f"order-{number}") for number in range(4)]
    unpaid = (await world.create("10.00"))["payment"]
    async with world.parts.database.writing() as connection:
        for changed, columns in (
            (unpaid, {"amount_captured": 400}),
            (paid[0], {"amount_captured": 0}),
            (paid[1], {"amount_captured": 900, "amount_refunded": 100}),
        ):
            where = payments.c.id == changed["id"]
            await connection.execute(update(payments).where(where).values(**columns))

    found = await check(world)

    assert (found["balanced"], found["matchesPayments"]) == (True, False)
    assert sorted(
        (one["paymentId"], one["kind"], one["cause"], one["expected"]["amount"], one["posted"]["amount"])
        for one in found["differences"]
    ) == sorted(
        [
            (unpaid["id"], "CAPTURE", "MISSING", "4.00", "0.00"),
            (paid[0]["id"], "CAPTURE", "UNEXPECTED", "0.00", "10.00"),
            (paid[1]["id"], "CAPTURE", "OTHER_AMOUNT", "9.00", "10.00"),
            (paid[1]["id"], "REFUND", "MISSING", "1.00", "0.00"),
        ]
    )


async def test_what_is_posted_in_another_currency_than_the_payments_is_a_difference(world: World) -> None:
    payment = await world.pay("10.00")
    await write(
        world,
        entry(payment, 500, "a", currency="USD"),
        entry(payment, -500, "b", currency="USD", account="payments_received"),
    )

    (difference,) = (await check(world, "USD"))["differences"]

    assert (difference["cause"], difference["posted"]["amount"]) == ("UNEXPECTED", "5.00")
    assert (await check(world, "EUR"))["matchesPayments"]


async def test_an_unknown_currency_has_no_books(small_world: World) -> None:
    answer = await small_world.ask(CHECK, FINANCE, currency="XXQ")

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_only_who_may_read_the_ledger_checks_it(small_world: World) -> None:
    answer = await small_world.ask(CHECK, STAFF, currency="EUR")

    assert answer["data"] == {"ledgerCheck": None}
    assert answer["errors"][0]["extensions"]["requiredScopes"] == [["ledger:read"]]


# The report.

REPORT = """query($from: DateTime!, $to: DateTime!, $interval: ReportInterval!, $currency: CurrencyCode) {
  paymentReport(from: $from, to: $to, interval: $interval, currency: $currency) {
    periodStart currency attempted succeeded captured { amount } refunded { amount } net { amount } } }"""


def takings(day: str, captured: int, currency: str = "EUR") -> Takings:
    return Takings(date.fromisoformat(day), currency, captured=captured)


def test_days_are_summed_up_by_period_and_currency() -> None:
    days = [
        takings("2026-11-30", 1),  # a Monday
        takings("2026-12-06", 2),
        takings("2026-12-07", 4),
        takings("2026-12-07", 8),
        takings("2026-12-07", 16, "CHF"),
    ]

    assert by_period(days, ReportInterval.DAY) == [
        takings("2026-11-30", 1),
        takings("2026-12-06", 2),
        takings("2026-12-07", 16, "CHF"),
        takings("2026-12-07", 12),
    ]
    assert by_period(days, ReportInterval.WEEK) == [
        takings("2026-11-30", 3),
        takings("2026-12-07", 16, "CHF"),
        takings("2026-12-07", 12),
    ]
    assert by_period(days, ReportInterval.MONTH) == [
        takings("2026-11-01", 1),
        takings("2026-12-01", 16, "CHF"),
        takings("2026-12-01", 14),
    ]


@pytest.mark.parametrize("days", [0, -1, MAX_SPAN.days + 1])
def test_a_span_is_neither_empty_nor_endless(days: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    check_span(start, start + MAX_SPAN)

    with pytest.raises(BadUserInput):
        check_span(start, start + timedelta(days=days))


async def report(world: World, interval: str = "DAY", **other: Any) -> list[tuple[Any, ...]]:
    now = world.clock()
    span = {
        "from": (now - timedelta(days=100)).isoformat(),
        "to": (now + timedelta(days=1)).isoformat(),
        "interval": interval,
    }
    answer = await world.ask(REPORT, FINANCE, **(span | other))
    assert "errors" not in answer, answer
    return [
        (
            row["periodStart"][:10],
            row["currency"],
            row["attempted"],
            row["succeeded"],
            *(row[name]["amount"] for name in ("captured", "refunded", "net")),
        )
        for row in answer["data"]["paymentReport"]
    ]


async def test_the_report_counts_each_thing_on_its_day(world: World) -> None:
    paid = await world.pay("10.00")
    await world.create("7.00")
    await world.pay("500", "JPY")
    first = world.clock().date().isoformat()
    world.clock.turn(days=40)
    await world.mutate(
        "refundPayment", STAFF, paymentId=paid["id"], amount={"amount": "3.00", "currency": "EUR"}
    )
    world.wire.succeed("pi_2")
    await world.deliver_and_work("payment_intent.succeeded", "pi_2")
    later = world.clock().date().isoformat()

    assert await report(world) == [
        (first, "EUR", 2, 1, "10.00", "0.00", "10.00"),
        (first, "JPY", 1, 1, "500", "0", "500"),
        (later, "EUR", 0, 1, "7.00", "3.00", "4.00"),
    ]
    assert await report(world, currency="JPY") == [(first, "JPY", 1, 1, "500", "0", "500")]
    assert len(await report(world, "MONTH")) == 3


async def test_a_day_is_one_of_utc_wherever_the_database_stands(postgres: PostgresServer) -> None:
    with postgres.fresh() as url:
        abroad = make_url(url).update_query_dict({"options": "-c timezone=Asia/Tokyo"})
        world = World.build(abroad.render_as_string(hide_password=False))
        await assert_days_are_of_utc(world)
        await world.close()


async def test_a_span_begins_with_its_start_and_ends_before_its_end(world: World) -> None:
    await assert_days_are_of_utc(world)


async def assert_days_are_of_utc(world: World) -> None:
    payment = (await world.create("10.00"))["payment"]
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    moments = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=23, minutes=59)]
    for number, moment in enumerate(moments):
        at = {"txn_id": f"txn_{number}", "effective_at": moment}
        await write(
            world,
            entry(payment, 100, f"{number}:a", **at),
            entry(payment, -100, f"{number}:b", **at, account="payments_received"),
        )

    whole = await report(world, **{"from": "2026-02-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"})
    one_day = await report(world, **{"from": "2026-03-01T00:00:00Z", "to": "2026-03-01T23:59:00Z"})

    assert [(row[0], row[4]) for row in whole] == [("2026-02-28", "1.00"), ("2026-03-01", "2.00")]
    assert [(row[0], row[4]) for row in one_day] == [("2026-03-01", "1.00")]


async def test_only_who_may_read_reports_reads_them(small_world: World) -> None:
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "interval": "DAY"}

    answer = await small_world.ask(REPORT, STAFF, **span)
    refused = await small_world.ask(REPORT, FINANCE, **(span | {"to": span["from"]}))

    assert answer["data"] == {"paymentReport": None}
    assert answer["errors"][0]["extensions"]["requiredScopes"] == [["reports:read"]]
    assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


# A user's summary.

SUMMARY = """query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id
  paymentSummary(currency: "EUR") { currency paymentCount captured { amount } refunded { amount } net { amount } } } } }"""


async def summaries(world: World, person: Person, *ids: str) -> Any:
    representations = [{"__typename": "User", "id": one} for one in ids]
    return await world.ask(SUMMARY, person, r=representations)


async def test_a_summary_adds_up_the_users_payments_of_one_currency(world: World) -> None:
    paid = await world.pay("10.00")
    await world.pay("500", "JPY")
    await world.create("7.00")
    await world.mutate(
        "refundPayment", STAFF, paymentId=paid["id"], amount={"amount": "3.00", "currency": "EUR"}
    )

    answer = await summaries(world, HELPDESK, ADA.id, "usr_nobody")

    assert [one["paymentSummary"] for one in answer["data"]["_entities"]] == [
        {
            "currency": "EUR",
            "paymentCount": 2,
            "captured": {"amount": "10.00"},
            "refunded": {"amount": "3.00"},
            "net": {"amount": "7.00"},
        },
        {
            "currency": "EUR",
            "paymentCount": 0,
            "captured": {"amount": "0.00"},
            "refunded": {"amount": "0.00"},
            "net": {"amount": "0.00"},
        },
    ]


async def test_a_hundred_summaries_cost_one_statement(world: World) -> None:
    with Statements(world.parts.database) as counted:
        answer = await summaries(world, HELPDESK, *(f"usr_{number}" for number in range(100)))

    assert len(answer["data"]["_entities"]) == 100
    assert len(counted.texts) == 1


async def test_nobody_sees_the_summary_of_another(small_world: World) -> None:
    await small_world.pay("10.00")

    own = await summaries(small_world, ADA, ADA.id)
    foreign = await summaries(small_world, GRACE, ADA.id)

    assert own["data"]["_entities"][0]["paymentSummary"]["paymentCount"] == 1
    assert foreign["data"]["_entities"][0]["paymentSummary"] is None
    assert foreign["errors"][0]["extensions"]["code"] == "FORBIDDEN"
