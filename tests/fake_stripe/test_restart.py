import signal
from collections.abc import Callable

import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, eventually, paying
from tests.fake_stripe.webhook_endpoint import WebhookEndpoint, serving
from tests.held_ports import held_port


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_state_keys_clock_and_faults_survive(start_fake: Callable[..., RunningFake], how: signal.Signals):
    fake = start_fake()
    intent = fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"})
    fake.tell("/clock/advance", seconds=5000)
    fake.tell("/faults", kind="429", path="/v1/refunds")
    now = fake.state()["now"]

    fake.stop(how)
    fake.start()

    assert fake.stripe.v1.payment_intents.retrieve(intent.id).to_dict() == intent.to_dict()
    assert fake.stripe.v1.payment_intents.create(paying(), {"idempotency_key": "k1"}).id == intent.id
    assert now <= fake.state()["now"] < now + 60
    with pytest.raises(stripe.RateLimitError):
        fake.stripe.v1.refunds.create({"payment_intent": intent.id})


def test_pending_deliveries_survive(start_fake: Callable[..., RunningFake], endpoint: WebhookEndpoint):
    fake = start_fake(FAKE_STRIPE_WEBHOOK_URL=f"http://127.0.0.1:{held_port()}/nobody-listens")
    fake.paid()
    eventually(lambda: fake.state()["webhook_deliveries"] == {"pending": 3})
    fake.stop(signal.SIGKILL)

    with serving(endpoint) as url:
        fake.restart_with(FAKE_STRIPE_WEBHOOK_URL=url)

        eventually(lambda: fake.state()["webhook_deliveries"] == {"delivered": 3})
        assert sorted(endpoint.types()) == sorted(fake.event_types())


def test_work_that_fell_due_while_it_was_down_is_done(start_fake: Callable[..., RunningFake]):
    fake = start_fake(FAKE_STRIPE_REFUND_SETTLE_SECONDS="0.2")
    fake.tell("/faults", kind="status_500", executed="later", seconds=0.2, path="/v1/payment_intents")
    with pytest.raises(stripe.APIError):
        fake.stripe.v1.payment_intents.create(paying())
    fake.stop(signal.SIGKILL)

    fake.start()

    eventually(lambda: fake.state()["payment_intents"] == {"succeeded": 1})


def test_it_stops_cleanly_on_both_signals(start_fake: Callable[..., RunningFake]):
    fake = start_fake()
    for how in (signal.SIGTERM, signal.SIGINT):
        assert fake.stop(how) == 0
        fake.start()
