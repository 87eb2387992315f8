"""A few payments to look at, made as a client makes them: through the gateway, with idempotency keys, logged out at the end.

The keys never change, so a second launch finds the payments of the first and makes no more.
"""

from dataclasses import dataclass
from typing import Any

import httpx

from launcher.errors import DemoRefused

PASSWORD = "correct-horse-demo"  # noqa: S105 - it is printed at every start, and exists in demo mode only
CUSTOMER, FINANCE = "ada@example.com", "finance@example.com"

LOGIN = """mutation ($input: LoginInput!) { login(input: $input) { ... on LoginSuccess { tokens { accessToken } } ... on Error { code message } } }"""

LOGOUT = "mutation { logout { revokedSessions } }"

PAY = """mutation ($input: CreatePaymentInput!) { createPayment(input: $input) {
  ... on PaymentSuccess { payment { id } } ... on PaymentDeclinedError { payment { id } } ... on Error { code message } } }"""

REFUND = """mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) {
  ... on RefundSuccess { refund { id } } ... on Error { code message } } }"""


@dataclass(frozen=True)
class Purchase:
    key: str
    description: str
    amount: str
    currency: str
    payment_method: str
    refund: str | None = None


PURCHASES = (
    Purchase("demo-coffee", "Two coffees", "7.80", "EUR", "pm_card_visa"),
    Purchase("demo-keyboard", "A keyboard", "129.00", "EUR", "pm_card_visa", refund="29.00"),
    Purchase("demo-train", "A train ticket", "4200", "JPY", "pm_card_visa_chargeDeclinedInsufficientFunds"),
)


async def create_demo_payments(gateway_url: str) -> None:
    """Raises DemoRefused when the system does not answer as it should."""
    async with httpx.AsyncClient(base_url=gateway_url, timeout=30, trust_env=False) as client:
        customer, finance = await _token(client, CUSTOMER), await _token(client, FINANCE)
        for purchase in PURCHASES:
            payment_id = await _pay(client, customer, purchase)
            if purchase.refund:
                await _refund(client, finance, purchase, payment_id)
        for token in (customer, finance):
            await _ask(client, LOGOUT, {}, "revokedSessions", token)


async def _token(client: httpx.AsyncClient, email: str) -> str:
    tokens: dict[str, Any] = await _ask(client, LOGIN, {"email": email, "password": PASSWORD}, "tokens")
    token: str = tokens["accessToken"]
    return token


async def _pay(client: httpx.AsyncClient, token: str, purchase: Purchase) -> str:
    order = {
        "idempotencyKey": purchase.key,
        "reference": purchase.key,
        "description": purchase.description,
        "amount": {"amount": purchase.amount, "currency": purchase.currency},
        "paymentMethodId": purchase.payment_method,
        "confirm": True,
    }
    payment: dict[str, Any] = await _ask(client, PAY, order, "payment", token)
    payment_id: str = payment["id"]
    return payment_id


async def _refund(client: httpx.AsyncClient, token: str, purchase: Purchase, payment_id: str) -> None:
    refund = {
        "idempotencyKey": f"{purchase.key}-refund",
        "paymentId": payment_id,
        "amount": {"amount": purchase.refund, "currency": purchase.currency},
    }
    await _ask(client, REFUND, refund, "refund", token)


async def _ask(
    client: httpx.AsyncClient, mutation: str, given: dict[str, Any], wanted: str, token: str | None = None
) -> Any:
    """The field *wanted* of the mutation's result."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body = {"query": mutation, "variables": {"input": given}}
    try:
        answer = (await client.post("/graphql", json=body, headers=headers)).json()
    except (httpx.HTTPError, ValueError) as problem:
        raise DemoRefused(repr(problem)) from problem
    for result in (answer.get("data") or {}).values():
        if result and wanted in result:
            return result[wanted]
    raise DemoRefused(str(answer))
