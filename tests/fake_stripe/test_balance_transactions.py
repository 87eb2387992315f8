from collections.abc import Callable
from pathlib import Path

import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, eventually

TWO_DAYS = 2 * 86_400


def transactions(fake: RunningFake, **params: object) -> list[tuple[str, int, int, int]]:
    """Type, amount, fee and net of the listed transactions, oldest first."""
    listed = fake.stripe.v1.balance_transactions.list({"limit": 100, **params}).data
    return [(t.type, t.amount, t.fee, t.net) for t in reversed(listed)]


def test_a_charge_brings_its_amount_less_the_fee(fake: RunningFake):
    intent = fake.paid(10_033)

    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    transaction = fake.stripe.v1.balance_transactions.retrieve(str(charge.balance_transaction))

    # 1.5 % of 10033 is 150.495
    assert (transaction.amount, transaction.fee, transaction.net) == (10_033, 175, 9_858)
    assert (transaction.type, transaction.reporting_category) == ("charge", "charge")
    assert (transaction.source, transaction.currency) == (charge.id, "eur")
    [fee] = transaction.fee_details
    assert (fee.amount, fee.currency, fee.type) == (175, "eur", "stripe_fee")


@pytest.mark.parametrize(("amount", "fee"), [(100, 27), (99, 26), (1000, 40), (1033, 40), (1034, 41)])
def test_the_fee_is_rounded_half_up(fake: RunningFake, amount: int, fee: int):
    fake.paid(amount)

    assert transactions(fake) == [("charge", amount, fee, amount - fee)]


def test_only_captured_money_reaches_the_balance(fake: RunningFake):
    intent = fake.paid(1000, capture_method="manual")
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.balance_transaction, transactions(fake)) == (None, [])

    fake.stripe.v1.payment_intents.capture(intent.id, {"amount_to_capture": 400})

    assert transactions(fake) == [("charge", 400, 31, 369)]
    [captured] = fake.stripe.v1.events.list({"type": "charge.captured"}).data
    assert captured.data.previous_attributes["balance_transaction"] is None
    assert captured.data.object["balance_transaction"].startswith("txn_")


def test_a_declined_charge_moves_nothing(fake: RunningFake):
    with pytest.raises(stripe.CardError):
        fake.paid(payment_method="pm_card_chargeDeclined")

    assert transactions(fake) == []


def test_a_refund_takes_its_amount_and_returns_no_fee(fake: RunningFake):
    intent = fake.paid(2000)
    refund = fake.stripe.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 700, "expand": ["balance_transaction"]}
    )

    assert transactions(fake) == [("charge", 2000, 55, 1945), ("refund", -700, 0, -700)]
    assert (refund.balance_transaction.source, refund.balance_transaction.fee_details) == (refund.id, [])


def test_a_failed_refund_brings_its_money_back(fake: RunningFake):
    refund = fake.stripe.v1.refunds.create({"payment_intent": fake.paid(2000).id})

    fake.tell(f"/refunds/{refund.id}/fail")

    assert transactions(fake, source=refund.id) == [
        ("refund", -2000, 0, -2000),
        ("refund_failure", 2000, 0, 2000),
    ]
    failed = fake.stripe.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert failed.failure_balance_transaction.type == "refund_failure"
    assert failed.failure_balance_transaction.id != failed.balance_transaction


def test_transactions_are_found_by_source_type_currency_and_time(fake: RunningFake):
    first = fake.paid(1000)
    fake.tell("/clock/advance", seconds=1000)
    later = fake.state()["now"]
    fake.paid(3000, currency="usd")
    fake.stripe.v1.refunds.create({"payment_intent": first.id})

    assert transactions(fake, source=first.latest_charge) == [("charge", 1000, 40, 960)]
    assert transactions(fake, type="refund") == [("refund", -1000, 0, -1000)]
    assert transactions(fake, currency="usd") == [("charge", 3000, 70, 2930)]
    assert transactions(fake, created={"lt": later}) == [("charge", 1000, 40, 960)]


def test_the_money_of_a_charge_is_available_after_two_days(fake: RunningFake):
    intent = fake.paid()

    def statuses() -> set[str]:
        """The status wherever a transaction can be seen."""
        charge = fake.stripe.v1.charges.retrieve(
            str(intent.latest_charge), {"expand": ["balance_transaction"]}
        )
        [listed] = fake.stripe.v1.balance_transactions.list().data
        retrieved = fake.stripe.v1.balance_transactions.retrieve(listed.id)
        return {charge.balance_transaction.status, listed.status, retrieved.status}

    fake.tell("/clock/advance", seconds=TWO_DAYS - 60)
    assert statuses() == {"pending"}
    fake.tell("/clock/advance", seconds=61)

    assert statuses() == {"available"}


def test_the_source_of_a_transaction_can_be_expanded(fake: RunningFake):
    fake.stripe.v1.refunds.create({"payment_intent": fake.paid().id})

    listed = fake.stripe.v1.balance_transactions.list({"expand": ["data.source"]}).data

    assert [transaction.source.object for transaction in listed] == ["refund", "charge"]


def test_an_unknown_transaction_is_missing(fake: RunningFake):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.balance_transactions.retrieve("txn_nobody")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_an_asynchronous_capture_reaches_the_balance_later(start_fake: Callable[..., RunningFake]):
    fake = start_fake(FAKE_STRIPE_ASYNC_CAPTURE_SECONDS="3600")
    intent = fake.paid(1000)
    at_once = fake.paid(1000, capture_method="automatic")
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.captured, charge.balance_transaction) == (True, None)
    assert fake.stripe.v1.charges.retrieve(str(at_once.latest_charge)).balance_transaction

    fake.tell("/clock/advance", seconds=3601)

    [updated] = eventually(lambda: fake.stripe.v1.events.list({"type": "charge.updated"}).data)
    assert updated.data.previous_attributes.to_dict() == {"balance_transaction": None}
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert updated.data.object["balance_transaction"] == charge.balance_transaction
    assert transactions(fake, source=charge.id) == [("charge", 1000, 40, 960)]


def test_an_account_may_settle_in_another_currency(tmp_path: Path):
    fake = RunningFake(tmp_path, FAKE_STRIPE_SETTLEMENT_CURRENCY="usd").start()
    try:
        intent = fake.paid(1000, currency="jpy")
        fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 33})
        fake.paid(2000, currency="usd")

        listed = fake.stripe.v1.balance_transactions.list().data[::-1]
        assert [(t.currency, t.exchange_rate) for t in listed] == [("usd", 1.1), ("usd", 1.1), ("usd", None)]
        # 1 yen is 1.10 dollars; the fee is 1.5 % and 25 cents
        expected = [
            ("charge", 110_000, 1675, 108_325),
            ("refund", -3630, 0, -3630),
            ("charge", 2000, 55, 1945),
        ]
        assert transactions(fake) == expected
    finally:
        fake.close()
