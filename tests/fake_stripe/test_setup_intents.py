import httpx
import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake

BACK = "https://shop.example/back"
PUBLISHABLE = {"Authorization": "Bearer pk_test_shop"}


def set_up(fake: RunningFake, payment_method: str = "pm_card_visa", **params: object) -> stripe.SetupIntent:
    """A setup intent that was confirmed as it was created."""
    return fake.stripe.v1.setup_intents.create(
        {"payment_method": payment_method, "confirm": True, "return_url": BACK, **params}
    )


def saved(fake: RunningFake, customer: stripe.Customer) -> list[str]:
    """The payment methods of a customer."""
    return [method.id for method in fake.stripe.v1.payment_methods.list({"customer": customer.id}).data]


def test_a_method_is_saved_for_its_customer(fake: RunningFake):
    customer = fake.stripe.v1.customers.create()

    intent = set_up(fake, customer=customer.id, metadata={"user_id": "u1"})

    assert (intent.status, intent.usage, intent.customer) == ("succeeded", "off_session", customer.id)
    assert saved(fake, customer) == [intent.payment_method]
    assert fake.event_types() == [
        "customer.created",
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]
    later = fake.paid(customer=customer.id, payment_method=str(intent.payment_method), off_session=True)
    assert later.status == "succeeded"


def test_a_setup_intent_is_created_then_given_a_method_then_confirmed(fake: RunningFake):
    setups = fake.stripe.v1.setup_intents
    intent = setups.create({"usage": "on_session"})
    assert (intent.status, intent.usage) == ("requires_payment_method", "on_session")
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        setups.confirm(intent.id, {"return_url": BACK})

    updated = setups.update(intent.id, {"payment_method": "pm_card_visa", "description": "For later"})
    assert (updated.status, updated.description) == ("requires_confirmation", "For later")
    confirmed = setups.confirm(intent.id, {"return_url": BACK})

    assert confirmed.status == "succeeded"
    assert setups.retrieve(intent.id).to_dict() == confirmed.to_dict()


def test_a_declined_card_is_not_saved_and_another_may_be_tried(fake: RunningFake):
    customer = fake.stripe.v1.customers.create()

    with pytest.raises(stripe.CardError) as declined:
        set_up(fake, "pm_card_chargeDeclinedInsufficientFunds", customer=customer.id)

    error = declined.value.error
    assert (declined.value.http_status, error.decline_code) == (402, "insufficient_funds")
    intent = fake.stripe.v1.setup_intents.retrieve(error.setup_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_setup_error.decline_code == "insufficient_funds"
    assert saved(fake, customer) == []
    assert fake.event_types()[-1] == "setup_intent.setup_failed"
    again = fake.stripe.v1.setup_intents.confirm(
        intent.id, {"payment_method": "pm_card_visa", "return_url": BACK}
    )
    assert (again.status, again.last_setup_error) == ("succeeded", None)


@pytest.mark.parametrize(
    ("outcome", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")]
)
def test_authentication_decides(fake: RunningFake, outcome: str, status: str):
    customer = fake.stripe.v1.customers.create()
    intent = set_up(fake, "pm_card_threeDSecure2Required", customer=customer.id)
    assert (intent.status, saved(fake, customer)) == ("requires_action", [])

    fake.tell(f"/setup_intents/{intent.id}/{outcome}_3ds")

    assert fake.stripe.v1.setup_intents.retrieve(intent.id).status == status
    assert len(saved(fake, customer)) == (1 if outcome == "complete" else 0)
    assert fake.admin.post(f"/setup_intents/{intent.id}/complete_3ds").status_code == 400


def test_the_banks_page_asks_about_the_card_and_leads_back(fake: RunningFake):
    intent = set_up(fake, "pm_card_threeDSecure2Required")
    page = intent.next_action.redirect_to_url.url

    question = fake.http.get(page)
    answer = fake.http.post(page, data={"outcome": "fail"})

    assert "may this shop use your card later?" in question.text
    back = httpx.URL(answer.headers["location"])
    assert dict(back.params) == {
        "setup_intent": intent.id,
        "setup_intent_client_secret": intent.client_secret,
        "redirect_status": "failed",
    }
    error = fake.stripe.v1.setup_intents.retrieve(intent.id).last_setup_error
    assert error.code == "setup_intent_authentication_failure"


def test_a_canceled_setup_intent_is_over(fake: RunningFake):
    setups = fake.stripe.v1.setup_intents
    intent = setups.create()

    canceled = setups.cancel(intent.id, {"cancellation_reason": "abandoned"})

    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert fake.event_types()[-1] == "setup_intent.canceled"
    for step in (setups.cancel, setups.confirm, setups.update):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            step(intent.id)
        assert refused.value.code == "setup_intent_unexpected_state"
        assert refused.value.error.setup_intent.status == "canceled"


def test_setup_intents_are_found_by_customer_and_by_method(fake: RunningFake):
    customer = fake.stripe.v1.customers.create()
    mine, other = set_up(fake, customer=customer.id), set_up(fake)
    setups = fake.stripe.v1.setup_intents

    assert [found.id for found in setups.list({"customer": customer.id}).data] == [mine.id]
    by_method = setups.list({"payment_method": str(other.payment_method)}).data
    assert [found.id for found in by_method] == [other.id]


def test_a_method_of_another_customer_cannot_be_set_up(fake: RunningFake):
    owner, other = (fake.stripe.v1.customers.create({"payment_method": "pm_card_visa"}) for _ in range(2))
    [method] = saved(fake, owner)

    with pytest.raises(stripe.InvalidRequestError, match="on the SetupIntent"):
        set_up(fake, method)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method with the ID"):
        set_up(fake, method, customer=other.id)


def test_the_browser_confirms_with_the_client_secret_and_sees_nothing_of_the_merchants(fake: RunningFake):
    intent = fake.stripe.v1.setup_intents.create({"metadata": {"private": "yes"}})
    path = f"/v1/setup_intents/{intent.id}/confirm"
    sent = {"payment_method": "pm_card_visa", "use_stripe_sdk": "true"}

    refused = fake.http.post(path, data=sent, headers=PUBLISHABLE)
    answer = fake.http.post(path, data={**sent, "client_secret": intent.client_secret}, headers=PUBLISHABLE)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "setup_intent_invalid_parameter")
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert "metadata" not in answer.json()
    assert "customer" not in answer.json()


def test_a_return_url_needs_a_confirmation(fake: RunningFake):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.setup_intents.create({"return_url": BACK})
    with pytest.raises(stripe.InvalidRequestError, match="you must provide a `return_url`"):
        fake.stripe.v1.setup_intents.create({"payment_method": "pm_card_visa", "confirm": True})

    assert refused.value.param == "return_url"
