import asyncio
import base64
import re

import pytest
import stripe

from tests.fake_stripe.running_fake import SECRET_KEY, RunningFake, paying

INTENT = {"amount": "2000", "currency": "eur"}


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"amount": ""}, "parameter_invalid_empty", "amount"),
        ({"amount": "19.99"}, "parameter_invalid_integer", "amount"),
        ({"amount": "-5"}, "parameter_invalid_integer", "amount"),
        ({"amount": "49"}, "amount_too_small", "amount"),
        ({"amount": "100000000"}, "amount_too_large", "amount"),
        ({"currency": "bhd", "amount": "1001"}, "parameter_invalid_integer", "amount"),
        ({"currency": "isk", "amount": "1050"}, "parameter_invalid_integer", "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        (
            {"automatic_payment_methods[enabeld]": "true"},
            "parameter_unknown",
            "automatic_payment_methods[enabeld]",
        ),
        ({"capture_method": "sometimes"}, None, "capture_method"),
        ({"confirm": "yes"}, None, "confirm"),
        ({"metadata": "text"}, None, "metadata"),
        ({"metadata[k]": "v" * 501}, "parameter_invalid_string", "metadata[k]"),
        ({"return_url": "https://shop.example"}, None, "return_url"),
        ({"return_url": "/back", "confirm": "true"}, "url_invalid", "return_url"),
        ({"return_url": "javascript:alert(1)", "confirm": "true"}, "url_invalid", "return_url"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
    ],
)
def test_a_wrong_parameter_is_named(fake: RunningFake, wrong: dict[str, str], code: str | None, param: str):
    answer = fake.http.post("/v1/payment_intents", data={**INTENT, **wrong})

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error.get("code"), error.get("param")) == ("invalid_request_error", code, param)
    assert fake.state()["objects"] == {}


@pytest.mark.parametrize("absent", ["amount", "currency"])
def test_a_missing_parameter_is_named(fake: RunningFake, absent: str):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.payment_intents.create({name: INTENT[name] for name in INTENT if name != absent})

    assert (refused.value.code, refused.value.param) == ("parameter_missing", absent)


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("jpy", 50), ("bhd", 1000), ("isk", 100), ("ugx", 300000), ("idr", 10**11), ("eur", 99999999)],
)
def test_other_exponents_are_taken(fake: RunningFake, currency: str, amount: int):
    assert fake.paid(amount, currency=currency).amount_received == amount


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "You did not provide an API key"),
        ("Bearer", "You did not provide an API key"),
        ("Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc", r"Invalid API Key provided: sk_live_\*+p7dc"),
        ("Basic !", "You did not provide an API key"),
    ],
)
def test_without_a_good_key_nothing_opens(fake: RunningFake, header: str, message: str):
    answer = fake.http.get("/v1/events", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert re.match(message, answer.json()["error"]["message"])
    assert answer.headers["request-id"].startswith("req_")


def test_the_sdk_understands_a_refused_key(fake: RunningFake):
    with pytest.raises(stripe.AuthenticationError):
        fake.client(key="sk_live_x").v1.events.list()


def test_basic_authentication_works(fake: RunningFake):
    basic = base64.b64encode(f"{SECRET_KEY}:".encode()).decode()

    assert fake.http.get("/v1/events", headers={"Authorization": f"Basic {basic}"}).status_code == 200


def test_with_a_key_set_only_that_one_opens(start_fake):
    fake = start_fake(STRIPE_SECRET_KEY=SECRET_KEY)

    assert fake.paid().status == "succeeded"
    with pytest.raises(stripe.AuthenticationError):
        fake.client(key="sk_test_another").v1.events.list()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("payment_intents", "payment_intent"),
        ("refunds", "refund"),
        ("charges", "charge"),
        ("events", "event"),
        ("payment_methods", "PaymentMethod"),
    ],
)
def test_an_unknown_object_is_missing(fake: RunningFake, path: str, kind: str):
    answer = fake.http.get(f"/v1/{path}/xx_nobody")

    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("resource_missing", f"No such {kind}: 'xx_nobody'")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/unicorns"), ("DELETE", "/v1/refunds/re_1")])
def test_an_unknown_address_is_unrecognized(fake: RunningFake, method: str, path: str):
    answer = fake.http.request(method, path)

    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(f"Unrecognized request URL ({method}: {path}).")


def test_every_answer_tells_its_version_and_request(fake: RunningFake):
    asked = fake.http.get("/v1/events", headers={"Stripe-Version": "2024-06-20"})
    unasked = fake.http.get("/v1/events")

    assert asked.headers["stripe-version"] == "2024-06-20"
    assert unasked.headers["stripe-version"] == stripe.api_version
    assert asked.headers["request-id"] != unasked.headers["request-id"]
    assert fake.http.get("/v1/events", headers={"Stripe-Version": "newest"}).status_code == 400


# The SDK hands httpx its body the deprecated way, and warnings are errors here.
@pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning")
def test_the_sdks_own_version_and_async_client_work(fake: RunningFake):
    async def pay() -> stripe.PaymentIntent:
        http_client = stripe.HTTPXClient()
        intent = await fake.client(http_client=http_client).v1.payment_intents.create_async(paying())
        await http_client.close_async()
        return intent

    intent = asyncio.run(pay())

    assert intent.status == "succeeded"
    assert intent.last_response.headers["stripe-version"] == stripe.api_version
