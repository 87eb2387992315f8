"""What the commands about the books print, and their exit status."""

import pytest
from sqlalchemy import update

from payment_subgraph.book_commands import compare_day, correct_totals, post_what_is_missing, verify_tables
from payment_subgraph.tables import book_differences, day_totals, payments
from payment_subgraph.totals import Totals
from tests.payment_subgraph.test_rebuild import change
from tests.payment_subgraph.world import World

pytestmark = pytest.mark.anyio


async def test_a_day_is_compared(small_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    payment, today = await small_world.pay("10.00"), small_world.clock().date()
    assert await compare_day(small_world.parts, today) == 0
    intent = small_world.wire.intents.pop("pi_1")

    assert await compare_day(small_world.parts, today) == 1
    small_world.wire.intents["pi_1"] = intent
    assert await compare_day(small_world.parts, today) == 0

    (row,) = await small_world.rows(book_differences)
    assert row["resolved_at"] is not None
    assert capsys.readouterr().out.splitlines() == [
        f"{today}: the books are alike",
        f"MISSING_THERE payment {payment['id']}: here SUCCEEDED, there nothing",
        f"{today}: 1 difference",
        f"{today}: the books are alike",
    ]


async def test_a_day_is_not_compared_while_the_provider_is_down(
    small_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    small_world.wire.down = True

    assert await compare_day(small_world.parts, small_world.clock().date()) == 2

    assert capsys.readouterr().err.startswith("The provider could not be asked: ")


async def test_what_differs_from_the_log_is_printed(
    small_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    payment, database = await small_world.pay("10.00"), small_world.parts.database
    assert await verify_tables(database) == 0
    await change(small_world, update(payments).values(status="PROCESSING"))

    assert await verify_tables(database) == 1

    assert capsys.readouterr().out.splitlines() == [
        "1 payment verified, 0 differences",
        f"{payment['id']}: status is PROCESSING, by the log it is SUCCEEDED",
        "1 payment verified, 1 difference",
    ]


async def test_totals_are_corrected_and_payments_are_not(
    small_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await small_world.pay("10.00")
    await Totals(small_world.parts.database).sum_up()
    await change(
        small_world, update(day_totals).values(entries=7), update(payments).values(description="changed")
    )

    assert await correct_totals(small_world.parts.database) == 0

    assert capsys.readouterr().out.startswith("4 sums of days corrected. Payments are not rewritten")
    assert await Totals(small_world.parts.database).wrong() == []
    assert [row["description"] for row in await small_world.rows(payments)] == ["changed"]


async def test_missing_postings_are_printed(small_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    payment = (await small_world.create("10.00"))["payment"]
    await change(small_world, update(payments).values(amount_captured=1000, version=5))

    assert [await post_what_is_missing(small_world.parts.database) for _ in range(2)] == [0, 0]

    assert capsys.readouterr().out.splitlines() == [
        f"{payment['id']}: CAPTURE 10.00 EUR posted to stripe_clearing from payments_received",
        "1 missing posting written",
        "0 missing postings written",
    ]
