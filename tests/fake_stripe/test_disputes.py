import pytest
import stripe

from tests.fake_stripe.running_fake import RunningFake, eventually, paying

DAY = 86_400


def disputed(fake: RunningFake, **complaint: object) -> stripe.Dispute:
    """A dispute about a new payment."""
    return dispute(fake, fake.tell(f"/charges/{fake.paid(2000).id}/dispute", **complaint)["id"])


def dispute(fake: RunningFake, dispute_id: str) -> stripe.Dispute:
    """As it is now."""
    return fake.stripe.v1.disputes.retrieve(dispute_id)


def movements(about: stripe.Dispute) -> list[tuple[str, int, int]]:
    """What moved the balance, with its fee."""
    return [(t.reporting_category, t.amount, t.fee) for t in about.balance_transactions]


def dispute_events(fake: RunningFake) -> list[str]:
    """What happened to disputes, oldest first."""
    return [event.removeprefix("charge.dispute.") for event in fake.event_types(type="charge.dispute.*")]


def test_a_chargeback_takes_the_money_and_a_fee(fake: RunningFake):
    intent = fake.paid(2000)

    opened = dispute(fake, fake.tell(f"/charges/{intent.latest_charge}/dispute")["id"])

    assert (opened.status, opened.amount, opened.currency) == ("needs_response", 2000, "eur")
    assert (opened.charge, opened.payment_intent) == (intent.latest_charge, intent.id)
    assert (opened.reason, opened.is_charge_refundable) == ("fraudulent", False)
    assert movements(opened) == [("dispute", -2000, 1500)]
    card = opened.payment_method_details.card
    assert (card.case_type, card.network_reason_code) == ("chargeback", "10.4")
    assert fake.stripe.v1.charges.retrieve(str(intent.latest_charge)).disputed is True
    assert dispute_events(fake) == ["created", "funds_withdrawn"]
    listed = fake.stripe.v1.balance_transactions.list({"source": opened.id, "expand": ["data.source"]}).data
    assert [(t.net, t.type, t.source.id) for t in listed] == [(-3500, "adjustment", opened.id)]


@pytest.mark.parametrize("amount", [700, 2500])
def test_a_dispute_may_be_about_less_or_more_than_was_charged(fake: RunningFake, amount: int):
    opened = disputed(fake, amount=amount, reason="product_not_received")

    assert (opened.amount, opened.reason) == (amount, "product_not_received")
    assert movements(opened) == [("dispute", -amount, 1500)]


def test_an_inquiry_moves_no_money_and_may_end_so(fake: RunningFake):
    opened = disputed(fake, case_type="inquiry")
    assert (opened.status, opened.is_charge_refundable, movements(opened)) == (
        "warning_needs_response",
        True,
        [],
    )
    assert opened.payment_method_details.card.case_type == "inquiry"

    fake.tell(f"/disputes/{opened.id}/close_inquiry")

    assert dispute(fake, opened.id).status == "warning_closed"
    assert dispute_events(fake) == ["created", "closed"]


def test_an_inquiry_may_become_a_chargeback(fake: RunningFake):
    opened = disputed(fake, case_type="inquiry")
    fake.tell("/clock/advance", seconds=10 * DAY)

    fake.tell(f"/disputes/{opened.id}/escalate")

    escalated = dispute(fake, opened.id)
    assert (escalated.status, escalated.is_charge_refundable) == ("needs_response", False)
    assert escalated.payment_method_details.card.case_type == "chargeback"
    assert movements(escalated) == [("dispute", -2000, 1500)]
    assert escalated.evidence_details.due_by >= opened.evidence_details.due_by + 10 * DAY
    assert dispute_events(fake) == ["created", "updated", "funds_withdrawn"]


