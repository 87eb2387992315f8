import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, paying


def test_confirmed_creation_takes_the_money(fake: RunningFake):
    intent = fake.stripe.v1.payment_intents.create(paying(amount=1234, metadata={"payment_id": "pay_1"}))

    assert (intent.status, intent.amount, intent.amount_received, intent.currency) == (
        "succeeded",
        1234,
        1234,
        "eur",
    )
    assert intent.metadata.to_dict() == {"payment_id": "pay_1"}
    assert intent.last_payment_error is None
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.paid, charge.captured, charge.amount_captured, charge.status) == (
        True,
        True,
        1234,
        "succeeded",
    )
    assert charge.payment_intent == intent.id
    assert fake.event_types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_an_intent_is_created_then_given_a_method_then_confirmed(fake: RunningFake):
    intents = fake.stripe.v1.payment_intents
    intent = intents.create({"amount": 500, "currency": "USD", "description": "A book"})
    assert (intent.status, intent.currency, intent.description) == (
        "requires_payment_method",
        "usd",
        "A book",
    )
    assert intent.capture_method == "automatic_async"
    assert intent.automatic_payment_methods.to_dict() == {"allow_redirects": "always", "enabled": True}

    updated = intents.update(
        intent.id, {"payment_method": "pm_card_mastercard", "metadata": {"a": "1", "b": "2"}}
    )
    assert updated.status == "requires_confirmation"
    assert str(updated.payment_method).startswith("pm_3")
    confirmed = intents.confirm(intent.id, {"return_url": "https://shop.example/back"})

    assert confirmed.status == "succeeded"
    assert intents.retrieve(intent.id).to_dict() == confirmed.to_dict()
    assert confirmed.metadata.to_dict() == {"a": "1", "b": "2"}


def test_metadata_is_merged_and_emptied(fake: RunningFake):
    intents = fake.stripe.v1.payment_intents
    intent = intents.create({"amount": 500, "currency": "usd", "metadata": {"a": "1", "b": "2"}})

    assert intents.update(intent.id, {"metadata": {"a": "", "c": "3"}}).metadata.to_dict() == {
        "b": "2",
        "c": "3",
    }
    assert intents.update(intent.id, {"metadata": ""}).metadata.to_dict() == {}


def test_redirecting_methods_need_a_return_url(fake: RunningFake):
    with pytest.raises(stripe.InvalidRequestError, match="you must provide a `return_url`"):
        fake.stripe.v1.payment_intents.create(
            {"amount": 500, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
        )

    assert fake.state()["objects"] == {}, "the refused creation is undone"


def test_manual_capture_in_part_releases_the_rest(fake: RunningFake):
    intents = fake.stripe.v1.payment_intents
    intent = intents.create(paying(amount=1000, capture_method="manual"))
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 1000, 0)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        intents.capture(intent.id, {"amount_to_capture": 1001})
    assert refused.value.code == "amount_too_large"
    captured = intents.capture(intent.id, {"amount_to_capture": 600})

    assert (captured.status, captured.amount_capturable, captured.amount_received) == ("succeeded", 0, 600)
    charge = fake.stripe.v1.charges.retrieve(str(captured.latest_charge))
    assert (charge.captured, charge.amount, charge.amount_captured) == (True, 1000, 600)
    assert fake.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]


def test_canceling_an_authorization_gives_it_back_without_a_refund(fake: RunningFake):
    intent = fake.paid(capture_method="manual")

    canceled = fake.stripe.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})

    assert (canceled.status, canceled.cancellation_reason, canceled.amount_capturable) == (
        "canceled",
        "abandoned",
        0,
    )
    assert canceled.canceled_at
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.refunded, charge.amount_refunded, charge.captured) == (False, 0, False)
    assert fake.stripe.v1.refunds.list({"payment_intent": intent.id}).data == []
    assert fake.event_types()[-2:] == [
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
    ]


def test_an_authorization_expires_after_seven_days(fake: RunningFake):
    intent = fake.paid(capture_method="manual")
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert charge.payment_method_details.card.capture_before == charge.created + 7 * 86_400

    fake.tell("/clock/advance", seconds=7 * 86_400 - 60)
    assert fake.stripe.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    fake.tell("/clock/advance", seconds=61)
    # Due work is done between two requests: the first one lets the loop go round.
    fake.state()

    expired = fake.stripe.v1.payment_intents.retrieve(intent.id)
    assert (expired.status, expired.cancellation_reason, expired.amount_capturable) == (
        "canceled",
        "expired",
        0,
    )
    assert fake.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]


@pytest.mark.parametrize("step", ["confirm", "capture", "cancel"])
def test_a_finished_intent_refuses_every_step_and_says_where_it_stands(fake: RunningFake, step: str):
    intent = fake.paid()

    with pytest.raises(stripe.InvalidRequestError) as refused:
        getattr(fake.stripe.v1.payment_intents, step)(intent.id)

    assert refused.value.http_status == 400
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error.payment_intent.status == "succeeded"


def test_confirming_without_a_method_is_refused(fake: RunningFake):
    intent = fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "usd"})

    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method") as refused:
        fake.stripe.v1.payment_intents.confirm(intent.id)

    assert refused.value.code == "payment_intent_unexpected_state"


def test_a_declined_intent_can_be_paid_with_another_card(fake: RunningFake):
    intents = fake.stripe.v1.payment_intents
    intent = intents.create({"amount": 500, "currency": "usd"})
    with pytest.raises(stripe.CardError):
        intents.confirm(
            intent.id, {"payment_method": "pm_card_chargeDeclined", "return_url": "https://a.example"}
        )

    paid = intents.confirm(intent.id, {"payment_method": "pm_card_visa", "return_url": "https://a.example"})

    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    charges = fake.stripe.v1.charges.list({"payment_intent": intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


def test_objects_are_expanded_on_request(fake: RunningFake):
    expand = ["latest_charge.refunds", "payment_method"]
    intent = fake.stripe.v1.payment_intents.create(paying(expand=expand))
    fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 10})

    seen = fake.stripe.v1.payment_intents.retrieve(intent.id, {"expand": expand})
    listed = fake.stripe.v1.payment_intents.list({"expand": ["data.latest_charge"]})

    assert seen.payment_method.card.last4 == "4242"
    assert [refund.amount for refund in seen.latest_charge.refunds.data] == [10]
    assert listed.data[0].latest_charge.id == intent.latest_charge.id
    with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded \(amount\)"):
        fake.stripe.v1.payment_intents.retrieve(intent.id, {"expand": ["amount"]})
