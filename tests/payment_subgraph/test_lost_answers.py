"""Answers that never came: nothing is told as failed, nothing is done twice, the worker finds the truth."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payment_subgraph.operation import Rejection, RejectionKind
from payment_subgraph.tables import observations, payment_operations, payments, provider_events
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import STAFF, World

pytestmark = pytest.mark.anyio

SENT_AGAIN = [Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.CONFLICT, Fault.TOO_MANY, Fault.NONSENSE]


@pytest.mark.parametrize("fault", SENT_AGAIN)
async def test_a_create_without_an_answer_is_sent_again_under_its_key(world: World, fault: Fault) -> None:
    world.wire.faults = [fault] * (1 if fault is not Fault.CONFLICT else 3)
    member = await world.create(confirm=True, paymentMethodId="pm_card_visa")

    world.clock.turn(minutes=2)
    await world.work()

    assert member["__typename"] == "OperationPending"
    assert member["payment"]["status"] == "CREATED"
    assert member["payment"]["pendingOperations"][0]["kind"] == "CREATE"
    healed = await world.payment(member["payment"]["id"])
    assert healed["status"] == "SUCCEEDED"
    assert healed["pendingOperations"] == []
    assert len(world.wire.intents) == 1
    assert len({call.key for call in world.wire.posts}) == 1


async def test_the_client_may_press_on_with_the_same_key(world: World) -> None:
    world.wire.faults = [Fault.LOST_ANSWER]
    await world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")
    world.clock.turn(minutes=2)

    member = await world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")

    assert member["__typename"] == "PaymentSuccess"
    assert member["replayed"]
    assert len(world.wire.intents) == 1


async def test_before_the_back_off_is_over_nothing_is_sent(world: World) -> None:
    world.wire.faults = [Fault.LOST_REQUEST]
    await world.create(idempotencyKey="k")
    await world.work()
    member = await world.create(idempotencyKey="k")

    assert member["__typename"] == "OperationPending"
    assert member["operation"]["state"] == "UNKNOWN"
    assert len(world.wire.posts) == 1


async def test_a_stored_500_that_did_the_work_is_found_by_looking(world: World) -> None:
    world.wire.faults = [Fault.DONE_BUT_500]
    member = await world.create(confirm=True, paymentMethodId="pm_card_visa")
    posts = len(world.wire.posts)

    world.clock.turn(minutes=1)
    await world.work()

    assert member["__typename"] == "OperationPending"
    assert (await world.payment(member["payment"]["id"]))["status"] == "SUCCEEDED"
    assert len(world.wire.posts) == posts


async def test_a_stored_500_that_did_nothing_is_given_up_only_after_the_grace(world: World) -> None:
    world.wire.faults = [Fault.STORED_500]
    member = await world.create(idempotencyKey="k", reference="order-1")
    payment_id = member["payment"]["id"]

    states = []
    for _ in range(4):
        world.clock.turn(minutes=10)
        await world.work()
        states.append((await world.payment(payment_id))["status"])
    again = await world.create(idempotencyKey="k", reference="order-1")
    fresh = await world.create(reference="order-1")

    assert states == ["CREATED", "CREATED", "FAILED", "FAILED"]
    assert again["__typename"] == "PaymentProviderError"
    assert again["retryable"]
    assert fresh["__typename"] == "PaymentSuccess"


async def given_up(world: World, **fields: str) -> str:
    """The id of a payment whose creation was answered 500 and never seen."""
    world.wire.faults = [Fault.STORED_500]
    member = await world.create(confirm=True, paymentMethodId="pm_card_visa", **fields)
    for _ in range(3):
        world.clock.turn(minutes=10)
        await world.work()
    payment_id = str(member["payment"]["id"])
    payment = await world.payment(payment_id)
    assert payment["status"] == "FAILED"
    assert (payment["lastError"]["code"], payment["lastError"]["retryable"]) == ("NOT_MADE", True)
    return payment_id


async def test_a_payment_given_up_that_exists_after_all_is_taken_in(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    payment_id = await given_up(world, reference="order-1")

    intent = world.wire.finish_late(world.wire.posts[0])
    await world.deliver_and_work("payment_intent.succeeded", intent)

    payment = await world.payment(payment_id)
    assert (payment["status"], payment["lastError"]) == ("SUCCEEDED", None)
    assert f"ALERT {payment_id} was given up" in caplog.text


async def test_a_payment_given_up_is_frozen_when_another_holds_its_reference(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Two payments of one reference exist at Stripe: a person has to see it, and the event is no poison."""
    payment_id = await given_up(world, reference="order-1")
    other = (await world.create(reference="order-1"))["payment"]

    intent = world.wire.finish_late(world.wire.posts[0])
    for kind in ("payment_intent.created", "payment_intent.succeeded"):
        await world.deliver_and_work(kind, intent)

    frozen = {row["id"]: row["frozen_reason"] for row in await world.rows(payments)}
    assert frozen == {payment_id: "REFERENCE_TAKEN", other["id"]: None}
    assert (await world.payment(payment_id))["status"] == "FAILED"
    assert [row["state"] for row in await world.rows(provider_events)] == ["PROCESSED"] * 2
    assert f"ALERT {payment_id} frozen" in caplog.text


