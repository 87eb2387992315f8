from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, eventually, paying

FORM = {"amount": "2000", "currency": "eur"}


def post(
    fake: RunningFake,
    key: str,
    data: dict[str, str] | None = None,
    path: str = "/v1/payment_intents",
    **headers: str,
) -> httpx.Response:
    """A POST under an idempotency key, with all its headers to look at."""
    return fake.http.post(path, data=data or FORM, headers={"Idempotency-Key": key, **headers})


def number_of(fake: RunningFake, kind: str) -> int:
    """How many objects of a kind there are."""
    return int(fake.state()["objects"].get(kind, 0))


def test_the_first_answer_is_given_again(fake: RunningFake):
    first = post(fake, "k1")
    second = post(fake, "k1", dict(reversed(FORM.items())))

    assert second.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"] != second.headers["request-id"]
    assert number_of(fake, "payment_intent") == 1


def test_the_sdk_replays_too(fake: RunningFake):
    params: Any = paying()
    first = fake.stripe.v1.payment_intents.create(params, {"idempotency_key": "sdk"})
    again = fake.stripe.v1.payment_intents.create(params, {"idempotency_key": "sdk"})

    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert number_of(fake, "charge") == 1


def test_other_parameters_under_the_same_key_are_an_error(fake: RunningFake):
    first = fake.stripe.v1.payment_intents.create(FORM, {"idempotency_key": "k1"})

    with pytest.raises(stripe.IdempotencyError, match="same parameters they were first used with") as refused:
        fake.stripe.v1.payment_intents.create({**FORM, "amount": 2001}, {"idempotency_key": "k1"})

    assert refused.value.http_status == 400
    assert fake.stripe.v1.payment_intents.create(FORM, {"idempotency_key": "k1"}).id == first.id


def test_keys_belong_to_the_account_not_to_the_endpoint(fake: RunningFake):
    intent = fake.paid()
    post(fake, "k1")

    answer = post(fake, "k1", {"payment_intent": intent.id}, path="/v1/refunds")

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert "('/v1/payment_intents' vs '/v1/refunds')" in answer.json()["error"]["message"]


def test_a_decline_is_kept_like_any_answer(fake: RunningFake):
    declined = {
        **FORM,
        "confirm": "true",
        "payment_method": "pm_card_chargeDeclined",
        "return_url": "https://shop.example",
    }
    first, second = post(fake, "k1", declined), post(fake, "k1", declined)

    assert (first.status_code, second.status_code) == (402, 402)
    assert second.json() == first.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert (number_of(fake, "payment_intent"), number_of(fake, "charge")) == (1, 1)


def test_a_refusal_after_execution_began_is_kept_even_when_its_cause_is_gone(fake: RunningFake):
    intent = fake.paid(1000)
    made = fake.stripe.v1.refunds.create({"payment_intent": intent.id})
    wish = {"payment_intent": intent.id}
    first = post(fake, "k1", wish, path="/v1/refunds")
    fake.tell(f"/refunds/{made.id}/fail")

    second = post(fake, "k1", wish, path="/v1/refunds")

    assert (first.status_code, first.json()["error"]["code"]) == (400, "charge_already_refunded")
    assert (second.status_code, second.json()) == (400, first.json())


@pytest.mark.parametrize(
    "wrong", [{"amount": "ten"}, {"colour": "red"}, {"currency": "xxx"}, {"amount": "1"}]
)
def test_a_refusal_before_execution_leaves_the_key_free(fake: RunningFake, wrong: dict[str, str]):
    assert post(fake, "k1", {**FORM, **wrong}).status_code == 400

    assert post(fake, "k1").status_code == 200


def test_a_wrong_api_key_leaves_the_key_free(fake: RunningFake):
    assert post(fake, "k1", Authorization="Bearer nonsense").status_code == 401

    assert post(fake, "k1").status_code == 200


def asked_while_the_first_runs(fake: RunningFake, for_s: float) -> tuple[httpx.Response, httpx.Response]:
    """The second answer, and the first, which is held back for so long."""
    fake.tell("/reset")
    fake.tell("/faults", kind="delay", seconds=for_s, path="/v1/payment_intents")
    with ThreadPoolExecutor() as clients:
        slow = clients.submit(post, fake, "k1")
        eventually(lambda: not fake.state()["faults"])
        return post(fake, "k1"), slow.result()


def test_while_the_first_request_runs_the_second_is_refused(fake: RunningFake):
    for for_s in (0.5, 5, 50):  # on a slow machine the second may come late
        refused, first = asked_while_the_first_runs(fake, for_s)
        if refused.status_code != 200:
            break

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "idempotency_key_in_use"
    assert refused.headers["stripe-should-retry"] == "true"
    assert post(fake, "k1").json() == first.json()
    assert number_of(fake, "payment_intent") == 1


def test_fifty_requests_at_once_make_one_payment(fake: RunningFake):
    client = fake.client(max_network_retries=5)

    def pay(_: int) -> str:
        return client.v1.payment_intents.create(paying(), {"idempotency_key": "k1"}).id

    with ThreadPoolExecutor(25) as clients:
        ids = set(clients.map(pay, range(50)))

    assert len(ids) == 1
    assert (number_of(fake, "payment_intent"), number_of(fake, "charge")) == (1, 1)


def test_keys_are_forgotten_after_a_day(fake: RunningFake):
    first = post(fake, "k1")
    fake.tell("/clock/advance", seconds=86_300)
    assert post(fake, "k1").json() == first.json()

    fake.tell("/clock/advance", seconds=200)

    second = post(fake, "k1", {**FORM, "amount": "2001"})
    assert second.json()["id"] != first.json()["id"]
    assert "idempotent-replayed" not in second.headers
    assert post(fake, "k1", {**FORM, "amount": "2001"}).json() == second.json()


def test_keys_have_a_length(fake: RunningFake):
    assert post(fake, "k" * 255).status_code == 200
    assert post(fake, "k" * 256).status_code == 400


def test_a_key_means_nothing_to_a_get(fake: RunningFake):
    before = fake.http.get("/v1/payment_intents", headers={"Idempotency-Key": "k1"}).json()
    fake.paid()

    after = fake.http.get("/v1/payment_intents", headers={"Idempotency-Key": "k1"}).json()

    assert (len(before["data"]), len(after["data"])) == (0, 1)
