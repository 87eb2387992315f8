"""A page of a hundred costs as many SQL statements as a page of one."""

from datetime import timedelta

import pytest

from payment_subgraph.dispute import Dispute, DisputeStatus
from payment_subgraph.operation import Operation, OperationKind, OperationState
from payment_subgraph.payment import Payment, PaymentStatus
from payment_subgraph.refund import Refund, RefundStatus
from tests.payment_subgraph.world import CAUSE, STAFF, Person, Statements, World

pytestmark = pytest.mark.anyio

ENTITIES = """query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id
  payments(first: 10) { totalCount nodes { id status user { id } amount { amount }
    pendingOperations { id kind } disputes { id } refunds(first: 5) { nodes { id status payment { id } } pageInfo { hasNextPage } } }
    pageInfo { hasNextPage endCursor } } } } }"""


async def fill(world: World, users: int, each: int) -> None:
    """*users* with *each* paid payments, which have two refunds, a dispute and one open operation."""
    now = world.clock()
    async with world.parts.repository.writing() as rows:
        for user in range(users):
            for number in range(each):
                at = now - timedelta(minutes=number)
                payment = Payment(
                    id=f"pay_{user}_{number}",
                    owner_id=f"usr_{user}",
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
                    refund = Refund(
                        f"rfd_{user}_{number}_{one}", payment.id, 100, at, at, status=RefundStatus.SUCCEEDED
                    )
                    await rows.add_refund(refund, CAUSE)
                await rows.add_dispute(
                    Dispute(
                        id=f"dsp_{user}_{number}",
                        payment_id=payment.id,
                        provider_dispute_id=f"du_{user}_{number}",
                        amount_minor=100,
                        currency="EUR",
                        status=DisputeStatus.WON,
                        reason="general",
                        created_at=at,
                        updated_at=at,
                    ),
                    CAUSE,
                    at,
                )
                await rows.add_operation(
                    Operation(
                        id=f"op_{user}_{number}",
                        payment_id=payment.id,
                        kind=OperationKind.REFUND,
                        actor_id="usr_staff",
                        client_key=f"{user}-{number}",
                        request_hash="",
                        provider_key=f"{user}-{number}",
                        params={},
                        provider_version="",
                        created_at=at,
                        due_at=now + timedelta(days=1),
                        state=OperationState.UNKNOWN,
                    )
                )


async def statements_for(world: World, users: int) -> int:
    r = [{"__typename": "User", "id": f"usr_{number}"} for number in range(users)]
    with Statements(world.parts.database) as counted:
        answer = await world.ask(ENTITIES, STAFF, r=r)
    assert "errors" not in answer
    nodes = [node for user in answer["data"]["_entities"] for node in user["payments"]["nodes"]]
    assert len(nodes) == users * 3
    assert all(len(node["disputes"]) == 1 for node in nodes)
    assert all(len(node["refunds"]["nodes"]) == 2 and len(node["pendingOperations"]) == 1 for node in nodes)
    return len(counted.texts)


async def test_a_hundred_users_cost_no_more_statements_than_one(world: World) -> None:
    await fill(world, users=100, each=3)

    counts = [await statements_for(world, users) for users in (1, 10, 100)]

    assert counts == [5, 5, 5]  # payments, their counts, refunds, disputes, open operations


async def test_a_list_of_payments_costs_the_same_however_long(world: World) -> None:
    await fill(world, users=10, each=10)
    query = """query($n: Int!) { payments(first: $n) { nodes { id pendingOperations { id }
      refunds { nodes { id } } user { payments(first: 2) { nodes { id } } } } } }"""

    counts = []
    for size in (1, 100):
        with Statements(world.parts.database) as counted:
            answer = await world.ask(query, STAFF, n=size)
        assert len(answer["data"]["payments"]["nodes"]) == size
        counts.append(len(counted.texts))

    assert counts == [4, 4]


async def test_a_list_of_disputes_costs_the_same_however_long(world: World) -> None:
    await fill(world, users=10, each=10)
    query = "query($n: Int!) { disputes(first: $n) { nodes { id payment { id disputes { id } } } } }"

    counts = []
    for size in (1, 100):
        with Statements(world.parts.database) as counted:
            answer = await world.ask(query, Person("usr_finance", f"{STAFF.scope} disputes:read"), n=size)
        assert len(answer["data"]["disputes"]["nodes"]) == size
        counts.append(len(counted.texts))

    assert counts == [3, 3]  # disputes, their payments, those payments' disputes


async def test_entities_of_one_kind_cost_one_statement(world: World) -> None:
    await fill(world, users=10, each=5)
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Payment { id } } }"
    r = [{"__typename": "Payment", "id": f"pay_{user}_{n}"} for user in range(10) for n in range(5)]

    with Statements(world.parts.database) as counted:
        answer = await world.ask(query, STAFF, r=r)

    assert [one["id"] for one in answer["data"]["_entities"]] == [one["id"] for one in r]
    assert len(counted.texts) == 1
