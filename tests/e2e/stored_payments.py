"""Payments that were made already, written by the payment subgraph's own code and run with its interpreter:

    STRIPE_SECRET_KEY=… DATA_DIR=… payment_subgraph/.venv/bin/python -m tests.e2e.stored_payments usr_1 usr_2

Each owner has three payments of 10 EUR with two refunds of 1 EUR each, and a card that is kept.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

from payment_subgraph.customer import Customer, SavedMethod
from payment_subgraph.customer_repository import CustomerRepository
from payment_subgraph.database import Database
from payment_subgraph.payment import MethodDetails, MethodType, Payment, PaymentStatus
from payment_subgraph.refund import Refund, RefundStatus
from payment_subgraph.repository import Cause, Repository, Transaction
from payment_subgraph.settings import Settings

CAUSE = Cause("REQUEST", "op_stored")
NOW = datetime.now(UTC)


async def stored(settings: Settings, owners: list[str]) -> None:
    database = Database(settings.database.url)
    async with Repository(database, settings.reread_after).writing() as rows:
        for owner in owners:
            for number in range(3):
                await _add_payment(rows, owner, number)
    customers = CustomerRepository(database, settings.environment)
    for owner in owners:
        await _keep_a_card(customers, owner)
    await database.close()


async def _add_payment(rows: Transaction, owner: str, number: int) -> None:
    at = NOW - timedelta(minutes=number)
    payment = Payment(
        id=f"pay_{owner}_{number}",
        owner_id=owner,
        amount_minor=1000,
        currency="EUR",
        created_at=at,
        updated_at=at,
        status=PaymentStatus.SUCCEEDED,
        amount_captured=1000,
        amount_refunded=200,
    )
    await rows.add_payment(payment, CAUSE)
    for one in range(2):
        refund = Refund(f"rfd_{owner}_{number}_{one}", payment.id, 100, at, at, status=RefundStatus.SUCCEEDED)
        await rows.add_refund(refund, CAUSE)


async def _keep_a_card(customers: CustomerRepository, owner: str) -> None:
    customer = Customer(f"cus_{owner}", owner, customers.environment, NOW, NOW, f"cus_provider_{owner}")
    card = MethodDetails(f"pm_{owner}", MethodType.CARD, "visa", "4242", 12, 2040)
    async with customers.writing() as rows:
        await rows.add_customer(customer)
        await rows.add_method(SavedMethod(f"spm_{owner}", customer.id, owner, card.id, card, NOW, NOW, NOW))


if __name__ == "__main__":
    asyncio.run(stored(Settings.read(os.environ), sys.argv[1:]))
