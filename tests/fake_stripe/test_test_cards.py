import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, paying

DECLINES = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", "processing_error"),
}


@pytest.mark.parametrize(("payment_method", "codes"), DECLINES.items())
def test_a_declining_card_answers_402_and_leaves_the_failed_attempt(
    fake: RunningFake, payment_method: str, codes: tuple[str, str]
):
    with pytest.raises(stripe.CardError) as declined:
        fake.stripe.v1.payment_intents.create(paying(payment_method=payment_method))

    error = declined.value.error
    assert declined.value.http_status == 402
    assert (error.code, error.decline_code) == codes
    assert error.doc_url == f"https://stripe.com/docs/error-codes/{codes[0].replace('_', '-')}"
    intent = fake.stripe.v1.payment_intents.retrieve(error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert (intent.last_payment_error.code, intent.last_payment_error.decline_code) == codes
    assert intent.last_payment_error.payment_method.card.last4
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.id, charge.status, charge.paid, charge.failure_code) == (
        error.charge,
        "failed",
        False,
        codes[0],
    )
    assert charge.outcome.reason == codes[1]
    assert fake.event_types() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


@pytest.mark.parametrize(
    ("payment_method", "brand", "last4"),
    [
        ("pm_card_visa", "visa", "4242"),
        ("pm_card_mastercard", "mastercard", "4444"),
        ("pm_card_amex", "amex", "0005"),
    ],
)
def test_a_test_name_becomes_a_payment_method_of_that_card(
    fake: RunningFake, payment_method: str, brand: str, last4: str
):
    method = fake.stripe.v1.payment_methods.retrieve(payment_method)

    assert method.id != payment_method
    assert (method.type, method.card.brand, method.card.last4) == ("card", brand, last4)
    assert fake.stripe.v1.payment_methods.retrieve(method.id).to_dict() == method.to_dict()
    assert fake.paid(payment_method=method.id).payment_method == method.id


def test_a_card_number_behaves_like_its_test_name(fake: RunningFake):
    card = {"number": "4000 0000 0000 9995", "exp_month": 4, "exp_year": 30, "cvc": "123"}
    method = fake.stripe.v1.payment_methods.create({"type": "card", "card": card})
    assert (method.card.last4, method.card.exp_year) == ("9995", 2030)

    with pytest.raises(stripe.CardError) as declined:
        fake.stripe.v1.payment_intents.create(paying(payment_method=method.id))

    assert declined.value.error.decline_code == "insufficient_funds"


def test_an_unknown_card_number_is_incorrect(fake: RunningFake):
    with pytest.raises(stripe.CardError) as refused:
        fake.stripe.v1.payment_methods.create({"type": "card", "card": {"number": "4111111111111112"}})

    assert refused.value.code == "incorrect_number"


def test_an_unknown_payment_method_is_missing(fake: RunningFake):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.payment_intents.create(paying(payment_method="pm_card_nobody_has"))

    assert (refused.value.http_status, refused.value.code) == (400, "resource_missing")
