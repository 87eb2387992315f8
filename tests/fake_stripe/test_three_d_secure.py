from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, paying

CARDS = ["pm_card_threeDSecure2Required", "pm_card_authenticationRequired"]


def waiting(fake: RunningFake, **params: object) -> stripe.PaymentIntent:
    """An intent that waits for the customer at the bank's page."""
    wish = {"payment_method": CARDS[0], "return_url": "https://shop.example/back?order=7", **params}
    return fake.stripe.v1.payment_intents.create(paying(**wish))


@pytest.mark.parametrize("card", CARDS)
def test_the_card_needs_authentication_before_any_charge(fake: RunningFake, card: str):
    intent = waiting(fake, payment_method=card)

    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url.return_url == "https://shop.example/back?order=7"
    assert fake.event_types() == ["payment_intent.created", "payment_intent.requires_action"]


def test_without_a_return_url_stripe_js_is_asked(fake: RunningFake):
    intent = waiting(fake, return_url="", use_stripe_sdk=True)

    assert intent.next_action.type == "use_stripe_sdk"
    assert intent.next_action.use_stripe_sdk["stripe_js"] == f"{fake.base}/_fake/3ds/{intent.id}"


@pytest.mark.parametrize(
    ("button", "redirect_status", "status"),
    [("complete", "succeeded", "succeeded"), ("fail", "failed", "requires_payment_method")],
)
def test_the_banks_page_ends_it_and_sends_the_browser_back(
    fake: RunningFake, button: str, redirect_status: str, status: str
):
    intent = waiting(fake)
    page = intent.next_action.redirect_to_url.url
    assert "€20.00" in httpx.get(page, trust_env=False, timeout=60).text

    answer = httpx.post(page, data={"outcome": button}, trust_env=False, timeout=60)

    assert answer.status_code == 303
    back = urlsplit(answer.headers["location"])
    assert (back.netloc, back.path) == ("shop.example", "/back")
    assert parse_qs(back.query) == {
        "order": ["7"],
        "payment_intent": [intent.id],
        "payment_intent_client_secret": [intent.client_secret],
        "redirect_status": [redirect_status],
    }
    assert fake.stripe.v1.payment_intents.retrieve(intent.id).status == status


def test_completion_charges_the_card(fake: RunningFake):
    intent = waiting(fake)

    fake.tell(f"/payment_intents/{intent.id}/complete_3ds")

    paid = fake.stripe.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (paid.status, paid.next_action, paid.amount_received) == ("succeeded", None, 2000)
    assert paid.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"
    assert fake.event_types()[-2:] == ["charge.succeeded", "payment_intent.succeeded"]


def test_failure_charges_nothing_and_asks_for_another_method(fake: RunningFake):
    intent = waiting(fake)

    fake.tell(f"/payment_intents/{intent.id}/fail_3ds")

    failed = fake.stripe.v1.payment_intents.retrieve(intent.id)
    assert (failed.status, failed.payment_method, failed.latest_charge) == (
        "requires_payment_method",
        None,
        None,
    )
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert fake.event_types()[-1] == "payment_intent.payment_failed"
    assert "charge.failed" not in fake.event_types()


def test_the_bank_may_decline_after_authentication(fake: RunningFake):
    intent = waiting(fake, payment_method="pm_card_threeDSecureRequiredChargeDeclined")

    fake.tell(f"/payment_intents/{intent.id}/complete_3ds")

    declined = fake.stripe.v1.payment_intents.retrieve(intent.id)
    assert (declined.status, declined.last_payment_error.code) == ("requires_payment_method", "card_declined")
    assert fake.event_types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_off_session_there_is_nobody_to_authenticate(fake: RunningFake):
    with pytest.raises(stripe.CardError) as declined:
        fake.stripe.v1.payment_intents.create(paying(payment_method=CARDS[0], off_session=True))

    assert declined.value.code == "authentication_required"
    assert declined.value.error.payment_intent.status == "requires_payment_method"


def test_an_error_instead_of_an_action_where_asked_for(fake: RunningFake):
    with pytest.raises(stripe.CardError) as refused:
        fake.stripe.v1.payment_intents.create(paying(payment_method=CARDS[0], error_on_requires_action=True))

    assert refused.value.code == "authentication_required"


def test_an_intent_that_does_not_wait_cannot_be_authenticated(fake: RunningFake):
    intent = fake.paid()

    assert fake.admin.post(f"/payment_intents/{intent.id}/complete_3ds").status_code == 400
    page = httpx.get(f"{fake.base}/_fake/3ds/{intent.id}", trust_env=False, timeout=60)
    assert page.status_code == 400
    assert "status of succeeded" in page.text
    assert httpx.get(f"{fake.base}/_fake/3ds/pi_<b>", trust_env=False, timeout=60).text.count("<b>") == 0
