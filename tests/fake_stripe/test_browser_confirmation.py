"""What Stripe.js does: confirm from the shop's page with the publishable key and the client secret."""

import httpx
import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake

PUBLISHABLE = {"Authorization": "Bearer pk_test_shop", "Origin": "https://shop.example"}


def opened(fake: RunningFake) -> stripe.PaymentIntent:
    """An intent the customer is to pay."""
    return fake.stripe.v1.payment_intents.create(
        {"amount": 700, "currency": "eur", "metadata": {"private": "yes"}}
    )


def confirm(fake: RunningFake, intent: stripe.PaymentIntent, **fields: str) -> httpx.Response:
    """The call of `stripe.confirmPayment`."""
    sent = {
        "client_secret": str(intent.client_secret),
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4242424242424242",
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "34",
        "payment_method_data[card][cvc]": "123",
        "payment_method_data[billing_details][address][country]": "DE",
        "use_stripe_sdk": "true",
        **fields,
    }
    return fake.http.post(f"/v1/payment_intents/{intent.id}/confirm", data=sent, headers=PUBLISHABLE)


def test_the_browser_pays_with_a_card_number(fake: RunningFake):
    answer = confirm(fake, opened(fake))

    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "succeeded"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "metadata" not in answer.json()
    assert "latest_charge" not in answer.json()


def test_a_declined_card_shows_the_browser_no_more_of_the_intent(fake: RunningFake):
    answer = confirm(fake, opened(fake), **{"payment_method_data[card][number]": "4000000000000002"})

    assert answer.status_code == 402
    error = answer.json()["error"]
    assert (error["code"], error["payment_intent"]["status"]) == ("card_declined", "requires_payment_method")
    assert "metadata" not in error["payment_intent"]


@pytest.mark.parametrize("secret", ["", "pi_other_secret_other"])
def test_the_client_secret_must_fit(fake: RunningFake, secret: str):
    answer = confirm(fake, opened(fake), client_secret=secret)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "payment_intent_invalid_parameter"


def test_the_browser_reads_its_intent_with_the_client_secret(fake: RunningFake):
    intent = opened(fake)
    path = f"/v1/payment_intents/{intent.id}"

    read = fake.http.get(path, params={"client_secret": intent.client_secret}, headers=PUBLISHABLE)

    assert read.json()["status"] == "requires_payment_method"
    assert fake.http.get(path, headers=PUBLISHABLE).status_code == 400


def test_a_publishable_key_opens_nothing_else(fake: RunningFake):
    answer = fake.http.get("/v1/payment_intents", headers=PUBLISHABLE)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "secret_key_required"


def test_the_browsers_preflight_is_allowed(fake: RunningFake):
    answer = fake.http.options(
        "/v1/payment_intents/pi_1/confirm",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, stripe-version",
        },
    )

    assert answer.status_code == 200
    assert "authorization" in answer.headers["access-control-allow-headers"]