async def test_a_payment_given_up_that_was_canceled_contradicts_nobody(world: World) -> None:
    payment_id = await given_up(world, reference="order-1")
    await world.create(reference="order-1")

    intent = world.wire.finish_late(world.wire.posts[0])
    world.wire.intents[intent]["status"] = "canceled"
    await world.deliver_and_work("payment_intent.canceled", intent)

    assert (await world.payment(payment_id))["status"] == "CANCELED"


async def test_what_a_webhook_shows_while_we_look_is_believed(world: World) -> None:
    """The list was made before Stripe finished late, and the event is worked on before we read the list."""
    world.wire.faults = [Fault.STORED_500]
    member = await world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")
    for _ in range(2):
        world.clock.turn(minutes=10)
        await world.work()

    async def finish_and_tell() -> None:
        intent = world.wire.finish_late(world.wire.posts[0])
        await world.deliver_and_work("payment_intent.succeeded", intent)

    world.wire.overtake_list = finish_and_tell
    world.clock.turn(minutes=10)
    await world.work()
    again = await world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")

    assert member["__typename"] == "OperationPending"
    assert again["__typename"] == "PaymentSuccess"
    assert again["payment"]["status"] == "SUCCEEDED"


async def test_a_refund_that_a_webhook_has_bound_is_not_given_up(world: World) -> None:
    payment = await world.pay("10.00")
    world.wire.faults = [Fault.LOST_ANSWER]
    money = {"amount": "4.00", "currency": "EUR"}
    fields = {"paymentId": payment["id"], "amount": money, "idempotencyKey": "k"}
    member = await world.mutate("refundPayment", STAFF, **fields)
    closing = world.parts.operations.closing
    looked_up = await closing.operation(member["operation"]["id"])

    await world.deliver(world.wire.event("refund.created", world.wire.refunds["re_1"]))
    await world.parts.reconciler.work_inbox()
    await closing.reject(looked_up, Rejection(RejectionKind.PROVIDER, code="not_found"), "LOOK")
    again = await world.mutate("refundPayment", STAFF, **fields)

    assert again["__typename"] == "RefundSuccess"
    assert again["refund"]["status"] == "SUCCEEDED"
    assert again["payment"]["amountRefunded"]["amount"] == "4.00"


async def test_looking_finds_one_intent_among_hundreds(small_world: World) -> None:
    small_world.wire.faults = [Fault.DONE_BUT_500]
    member = await small_world.create()
    for number in range(230):
        small_world.wire.intents[f"pi_other_{number}"] = {
            **small_world.wire.intents["pi_1"],
            "id": f"pi_other_{number}",
            "metadata": {},
        }

    small_world.clock.turn(minutes=1)
    await small_world.work()

    assert (await small_world.payment(member["payment"]["id"]))["status"] == "REQUIRES_PAYMENT_METHOD"


