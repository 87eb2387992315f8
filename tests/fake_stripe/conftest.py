"""One fake for most tests, which therefore look only at what they made themselves; and fresh ones on request."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake
from tests.fake_stripe.webhook_endpoint import WebhookEndpoint, serving

LISTED = (
    "balance_transaction",
    "charge",
    "customer",
    "dispute",
    "event",
    "payment_intent",
    "radar.early_fraud_warning",
    "refund",
    "setup_intent",
)
"""The kinds of objects that have a list."""


@pytest.fixture(scope="session")
def shared_fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFake]:
    """Running for all tests, without webhooks."""
    fake = RunningFake(
        tmp_path_factory.mktemp("shared_fake"), FAKE_STRIPE_REFUND_SETTLE_SECONDS="3600"
    ).start()
    yield fake
    fake.close()


@pytest.fixture
def fake(shared_fake: RunningFake) -> RunningFake:
    """The shared fake, with an empty account."""
    shared_fake.tell("/reset")
    return shared_fake


@pytest.fixture
def start_fake(tmp_path: Path) -> Iterator[Callable[..., RunningFake]]:
    """Starts a fake of the test's own."""
    started: list[RunningFake] = []

    def start(**environment: str) -> RunningFake:
        started.append(RunningFake(tmp_path, **environment).start())
        return started[-1]

    yield start
    for fake in started:
        fake.close()


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    """A webhook endpoint."""
    return WebhookEndpoint()


@pytest.fixture
def delivering_fake(
    start_fake: Callable[..., RunningFake], endpoint: WebhookEndpoint
) -> Iterator[RunningFake]:
    """A fake that delivers to *endpoint*."""
    with serving(endpoint) as url:
        yield start_fake(FAKE_STRIPE_WEBHOOK_URL=url)
    assert not endpoint.forged


@pytest.fixture(scope="module")
def everything(shared_fake: RunningFake) -> list[dict[str, Any]]:
    """Objects in every state the fake can bring them to."""
    fake = shared_fake
    fake.tell("/reset")
    fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})
    paid = fake.paid()
    refund = fake.stripe.v1.refunds.create({"payment_intent": paid.id, "reason": "duplicate"})
    fake.tell(f"/refunds/{refund.id}/fail")
    pending = fake.paid(payment_method="pm_card_pendingRefund")
    fake.stripe.v1.refunds.create({"payment_intent": pending.id})
    fake.stripe.v1.payment_intents.cancel(fake.paid(capture_method="manual").id)
    for extra in ({"return_url": "https://shop.example"}, {"use_stripe_sdk": True}):
        waiting = fake.paid(payment_method="pm_card_threeDSecure2Required", **extra)
    fake.tell(f"/payment_intents/{waiting.id}/complete_3ds")
    waiting = fake.paid(payment_method="pm_card_threeDSecure2Required")
    fake.tell(f"/payment_intents/{waiting.id}/fail_3ds")
    with pytest.raises(stripe.CardError):
        fake.paid(payment_method="pm_card_chargeDeclined")
    fake.tell(f"/charges/{paid.id}/fraud_warning")
    fake.tell(f"/disputes/{fake.tell(f'/charges/{paid.id}/dispute')['id']}/win")
    inquiry = fake.tell(f"/charges/{paid.id}/dispute", case_type="inquiry", amount=1)
    fake.stripe.v1.disputes.update(inquiry["id"], {"evidence": {"customer_name": "Jenny Rosen"}})
    fake.tell(f"/disputes/{inquiry['id']}/escalate")
    for card in ("pm_card_visa", "pm_card_threeDSecure2Required"):
        setup = fake.stripe.v1.setup_intents.create(
            {"payment_method": card, "confirm": True, "return_url": "https://shop.example"}
        )
    fake.tell(f"/setup_intents/{setup.id}/fail_3ds")
    fake.stripe.v1.setup_intents.cancel(setup.id)
    with pytest.raises(stripe.CardError):
        fake.stripe.v1.setup_intents.create(
            {"payment_method": "pm_card_chargeDeclined", "confirm": True, "return_url": "https://a.example"}
        )
    customers = fake.stripe.v1.customers
    customer = customers.create({"email": "jenny@shop.example", "payment_method": "pm_card_visa"})
    fake.stripe.v1.payment_methods.detach(customers.payment_methods.list(customer.id).data[0].id)
    customers.update(customer.id, {"name": "Jenny Rosen"})
    customers.delete(customers.create({"address": {"city": "Berlin"}}).id)
    lists = [fake.http.get(f"/v1/{kind.replace('.', '/')}s", params={"limit": 100}).json() for kind in LISTED]
    objects = [item for listed in lists for item in listed["data"]]
    return [*objects, fake.http.get("/v1/payment_methods/pm_card_visa").json()]
