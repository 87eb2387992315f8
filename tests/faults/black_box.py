"""The service from outside: what its API answers about all payments, beside what Stripe lists. No row is read."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from payment_subgraph.stripe_amounts import from_stripe_amount
from tests.faults.books import listed_at_stripe
from tests.faults.clients import Clients
from tests.faults.invariants import Violation
from tests.faults.issuer import FINANCE
from tests.faults.people import STAFF, Told

Json = dict[str, Any]
_PAGE = """query($after: String) { answer: payments(first: 50, after: $after) {
  nodes { id status user { id } reference amountCaptured { amountMinor currency } amountRefunded { amountMinor }
    amountRefundPending { amountMinor } pendingOperations { id kind }
    refunds(first: 20) { nodes { id status amount { amountMinor } } } }
  pageInfo { hasNextPage endCursor } } }"""
_ASK_AGAIN_S = 0.2
_LIVE = {"pending", "requires_action", "succeeded"}


@dataclass(frozen=True, slots=True)
class Outside:
    payments: Sequence[Json]
    intents: Sequence[Json]
    refunds: Sequence[Json]
    told: Sequence[Told]

    def counts(self) -> Counter[str]:
        shown = sum(len(payment["refunds"]["nodes"]) for payment in self.payments)
        return Counter(
            {
                "payments": len(self.payments),
                "refunds": shown,
                "payments at Stripe": len(self.intents),
                "refunds at Stripe": len(self.refunds),
            }
        )

    def violations(self) -> list[Violation]:
        return [Violation(name, what) for name, check in CHECKS.items() for what in check(self)]

    def _once(self) -> Iterator[str]:
        made = Counter(intent["metadata"]["payment_id"] for intent in self.intents)
        yield from (f"{count} PaymentIntents for {payment}" for payment, count in made.items() if count > 1)
        paid = Counter(
            (payment["user"]["id"], payment["reference"])
            for payment in self.payments
            if payment["status"] == "SUCCEEDED"
        )
        yield from (f"{count} payments collected for {order}" for order, count in paid.items() if count > 1)

    def _payments(self) -> Iterator[str]:
        shown = {payment["id"]: payment for payment in self.payments}
        for intent in self.intents:
            payment = shown.pop(intent["metadata"]["payment_id"], None)
            if payment is None:
                yield f"{intent['id']} is no payment of ours"
                continue
            ours = payment["status"], int(payment["amountCaptured"]["amountMinor"])
            theirs = intent["status"].upper(), _minor(intent["amount_received"], intent["currency"])
            if ours != theirs:
                yield f"{payment['id']} is {ours}, at Stripe {theirs}"
        for payment in shown.values():
            if payment["status"] != "FAILED":
                yield f"{payment['id']} is {payment['status']}, and Stripe has nothing of it"

    def _refunds(self) -> Iterator[str]:
        shown = {refund["id"]: refund for payment in self.payments for refund in payment["refunds"]["nodes"]}
        for refund in self.refunds:
            ours = shown.pop(refund["metadata"]["refund_id"], None)
            if ours is None:
                yield f"{refund['id']} is no refund of ours, or a second one"
            elif ours["status"] != refund["status"].upper():
                yield f"{ours['id']} is {ours['status']}, at Stripe {refund['status']}"
        yield from (
            f"{refund['id']} is {refund['status']}, and Stripe has nothing of it"
            for refund in shown.values()
            if refund["status"] != "FAILED"
        )
        yield from self._too_much()

    def _too_much(self) -> Iterator[str]:
        given: Counter[str] = Counter()
        for refund in self.refunds:
            given[refund["payment_intent"]] += refund["amount"] if refund["status"] in _LIVE else 0
        for intent in self.intents:
            if given[intent["id"]] > intent["amount_received"]:
                yield f"more was refunded on {intent['id']} than was captured"

    def _open(self) -> Iterator[str]:
        for payment in self.payments:
            for operation in payment["pendingOperations"]:
                yield f"operation {operation['id']} ({operation['kind']}) of {payment['id']} is still open"

    def _told(self) -> Iterator[str]:
        status = {intent["metadata"]["payment_id"]: intent["status"].upper() for intent in self.intents}
        known = {*status, *(refund["metadata"]["refund_id"] for refund in self.refunds)}
        for told in self.told:
            if told.member not in {"PaymentSuccess", "RefundSuccess"}:
                continue
            if told.object_id not in known:
                yield f"{told.key} was told of {told.object_id}, and Stripe has none"
            elif (
                told.status in {"SUCCEEDED", "CANCELED"}
                and status.get(told.object_id, told.status) != told.status
            ):
                yield f"{told.key} was told {told.status}, at Stripe {status[told.object_id]}"


def _minor(amount: int, currency: str) -> int:
    money = from_stripe_amount(amount, currency)
    assert money is not None
    return money.minor


CHECKS: Final[dict[str, Callable[[Outside], Iterator[str]]]] = {
    "one intent per payment, one payment per order": Outside._once,
    "payments are what Stripe lists": Outside._payments,
    "refunds are what Stripe lists": Outside._refunds,
    "nothing is open": Outside._open,
    "what was told is true": Outside._told,
}


async def read_from_outside(clients: Clients, http: httpx.AsyncClient, stripe_url: str) -> Outside:
    token, payments, after = clients.issuer.token(STAFF, FINANCE), list[Json](), None
    while True:
        page = await clients.post(_PAGE, {"after": after}, token)
        if page is None:  # it may be on its way back
            await asyncio.sleep(_ASK_AGAIN_S)
            continue
        payments += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    intents = await listed_at_stripe(http, stripe_url, "payment_intents")
    refunds = await listed_at_stripe(http, stripe_url, "refunds")
    return Outside(payments, intents, refunds, clients.told)