def test_an_escalation_fails_refunds_on_their_way_and_spares_what_was_refunded(fake: RunningFake):
    pending = fake.paid(payment_method="pm_card_pendingRefund")
    refunded = fake.paid()
    refunds = [fake.stripe.v1.refunds.create({"payment_intent": i.id}).id for i in (pending, refunded)]
    inquiries = [
        fake.tell(f"/charges/{i.id}/dispute", case_type="inquiry")["id"] for i in (pending, refunded)
    ]

    for inquiry in inquiries:
        fake.tell(f"/disputes/{inquiry}/escalate")

    failed, kept = (fake.stripe.v1.refunds.retrieve(refund) for refund in refunds)
    assert (failed.status, failed.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
    assert kept.status == "succeeded"
    assert [len(dispute(fake, inquiry).balance_transactions) for inquiry in inquiries] == [1, 0]


def test_winning_brings_the_amount_back_without_the_fee(fake: RunningFake):
    opened = disputed(fake)

    fake.tell(f"/disputes/{opened.id}/win")

    won = dispute(fake, opened.id)
    assert (won.status, won.is_charge_refundable) == ("won", True)
    assert movements(won) == [("dispute", -2000, 1500), ("dispute_reversal", 2000, 0)]
    assert dispute_events(fake) == ["created", "funds_withdrawn", "funds_reinstated", "closed"]
    assert fake.stripe.v1.refunds.create({"charge": str(won.charge)}).status == "succeeded"


@pytest.mark.parametrize("end", ["lose", "close"])
def test_losing_leaves_the_money_with_the_cardholder(fake: RunningFake, end: str):
    opened = disputed(fake)

    if end == "close":
        fake.stripe.v1.disputes.close(opened.id)
    else:
        fake.tell(f"/disputes/{opened.id}/lose")

    lost = dispute(fake, opened.id)
    assert (lost.status, movements(lost)) == ("lost", [("dispute", -2000, 1500)])
    assert dispute_events(fake) == ["created", "funds_withdrawn", "closed"]
    [closed] = fake.stripe.v1.events.list({"type": "charge.dispute.closed"}).data
    assert closed.data.previous_attributes.to_dict() == {"status": "needs_response"}


@pytest.mark.parametrize("ending", [None, "lose"])
def test_what_is_charged_back_cannot_be_refunded(fake: RunningFake, ending: str | None):
    opened = disputed(fake)
    if ending:
        fake.tell(f"/disputes/{opened.id}/{ending}")

    with pytest.raises(stripe.InvalidRequestError, match="has been charged back") as refused:
        fake.stripe.v1.refunds.create({"payment_intent": str(opened.payment_intent)})

    assert (refused.value.http_status, refused.value.code) == (400, "charge_disputed")


def test_during_an_inquiry_the_charge_can_be_refunded(fake: RunningFake):
    opened = disputed(fake, case_type="inquiry")

    assert fake.stripe.v1.refunds.create({"charge": str(opened.charge)}).status == "succeeded"


@pytest.mark.parametrize(
    ("case_type", "word", "status"),
    [
        ("chargeback", "winning_evidence", "won"),
        ("chargeback", "losing_evidence", "lost"),
        ("inquiry", "winning_evidence", "warning_closed"),
        ("inquiry", "losing_evidence", "warning_closed"),
        ("inquiry", "escalate_inquiry_evidence", "needs_response"),
    ],
)
def test_stripes_test_evidence_decides_a_dispute(fake: RunningFake, case_type: str, word: str, status: str):
    opened = disputed(fake, case_type=case_type)

    answered = fake.stripe.v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": word}})

    assert answered.status.endswith("under_review")
    eventually(lambda: dispute(fake, opened.id).status == status)


def test_evidence_is_kept_until_it_is_submitted_and_goes_to_the_bank_once(fake: RunningFake):
    opened = disputed(fake)
    disputes = fake.stripe.v1.disputes

    draft = disputes.update(opened.id, {"evidence": {"customer_name": "Jenny"}, "submit": False})
    sent = disputes.update(opened.id, {"submit": True, "metadata": {"case": "1"}})

    assert (draft.status, draft.evidence_details.has_evidence) == ("needs_response", True)
    assert draft.evidence_details.submission_count == 0
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    assert (sent.evidence.customer_name, sent.metadata.to_dict()) == ("Jenny", {"case": "1"})
    again = disputes.update(opened.id, {"evidence": {"customer_name": "J."}})
    assert again.evidence_details.submission_count == 1
    assert dispute_events(fake) == ["created", "funds_withdrawn", "updated", "updated", "updated"]


def test_a_closed_dispute_stays_closed(fake: RunningFake):
    opened = disputed(fake)
    fake.tell(f"/disputes/{opened.id}/win")

    with pytest.raises(stripe.InvalidRequestError, match="This dispute is already closed"):
        fake.stripe.v1.disputes.close(opened.id)
    for step in ("lose", "win", "escalate", "close_inquiry"):
        assert fake.admin.post(f"/disputes/{opened.id}/{step}").status_code == 400
    assert dispute(fake, opened.id).status == "won"


def test_an_unanswered_chargeback_is_lost_when_its_time_has_passed(fake: RunningFake):
    unanswered, answered = disputed(fake), disputed(fake)
    fake.stripe.v1.disputes.update(answered.id, {"evidence": {"customer_name": "Jenny"}})
    left = unanswered.evidence_details.due_by - fake.state()["now"]

    fake.tell("/clock/advance", seconds=left - 60)
    assert dispute(fake, unanswered.id).status == "needs_response"
    fake.tell("/clock/advance", seconds=62)

    eventually(lambda: dispute(fake, unanswered.id).status == "lost")
    assert dispute(fake, unanswered.id).evidence_details.past_due is True
    assert dispute(fake, answered.id).status == "under_review"


def test_an_inquiry_ends_after_120_days(fake: RunningFake):
    opened = disputed(fake, case_type="inquiry")

    fake.tell("/clock/advance", seconds=120 * DAY + 1)

    eventually(lambda: dispute(fake, opened.id).status == "warning_closed")


def test_an_inquiry_that_escalated_late_keeps_its_new_deadline(fake: RunningFake):
    opened = disputed(fake, case_type="inquiry")
    fake.tell("/clock/advance", seconds=119 * DAY)
    fake.tell(f"/disputes/{opened.id}/escalate")

    fake.tell("/clock/advance", seconds=2 * DAY)

    eventually(lambda: len(fake.state()["due_work"]) == 1)
    assert dispute(fake, opened.id).status == "needs_response"


@pytest.mark.parametrize(
    ("card", "status", "reason"),
    [
        ("pm_card_createDispute", "needs_response", "fraudulent"),
        ("pm_card_createDisputeProductNotReceived", "needs_response", "product_not_received"),
        ("pm_card_createDisputeInquiry", "warning_needs_response", "fraudulent"),
    ],
)
def test_dispute_cards_are_disputed_as_soon_as_the_money_is_captured(
    fake: RunningFake, card: str, status: str, reason: str
):
    at_once = fake.paid(payment_method=card)
    later = fake.paid(payment_method=card, capture_method="manual")
    disputes = fake.stripe.v1.disputes
    assert disputes.list({"payment_intent": later.id}).data == []
    fake.stripe.v1.payment_intents.capture(later.id, {"amount_to_capture": 900})

    [first] = disputes.list({"payment_intent": at_once.id}).data
    [second] = disputes.list({"charge": str(later.latest_charge)}).data

    assert (first.status, first.reason, first.amount) == (status, reason, 2000)
    assert (second.status, second.amount) == (status, 900)
    [told, _] = fake.stripe.v1.events.list({"type": "charge.dispute.created"}).data
    assert told.request.to_dict() == {"id": None, "idempotency_key": None}


def test_a_dispute_card_keeps_stripes_order_of_events(fake: RunningFake):
    fake.stripe.v1.payment_intents.create(paying(payment_method="pm_card_createDispute"))

    assert fake.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]


