import pytest

from fake_stripe.endpoints import ENDPOINTS, Endpoint
from tests.fake_stripe.running_fake import RunningFake

ODD = [
    ("", ""),
    ("", "x"),
    ("", "-1"),
    ("", "9" * 18),
    ("", "9" * 19),
    ("", "9" * 30),
    ("[gte]", "9" * 19),
    ("[a]" * 3000, "x"),
    ("[]", ""),
    ("[]", "\0é"),
    ("[x]", ""),
    ("[x][y]", "1"),
    ("[0][card]", "x"),
    ("[card]", "x"),
]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_no_parameter_breaks_the_fake(fake: RunningFake, endpoint: Endpoint):
    """Whatever is sent, the answer is Stripe's: done or refused, never a 500."""
    intent = fake.paid(100_000)
    refund = fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    inquiry = fake.tell(f"/charges/{fake.paid().id}/dispute", case_type="inquiry")
    customer = fake.stripe.v1.customers.create({"payment_method": "pm_card_visa"})
    setup = fake.stripe.v1.setup_intents.create({"customer": customer.id})
    ids = {
        "setup_intents": setup.id,
        "customers": customer.id,
        "payment_methods": fake.stripe.v1.payment_methods.list({"customer": customer.id}).data[0].id,
        "disputes": inquiry["id"],
        "radar": fake.tell(f"/charges/{intent.id}/fraud_warning")["id"],
        "payment_intents": intent.id,
        "refunds": refund.id,
        "charges": intent.latest_charge,
        "balance_transactions": refund.balance_transaction,
    }
    path = endpoint.path.replace("{id}", str(ids.get(endpoint.path.split("/")[2], "xx_nobody")))
    needed = {"amount": "500", "currency": "eur", "type": "card", "payment_intent": intent.id}
    needed["customer"] = customer.id
    base = {
        name: value for name, value in needed.items() if name in endpoint.fields and endpoint.method == "POST"
    }

    for name in [*endpoint.all_fields, "metadata[a]", "expand[0]"]:
        for suffix, value in ODD:
            form = {**{k: v for k, v in base.items() if k != name}, f"{name}{suffix}": value}
            sent = {"data": form} if endpoint.method == "POST" else {"params": form}
            answer = fake.http.request(endpoint.method, path, **sent)
            assert answer.status_code in (200, 400, 402, 404), (form, answer.text)
            assert answer.status_code == 200 or answer.json()["error"]["message"]


def test_an_endless_list_of_event_types_is_refused(fake: RunningFake):
    answer = fake.http.get("/v1/events", params={f"types[{n}]": "charge.*" for n in range(2000)})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "types")


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "1e300", "-1", "true", '"1"'])
def test_the_clock_takes_no_time_that_is_none(fake: RunningFake, seconds: str):
    answer = fake.admin.post("/clock/advance", content=f'{{"seconds": {seconds}}}')

    assert answer.status_code == 400
    assert fake.state()["now"]