async def test_after_the_providers_memory_has_gone_nothing_is_sent_again(world: World) -> None:
    world.wire.faults = [Fault.LOST_ANSWER]
    member = await world.create(confirm=True, paymentMethodId="pm_card_visa")
    posts = len(world.wire.posts)
    world.wire.keys.clear()  # Stripe forgets keys after 24 hours

    world.clock.turn(hours=25)
    await world.work()

    assert (await world.payment(member["payment"]["id"]))["status"] == "SUCCEEDED"
    assert len(world.wire.posts) == posts
    assert len(world.wire.intents) == 1


async def test_a_webhook_adopts_the_payment_whose_answer_was_lost(world: World) -> None:
    world.wire.faults = [Fault.LOST_ANSWER]
    member = await world.create(confirm=True, paymentMethodId="pm_card_visa")

    await world.deliver(world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"]))
    await world.work()  # no time has passed: the event alone wakes the operation

    healed = await world.payment(member["payment"]["id"])
    assert healed["status"] == "SUCCEEDED"
    assert healed["pendingOperations"] == []
    assert len(world.wire.intents) == 1


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.DONE_BUT_500])
async def test_a_webhook_that_overtakes_the_lost_answer_settles_it_at_once(
    world: World, fault: Fault
) -> None:
    world.wire.faults = [fault]
    world.wire.gate = asyncio.Event()
    asked = asyncio.create_task(world.create(confirm=True, paymentMethodId="pm_card_visa"))
    await world.wire.posted.wait()
    (row,) = await world.rows(payments)
    world.wire.overtake = lambda: world.deliver_and_work("payment_intent.succeeded", "pi_1")
    world.wire.gate.set()
    member = await asked

    assert member["__typename"] == "PaymentSuccess"
    assert member["payment"]["id"] == row["id"]
    assert member["payment"]["status"] == "SUCCEEDED"
    assert len(world.wire.intents) == 1


@pytest.mark.parametrize("fault", [*SENT_AGAIN, Fault.DONE_BUT_500])
async def test_a_refund_without_an_answer_is_made_once(world: World, fault: Fault) -> None:
    payment = await world.pay("10.00")
    world.wire.faults = [fault] * (1 if fault is not Fault.CONFLICT else 3)
    money = {"amount": "4.00", "currency": "EUR"}
    member = await world.mutate("refundPayment", STAFF, paymentId=payment["id"], amount=money)

    world.clock.turn(minutes=2)
    await world.work()

    assert member["__typename"] == "OperationPending"
    healed = await world.payment(payment["id"])
    assert healed["amountRefunded"]["amount"] == "4.00"
    assert healed["amountRefundPending"]["amount"] == "0.00"
    assert [one["status"] for one in healed["refunds"]["nodes"]] == ["SUCCEEDED"]
    assert len(world.wire.refunds) == 1


async def test_a_refund_that_never_was_is_released_after_the_grace(world: World) -> None:
    payment = await world.pay("10.00")
    world.wire.faults = [Fault.STORED_500]
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"])

    for _ in range(4):
        world.clock.turn(minutes=10)
        await world.work()

    seen = await world.payment(payment["id"])
    assert seen["amountRefundable"]["amount"] == "10.00"
    assert [one["status"] for one in seen["refunds"]["nodes"]] == ["FAILED"]


async def test_a_refund_webhook_binds_the_refund_whose_answer_was_lost(world: World) -> None:
    payment = await world.pay("10.00")
    world.wire.faults = [Fault.LOST_ANSWER]
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"])

    await world.deliver(world.wire.event("refund.created", world.wire.refunds["re_1"]))
    await world.work()

    seen = await world.payment(payment["id"])
    assert [one["status"] for one in seen["refunds"]["nodes"]] == ["SUCCEEDED"]
    assert seen["financialStatus"] == "REFUNDED"
    assert seen["pendingOperations"] == []


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.DONE_BUT_500])
async def test_a_confirmation_without_an_answer_charges_once(world: World, fault: Fault) -> None:
    payment = (await world.create())["payment"]
    world.wire.faults = [fault]
    member = await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")

    world.clock.turn(minutes=1)
    await world.work()

    assert member["__typename"] == "OperationPending"
    healed = await world.payment(payment["id"])
    assert healed["status"] == "SUCCEEDED"
    assert healed["pendingOperations"] == []