def test_only_captured_money_can_be_disputed(fake: RunningFake):
    authorized = fake.paid(capture_method="manual")
    unpaid = fake.stripe.v1.payment_intents.create({"amount": 500, "currency": "eur"})

    assert fake.admin.post(f"/charges/{authorized.id}/dispute").status_code == 400
    assert fake.admin.post(f"/charges/{unpaid.id}/dispute").status_code == 404
    assert fake.stripe.v1.disputes.list().data == []


@pytest.mark.parametrize("fields", [{"amount": 0}, {"amount": "1"}, {"case_type": "war"}, {"reason": "none"}])
def test_a_wrong_field_of_a_complaint_is_named(fake: RunningFake, fields: dict[str, object]):
    answer = fake.admin.post(f"/charges/{fake.paid().id}/dispute", json=fields)

    assert answer.status_code == 400
    assert f"`{next(iter(fields))}`" in answer.json()["error"]["message"]


def test_an_unknown_dispute_is_missing(fake: RunningFake):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        dispute(fake, "du_nobody")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    assert fake.admin.post("/disputes/du_nobody/win").status_code == 404


def test_disputes_are_found_by_when_they_were_opened(fake: RunningFake):
    first = disputed(fake)
    fake.tell("/clock/advance", seconds=1000)
    later = fake.state()["now"]
    second = disputed(fake)

    def opened(**created: int) -> list[str]:
        return [one.id for one in fake.stripe.v1.disputes.list({"created": created}).data]

    assert opened(gte=first.created) == [second.id, first.id]
    assert opened(gte=later) == [second.id]
    assert opened(lt=later) == [first.id]
