"""Each invariant is violated by what it forbids, and by nothing in books that are right."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from payment_subgraph.ledger import Account, PostingKind
from payment_subgraph.operation import Rejection, RejectionKind
from tests.faults.__main__ import verdicts
from tests.faults.black_box import CHECKS
from tests.faults.books import Books, StripeCharge, StripePayment, StripeRefund
from tests.faults.invariants import CHECKERS, Violation, violations
from tests.faults.people import Told
from tests.faults.rig import Outcome

PAYMENT: dict[str, Any] = {
    "id": "pay_1",
    "owner_id": "usr_1",
    "reference": "order-1",
    "status": "SUCCEEDED",
    "currency": "EUR",
    "provider_payment_id": "pi_1",
    "amount_captured": 1000,
    "amount_refunded": 300,
    "amount_refund_pending": 0,
    "frozen_reason": None,
}
REFUND: dict[str, Any] = {
    "id": "rfd_1",
    "payment_id": "pay_1",
    "amount_minor": 300,
    "status": "SUCCEEDED",
    "provider_refund_id": "re_1",
}
CAPTURED: dict[str, Any] = {
    "txn_id": "pay_1:2",
    "payment_id": "pay_1",
    "kind": PostingKind.CAPTURE,
    "account": Account.STRIPE_CLEARING,
    "amount_minor": 1000,
    "currency": "EUR",
}
ENTRIES = [
    CAPTURED,
    CAPTURED | {"account": Account.PAYMENTS_RECEIVED, "amount_minor": -1000},
    CAPTURED | {"txn_id": "rfd_1:2", "amount_minor": -300},
    CAPTURED | {"txn_id": "rfd_1:2", "account": Account.PAYMENTS_RECEIVED, "amount_minor": 300},
]
OPERATION: dict[str, Any] = {
    "id": "op_1",
    "actor_id": "usr_1",
    "kind": "CREATE",
    "client_key": "pay-1",
    "state": "SUCCEEDED",
    "resolved_at": "then",
    "result": None,
    "refund_id": None,
    "payment_id": "pay_1",
}
REFUNDING = OPERATION | {"id": "op_2", "kind": "REFUND", "client_key": "refund-1", "refund_id": "rfd_1"}
EXCEEDING = Rejection(RejectionKind.REFUND_EXCEEDS)
INTENT = StripePayment("pi_1", "pay_1", "succeeded", 1000, 1000, "EUR", "op_1")
STRIPES_REFUND = StripeRefund("re_1", "rfd_1", "pi_1", "succeeded", 300, "EUR", "op_2")
CHARGE = StripeCharge("ch_1", "pi_1", 1000, 300, "EUR")
PAID = Told("createPayment", "pay-1", "PaymentSuccess", "pay_1", "SUCCEEDED")
PROVIDER = Told("createPayment", "pay-1", "PaymentProviderError")
RIGHT = Books(
    payments=[PAYMENT],
    refunds=[REFUND],
    operations=[OPERATION, REFUNDING],
    entries=ENTRIES,
    events=frozenset({"evt_1"}),
    stripe_payments=[INTENT],
    stripe_refunds=[STRIPES_REFUND],
    stripe_charges=[CHARGE],
    delivered=frozenset({"evt_1"}),
    told=[PAID, PAID, Told("refundPayment", "refund-1", "RefundSuccess", "rfd_1", "PENDING")],
)


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert violations(RIGHT) == []


@pytest.mark.parametrize(
    ("invariant", "wrong"),
    [
        ("I1", replace(RIGHT, stripe_payments=[INTENT, replace(INTENT, id="pi_2")])),
        (
            "I1",
            replace(
                RIGHT,
                payments=[PAYMENT, PAYMENT | {"id": "pay_2", "provider_payment_id": "pi_2"}],
                stripe_payments=[INTENT, replace(INTENT, id="pi_2", payment_id="pay_2")],
            ),
        ),
        ("I2", replace(RIGHT, operations=[OPERATION, OPERATION | {"id": "op_2"}])),
        ("I2", replace(RIGHT, stripe_refunds=[STRIPES_REFUND, replace(STRIPES_REFUND, id="re_2")])),
        ("I3", replace(RIGHT, stripe_refunds=[replace(STRIPES_REFUND, amount=1001)])),
        ("I2", replace(RIGHT, operations=[*[OPERATION | {"kind": "CAPTURE"}] * 2, REFUNDING])),
        ("I3", replace(RIGHT, payments=[PAYMENT | {"amount_refund_pending": 701}])),
        ("I3", replace(RIGHT, operations=[OPERATION, REFUNDING | {"result": EXCEEDING}])),
        ("I4", replace(RIGHT, stripe_payments=[INTENT, replace(INTENT, id="pi_2", payment_id=None)])),
        ("I4", replace(RIGHT, refunds=[])),
        ("I4", replace(RIGHT, refunds=[REFUND | {"id": "rfd_2"}])),
        ("I4", replace(RIGHT, operations=[REFUNDING])),
        ("I5", replace(RIGHT, operations=[OPERATION | {"resolved_at": None, "state": "UNKNOWN"}])),
        ("I5", replace(RIGHT, payments=[PAYMENT | {"status": "PROCESSING"}])),
        ("I5", replace(RIGHT, payments=[PAYMENT | {"amount_captured": 999}])),
        ("I5", replace(RIGHT, stripe_payments=[])),
        ("I5", replace(RIGHT, payments=[PAYMENT | {"frozen_reason": "REOPENED"}])),
        ("I5", replace(RIGHT, refunds=[REFUND | {"status": "PENDING"}])),
        ("I6", replace(RIGHT, payments=[PAYMENT | {"amount_refunded": 299}])),
        ("I6", replace(RIGHT, stripe_refunds=[replace(STRIPES_REFUND, amount=299)])),
        ("I6", replace(RIGHT, entries=ENTRIES[:3])),
        ("I6", replace(RIGHT, entries=[*ENTRIES, *ENTRIES[:2]])),
        ("I6", replace(RIGHT, stripe_charges=[replace(CHARGE, captured=999)])),
        ("I6", replace(RIGHT, stripe_charges=[replace(CHARGE, refunded=0)])),
        ("I6", replace(RIGHT, stripe_balance={"EUR": 695})),
        ("I8", replace(RIGHT, entries=ENTRIES[:2])),
        ("I8", replace(RIGHT, entries=[*ENTRIES, *(each | {"txn_id": "pay_1:3"} for each in ENTRIES[:2])])),
        ("I8", replace(RIGHT, refunds=[REFUND | {"status": "FAILED"}])),
        ("I7", replace(RIGHT, events=frozenset())),
        ("I9", replace(RIGHT, told=[PAID, replace(PAID, member="PaymentDeclinedError")])),
        ("I9", replace(RIGHT, told=[replace(PAID, object_id="pay_2")])),
        ("I9", replace(RIGHT, stripe_payments=[replace(INTENT, status="requires_action")])),
        ("I9", replace(RIGHT, told=[replace(PAID, member="PaymentDeclinedError", status=None)])),
        ("I9", replace(RIGHT, stripe_refunds=[])),
        ("I9", replace(RIGHT, told=[replace(PAID, kind="cancelPayment")])),
        ("I9", replace(RIGHT, told=[replace(PAID, member="PaymentProviderError")])),
        ("I9", replace(RIGHT, operations=[OPERATION | {"state": "REJECTED"}, REFUNDING], told=[PROVIDER])),
        ("I9", replace(RIGHT, stripe_payments=[replace(INTENT, manual=True)])),
        ("I9", replace(RIGHT, told=[PAID, Told("cancelPayment", "cancel-1", "InvalidPaymentStateError")])),
    ],
)
def test_what_is_wrong_is_seen(invariant: str, wrong: Books) -> None:
    assert invariant in {each.invariant.split()[0] for each in violations(wrong)}


@pytest.mark.parametrize("black_box", [False, True])
def test_only_what_was_looked_at_is_told_to_hold(black_box: bool) -> None:  # noqa: FBT001
    names = list(CHECKS if black_box else CHECKERS)
    wrong = [Violation(names[0], "two of them")]
    nothing = Counter[str]()
    outcome = Outcome(wrong, nothing, nothing, nothing, nothing, [], Counter(), 0, 1.0, 2.0, [])

    told = list(verdicts(outcome, black_box=black_box))

    assert told == [
        f"  FAILED  {names[0]}",
        "            two of them",
        *(f"  holds   {name}" for name in names[1:]),
    ]
