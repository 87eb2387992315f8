"""What follows from a change, whatever its cause."""

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from payment_subgraph.dispute import Dispute, DisputeStatus
from payment_subgraph.payment import Failure, Payment, PaymentStatus, RiskLevel
from payment_subgraph.refund import Refund, RefundStatus
from payment_subgraph.transitions import (
    TransitionType,
    dispute_transitions,
    payload,
    payment_transitions,
    refund_transitions,
)

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PAYMENT = Payment("pay_1", "usr_ada", 1000, "EUR", NOW, NOW, reference="order-7", client_secret="pi_1_secret")
REFUND = Refund("rfd_1", "pay_1", 300, NOW, NOW)
DISPUTE = Dispute("dsp_1", "pay_1", "du_1", 700, "EUR", DisputeStatus.NEEDS_RESPONSE, "general", NOW, NOW)
DECLINED = Failure("card_declined", "insufficient_funds", NOW, "ch_1")


def changed(payment: Payment, **changes: object) -> Payment:
    return replace(payment, version=payment.version + 1, **changes)  # type: ignore[arg-type]


def types(before: Payment | None, after: Payment) -> list[str]:
    return [one.type for one in payment_transitions(before, after)]


def test_rows_are_written_where_their_transitions_are_noted() -> None:
    """Statements that write `payments`, `refunds` or `disputes` stand in `repository.py`.

    But for `erased_owners.py`, which takes words of people away and changes no state.
    """
    writers = set()
    for file in (ROOT / "payment_subgraph").glob("**/*.py"):
        if {".venv", "migrations"} & set(file.parts):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("insert", "update", "delete"):
                table = node.args[0]
                if isinstance(table, ast.Name) and table.id in ("payments", "refunds", "disputes"):
                    writers.add(file.name)

    assert writers == {"repository.py", "erased_owners.py"}


def test_a_new_payment_is_created() -> None:
    (one,) = payment_transitions(None, PAYMENT)

    assert (one.type, one.subject_id, one.subject_version) == ("payment.created", "pay_1", 1)
    assert one.amount == PAYMENT.amount


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (PaymentStatus.REQUIRES_PAYMENT_METHOD, []),
        (PaymentStatus.REQUIRES_CONFIRMATION, []),
        (PaymentStatus.REQUIRES_ACTION, ["payment.requires_action"]),
        (PaymentStatus.PROCESSING, ["payment.processing"]),
        (PaymentStatus.REQUIRES_CAPTURE, ["payment.authorized"]),
        (PaymentStatus.SUCCEEDED, ["payment.succeeded"]),
        (PaymentStatus.CANCELED, ["payment.canceled"]),
        (PaymentStatus.FAILED, ["payment.failed"]),
    ],
)
def test_a_new_status_is_told_once(status: PaymentStatus, told: list[str]) -> None:
    after = changed(PAYMENT, status=status)

    assert types(PAYMENT, after) == told
    assert types(after, changed(after, amount_refund_pending=100)) == []


def test_a_payment_that_was_given_up_and_is_there_after_all_is_told() -> None:
    failed = changed(PAYMENT, status=PaymentStatus.FAILED)

    reopened = types(failed, changed(failed, status=PaymentStatus.REQUIRES_PAYMENT_METHOD))

    assert reopened == ["payment.reopened"]
    assert types(failed, changed(failed, status=PaymentStatus.SUCCEEDED)) == ["payment.succeeded"]


def test_each_failed_attempt_is_told() -> None:
    open_again = changed(PAYMENT, status=PaymentStatus.REQUIRES_PAYMENT_METHOD, last_error=DECLINED)
    (first,) = payment_transitions(PAYMENT, open_again)
    second = changed(open_again, last_error=replace(DECLINED, attempt_id="ch_2"))

    assert (first.type, first.reason) == ("payment.attempt_failed", "insufficient_funds")
    assert types(open_again, second) == ["payment.attempt_failed"]
    assert types(second, changed(second, redirect_url="https://x.test")) == []


def test_of_two_attempts_that_failed_at_the_bank_s_door_both_are_told() -> None:
    failure = Failure("payment_intent_authentication_failure", None, NOW)
    waiting = changed(PAYMENT, status=PaymentStatus.REQUIRES_ACTION, last_error=failure)

    back = changed(waiting, status=PaymentStatus.REQUIRES_PAYMENT_METHOD)

    assert types(waiting, back) == ["payment.attempt_failed"]


