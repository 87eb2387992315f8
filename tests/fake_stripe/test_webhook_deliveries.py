from collections import Counter
from collections.abc import Callable

from fake_stripe.webhook_deliveries import BackOff
from tests.fake_stripe.running_fake import RunningFake, eventually
from tests.fake_stripe.webhook_endpoint import WebhookEndpoint, serving


def test_every_event_is_delivered_signed(delivering_fake: RunningFake, endpoint: WebhookEndpoint):
    intent = delivering_fake.paid(metadata={"payment_id": "pay_1"})

    eventually(lambda: len(endpoint.arrived) == 3)
    assert Counter(endpoint.types()) == Counter(delivering_fake.event_types())
    [succeeded] = [event for event in endpoint.arrived if event.type == "payment_intent.succeeded"]
    assert succeeded.data.object["id"] == intent.id
    assert succeeded.data.object["metadata"]["payment_id"] == "pay_1"
    assert succeeded.request.id == intent.last_response.request_id


def test_a_refused_delivery_comes_again_with_growing_pauses_until_it_is_taken(
    delivering_fake: RunningFake, endpoint: WebhookEndpoint
):
    endpoint.statuses = [500, 503, 302]

    delivering_fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})

    [delivery] = eventually(lambda: deliveries(delivering_fake, "delivered"))
    assert (delivery["attempts"], delivery["last_result"]) == (4, "HTTP 200")
    assert len({event.id for event in endpoint.arrived}) == 1
    assert len(endpoint.arrived) == 4


def test_pending_webhooks_counts_what_has_not_arrived(
    delivering_fake: RunningFake, endpoint: WebhookEndpoint
):
    endpoint.gate.clear()
    delivering_fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})
    [event] = delivering_fake.stripe.v1.events.list().data
    assert event.pending_webhooks == 1
    assert delivering_fake.event_types(delivery_success=True) == []

    endpoint.gate.set()

    eventually(lambda: deliveries(delivering_fake, "delivered"))
    assert delivering_fake.stripe.v1.events.retrieve(event.id).pending_webhooks == 0
    assert delivering_fake.event_types(delivery_success=False) == []
    assert endpoint.arrived[0].pending_webhooks == 1


def test_only_a_few_deliveries_are_on_their_way_at_once(
    start_fake: Callable[..., RunningFake], endpoint: WebhookEndpoint
):
    with serving(endpoint) as url:
        fake = start_fake(FAKE_STRIPE_WEBHOOK_URL=url, FAKE_STRIPE_WEBHOOK_CONCURRENCY="2")
        endpoint.gate.clear()
        for _ in range(5):
            fake.paid()
        eventually(lambda: endpoint.busiest == 2)
        endpoint.gate.set()

        eventually(lambda: len(deliveries(fake, "delivered")) == 15)
        assert endpoint.busiest == 2
        assert Counter(event.id for event in endpoint.arrived).most_common(1)[0][1] == 1


def test_deliveries_are_held_back_and_let_go(delivering_fake: RunningFake, endpoint: WebhookEndpoint):
    delivering_fake.tell("/webhook_deliveries/pause")
    delivering_fake.paid()
    assert len(deliveries(delivering_fake, "pending")) == 3
    assert endpoint.arrived == []

    delivering_fake.tell("/webhook_deliveries/resume")

    eventually(lambda: len(endpoint.arrived) == 3)


def test_the_next_deliveries_are_dropped(delivering_fake: RunningFake, endpoint: WebhookEndpoint):
    delivering_fake.tell("/webhook_deliveries/drop", next=2)

    delivering_fake.paid()

    eventually(lambda: deliveries(delivering_fake, "delivered"))
    assert endpoint.types() == ["payment_intent.succeeded"]
    assert len(deliveries(delivering_fake, "dropped")) == 2
    assert len(delivering_fake.event_types()) == 3


def test_the_next_deliveries_are_duplicated(delivering_fake: RunningFake, endpoint: WebhookEndpoint):
    delivering_fake.tell("/webhook_deliveries/duplicate", next=1)

    delivering_fake.paid()

    eventually(lambda: len(endpoint.arrived) == 4)
    assert Counter(endpoint.types())["payment_intent.created"] == 2


def test_one_event_is_delivered_once_more_or_never(delivering_fake: RunningFake, endpoint: WebhookEndpoint):
    delivering_fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})
    eventually(lambda: deliveries(delivering_fake, "delivered"))

    delivering_fake.tell("/webhook_deliveries/duplicate", event=endpoint.arrived[0].id)

    eventually(lambda: len(endpoint.arrived) == 2)
    delivering_fake.tell("/webhook_deliveries/pause")
    canceled = delivering_fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})
    [event] = delivering_fake.stripe.v1.events.list({"limit": 1}).data
    delivering_fake.tell("/webhook_deliveries/drop", event=event.id)
    assert [row["event"] for row in deliveries(delivering_fake, "dropped")] == [event.id]
    assert event.data.object["id"] == canceled.id


def test_after_three_days_a_delivery_is_given_up(
    start_fake: Callable[..., RunningFake], endpoint: WebhookEndpoint
):
    with serving(endpoint) as url:
        fake = start_fake(
            FAKE_STRIPE_WEBHOOK_URL=url,
            FAKE_STRIPE_RETRY_FIRST_SECONDS="3600",
            FAKE_STRIPE_RETRY_CAP_SECONDS="86400",
        )
        endpoint.statuses = [500] * 50
        fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})
        eventually(lambda: fake.admin.get("/webhook_deliveries").json()["deliveries"][0]["attempts"] == 1)

        for attempts in range(2, 50):
            fake.tell("/clock/advance", seconds=86_400)
            row = eventually(lambda n=attempts: attempted(fake, n))
            if row["state"] == "failed":
                break

        assert row["state"] == "failed"
        assert attempts == 4, "at 0, 1, 2 and 3 days; the next pause would end after the third day"


def attempted(fake: RunningFake, times: int) -> dict[str, object] | None:
    """The only delivery, once it was tried this often."""
    [row] = fake.admin.get("/webhook_deliveries").json()["deliveries"]
    return row if row["attempts"] == times else None


def deliveries(fake: RunningFake, state: str) -> list[dict[str, object]]:
    """The deliveries in a state."""
    rows = fake.admin.get("/webhook_deliveries").json()["deliveries"]
    return [row for row in rows if row["state"] == state]


def test_pauses_double_up_to_the_cap():
    back_off = BackOff(first_s=1, cap_s=60)

    assert [back_off.pause(attempts) for attempts in (1, 2, 3, 6, 7, 5000)] == [1, 2, 4, 32, 60, 60]


def test_a_reset_while_deliveries_are_on_their_way_harms_nothing(
    delivering_fake: RunningFake, endpoint: WebhookEndpoint
):
    endpoint.gate.clear()
    delivering_fake.paid()
    eventually(lambda: endpoint.busiest == 3)
    delivering_fake.tell("/reset")
    endpoint.gate.set()
    eventually(lambda: len(endpoint.arrived) == 3)

    intent = delivering_fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})

    eventually(lambda: len(endpoint.arrived) == 4)
    assert endpoint.arrived[-1].data.object["id"] == intent.id
    assert delivering_fake.http.get("/readyz").status_code == 200
