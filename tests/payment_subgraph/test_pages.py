"""Lists: order, cursors in both directions, filters, and what is refused."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_subgraph.dispute import DisputeStanding
from payment_subgraph.payment import FinancialStatus, Payment, PaymentStatus, financial_status
from tests.payment_subgraph.world import ADA, CAUSE, STAFF, World

pytestmark = pytest.mark.anyio

PAGE = """query($first: Int, $after: String, $last: Int, $before: String, $filter: PaymentFilter, $order: PaymentOrder) {
  payments(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    totalCount nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


async def fill(world: World, **changes: Any) -> list[str]:
    """Seven payments of Ada's, oldest first; two of them at the same instant."""
    now = world.clock() - timedelta(days=1)
    made = []
    async with world.parts.repository.writing() as rows:
        for number, minutes in enumerate((0, 1, 2, 2, 3, 4, 5)):
            at = now + timedelta(minutes=minutes)
            payment = Payment(
                id=f"pay_{number}",
                owner_id=ADA.id,
                amount_minor=1000 - number,
                currency="EUR" if number % 2 else "USD",
                created_at=at,
                updated_at=at,
            )
            await rows.add_payment(replace(payment, **changes), CAUSE)
            made.append(payment.id)
    return made


async def page(world: World, **variables: Any) -> dict[str, Any]:
    answer = await world.ask(PAGE, STAFF, **variables)
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["payments"]
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [node["id"] for node in found["nodes"]]


async def test_pages_forward_hold_each_payment_once_newest_first(world: World) -> None:
    made = await fill(world)

    seen, after = [], None
    while True:
        found = await page(world, first=2, after=after)
        seen += ids(found)
        assert found["totalCount"] == 7
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break

    assert seen == made[::-1]


async def test_pages_backward_hold_each_payment_once(world: World) -> None:
    made = await fill(world)

    seen: list[str] = []
    before = None
    while True:
        found = await page(world, last=3, before=before)
        seen = ids(found) + seen
        before = found["pageInfo"]["startCursor"]
        if not found["pageInfo"]["hasPreviousPage"]:
            break

    assert seen == made[::-1]


@pytest.mark.parametrize("field", ["CREATED_AT", "UPDATED_AT", "AMOUNT"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_every_order_pages_through_all(world: World, field: str, direction: str) -> None:
    made = await fill(world)
    order = {"field": field, "direction": direction}
    first = await page(world, first=4, order=order)
    second = await page(world, first=4, order=order, after=first["pageInfo"]["endCursor"])

    rising = made[::-1] if field == "AMOUNT" else made
    assert ids(first) + ids(second) == (rising if direction == "ASC" else rising[::-1])


async def test_filters_narrow_the_list_and_its_count(world: World) -> None:
    await fill(world)
    paid = await world.pay(reference="order-7")

    by_currency = await page(world, filter={"currency": "USD"})
    by_status = await page(world, filter={"status": ["SUCCEEDED"]})
    by_reference = await page(world, filter={"reference": "order-7", "userId": ADA.id})
    by_time = await page(world, filter={"createdAfter": (world.clock() - timedelta(hours=1)).isoformat()})
    by_nobody = await page(world, filter={"userId": "usr_nobody"})
    by_no_status = await page(world, filter={"status": []})

    assert (len(ids(by_currency)), by_currency["totalCount"]) == (4, 4)
    assert ids(by_status) == ids(by_reference) == ids(by_time) == [paid["id"]]
    assert ids(by_nobody) == ids(by_no_status) == []


async def test_the_derived_status_is_the_same_in_sql(world: World) -> None:
    now = world.clock()
    cases = [
        {"status": PaymentStatus.CREATED},
        {"status": PaymentStatus.CANCELED},
        {"status": PaymentStatus.REQUIRES_CAPTURE, "amount_capturable": 10},
        {"status": PaymentStatus.SUCCEEDED, "amount_captured": 10},
        {"status": PaymentStatus.SUCCEEDED, "amount_captured": 10, "amount_refunded": 4},
        {"status": PaymentStatus.SUCCEEDED, "amount_captured": 10, "amount_refunded": 10},
        *(
            {"status": PaymentStatus.SUCCEEDED, "amount_captured": 10, "dispute_standing": standing}
            | refunded
            for standing in DisputeStanding
            for refunded in ({}, {"amount_refunded": 4}, {"amount_refunded": 10})
        ),
    ]
    rows_made = [
        Payment(
            id=f"pay_{n:02}",
            owner_id="u",
            amount_minor=10,
            currency="EUR",
            created_at=now,
            updated_at=now,
            **case,
        )  # type: ignore[arg-type]
        for n, case in enumerate(cases)
    ]
    async with world.parts.repository.writing() as rows:
        for row in rows_made:
            await rows.add_payment(row, CAUSE)

    for status in FinancialStatus:
        found = await page(world, filter={"financialStatus": [status]})
        assert sorted(ids(found)) == [row.id for row in rows_made if financial_status(row) is status], status
    assert {financial_status(row) for row in rows_made} == set(FinancialStatus)


@pytest.mark.parametrize(
    "bad",
    [
        {"first": 0},
        {"first": 101},
        {"first": -1},
        {"last": 0},
        {"last": 101},
        {"first": 5, "last": 5},
        {"before": "x"},
        {"after": "nonsense"},
        {"after": ""},
        {"after": "W10"},
        {"after": "WyJBTU9VTlQiLCAxLCAicGF5XzEiXQ"},
        {"after": "x" * 5000},
        {"after": forged("CREATED_AT", "0001-01-01T00:00:00+14:00", "pay_1")},
        {"after": forged("CREATED_AT", "2026-01-01T00:00:00", "pay_1")},
        {"after": forged("CREATED_AT", "2026-01-01T00:00:00+00:00", "pay\0")},
        {"after": forged("AMOUNT", 10**30, "pay_1"), "order": {"field": "AMOUNT"}},
        {"after": forged("AMOUNT", 1.5, "pay_1"), "order": {"field": "AMOUNT"}},
    ],
)
async def test_bad_page_arguments_are_refused(small_world: World, bad: dict[str, Any]) -> None:
    answer = await small_world.ask(PAGE, STAFF, **bad)

    assert answer["data"] == {"payments": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_users_own_pages(world: World) -> None:
    made = await fill(world)
    query = """query($r: [_Any!]!, $after: String) { _entities(representations: $r) { ... on User {
      payments(first: 4, after: $after) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } } } }"""
    r = [{"__typename": "User", "id": ADA.id}]

    first = (await world.ask(query, ADA, r=r))["data"]["_entities"][0]["payments"]
    second = (await world.ask(query, ADA, r=r, after=first["pageInfo"]["endCursor"]))["data"]["_entities"][0][
        "payments"
    ]

    assert ids(first) + ids(second) == made[::-1]
    assert (first["totalCount"], second["pageInfo"]["hasNextPage"]) == (7, False)


async def test_refunds_have_pages_of_their_own(world: World) -> None:
    payment = await world.pay("10.00")
    for _ in range(3):
        money = {"amount": "1.00", "currency": "EUR"}
        await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)
    query = """query($id: ID!, $after: String) { payment(id: $id) {
      refunds(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }"""

    first = (await world.ask(query, STAFF, id=payment["id"]))["data"]["payment"]["refunds"]
    rest = (await world.ask(query, STAFF, id=payment["id"], after=first["pageInfo"]["endCursor"]))["data"]

    assert first["pageInfo"]["hasNextPage"]
    assert len(set(ids(first) + ids(rest["payment"]["refunds"]))) == 3
