import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake


def warned(fake: RunningFake) -> stripe.PaymentIntent:
    """A payment whose card's issuer has warned of it."""
    intent = fake.paid()
    fake.tell(f"/charges/{intent.id}/fraud_warning")
    return intent


def warning_of(fake: RunningFake, intent: stripe.PaymentIntent) -> stripe.radar.EarlyFraudWarning:
    """The only warning of a payment."""
    [warning] = fake.stripe.v1.radar.early_fraud_warnings.list({"payment_intent": intent.id}).data
    return warning


def test_an_issuer_warns_of_a_charge(fake: RunningFake):
    intent, other = fake.paid(), warned(fake)

    made = fake.tell(f"/charges/{intent.latest_charge}/fraud_warning", fraud_type="made_with_stolen_card")

    warning = fake.stripe.v1.radar.early_fraud_warnings.retrieve(made["id"], {"expand": ["charge"]})
    assert (warning.fraud_type, warning.actionable) == ("made_with_stolen_card", True)
    assert (warning.charge.id, warning.payment_intent) == (intent.latest_charge, intent.id)
    [told, _] = fake.stripe.v1.events.list({"type": "radar.early_fraud_warning.created"}).data
    assert told.data.object["id"] == warning.id
    assert told.request.to_dict() == {"id": None, "idempotency_key": None}
    by_charge = fake.stripe.v1.radar.early_fraud_warnings.list({"charge": str(other.latest_charge)}).data
    assert [(found.payment_intent, found.fraud_type) for found in by_charge] == [(other.id, "misc")]


def test_a_refund_leaves_nothing_to_do_when_it_is_a_whole_one(fake: RunningFake):
    intent = warned(fake)

    fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    assert warning_of(fake, intent).actionable is True
    rest = fake.stripe.v1.refunds.create({"payment_intent": intent.id})
    assert warning_of(fake, intent).actionable is False
    fake.tell(f"/refunds/{rest.id}/fail")

    assert warning_of(fake, intent).actionable is True
    updates = fake.stripe.v1.events.list({"type": "radar.early_fraud_warning.updated"}).data
    assert [event.data.object["actionable"] for event in updates] == [True, False]


def test_a_dispute_comes_too_late_for_the_warning(fake: RunningFake):
    intent = warned(fake)

    fake.tell(f"/charges/{intent.id}/dispute")

    assert warning_of(fake, intent).actionable is False


def test_a_card_whose_issuer_always_warns(fake: RunningFake):
    intent = fake.paid(payment_method="pm_card_createIssuerFraudRecord")

    assert intent.status == "succeeded"
    assert warning_of(fake, intent).actionable is True
    assert fake.stripe.v1.disputes.list().data == []


def test_nobody_warns_of_a_failed_charge(fake: RunningFake):
    with pytest.raises(stripe.CardError) as declined:
        fake.paid(payment_method="pm_card_chargeDeclined")

    answer = fake.admin.post(f"/charges/{declined.value.error.charge}/fraud_warning")

    assert answer.status_code == 400
    assert fake.stripe.v1.radar.early_fraud_warnings.list().data == []


def test_an_unknown_warning_and_an_unknown_kind_of_fraud_are_refused(fake: RunningFake):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.radar.early_fraud_warnings.retrieve("issfr_nobody")
    unknown = fake.admin.post(f"/charges/{fake.paid().id}/fraud_warning", json={"fraud_type": "rudeness"})

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    assert unknown.status_code == 400
    assert "`fraud_type`" in unknown.json()["error"]["message"]