async def test_a_process_that_died_after_its_intention_is_survived(world: World) -> None:
    """The row is there and claimed; its process never comes back, and Stripe has heard nothing."""
    dead = World.build(world.settings.database.url)
    dead.wire.gate = asyncio.Event()
    asked = asyncio.create_task(dead.create())
    await dead.wire.posted.wait()
    for task in (asked, *dead.parts.operations.running):
        task.cancel()
    (operation,) = await world.rows(payment_operations)
    await world.work()
    held = len(world.wire.posts)

    world.clock.turn(seconds=91)
    await world.work()

    assert (operation["state"], held) == ("IN_FLIGHT", 0)
    (payment,) = await world.rows(payments)
    assert payment["status"] == "REQUIRES_PAYMENT_METHOD"
    assert len(world.wire.posts) == 1
    await dead.close()


async def test_what_is_sent_again_is_what_was_written_first(world: World) -> None:
    """A deploy between two tries must not change the request: the row's params and version go out."""
    world.wire.faults = [Fault.LOST_REQUEST]
    await world.create("10.00")
    async with world.parts.database.writing() as connection:
        await connection.execute(text("UPDATE payment_operations SET provider_version = '2020-01-01'"))

    world.clock.turn(minutes=1)
    await world.work()

    first, second = world.wire.posts
    assert first.params == second.params
    assert second.version == "2020-01-01"


async def test_a_key_with_other_parameters_is_looked_up_never_renewed(world: World) -> None:
    world.wire.faults = [Fault.LOST_ANSWER]
    member = await world.create("10.00")
    params, status, body = next(iter(world.wire.keys.values()))
    world.wire.keys = {key: (params | {"x": "y"}, status, body) for key in world.wire.keys}

    for _ in range(2):
        world.clock.turn(minutes=3)
        await world.work()

    assert (await world.payment(member["payment"]["id"]))["status"] == "REQUIRES_PAYMENT_METHOD"
    assert len(world.wire.posts) == 2
    assert len(world.wire.intents) == 1


async def test_a_replayed_answer_does_not_write_an_old_state(world: World) -> None:
    world.wire.faults = [Fault.LOST_ANSWER]
    member = await world.create()
    world.wire.succeed("pi_1")  # the payer was faster than our second try, whose answer is the first one's

    world.clock.turn(minutes=1)
    await world.work()

    assert (await world.payment(member["payment"]["id"]))["status"] == "SUCCEEDED"


async def test_wrong_credentials_on_a_second_try_prove_nothing(world: World) -> None:
    world.wire.faults = [Fault.LOST_ANSWER, Fault.WRONG_KEY]
    member = await world.create(confirm=True, paymentMethodId="pm_card_visa")
    world.clock.turn(minutes=1)
    await world.work()
    unsure = await world.payment(member["payment"]["id"])

    world.clock.turn(minutes=5)
    await world.work()

    assert unsure["status"] == "CREATED"
    assert unsure["pendingOperations"][0]["state"] == "UNKNOWN"
    assert (await world.payment(member["payment"]["id"]))["status"] == "SUCCEEDED"


async def test_wrong_credentials_on_a_first_try_prove_nothing_once_there_was_a_second(world: World) -> None:
    """The first try outlived its lease; meanwhile another process, with a good key, has sent it."""
    world.wire.gate = asyncio.Event()
    asked = asyncio.create_task(world.create(confirm=True, paymentMethodId="pm_card_visa"))
    await world.wire.posted.wait()
    other = World.build(world.settings.database.url)
    other.wire.faults = [Fault.LOST_ANSWER]
    other.clock.turn(seconds=91)
    await other.work()

    world.wire.faults = [Fault.WRONG_KEY]
    world.wire.gate.set()
    member = await asked
    other.clock.turn(minutes=5)
    await other.work()

    assert member["__typename"] == "OperationPending"
    assert (await other.payment(member["payment"]["id"]))["status"] == "SUCCEEDED"
    assert len(other.wire.intents) == 1
    await other.close()


