from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, eventually


def test_a_partial_refund_moves_the_charge(fake: RunningFake):
    intent = fake.paid(2000)

    refund = fake.stripe.v1.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 700,
            "reason": "requested_by_customer",
            "metadata": {"refund_id": "rfd_1"},
        }
    )

    assert (refund.status, refund.amount, refund.currency) == ("succeeded", 700, "eur")
    assert (refund.payment_intent, refund.charge) == (intent.id, intent.latest_charge)
    assert (refund.reason, refund.metadata.to_dict()) == ("requested_by_customer", {"refund_id": "rfd_1"})
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (700, False)
    assert fake.stripe.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert fake.event_types()[-2:] == ["charge.refunded", "refund.created"]


def test_without_an_amount_the_rest_is_refunded(fake: RunningFake):
    intent = fake.paid(2000)
    fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 700})

    rest = fake.stripe.v1.refunds.create({"charge": str(intent.latest_charge)})

    assert rest.amount == 1300
    assert fake.stripe.v1.charges.retrieve(str(intent.latest_charge)).refunded is True
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    assert (refused.value.http_status, refused.value.code) == (400, "charge_already_refunded")


def test_more_than_is_left_is_refused(fake: RunningFake):
    intent = fake.paid(2000)
    fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 700})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 1301})

    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, "amount", None)
    assert "Refund amount (€13.01) is greater than unrefunded amount on charge (€13.00)" in str(refused.value)


def test_parallel_refunds_never_give_back_more_than_was_taken(fake: RunningFake):
    intent = fake.paid(1000)

    def refund(_: int) -> str:
        try:
            fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
        except stripe.InvalidRequestError:
            return "refused"
        return "refunded"

    with ThreadPoolExecutor(20) as clients:
        outcomes = Counter(clients.map(refund, range(20)))

    assert outcomes == {"refunded": 3, "refused": 17}
    listed = fake.stripe.v1.refunds.list({"payment_intent": intent.id, "limit": 100}).data
    assert sum(refund.amount for refund in listed) == 900


def test_only_what_was_captured_can_be_refunded(fake: RunningFake):
    intent = fake.paid(1000, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        fake.stripe.v1.refunds.create({"payment_intent": intent.id})
    fake.stripe.v1.payment_intents.capture(intent.id, {"amount_to_capture": 400})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        fake.stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 401})

    assert fake.stripe.v1.refunds.create({"payment_intent": intent.id}).amount == 400


def test_refunds_are_listed_by_payment_intent_and_by_charge(fake: RunningFake):
    mine, other = fake.paid(), fake.paid()
    made = [fake.stripe.v1.refunds.create({"payment_intent": mine.id, "amount": n}).id for n in (1, 2)]
    fake.stripe.v1.refunds.create({"payment_intent": other.id})

    by_intent = fake.stripe.v1.refunds.list({"payment_intent": mine.id})
    by_charge = fake.stripe.v1.refunds.list({"charge": str(mine.latest_charge)})

    assert [refund.id for refund in by_intent.data] == made[::-1]
    assert by_charge.data == by_intent.data


def test_a_refund_may_fail_after_it_succeeded(fake: RunningFake):
    intent = fake.paid(2000)
    refund = fake.stripe.v1.refunds.create({"payment_intent": intent.id})

    fake.tell(f"/refunds/{refund.id}/fail", failure_reason="lost_or_stolen_card")

    failed = fake.stripe.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert failed.failure_balance_transaction not in (None, failed.balance_transaction)
    charge = fake.stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert fake.event_types()[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]
    [updated] = fake.stripe.v1.events.list({"type": "charge.refund.updated"}).data
    assert updated.data.previous_attributes.to_dict() == {
        "failure_balance_transaction": None,
        "failure_reason": None,
        "status": "succeeded",
    }
    assert fake.stripe.v1.refunds.create({"payment_intent": intent.id}).amount == 2000
    assert fake.admin.post(f"/refunds/{refund.id}/fail").status_code == 400


def test_a_refund_fails_for_a_reason_stripe_knows(fake: RunningFake):
    refund = fake.stripe.v1.refunds.create({"payment_intent": fake.paid().id})

    refused = fake.admin.post(f"/refunds/{refund.id}/fail", json={"failure_reason": "bad weather"})

    assert refused.status_code == 400
    assert "`failure_reason` must be one of" in refused.json()["error"]["message"]
    assert fake.stripe.v1.refunds.retrieve(refund.id).status == "succeeded"


@pytest.mark.parametrize(
    ("card", "at_first", "at_last", "last_event"),
    [
        ("pm_card_pendingRefund", "pending", "succeeded", "charge.refund.updated"),
        ("pm_card_refundFail", "succeeded", "failed", "refund.failed"),
    ],
)
def test_slow_refund_cards_change_their_mind(
    fake: RunningFake, card: str, at_first: str, at_last: str, last_event: str
):
    intent = fake.paid(payment_method=card)
    refund = fake.stripe.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == at_first

    fake.tell("/clock/advance", seconds=3601)
    fake.state()

    assert fake.stripe.v1.refunds.retrieve(refund.id).status == at_last
    assert fake.event_types()[-1] == last_event


def test_an_unknown_payment_intent_is_missing(fake: RunningFake):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        fake.stripe.v1.refunds.create({"payment_intent": "pi_nobody"})

    assert (refused.value.code, refused.value.param) == ("resource_missing", "payment_intent")


def test_metadata_of_a_refund_can_change(fake: RunningFake):
    refund = fake.stripe.v1.refunds.create({"payment_intent": fake.paid().id, "metadata": {"a": "1"}})

    assert fake.stripe.v1.refunds.update(refund.id, {"metadata": {"b": "2"}}).metadata.to_dict() == {
        "a": "1",
        "b": "2",
    }
    [updated] = fake.stripe.v1.events.list({"type": "refund.updated"}).data
    assert updated.data.previous_attributes.to_dict() == {"metadata": {"a": "1"}}


def test_a_slow_refund_that_was_failed_by_hand_stays_failed(fake: RunningFake):
    intent = fake.paid(payment_method="pm_card_refundFail")
    refund = fake.stripe.v1.refunds.create({"payment_intent": intent.id})
    fake.tell(f"/refunds/{refund.id}/fail", failure_reason="lost_or_stolen_card")

    fake.tell("/clock/advance", seconds=3601)

    eventually(lambda: fake.state()["due_work"] == [])
    assert fake.stripe.v1.refunds.retrieve(refund.id).failure_reason == "lost_or_stolen_card"
    assert fake.http.get("/readyz").status_code == 200
