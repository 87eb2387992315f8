"""Both sides, read when all is quiet: our rows, and what Stripe lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url

from payment_subgraph.stripe_amounts import from_stripe_amount
from payment_subgraph.tables import ledger_entries, payment_operations, payments, provider_events, refunds
from tests.faults.clients import Told


@dataclass(frozen=True, slots=True)
class StripePayment:
    """A PaymentIntent of Stripe's. Amounts are in our minor units."""

    id: str
    payment_id: str | None
    status: str
    amount: int
    received: int
    currency: str


@dataclass(frozen=True, slots=True)
class StripeRefund:
    id: str
    refund_id: str | None
    intent: str
    status: str
    amount: int
    currency: str


Row = dict[str, Any]


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
    delivered: frozenset[str] = frozenset()
    """Ids of events whose delivery we answered with 2xx, of the newest deliveries."""
    told: Sequence[Told] = field(default=())


async def read_books(
    database_url: str, stripe_url: str, http: httpx.AsyncClient, told: Sequence[Told]
) -> Books:
    intents = await _listed(http, stripe_url, "payment_intents")
    refunded = await _listed(http, stripe_url, "refunds")
    deliveries = (await http.get(f"{stripe_url}/_fake/webhook_deliveries")).json()["deliveries"]
    rows = _rows(database_url)
    return Books(
        payments=rows["payments"],
        refunds=rows["refunds"],
        operations=rows["payment_operations"],
        entries=rows["ledger_entries"],
        events=frozenset(row["provider_event_id"] for row in rows["provider_events"]),
        stripe_payments=[
            StripePayment(
                each["id"],
                each["metadata"].get("payment_id"),
                each["status"],
                _minor(each["amount"], each["currency"]),
                _minor(each["amount_received"], each["currency"]),
                each["currency"].upper(),
            )
            for each in intents
        ],
        stripe_refunds=[
            StripeRefund(
                each["id"],
                each["metadata"].get("refund_id"),
                each["payment_intent"],
                each["status"],
                _minor(each["amount"], each["currency"]),
                each["currency"].upper(),
            )
            for each in refunded
        ],
        delivered=frozenset(each["event"] for each in deliveries if each["state"] == "delivered"),
        told=told,
    )


async def _listed(http: httpx.AsyncClient, stripe_url: str, kind: str) -> list[dict[str, Any]]:
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


def _rows(database_url: str) -> dict[str, list[Row]]:
    url = make_url(database_url)
    driver = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = create_engine(url.set(drivername=driver))
    try:
        with engine.connect() as connection:
            return {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in (payments, refunds, payment_operations, provider_events, ledger_entries)
            }
    finally:
        engine.dispose()
