import time

import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, eventually


def test_an_event_carries_its_cause_and_the_object_as_it_was(fake: RunningFake):
    intent = fake.stripe.v1.payment_intents.create(
        {"amount": 500, "currency": "eur"}, {"idempotency_key": "my-key"}
    )
    request_id = intent.last_response.request_id
    fake.stripe.v1.payment_intents.cancel(intent.id)

    canceled, created = fake.stripe.v1.events.list().data

    assert (created.type, canceled.type) == ("payment_intent.created", "payment_intent.canceled")
    assert created.request.to_dict() == {"id": request_id, "idempotency_key": "my-key"}
    assert created.data.object["status"] == "requires_payment_method"
    assert canceled.data.object["status"] == "canceled"
    assert (created.livemode, created.api_version) == (False, stripe.api_version)
    assert fake.stripe.v1.events.retrieve(created.id).to_dict() == created.to_dict()


def test_what_stripe_does_by_itself_names_no_request(fake: RunningFake):
    refund = fake.stripe.v1.refunds.create({"payment_intent": fake.paid().id})

    fake.tell(f"/refunds/{refund.id}/fail")

    newest = fake.stripe.v1.events.list({"limit": 1}).data[0]
    assert newest.request.to_dict() == {"id": None, "idempotency_key": None}


def test_pages_go_back_and_forth_without_gap_or_overlap(fake: RunningFake):
    for _ in range(4):
        fake.paid()
    events = fake.stripe.v1.events
    everything = [event.id for event in events.list({"limit": 100}).data]
    assert len(everything) == 12

    first = events.list({"limit": 5})
    second = events.list({"limit": 5, "starting_after": first.data[-1].id})
    third = events.list({"limit": 5, "starting_after": second.data[-1].id})
    back = events.list({"limit": 5, "ending_before": third.data[0].id})
    walked = [event.id for event in events.list({"limit": 5}).auto_paging_iter()]

    assert [page.has_more for page in (first, second, third, back)] == [True, True, False, True]
    assert [event.id for page in (first, second, third) for event in page.data] == everything
    assert back.data == second.data
    assert walked == everything


def test_events_are_found_by_type(fake: RunningFake):
    intent = fake.paid()
    fake.stripe.v1.refunds.create({"payment_intent": intent.id})

    assert fake.event_types(type="charge.*") == ["charge.succeeded", "charge.refunded"]
    assert fake.event_types(types=["refund.created", "payment_intent.created"]) == [
        "payment_intent.created",
        "refund.created",
    ]


def test_events_are_found_by_time(fake: RunningFake):
    fake.paid()
    fake.tell("/clock/advance", seconds=1000)
    later = fake.state()["now"]
    fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})

    assert len(fake.event_types(created={"gte": later})) == 1
    assert len(fake.event_types(created={"lt": later})) == 3
    assert len(fake.event_types(created={"gt": later - 2000, "lte": later + 60})) == 4


def test_events_are_listed_for_thirty_days(fake: RunningFake):
    fake.paid()

    fake.tell("/clock/advance", seconds=30 * 86_400 + 60)

    assert fake.event_types() == []


@pytest.mark.parametrize("cursor", ["starting_after", "ending_before"])
def test_an_unknown_cursor_is_missing(fake: RunningFake, cursor: str):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.events.list({cursor: "evt_nobody"})

    assert (refused.value.code, refused.value.param) == ("resource_missing", cursor)


def test_payment_intents_are_found_by_creation_time(fake: RunningFake):
    old = fake.paid()
    fake.tell("/clock/advance", seconds=600)
    now = fake.state()["now"]
    new = fake.paid(metadata={"payment_id": "pay_2"})

    found = fake.stripe.v1.payment_intents.list({"created": {"gte": now - 300}}).data

    assert [intent.id for intent in found] == [new.id]
    assert found[0].metadata["payment_id"] == "pay_2"
    assert old.id in [intent.id for intent in fake.stripe.v1.payment_intents.list().data]


def test_the_clock_keeps_going(fake: RunningFake):
    began, before = int(time.time()), fake.state()["now"]

    eventually(lambda: fake.state()["now"] > before)

    assert fake.state()["now"] >= began