async def test_a_refund_refused_to_a_try_that_is_over_releases_what_it_reserved_when_the_next_one_tells(
    world: World,
) -> None:
    """The first try outlived its lease, and is refused after another process has begun the second."""
    payment = await world.pay("10.00")
    world.wire.gate, world.wire.posted = asyncio.Event(), asyncio.Event()
    asked = asyncio.create_task(world.mutate("refundPayment", STAFF, paymentId=payment["id"]))
    await world.wire.posted.wait()
    other = World.build(world.settings.database.url)
    other.wire.intents = world.wire.intents
    other.wire.faults = [Fault.LOST_REQUEST, Fault.DECLINED]
    other.clock.turn(seconds=91)
    await other.work()

    world.wire.faults = [Fault.DECLINED]
    world.wire.gate.set()
    await asked
    other.clock.turn(minutes=5)
    await other.work()

    seen = await other.payment(payment["id"])
    assert seen["pendingOperations"] == []
    assert [one["status"] for one in seen["refunds"]["nodes"]] == ["FAILED"]
    assert seen["amountRefundable"]["amount"] == "10.00"
    await other.close()


async def test_two_workers_do_not_send_one_operation_twice(world: World) -> None:
    world.wire.faults = [Fault.LOST_REQUEST]
    await world.create()
    other = World.build(world.settings.database.url)
    other.wire.intents, other.wire.keys = world.wire.intents, world.wire.keys
    for each in (world, other):
        each.clock.turn(minutes=1)

    await asyncio.gather(world.work(), other.work())

    assert len(world.wire.posts) + len(other.wire.posts) == 2
    await other.close()


async def test_the_log_of_observations_only_grows(world: World) -> None:
    await world.pay()

    assert await world.count(observations) == 1
    for change in ("UPDATE observations SET source = 'X'", "DELETE FROM observations"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with world.parts.database.writing() as connection:
                await connection.execute(text(change))
    (row,) = await world.rows(observations)
    assert "client_secret" not in row["snapshot"]
    assert row["snapshot"]["status"] == "SUCCEEDED"


async def test_a_silent_open_payment_is_read_again(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")  # and its webhook is lost

    await world.work()
    early = await world.payment(payment["id"])
    world.clock.turn(minutes=16)
    await world.work()

    assert early["status"] == "REQUIRES_PAYMENT_METHOD"
    assert (await world.payment(payment["id"]))["status"] == "SUCCEEDED"


async def test_a_payment_that_cannot_be_read_does_not_keep_the_others_from_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """They come due together, again and again: so the faulty one must not end the round."""
    made = [(await world.create())["payment"]["id"] for _ in range(3)]
    world.wire.intents["pi_2"]["status"] = "a_word_of_next_year"
    for number in (1, 3):
        world.wire.succeed(f"pi_{number}")

    world.clock.turn(minutes=16)
    await world.work()

    statuses = [(await world.payment(one))["status"] for one in made]
    assert statuses == ["SUCCEEDED", "REQUIRES_PAYMENT_METHOD", "SUCCEEDED"]
    assert f"failed at {made[1]}" in caplog.text


async def test_a_settled_payment_is_not_read_again(world: World) -> None:
    await world.pay()
    reads = len(world.wire.calls)

    world.clock.turn(days=1)
    async with world.parts.repository.writing() as rows:
        silent = await rows.claim_silent_payments(world.clock() + timedelta(days=1), 10)

    assert silent == []
    assert len(world.wire.calls) == reads


async def test_a_frozen_payment_is_never_told_as_failed(world: World) -> None:
    world.wire.faults = [Fault.WRONG_AMOUNT]
    member = await world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")
    world.wire.intents["pi_1"]["amount"] += 1

    for _ in range(3):
        world.clock.turn(hours=20)
        await world.work()
    again = await world.create(idempotencyKey="k", confirm=True, paymentMethodId="pm_card_visa")

    assert member["__typename"] == again["__typename"] == "OperationPending"
    assert again["payment"]["status"] == "CREATED"
