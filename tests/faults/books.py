"""Both sides, read when all is quiet: our rows, and what Stripe lists."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.engine import make_url

from payment_subgraph.stripe_amounts import from_stripe_amount
from payment_subgraph.tables import ledger_entries, payment_operations, payments, provider_events, refunds
from tests.faults.people import Told

Json = Mapping[str, Any]
Row = dict[str, Any]
STRIPE_KINDS = ("payment_intents", "refunds", "charges", "balance_transactions")
"""What is listed of Stripe's."""


@dataclass(frozen=True, slots=True)
class StripePayment:
    """A PaymentIntent of Stripe's. Amounts are in our minor units; *payment_id* and *operation_id* we wrote on it."""

    id: str
    payment_id: str | None
    status: str
    amount: int
    received: int
    currency: str
    operation_id: str | None = None
    manual: bool = False


@dataclass(frozen=True, slots=True)
class StripeRefund:
    id: str
    refund_id: str | None
    intent: str
    status: str
    amount: int
    currency: str
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class StripeCharge:
    """What was taken and given back on one charge, as Stripe adds it up."""

    id: str
    intent: str
    captured: int
    refunded: int
    currency: str


@dataclass(frozen=True, slots=True)
class Books:
    payments: Sequence[Row] = ()
    refunds: Sequence[Row] = ()
    operations: Sequence[Row] = ()
    entries: Sequence[Row] = ()
    """Of the ledger."""
    events: frozenset[str] = frozenset()
    """Ids of the events that we have stored."""
    stripe_payments: Sequence[StripePayment] = ()
    stripe_refunds: Sequence[StripeRefund] = ()
    stripe_charges: Sequence[StripeCharge] = ()
    stripe_balance: Mapping[str, int] = field(default_factory=dict)
    """By currency, in our minor units: the sum of `net` of all balance transactions."""
    delivered: frozenset[str] = frozenset()
    """Ids of events whose delivery we answered with 2xx, of the newest deliveries."""
    told: Sequence[Told] = ()

    def counts(self) -> Counter[str]:
        return Counter(
            {
                "payments": len(self.payments),
                "refunds": len(self.refunds),
                "operations": len(self.operations),
                "ledger entries": len(self.entries),
                "events": len(self.events),
                "payments at Stripe": len(self.stripe_payments),
                "refunds at Stripe": len(self.stripe_refunds),
            }
        )


async def read_books(
    database_url: str, stripe_url: str, http: httpx.AsyncClient, told: Sequence[Told]
) -> Books:
    listed = {kind: await listed_at_stripe(http, stripe_url, kind) for kind in STRIPE_KINDS}
    deliveries = (await http.get(f"{stripe_url}/_fake/webhook_deliveries")).json()["deliveries"]
    delivered = frozenset(each["event"] for each in deliveries if each["state"] == "delivered")
    url = make_url(database_url)
    driver = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = create_engine(url.set(drivername=driver))
    try:
        with engine.connect() as connection:
            return books_of(connection, listed, delivered, told)
    finally:
        engine.dispose()


def books_of(
    connection: Connection,
    listed: Mapping[str, Sequence[Json]],
    delivered: frozenset[str],
    told: Sequence[Told],
) -> Books:
    """*listed*: Stripe's objects by `STRIPE_KINDS`."""

    def rows(table: Any) -> list[Row]:
        return [dict(row) for row in connection.execute(select(table)).mappings()]

    events = connection.execute(select(provider_events.c.provider_event_id)).scalars()
    return Books(
        payments=rows(payments),
        refunds=rows(refunds),
        operations=rows(payment_operations),
        entries=rows(ledger_entries),
        events=frozenset(events),
        stripe_payments=[_payment(each) for each in listed["payment_intents"]],
        stripe_refunds=[_refund(each) for each in listed["refunds"]],
        stripe_charges=[_charge(each) for each in listed["charges"] if each["captured"]],
        stripe_balance=_balance(listed["balance_transactions"]),
        delivered=delivered,
        told=told,
    )


def _payment(intent: Json) -> StripePayment:
    currency, metadata = intent["currency"], intent["metadata"]
    return StripePayment(
        intent["id"],
        metadata.get("payment_id"),
        intent["status"],
        _minor(intent["amount"], currency),
        _minor(intent["amount_received"], currency),
        currency.upper(),
        metadata.get("operation_id"),
        intent["capture_method"] == "manual",
    )


def _refund(refund: Json) -> StripeRefund:
    currency, metadata = refund["currency"], refund["metadata"]
    return StripeRefund(
        refund["id"],
        metadata.get("refund_id"),
        refund["payment_intent"],
        refund["status"],
        _minor(refund["amount"], currency),
        currency.upper(),
        metadata.get("operation_id"),
    )


def _charge(charge: Json) -> StripeCharge:
    currency = charge["currency"]
    return StripeCharge(
        charge["id"],
        charge["payment_intent"],
        _minor(charge["amount_captured"], currency),
        _minor(charge["amount_refunded"], currency),
        currency.upper(),
    )


def _balance(transactions: Sequence[Json]) -> Mapping[str, int]:
    """A fee and what is left of a sum may be odd where Stripe's smallest unit is smaller than ours: only all is not."""
    sums: Counter[str] = Counter()
    for each in transactions:
        sums[each["currency"]] += each["net"]
    return {currency.upper(): _minor(net, currency) for currency, net in sums.items()}


async def listed_at_stripe(http: httpx.AsyncClient, stripe_url: str, kind: str) -> list[dict[str, Any]]:
    """All of them, page by page."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        response = await http.get(
            f"{stripe_url}/v1/{kind}",
            params={"limit": "100", **after},
            headers={"authorization": "Bearer sk_test_rig"},
        )
        response.raise_for_status()
        page = response.json()
        found += page["data"]
        if not page["has_more"]:
            return found
        after = {"starting_after": page["data"][-1]["id"]}


def _minor(amount: int, currency: str) -> int:
    money = from_stripe_amount(amount, currency)
    assert money is not None, (amount, currency)
    return money.minor
