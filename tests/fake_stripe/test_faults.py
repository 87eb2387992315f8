import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, eventually, paying


def test_a_lost_request_is_not_executed(fake: RunningFake):
    fake.tell("/faults", kind="lose_request")

    with pytest.raises(stripe.APIConnectionError):
        fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"})

    assert fake.state()["objects"] == {}
    assert fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"}).status == "succeeded"


def test_a_lost_answer_is_executed_and_replayed(fake: RunningFake):
    fake.tell("/faults", kind="lose_answer")

    with pytest.raises(stripe.APIConnectionError):
        fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"})

    assert fake.state()["payment_intents"] == {"succeeded": 1}
    again = fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"})
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert fake.state()["payment_intents"] == {"succeeded": 1}


def test_the_sdk_survives_both_losses_by_itself(fake: RunningFake):
    fake.tell("/faults", kind="lose_request")
    fake.tell("/faults", kind="lose_answer")

    intent = fake.client(max_network_retries=2).v1.payment_intents.create(paying())

    assert intent.status == "succeeded"
    assert fake.state()["objects"]["charge"] == 1


@pytest.mark.parametrize(("executed", "charges"), [("never", 0), ("at_once", 1)])
def test_a_500_is_kept_under_its_key(fake: RunningFake, executed: str, charges: int):
    fake.tell("/faults", kind="status_500", executed=executed)

    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"})
        assert failed.value.http_status == 500

    assert failed.value.headers["idempotent-replayed"] == "true"
    assert failed.value.headers["stripe-should-retry"] == "false"
    assert fake.state()["objects"].get("charge", 0) == charges


def test_a_500_may_be_executed_later(fake: RunningFake):
    fake.tell("/faults", kind="status_500", executed="later", seconds=600)
    with pytest.raises(stripe.APIError):
        fake.stripe.v1.payment_intents.create(
            paying(metadata={"payment_id": "pay_1"}), {"idempotency_key": "k1"}
        )
    assert fake.stripe.v1.payment_intents.list().data == []

    fake.tell("/clock/advance", seconds=601)

    [intent] = eventually(lambda: fake.stripe.v1.payment_intents.list().data)
    assert (intent.status, intent.metadata["payment_id"]) == ("succeeded", "pay_1")
    with pytest.raises(stripe.APIError):
        fake.stripe.v1.payment_intents.create(
            paying(metadata={"payment_id": "pay_1"}), {"idempotency_key": "k1"}
        )
    [created] = fake.stripe.v1.events.list({"type": "payment_intent.created"}).data
    assert created.request.idempotency_key == "k1"


def test_a_429_does_nothing_and_keeps_nothing(fake: RunningFake):
    fake.tell("/faults", kind="429")

    with pytest.raises(stripe.RateLimitError):
        fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"})

    assert fake.state()["objects"] == {}
    assert fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"}).status == "succeeded"


def test_a_409_is_retried_by_the_sdk(fake: RunningFake):
    fake.tell("/faults", kind="409", count=1)

    assert fake.client(max_network_retries=1).v1.payment_intents.create(paying()).status == "succeeded"


def test_a_delay_holds_the_answer_back(fake: RunningFake):
    fake.tell("/faults", kind="delay", seconds=0.3)

    assert (
        fake.http.post(
            "/v1/payment_intents", data={"amount": "500", "currency": "eur"}
        ).elapsed.total_seconds()
        > 0.3
    )


def test_faults_strike_only_what_they_match_and_only_so_often(fake: RunningFake):
    fake.tell("/faults", kind="429", method="POST", path="/v1/payment_intents/*/confirm", count=2)
    fake.tell("/faults", kind="429", method="GET", path="/v1/refunds")
    intent = fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})

    answers = [
        fake.http.post(
            f"/v1/payment_intents/{intent.id}/confirm",
            data={"payment_method": "pm_card_visa", "return_url": "https://shop.example"},
        ).status_code
        for _ in range(3)
    ]

    assert answers == [429, 429, 200]
    assert [fake.http.get("/v1/refunds").status_code for _ in range(2)] == [429, 200]


def test_faults_can_be_taken_back(fake: RunningFake):
    fake.tell("/faults", kind="429", count=10)
    assert len(fake.admin.get("/faults").json()["faults"]) == 1

    fake.admin.delete("/faults")

    assert fake.paid().status == "succeeded"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "earthquake"},
        {"kind": "delay", "seconds": -1},
        {"kind": "429", "count": 0},
        {"count": "two", "kind": "429"},
        [],
    ],
)
def test_a_fault_that_cannot_be_is_refused(fake: RunningFake, wrong: object):
    answer = fake.admin.post("/faults", json=wrong)

    assert answer.status_code == 400
    assert "must be" in answer.json()["error"]["message"]
