"""Register, log in, pay, see it succeed by webhook, refund half, and read all of it with one query."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.e2e.client import ONE_QUERY, Client, eventually, new_customer
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.running_system import RunningSystem

PAYMENT = "query ($id: ID!) { payment(id: $id) { status financialStatus version } }"

BOOKS = """{ ledgerCheck(currency: "CHF") {
  balanced matchesPayments matchesTotals accounts { account balance { amount } } }
  bookDifferences { nodes { id cause } } }"""
SUMMARY = """{ me { paymentSummary(currency: "CHF") { net { amount } } } }"""


def test_a_user_and_their_payments_come_in_one_query(
    anonymous: Client, finance: Client, users_proxy: RecordingProxy, payments_proxy: RecordingProxy
) -> None:
    email, customer = new_customer(anonymous.url)
    paid = customer.pay(amount={"amount": "10.00", "currency": "EUR"})["payment"]
    refunded = finance.refund(paid["id"], amount={"amount": "5.00", "currency": "EUR"})
    users_proxy.requests.clear()
    payments_proxy.requests.clear()

    answer = customer.get(ONE_QUERY)

    assert refunded["__typename"] == "RefundSuccess"
    assert answer == {
        "me": {
            "email": email,
            "payments": {
                "nodes": [
                    {
                        "id": paid["id"],
                        "status": "SUCCEEDED",
                        "financialStatus": "PARTIALLY_REFUNDED",
                        "amount": {"amount": "10.00", "currency": "EUR"},
                        "refunds": {"nodes": [{"status": "SUCCEEDED", "amount": {"amount": "5.00"}}]},
                    }
                ]
            },
        }
    }
    assert (len(users_proxy.requests), len(payments_proxy.requests)) == (1, 1)


def test_a_payment_confirmed_at_the_bank_turns_succeeded_by_webhook(
    anonymous: Client, system: RunningSystem
) -> None:
    _, customer = new_customer(anonymous.url)
    waiting = customer.pay(
        paymentMethodId="pm_card_threeDSecure2Required", returnUrl="https://shop.example/thanks"
    )["payment"]
    bank_page = waiting["nextAction"]["redirectUrl"]

    confirmed = httpx.post(bank_page, data={"outcome": "complete"}, trust_env=False, timeout=60)

    assert waiting["status"] == "REQUIRES_ACTION"
    assert confirmed.status_code in {302, 303}
    eventually(
        lambda: customer.get(PAYMENT, id=waiting["id"])["payment"]["status"],
        lambda status: status == "SUCCEEDED",
    )


def test_many_users_and_their_payments_cost_one_request_to_each_subgraph(
    finance: Client, anonymous: Client, users_proxy: RecordingProxy, payments_proxy: RecordingProxy
) -> None:
    admin = anonymous.logged_in("admin@example.com")
    users_proxy.requests.clear()
    payments_proxy.requests.clear()

    users = admin.get("{ users(first: 100) { nodes { email payments(first: 5) { nodes { id } } } } }")[
        "users"
    ]

    assert len(users["nodes"]) >= 5
    assert (len(users_proxy.requests), len(payments_proxy.requests)) == (1, 1)


def test_from_a_payment_back_to_its_user(ada: Client) -> None:
    own = ada.get("{ me { id payments(first: 1) { nodes { user { id email } } } } }")["me"]

    assert own["payments"]["nodes"] == [{"user": {"id": own["id"], "email": "ada@example.com"}}]


def test_the_same_key_pays_once(anonymous: Client) -> None:
    _, customer = new_customer(anonymous.url)

    first, second = customer.pay(idempotencyKey="order-1"), customer.pay(idempotencyKey="order-1")

    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["payment"]["id"] == second["payment"]["id"]
    assert len(customer.get(ONE_QUERY)["me"]["payments"]["nodes"]) == 1


def test_declined_cards_are_an_answer_and_not_an_error(anonymous: Client) -> None:
    _, customer = new_customer(anonymous.url)

    generic = customer.pay(paymentMethodId="pm_card_visa_chargeDeclined")
    insufficient = customer.pay(paymentMethodId="pm_card_visa_chargeDeclinedInsufficientFunds")

    assert (generic["__typename"], generic["declineCode"]) == ("PaymentDeclinedError", "generic_decline")
    assert (insufficient["__typename"], insufficient["declineCode"]) == (
        "PaymentDeclinedError",
        "insufficient_funds",
    )


def test_a_slow_stripe_is_told_as_pending_and_the_same_key_learns_the_end(
    anonymous: Client, system: RunningSystem
) -> None:
    _, customer = new_customer(anonymous.url)
    with stopped(system.pids()["fake_stripe"]):
        pending = customer.pay(idempotencyKey="slow")

    settled = eventually(
        lambda: customer.pay(idempotencyKey="slow"), lambda result: result["__typename"] != "OperationPending"
    )

    assert pending["__typename"] == "OperationPending"
    assert (settled["__typename"], settled["payment"]["status"]) == ("PaymentSuccess", "SUCCEEDED")
    assert len(customer.get(ONE_QUERY)["me"]["payments"]["nodes"]) == 1


def test_the_ledger_of_a_running_system_says_what_the_payments_say(
    finance: Client, anonymous: Client
) -> None:
    _, customer = new_customer(anonymous.url)
    paid = customer.pay(amount={"amount": "20.00", "currency": "CHF"})["payment"]
    finance.refund(paid["id"], amount={"amount": "5.00", "currency": "CHF"})
    # Of the 20.00 Stripe keeps 1.5 % and 0.25.
    expected = {"payments_received": "-15.00", "stripe_fees": "0.55", "stripe_balance": "14.45"}
    eventually(
        lambda: finance.get(BOOKS)["ledgerCheck"]["accounts"],
        lambda accounts: (
            {one["account"]: one["balance"]["amount"] for one in accounts if float(one["balance"]["amount"])}
            == expected
        ),
    )

    books = finance.get(BOOKS)

    told = books["ledgerCheck"]
    assert (told["balanced"], told["matchesPayments"], told["matchesTotals"]) == (True, True, True)
    assert books["bookDifferences"] == {"nodes": []}
    assert customer.get(SUMMARY)["me"]["paymentSummary"]["net"] == {"amount": "15.00"}


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process does nothing during the block, as a service that hangs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
