"""One key of one caller for one mutation: at most one movement of money, and the same answer again."""

import asyncio
import hashlib
from typing import Any

import pytest

from payment_subgraph.commands import CreatePayment, request_hash
from payment_subgraph.money import Money
from payment_subgraph.payment import Payment
from payment_subgraph.repository import Transaction
from payment_subgraph.tables import payment_operations, payments
from tests.payment_subgraph.databases import PostgresServer
from tests.payment_subgraph.world import ADA, GRACE, STAFF, World

pytestmark = pytest.mark.anyio


async def test_the_same_input_is_answered_again(world: World) -> None:
    first = await world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")
    second = await world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")

    assert (first["replayed"], second["replayed"]) == (False, True)
    assert {**first, "replayed": True} == second
    assert len(world.wire.posts) == 1


async def test_who_asks_at_the_same_moment_is_not_told_of_a_duplicate(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A double click: the other request commits after ours has looked for the key, before it looks for the reference."""
    look, others = Transaction.live_payment, list[Any]()
    with postgres.fresh() as url:
        world = World.build(url)

        async def look_late(rows: Transaction, owner_id: str, reference: str) -> Payment | None:
            if not others:
                others.append(None)
                others[0] = await world.create(idempotencyKey="k", reference="order")
            return await look(rows, owner_id, reference)

        monkeypatch.setattr(Transaction, "live_payment", look_late)
        member = await world.create(idempotencyKey="k", reference="order")

        assert (others[0]["replayed"], member["replayed"]) == (False, True)
        assert others[0] | {"replayed": True} == member
        assert await world.count(payments) == 1
        await world.close()


async def test_an_equal_amount_written_otherwise_is_the_same_input(small_world: World) -> None:
    await small_world.create("10.00", idempotencyKey="k")
    second = await small_world.create("10.0", idempotencyKey="k")

    assert second["replayed"]


def test_what_is_left_out_has_no_part_in_the_hash() -> None:
    """So rows written before a field was added still fit the input that made them."""
    said = (
        b'{"amount": {"currency": "EUR", "minor": 1000}, "client_key": null,'
        b' "command": "CreatePayment", "owner_id": "usr_ada"}'
    )

    plain = request_hash(CreatePayment("k", "usr_ada", Money(1000, "EUR")))
    other = request_hash(CreatePayment("k", "usr_ada", Money(1000, "EUR"), confirm=True))

    assert plain == hashlib.sha256(said).hexdigest()
    assert other != plain


async def test_another_input_is_a_conflict(world: World) -> None:
    first = await world.create("10.00", idempotencyKey="k")
    before = await world.all_rows()

    member = await world.create("11.00", idempotencyKey="k")

    assert member["__typename"] == "IdempotencyConflictError"
    assert member["code"] == "IDEMPOTENCY_CONFLICT"
    assert member["originalOperation"] == first["operation"]
    assert await world.all_rows() == before
    assert len(world.wire.posts) == 1


async def test_keys_belong_to_their_caller(world: World) -> None:
    await world.create(idempotencyKey="k")
    money = {"amount": "99.00", "currency": "EUR"}

    member = await world.mutate("createPayment", GRACE, idempotencyKey="k", amount=money)

    assert member["__typename"] == "PaymentSuccess"
    assert member["payment"]["user"]["id"] == GRACE.id


async def test_keys_belong_to_their_mutation(world: World) -> None:
    payment = (await world.create(idempotencyKey="k"))["payment"]

    member = await world.mutate("cancelPayment", idempotencyKey="k", paymentId=payment["id"])

    assert member["__typename"] == "PaymentSuccess"
    assert not member["replayed"]


async def test_a_declined_operation_is_declined_again_without_asking(world: World) -> None:
    fields = {"idempotencyKey": "k", "confirm": True, "paymentMethodId": "pm_card_visa_chargeDeclined"}
    first = await world.create(**fields)
    second = await world.create(**fields)

    assert first == second
    assert len(world.wire.posts) == 1


@pytest.mark.parametrize("mutation", ["confirmPayment", "cancelPayment", "refundPayment"])
async def test_every_mutation_replays(world: World, mutation: str) -> None:
    payment = await world.pay() if mutation == "refundPayment" else (await world.create())["payment"]
    fields: dict[str, Any] = {"idempotencyKey": "k", "paymentId": payment["id"]}
    if mutation == "confirmPayment":
        fields["paymentMethodId"] = "pm_card_visa"

    first = await world.mutate(mutation, STAFF, **fields)
    posts = len(world.wire.posts)
    second = await world.mutate(mutation, STAFF, **fields)

    assert {**first, "replayed": True} == second
    assert len(world.wire.posts) == posts


@pytest.mark.parametrize("mutation", ["confirmPayment", "cancelPayment", "refundPayment"])
async def test_every_mutation_refuses_another_input_under_its_key(world: World, mutation: str) -> None:
    make = world.pay if mutation == "refundPayment" else world.create
    method = {"paymentMethodId": "pm_card_visa"} if mutation == "confirmPayment" else {}
    one, other = await make(), await make()
    ids = [made["id"] if "id" in made else made["payment"]["id"] for made in (one, other)]
    first = await world.mutate(mutation, STAFF, idempotencyKey="k", paymentId=ids[0], **method)
    before = await world.all_rows()

    second = await world.mutate(mutation, STAFF, idempotencyKey="k", paymentId=ids[1], **method)

    assert first["__typename"] != "IdempotencyConflictError"
    assert second["__typename"] == "IdempotencyConflictError"
    assert await world.all_rows() == before


async def test_twenty_requests_with_one_key_reach_the_provider_once(world: World) -> None:
    world.wire.gate = asyncio.Event()
    asked = [
        asyncio.create_task(world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa"))
        for _ in range(20)
    ]
    await world.wire.posted.wait()
    world.wire.gate.set()
    members = await asyncio.gather(*asked)

    assert sorted(member["replayed"] for member in members) == [False] + [True] * 19
    assert len({member["payment"]["id"] for member in members}) == 1
    assert {member["payment"]["status"] for member in members} == {"SUCCEEDED"}
    assert len(world.wire.posts) == 1
    assert await world.count(payments) == await world.count(payment_operations) == 1


async def test_twenty_keys_for_one_reference_make_one_payment(world: World) -> None:
    members = await asyncio.gather(*(world.create(reference="order-1") for _ in range(20)))

    kinds = sorted(member["__typename"] for member in members)
    assert kinds == ["DuplicatePaymentError"] * 19 + ["PaymentSuccess"]
    assert await world.count(payments) == 1


async def test_a_slow_provider_is_answered_with_pending(small_world: World) -> None:
    hasty = World.build(small_world.settings.database.url, OPERATION_ANSWER_SECONDS="0.2")
    hasty.wire.gate = asyncio.Event()

    member = await hasty.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")
    hasty.wire.gate.set()
    await hasty.parts.operations.drain()
    later = await small_world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")
    await hasty.close()

    assert member["__typename"] == "OperationPending"
    assert member["operation"]["state"] == "IN_FLIGHT"
    assert member["retryAfterSeconds"] > 0
    assert later["__typename"] == "PaymentSuccess"
    assert later["payment"]["status"] == "SUCCEEDED"
    assert ADA.id == later["payment"]["user"]["id"]
