from typing import Any

import pytest

from tests.fake_stripe.running_fake import RunningFake


def refused(fake: RunningFake, path: str) -> tuple[int, Any]:
    """What an admin call is refused with."""
    response = fake.admin.post(path)
    return response.status_code, response.json()["error"]["message"]


def test_a_refund_is_named_by_our_id_of_it(fake: RunningFake):
    intent = fake.paid(2000, metadata={"payment_id": "pay_1"})
    other = fake.stripe.v1.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 500,
            "metadata": {"refund_id": "rfd_1", "payment_id": "pay_1"},
        }
    )
    wanted = fake.stripe.v1.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 700,
            "metadata": {"refund_id": "rfd_2", "payment_id": "pay_1"},
        }
    )

    failed = fake.tell("/refunds/rfd_2/fail")

    assert (failed["id"], failed["status"]) == (wanted.id, "failed")
    assert fake.stripe.v1.refunds.retrieve(other.id).status == "succeeded"


def test_a_charge_and_its_dispute_are_named_by_our_id_of_the_payment(fake: RunningFake):
    intent = fake.paid(2000, metadata={"payment_id": "pay_1"})
    fake.paid(2000, metadata={"payment_id": "pay_2"})

    warning = fake.tell("/charges/pay_1/fraud_warning")
    opened = fake.tell("/charges/pay_1/dispute")
    won = fake.tell("/disputes/pay_1/win")

    assert (warning["charge"], opened["charge"]) == (intent.latest_charge, intent.latest_charge)
    assert (won["id"], won["status"]) == (opened["id"], "won")


@pytest.mark.parametrize(
    ("path", "kind", "send"),
    [
        ("/refunds/pay_1/fail", "refund", "Send Stripe's id (re_…) or ours, `refunds { nodes { id } }`."),
        ("/refunds/pay_1/succeed", "refund", "Send Stripe's id (re_…) or ours, `refunds { nodes { id } }`."),
        (
            "/charges/pay_1/dispute",
            "charge",
            "or that of its payment: Stripe's (pi_…) or ours, `payment { id }`.",
        ),
        (
            "/disputes/pay_1/win",
            "dispute",
            "or that of its payment: Stripe's (pi_…) or ours, `payment { id }`.",
        ),
    ],
)
def test_an_unknown_id_is_told_what_to_send(fake: RunningFake, path: str, kind: str, send: str):
    status, message = refused(fake, path)

    assert (status, message.partition(".")[0]) == (404, f"No such {kind}: 'pay_1'")
    assert message.endswith(send)
