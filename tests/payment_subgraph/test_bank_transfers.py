"""Another processor: everything but the adapter is the same as with Stripe."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from payment_subgraph.bank_transfer_processor import BankTransferProcessor
from payment_subgraph.customer import Customer, SavedMethod
from payment_subgraph.customer_tables import customers, saved_payment_methods
from payment_subgraph.errors import SettingError
from payment_subgraph.operation import Operation
from payment_subgraph.processor import Answer, OutcomeUnknown
from payment_subgraph.processors import open_processor
from payment_subgraph.settings import Settings
from payment_subgraph.tables import ledger_entries, payments
from tests.payment_subgraph.method_desk import remove, set_up
from tests.payment_subgraph.stripe_wire import StripeWire
from tests.payment_subgraph.world import ADA, STAFF, Clock, World, settings

pytestmark = pytest.mark.anyio

EUROS = "EUR"


class Forgetful(BankTransferProcessor):
    """Does what it is asked, and breaks before it can say so, *times* times."""

    times = 0

    async def send(self, operation: Operation, provider_payment_id: str | None) -> Answer:
        answer = await super().send(operation, provider_payment_id)
        if self.times:
            self.times -= 1
            raise OutcomeUnknown("the answer is lost", stored=False)
        return answer


@pytest.fixture
async def bank(database_url: str) -> AsyncIterator[World]:
    chosen, clock = settings(database_url, PAYMENT_PROCESSOR="bank_transfer"), Clock()
    processor = Forgetful(database_url, environment=chosen.environment, clock=clock)
    made = World.around(chosen, clock, StripeWire(clock), processor)
    yield made
    await made.close()
    async with processor._database.writing() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS bank_transfer_journal"))
    await processor.close()


async def awaited(bank: World, amount: str = "40.00") -> dict[str, Any]:
    member = await bank.create(amount, reference="order-1")
    assert member["__typename"] == "PaymentSuccess", member
    payment: dict[str, Any] = member["payment"]
    return payment


def captured(payment: dict[str, Any]) -> tuple[str, str]:
    return payment["status"], payment["amountCaptured"]["amount"]


async def deeds(bank: World) -> list[str]:
    async with bank.parts.database.reading() as connection:
        found = await connection.execute(text("SELECT deed FROM bank_transfer_journal ORDER BY seq"))
        return list(found.scalars())


def test_the_settings_choose_it_and_ask_for_no_key_of_stripes() -> None:
    chosen = Settings.read({"PAYMENT_PROCESSOR": "bank_transfer"})

    assert open_processor(chosen, Clock()).name == "bank_transfer"
    with pytest.raises(SettingError, match="STRIPE_SECRET_KEY"):
        Settings.read({"PAYMENT_PROCESSOR": "stripe"})


async def test_the_payment_waits_for_the_money(bank: World) -> None:
    payment = await awaited(bank)

    assert (payment["status"], payment["amountCapturable"]["amount"]) == ("REQUIRES_CAPTURE", "40.00")
    assert payment["availableActions"] == ["CAPTURE", "CANCEL"]


async def test_staff_say_what_came(bank: World) -> None:
    payment = await awaited(bank)

    money = {"amount": "39.00", "currency": EUROS}
    member = await bank.mutate("capturePayment", STAFF, paymentId=payment["id"], amount=money)

    assert captured(member["payment"]) == ("SUCCEEDED", "39.00")
    entries = await bank.rows(ledger_entries)
    assert sorted((row["account"], row["amount_minor"]) for row in entries) == [
        ("payments_received", -3900),
        ("stripe_clearing", 3900),
    ]


async def test_the_payer_cannot_say_it_came(bank: World) -> None:
    payment = await awaited(bank)
    query = "mutation($i: CapturePaymentInput!) { capturePayment(input: $i) { __typename } }"

    answer = await bank.ask(query, ADA, i={"idempotencyKey": "mine", "paymentId": payment["id"]})

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert captured(await bank.payment(payment["id"])) == ("REQUIRES_CAPTURE", "0.00")


async def test_it_is_sent_back_in_parts_and_never_more_than_came(bank: World) -> None:
    payment = await awaited(bank)
    await bank.mutate("capturePayment", STAFF, paymentId=payment["id"])
    half = {"amount": "25.00", "currency": EUROS}

    first = await bank.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=half)
    second = await bank.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=half)

    assert first["refund"]["status"] == "SUCCEEDED"
    assert (second["__typename"], second["refundable"]["amount"]) == ("RefundExceedsAvailableError", "15.00")
    assert (await bank.payment(payment["id"]))["financialStatus"] == "PARTIALLY_REFUNDED"


async def test_one_that_never_came_is_canceled(bank: World) -> None:
    payment = await awaited(bank)

    await bank.mutate("cancelPayment", paymentId=payment["id"])
    late = await bank.mutate("capturePayment", STAFF, paymentId=payment["id"])

    assert (late["__typename"], late["currentStatus"]) == ("InvalidPaymentStateError", "CANCELED")


async def test_a_card_is_no_bank_account(bank: World) -> None:
    member = await bank.create(paymentMethodId="pm_card_visa", confirm=True)

    assert (member["__typename"], member["fields"][0]["code"]) == (
        "ValidationError",
        "UNKNOWN_PAYMENT_METHOD",
    )
    assert [row["status"] for row in await bank.rows(payments)] == ["FAILED"]


async def test_nothing_is_kept_to_be_paid_with_again(bank: World) -> None:
    setting_up = await set_up(bank)
    saving = await bank.create(savePaymentMethod=True)

    assert_nothing_is_kept(setting_up, saving)
    assert await bank.rows(customers) == await bank.rows(payments) == []


def assert_nothing_is_kept(setting_up: dict[str, Any], saving: dict[str, Any]) -> None:
    said = "The payment provider of this service keeps no payment methods."
    assert (setting_up["__typename"], setting_up["retryable"]) == ("PaymentProviderError", False)
    assert setting_up["message"] == said
    assert saving["__typename"] == "ValidationError"
    assert saving["fields"] == [
        {"path": ["input", "savePaymentMethod"], "code": "REFUSED_BY_PROVIDER", "message": said}
    ]


async def test_what_another_processor_keeps_is_left_to_it(bank: World) -> None:
    """Kept before the shop changed to bank transfers: nothing to pay with, yet not taken for gone."""
    now, environment = bank.clock(), bank.settings.environment
    dated = {"created_at": now, "updated_at": now}
    customer = Customer("ctm_1", ADA.id, environment, provider_customer_id="cus_1", **dated)
    method = SavedMethod("mth_1", "ctm_1", ADA.id, "pm_1", None, kept_at=now, **dated)
    async with bank.parts.customers.repository.writing() as rows:
        await rows.add_customer(customer)
        await rows.add_method(method)

    paying = await bank.create(paymentMethodId="mth_1", confirm=True)
    setting_up = await set_up(bank)
    saving = await bank.create(savePaymentMethod=True)
    removing = await remove(bank, "mth_1")
    bank.clock.turn(minutes=1)
    await bank.work()

    assert paying["fields"][0]["code"] == "UNKNOWN_PAYMENT_METHOD"
    assert_nothing_is_kept(setting_up, saving)
    assert (removing["__typename"], removing["retryable"]) == ("PaymentProviderError", True)
    (row,) = await bank.rows(saved_payment_methods)
    assert row["removed_at"] is not None
    assert row["detached_at"] is None
    (owner,) = await bank.rows(customers)
    assert owner["ended_at"] is None


@pytest.mark.parametrize("lost", ["createPayment", "capturePayment", "cancelPayment", "refundPayment"])
async def test_a_lost_answer_is_found_in_the_journal(bank: World, lost: str) -> None:
    processor = bank.parts.processor
    assert isinstance(processor, Forgetful)
    if lost == "createPayment":
        processor.times = 1
        member = await bank.create(reference="order-1")
    else:
        payment = await awaited(bank)
        if lost == "refundPayment":
            await bank.mutate("capturePayment", STAFF, paymentId=payment["id"])
        processor.times = 1
        member = await bank.mutate(lost, STAFF, paymentId=payment["id"])
    assert member["__typename"] == "OperationPending"
    before = await deeds(bank)

    bank.clock.turn(minutes=1)
    await bank.work()

    assert await deeds(bank) == before
    assert (await bank.payment(member["payment"]["id"]))["pendingOperations"] == []


async def test_of_many_captures_at_once_one_is_done(bank: World) -> None:
    payment = await awaited(bank)
    asked = (bank.mutate("capturePayment", STAFF, paymentId=payment["id"]) for _ in range(20))

    members = await asyncio.gather(*asked)

    assert [member["__typename"] for member in members].count("PaymentSuccess") == 1
    assert await deeds(bank) == ["CREATE", "CAPTURE"]


async def test_the_books_are_compared_with_the_journal(bank: World) -> None:
    payment = await awaited(bank)
    await bank.mutate("capturePayment", STAFF, paymentId=payment["id"])
    await bank.mutate("refundPayment", STAFF, paymentId=payment["id"])
    until = bank.clock() + timedelta(minutes=1)

    window = until - timedelta(hours=1), until
    made = [one async for one in bank.parts.processor.payments_made(*window)]
    back = [one async for one in bank.parts.processor.refunds_made(*window)]

    assert [one.seen.payment_id for one in made] == [payment["id"]]
    assert [one.seen.provider_payment_id for one in back] == [made[0].seen.provider_payment_id]
    assert [one async for one in bank.parts.processor.disputes_made(*window)] == []
    assert [one async for one in bank.parts.processor.movements_made(*window)] == []
    assert await bank.parts.bookkeeper.book_check.check(*window) == []


async def test_nobody_sends_webhooks(bank: World) -> None:
    response = await bank.http.post("/webhooks/bank_transfer", content="{}")

    assert response.status_code == 404
