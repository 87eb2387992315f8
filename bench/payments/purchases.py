"""Many people pay at once: createPayment, confirmPayment, and all that Stripe has to tell about it."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from bench.errors import PaymentNotMade
from bench.payments.local_system import LocalSystem
from bench.process_times import family_cpu_s
from launcher.demo import CUSTOMER, LOGIN, PASSWORD

SETTLED_WITHIN_S = 120
_LOOK_S = 0.02

ALL = "SELECT count(*) FROM payments"
SUCCEEDED = "SELECT count(*) FROM payments WHERE status = 'SUCCEEDED'"
OPEN_EVENTS = "SELECT count(*) FROM provider_events WHERE processed_at IS NULL"

CREATE = """mutation ($input: CreatePaymentInput!) { answer: createPayment(input: $input) { __typename
  ... on PaymentSuccess { payment { id status } } ... on Error { code message } } }"""
CONFIRM = """mutation ($input: ConfirmPaymentInput!) { answer: confirmPayment(input: $input) { __typename
  ... on PaymentSuccess { payment { id status } } ... on Error { code message } } }"""


@dataclass(frozen=True)
class Purchases:
    """*stored*: payments there were before. *cpu_ms*: of one payment, by process. *answer_ms*: the median of confirmPayment."""

    stored: int
    per_second: float
    cpu_ms: Mapping[str, float]
    answer_ms: float


def purchase(system: LocalSystem, payments: int, clients: int) -> Purchases:
    """Raises PaymentNotMade. Ends when every event of every payment has been worked on."""
    stored, succeeded = _count(system, ALL), _count(system, SUCCEEDED)
    spent_before, began = _cpu_s(system), time.monotonic()
    answer_ms = asyncio.run(_buy(system, payments, clients))
    _wait_until_settled(system)
    took, spent = time.monotonic() - began, _cpu_s(system)
    if (more := _count(system, SUCCEEDED) - succeeded) != payments:
        raise PaymentNotMade(f"{more} payments have succeeded, of {payments}")
    return Purchases(
        stored=stored,
        per_second=payments / took,
        cpu_ms={name: (spent[name] - spent_before[name]) / payments * 1000 for name in spent},
        answer_ms=sorted(answer_ms)[len(answer_ms) // 2],
    )


def _cpu_s(system: LocalSystem) -> dict[str, float]:
    return {name: family_cpu_s(pid) for name, pid in system.processes.items()}


async def _buy(system: LocalSystem, payments: int, clients: int) -> list[float]:
    """How long each confirmation took, in ms."""
    numbers, took = iter(range(payments)), list[float]()
    async with httpx.AsyncClient(base_url=system.payments_url, timeout=30) as http:
        http.headers["authorization"] = f"Bearer {await _access_token(system)}"
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(_buy_one_after_the_other(http, numbers, took))
    return took


async def _access_token(system: LocalSystem) -> str:
    login = {"email": CUSTOMER, "password": PASSWORD}
    async with httpx.AsyncClient(base_url=system.gateway_url) as http:
        response = await http.post("/graphql", json={"query": LOGIN, "variables": {"input": login}})
    token: str = response.json()["data"]["login"]["tokens"]["accessToken"]
    return token


async def _buy_one_after_the_other(
    http: httpx.AsyncClient, numbers: Iterator[int], took: list[float]
) -> None:
    for _ in numbers:
        money = {"amount": "19.90", "currency": "EUR"}
        made = await _ask(http, CREATE, {"amount": money, "reference": f"bench-{uuid4()}"})
        began = time.monotonic()
        paid = {"paymentId": made["id"], "paymentMethodId": "pm_card_visa"}
        confirmed = await _ask(http, CONFIRM, paid)
        took.append((time.monotonic() - began) * 1000)
        if confirmed["status"] != "SUCCEEDED":
            raise PaymentNotMade(str(confirmed))


async def _ask(http: httpx.AsyncClient, query: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The payment."""
    variables = {"input": {"idempotencyKey": str(uuid4()), **asked}}
    response = await http.post("/graphql", json={"query": query, "variables": variables})
    answer = response.json()
    member = (answer.get("data") or {}).get("answer") or {}
    if "payment" not in member:
        raise PaymentNotMade(response.text)
    payment: dict[str, Any] = member["payment"]
    return payment


def _wait_until_settled(system: LocalSystem) -> None:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while not _settled(system):
        if time.monotonic() > deadline:
            raise PaymentNotMade(f"events were still open after {SETTLED_WITHIN_S} s")
        time.sleep(_LOOK_S)


def _settled(system: LocalSystem) -> bool:
    """Everything was delivered, and everything that was delivered was worked on."""
    state = httpx.get(f"{system.fake_stripe_url}/_fake/state").json()
    if set(state["webhook_deliveries"]) - {"delivered"} or state["due_work"]:
        return False
    return _count(system, OPEN_EVENTS) == 0


def _count(system: LocalSystem, query: str) -> int:
    with psycopg.connect(system.database_url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