def test_a_payment_that_is_frozen_is_told_with_its_reason() -> None:
    (one,) = payment_transitions(PAYMENT, changed(PAYMENT, frozen_reason="OTHER_AMOUNT"))

    assert (one.type, one.reason) == (TransitionType.PAYMENT_FROZEN, "OTHER_AMOUNT")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, RiskLevel.HIGHEST, []),
        (RiskLevel.NORMAL, RiskLevel.REVIEW, ["payment.flagged"]),
        (RiskLevel.REVIEW, RiskLevel.REVIEW, []),
        (RiskLevel.REVIEW, RiskLevel.FRAUD_WARNING, ["payment.flagged"]),
        (RiskLevel.FRAUD_WARNING, RiskLevel.FRAUD_WARNING, []),
    ],
)
def test_each_flag_of_a_payment_is_told_once(
    before: RiskLevel | None, after: RiskLevel, told: list[str]
) -> None:
    rated = replace(PAYMENT, risk_level=before)
    found = list(payment_transitions(rated, changed(rated, risk_level=after)))

    assert [one.type for one in found] == told
    assert [one.reason for one in found] == [after] * len(told)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (RefundStatus.PENDING, []),
        (RefundStatus.REQUIRES_ACTION, ["refund.requires_action"]),
        (RefundStatus.SUCCEEDED, ["refund.succeeded"]),
        (RefundStatus.FAILED, ["refund.failed"]),
        (RefundStatus.CANCELED, ["refund.canceled"]),
    ],
)
def test_a_refund_is_told_from_its_making_to_its_end(status: RefundStatus, told: list[str]) -> None:
    after = replace(REFUND, status=status, version=2)

    assert [one.type for one in refund_transitions("EUR", REFUND, after)] == told
    assert [one.type for one in refund_transitions("EUR", None, after)] == ["refund.created", *told]
    assert list(refund_transitions("EUR", after, replace(after, version=3, note="x"))) == []


def test_a_refund_that_fails_after_it_succeeded_is_told_again() -> None:
    paid = replace(REFUND, status=RefundStatus.SUCCEEDED, version=2)
    late = replace(paid, status=RefundStatus.FAILED, failure_reason="lost_or_stolen_card", version=3)

    (one,) = refund_transitions("EUR", paid, late)

    assert (one.type, one.reason, one.subject_version) == ("refund.failed", "lost_or_stolen_card", 3)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("NEEDS_RESPONSE", False), ("NEEDS_RESPONSE", True), ["funds_withdrawn"]),
        (("NEEDS_RESPONSE", True), ("UNDER_REVIEW", True), []),
        (("UNDER_REVIEW", True), ("WON", True), ["closed"]),
        (("WON", True), ("WON", False), ["funds_reinstated"]),
        (("UNDER_REVIEW", True), ("WON", False), ["funds_reinstated", "closed"]),
        (("WARNING_UNDER_REVIEW", False), ("WARNING_CLOSED", False), ["closed"]),
        (("WARNING_CLOSED", False), ("NEEDS_RESPONSE", True), ["funds_withdrawn"]),
        (("UNDER_REVIEW", True), ("LOST", True), ["closed"]),
        (("LOST", True), ("LOST", True), []),
        (None, ("NEEDS_RESPONSE", False), ["opened"]),
        (None, ("LOST", True), ["opened", "funds_withdrawn", "closed"]),
        (None, ("WON", False), ["opened", "closed"]),
    ],
)
def test_a_dispute_is_told_from_its_opening_to_its_end(
    before: tuple[str, bool] | None, after: tuple[str, bool], told: list[str]
) -> None:
    was, is_now = (
        one and replace(DISPUTE, status=DisputeStatus(one[0]), funds_withdrawn=one[1])
        for one in (before, after)
    )
    assert is_now is not None
    found = list(dispute_transitions(was, is_now))

    assert [one.type for one in found] == [f"dispute.{word}" for word in told]
    for one in found:
        assert (one.payment_id, one.subject_id, one.amount) == ("pay_1", "dsp_1", DISPUTE.amount)
        assert one.details["dispute"] == {
            "id": "dsp_1",
            "status": after[0],
            "amount": {"amount": "7.00", "amountMinor": "700", "currency": "EUR"},
        }


def test_a_message_tells_ids_statuses_and_amounts_and_nothing_else() -> None:
    paid = changed(PAYMENT, status=PaymentStatus.SUCCEEDED, amount_captured=1000, amount_refunded=300)
    refunded = replace(REFUND, status=RefundStatus.SUCCEEDED, note="Ada moved to Rue X", version=2)
    (transition,) = refund_transitions("EUR", REFUND, refunded)

    told = payload(transition, paid, 5, "2026-11-28T12:00:00Z")

    money = {"currency": "EUR"}
    assert told == {
        "type": "refund.succeeded",
        "timestamp": "2026-11-28T12:00:00Z",
        "data": {
            "sequence": 5,
            "payment": {
                "id": "pay_1",
                "reference": "order-7",
                "source": "API",
                "status": "SUCCEEDED",
                "financialStatus": "PARTIALLY_REFUNDED",
                "amount": {"amount": "10.00", "amountMinor": "1000", **money},
                "amountCapturable": {"amount": "0.00", "amountMinor": "0", **money},
                "amountCaptured": {"amount": "10.00", "amountMinor": "1000", **money},
                "amountRefunded": {"amount": "3.00", "amountMinor": "300", **money},
                "amountRefundPending": {"amount": "0.00", "amountMinor": "0", **money},
                "version": 2,
            },
            "refund": {
                "id": "rfd_1",
                "status": "SUCCEEDED",
                "amount": {"amount": "3.00", "amountMinor": "300", **money},
            },
        },
    }
