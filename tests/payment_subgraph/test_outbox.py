"""The outbox: each transition one message, signed, delivered in order until the receiver has it."""

import asyncio
import itertools
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import make_url

from payment_subgraph.app import build_delivery
from payment_subgraph.delivery import BATCH, Delivery
from payment_subgraph.outbox import OutboxFilter, _conditions, _due
from payment_subgraph.outbox_message import DeliveryPatience, OutboxState
from payment_subgraph.payment import PaymentStatus
from payment_subgraph.refresh import Errand
from payment_subgraph.repository import Cause
from payment_subgraph.tables import outbox_messages, payment_transitions
from tests.payment_subgraph.databases import PostgresServer
from tests.payment_subgraph.receiver import OTHER_SECRET, SECRET, Answer, Received, Receiver, receiving
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import ADA, KEEPER, STAFF, Person, World, settings

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
MESSAGE = "id paymentId sequence type payload state attempts nextAttemptAt lastError createdAt deliveredAt"
LIST = f"""query($first: Int, $after: String, $state: [OutboxMessageState!], $type: String, $paymentId: ID) {{
  outboxMessages(first: $first, after: $after, state: $state, type: $type, paymentId: $paymentId) {{
    nodes {{ {MESSAGE} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
REPLAY = f"""mutation($id: ID!) {{ replayOutboxMessage(id: $id) {{ __typename
  ... on ReplayOutboxSuccess {{ outboxMessage {{ {MESSAGE} }} }} ... on NotFoundError {{ message code id }} }} }}"""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@asynccontextmanager
async def delivering(world: World, receiver: Receiver, secret: str = SECRET) -> AsyncIterator[Delivery]:
    chosen = settings(world.settings.database.url, OUTBOX_URL=receiver.url, OUTBOX_SECRET=secret)
    hasty = httpx.AsyncClient(timeout=0.1, follow_redirects=True)  # of both the delivery makes nothing
    async with hasty as client:
        delivery = build_delivery(chosen, world.parts, client, world.clock)
        assert delivery is not None
        yield delivery


async def deliver_all(delivery: Delivery) -> None:
    while await delivery.round():
        pass


async def listed(world: World, **variables: Any) -> list[dict[str, Any]]:
    answer = await world.ask(LIST, KEEPER, **variables)
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["outboxMessages"]["nodes"]
    return nodes


async def states(world: World) -> Counter[str]:
    return Counter(str(row["state"]) for row in await world.rows(outbox_messages))


async def test_what_happens_to_a_payment_is_told_signed_and_in_order(
    world: World, receiver: Receiver
) -> None:
    payment = await world.pay("10.00", reference="order-7", metadata=[{"key": "who", "value": "Ada"}])
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"], note="moved to Rue X")

    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)

    assert receiver.types == ["payment.created", "payment.succeeded", "refund.created", "refund.succeeded"]
    for number, one in enumerate(receiver.received, 1):
        one.verify()
        assert one.content["data"]["sequence"] == number
        assert one.content["data"]["payment"]["reference"] == "order-7"
        assert one.headers["content-type"] == "application/json"
        assert not any(word in one.body for word in ("Ada", "usr_ada", "Rue X", "secret", "pi_1", "4242"))
    paid = receiver.received[1].content["data"]["payment"]
    assert (paid["id"], paid["status"], paid["financialStatus"]) == (payment["id"], "SUCCEEDED", "PAID")
    assert await states(world) == {"DELIVERED": 4}


async def test_both_secrets_sign_while_one_is_replaced(world: World, receiver: Receiver) -> None:
    await world.create()

    async with delivering(world, receiver, f"{OTHER_SECRET}, {SECRET}") as delivery:
        await deliver_all(delivery)

    receiver.received[0].verify(SECRET)
    receiver.received[0].verify(OTHER_SECRET)


async def test_without_a_receiver_messages_wait_for_one(world: World, receiver: Receiver) -> None:
    await world.pay()
    async with httpx.AsyncClient() as client:
        nobody = build_delivery(world.settings, world.parts, client, world.clock)
    world.clock.turn(days=30)

    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)

    assert nobody is None
    assert receiver.types == ["payment.created", "payment.succeeded"]


async def test_each_transition_is_told_once_whoever_sees_it(world: World) -> None:
    """The answer, webhooks and the reconciler at once: all of them have read the payment as paid."""
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")
    world.wire.add_refund("pi_1", 300)
    refresh = world.parts.reconciler.refresh
    for number in range(6):
        await world.deliver(
            world.wire.event("payment_intent.succeeded", world.wire.intents["pi_1"])
            | {"id": f"evt_w{number}"}
        )

    def errand(number: int) -> Errand:
        return Errand(payment["id"], "pi_1", Cause("RECONCILER", f"r{number}"), refunds=True)

    readings = [await refresh.read(errand(number)) for number in range(6)]
    await asyncio.gather(
        *(refresh(errand(number), reading) for number, reading in enumerate(readings)),
        *(world.parts.reconciler.work_inbox() for _ in range(3)),
        world.mutate("confirmPayment", ADA, paymentId=payment["id"], paymentMethodId="pm_card_visa"),
        world.ask("mutation($id: ID!) { syncPayment(id: $id) { __typename } }", STAFF, id=payment["id"]),
    )

    told = Counter(row["type"] for row in await world.rows(outbox_messages))
    assert told == {"payment.created": 1, "payment.succeeded": 1, "refund.created": 1, "refund.succeeded": 1}
    rows = sorted(await world.rows(payment_transitions), key=lambda row: row["sequence"])
    assert [(row["sequence"], row["type"]) for row in rows] == [
        (1, "payment.created"),
        (2, "payment.succeeded"),  # before what was done with its money, though all of it came in one reading
        (3, "refund.created"),
        (4, "refund.succeeded"),
    ]


async def test_what_is_rolled_back_is_not_told(world: World) -> None:
    payment = (await world.create())["payment"]
    before = await world.rows(payment_transitions)

    async def change_and_fail() -> None:
        async with world.parts.repository.writing() as rows:
            found = await rows.payment(payment["id"], lock=True)
            assert found is not None
            paid = replace(found, status=PaymentStatus.SUCCEEDED)
            await rows.change_payment(found, paid, Cause("REQUEST", "op_1"), world.clock())
            await rows.write_history()
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await change_and_fail()

    assert await world.rows(payment_transitions) == before


async def test_a_failed_try_comes_again_under_the_same_id_later(world: World, receiver: Receiver) -> None:
    await world.create()
    receiver.answers = [Answer(500)]
    async with delivering(world, receiver) as delivery:
        await delivery.round()
        early = await delivery.round()
        world.clock.turn(seconds=7)
        await deliver_all(delivery)

    first, second = receiver.received
    assert early == 0
    assert first.id == second.id
    assert first.body == second.body
    assert second.signed_at() - first.signed_at() >= timedelta(seconds=6)
    (message,) = await listed(world)
    assert (message["state"], message["attempts"], message["lastError"]) == ("DELIVERED", 2, None)


async def test_a_payment_waits_for_its_first_message_and_others_do_not(
    world: World, receiver: Receiver
) -> None:
    troubled = (await world.pay())["id"]
    others = [(await world.pay())["id"] for _ in range(3)]
    receiver.decide = lambda one: Answer(500) if one.content["data"]["payment"]["id"] == troubled else None

    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)
        of_the_troubled = [
            one.type for one in receiver.received if one.content["data"]["payment"]["id"] == troubled
        ]
        of_others = Counter(one.content["data"]["payment"]["id"] for one in receiver.received)
        receiver.decide = None
        world.clock.turn(seconds=7)
        await deliver_all(delivery)

    assert of_the_troubled == ["payment.created"]
    assert [of_others[one] for one in others] == [2, 2, 2]
    assert receiver.types[-2:] == ["payment.created", "payment.succeeded"]


async def test_those_behind_a_failed_one_are_not_looked_at_and_come_with_it(
    world: World, receiver: Receiver
) -> None:
    payment = await world.pay()
    await world.mutate("refundPayment", STAFF, paymentId=payment["id"])
    receiver.decide = lambda one: Answer(500) if one.type == "payment.created" else None
    async with delivering(world, receiver) as delivery:
        for seconds in (7, 400):
            await delivery.round()
            world.clock.turn(seconds=seconds)
        await delivery.round()
        due = {row["next_attempt_at"] for row in await world.rows(outbox_messages)}
        receiver.decide = None
        first = min(await listed(world), key=lambda one: one["sequence"])
        await world.ask(REPLAY, KEEPER, id=first["id"])
        world.clock.turn(seconds=5)  # for so long it was thought to be down
        await deliver_all(delivery)

    assert len(due) == 1
    assert receiver.types[-4:] == [
        "payment.created",
        "payment.succeeded",
        "refund.created",
        "refund.succeeded",
    ]


async def test_while_the_receiver_is_down_messages_keep_their_tries(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.usual = Answer(502)
    async with delivering(world, receiver) as delivery:
        for _ in range(3):
            await world.pay()
            await delivery.round()
        tried_before = len(receiver.received)
        for _ in range(20):
            await world.pay()
            world.clock.turn(minutes=2)
            await delivery.round()
        probes = len(receiver.received) - tried_before
        receiver.usual = Answer()
        world.clock.turn(minutes=2)
        await deliver_all(delivery)
        arrived = len({one.id for one in receiver.received[tried_before + probes :]})

    assert probes == 20
    assert arrived >= 20  # at once; those that were tried come at their time
    assert caplog.text.count("ALERT the receiver of the outbox takes nothing (answered 502)") == 1


async def test_a_receiver_nobody_is_behind_and_then_somebody(world: World, receiver: Receiver) -> None:
    await world.pay()
    url, receiver.url = receiver.url, "http://127.0.0.1:1/payments"
    async with delivering(world, receiver) as delivery:
        nothing = await delivery.round()
    (message, _) = sorted(await listed(world), key=lambda one: one["sequence"])
    receiver.url = url
    world.clock.turn(seconds=7)
    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)

    assert nothing == 0
    assert (message["state"], message["lastError"]) == ("PENDING", "not reached: ConnectError")
    assert receiver.types == ["payment.created", "payment.succeeded"]


async def test_a_receiver_that_does_not_answer_in_time_has_not_taken_it(
    database_url: str, receiver: Receiver
) -> None:
    world = World.build(database_url, OUTBOX_TIMEOUT_SECONDS="0.3")
    held = asyncio.Event()
    receiver.answers = [Answer(held=held)]
    await world.create()
    async with delivering(world, receiver) as delivery:
        await delivery.round()
    (message,) = await listed(world)
    held.set()
    await world.close()

    assert (message["state"], message["lastError"]) == ("PENDING", "no answer in time")


async def test_a_receiver_may_take_its_time(world: World, receiver: Receiver) -> None:
    """All that it is given; the steps of a request have no limits of their own."""
    held = asyncio.Event()
    receiver.answers = [Answer(held=held)]
    await world.create()
    async with delivering(world, receiver) as delivery:
        asyncio.get_running_loop().call_later(0.5, held.set)
        taken = await delivery.round()

    assert taken == 1


async def test_an_endless_answer_is_not_read_to_its_end(world: World, receiver: Receiver) -> None:
    receiver.usual = Answer(headers={"content-length": str(10**9)}, body=bytes(256 * 1024))
    await world.create()
    async with delivering(world, receiver) as delivery:
        taken = await delivery.round()

    assert taken == 1


async def test_a_redirect_is_not_followed(world: World, receiver: Receiver) -> None:
    receiver.answers = [Answer(307, {"location": receiver.url})]
    await world.create()
    async with delivering(world, receiver) as delivery:
        await delivery.round()

    assert len(receiver.received) == 1
    (message,) = await listed(world)
    assert (message["state"], message["lastError"]) == ("PENDING", "answered 307")


async def test_a_receiver_that_asks_for_time_gets_it(world: World, receiver: Receiver) -> None:
    receiver.answers = [Answer(429, {"retry-after": "600"})]
    await world.create()
    async with delivering(world, receiver) as delivery:
        await delivery.round()
        await world.create()
        world.clock.turn(seconds=590)
        early = await delivery.round()
        world.clock.turn(seconds=20)
        late = await delivery.round()

    assert (early, late) == (0, 2)


async def test_a_receiver_that_is_gone_is_left_alone_for_an_hour(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [Answer(410)]
    await world.create()
    async with delivering(world, receiver) as delivery:
        await delivery.round()
        world.clock.turn(minutes=59)
        early = await delivery.round()
        world.clock.turn(minutes=2)
        late = await delivery.round()

    assert (early, late) == (0, 1)
    assert "ALERT the receiver of the outbox answered 410" in caplog.text


async def test_a_message_is_given_up_after_three_days_and_the_next_goes_on(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    await world.pay()
    receiver.decide = lambda one: Answer(400) if one.type == "payment.created" else None
    began = world.clock()
    async with delivering(world, receiver) as delivery:
        while not await delivery.round():
            world.clock.turn(minutes=30)

    created, paid = sorted(await listed(world), key=lambda one: one["sequence"])
    assert (created["state"], created["attempts"], created["lastError"]) == ("DEAD", 10, "answered 400")
    assert paid["state"] == "DELIVERED"
    assert timedelta(days=3) < world.clock() - began < timedelta(days=5)
    assert f"ALERT message {created['id']} (payment.created) given up: answered 400" in caplog.text


async def test_a_dead_message_that_is_replayed_is_delivered(world: World, receiver: Receiver) -> None:
    await world.create()
    (message,) = await listed(world)
    async with world.parts.database.writing() as connection:
        dead = update(outbox_messages).values(state=OutboxState.DEAD, attempts=10)
        await connection.execute(dead)
    (listed_dead,) = await listed(world, state=["DEAD"])

    answer = await world.ask(REPLAY, KEEPER, id=message["id"])
    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)

    waiting = answer["data"]["replayOutboxMessage"]["outboxMessage"]
    assert listed_dead["nextAttemptAt"] is None
    assert (waiting["state"], waiting["attempts"]) == ("PENDING", 0)
    assert [one.id for one in receiver.received] == [message["id"]]


async def test_several_workers_deliver_each_message_once_and_in_order(
    world: World, receiver: Receiver
) -> None:
    for _ in range(8):
        await world.pay()

    async with (
        delivering(world, receiver) as one,
        delivering(world, receiver) as two,
        delivering(world, receiver) as three,
    ):
        while (await states(world))["PENDING"]:
            await asyncio.gather(*(worker.round() for worker in (one, two, three)))

    assert len(receiver.received) == len({one.id for one in receiver.received}) == 16
    sequences: dict[str, list[int]] = {}
    for message in receiver.received:
        data = message.content["data"]
        sequences.setdefault(data["payment"]["id"], []).append(data["sequence"])
    assert list(sequences.values()) == [[1, 2]] * 8


async def test_a_claim_that_is_never_settled_runs_out(world: World) -> None:
    await world.create()
    outbox = world.parts.outbox
    (claimed,) = await outbox.claim(BATCH)
    early = await outbox.claim(BATCH)
    world.clock.turn(seconds=61)
    (again,) = await outbox.claim(BATCH)
    await outbox.give_up(claimed, "too late: another has it")
    unharmed = await states(world)
    await outbox.delivered(again)

    assert (early, claimed.id, again.attempts) == ([], again.id, 2)
    assert unharmed == {"PENDING": 1}
    assert await states(world) == {"DELIVERED": 1}


async def test_no_more_are_claimed_than_were_asked_for_however_the_database_plans_it(
    postgres: PostgresServer,
) -> None:
    """Without hashes and sorts it would look for those that are due anew for each row it has."""
    ways = ("hashagg", "hashjoin", "mergejoin", "sort", "material")
    without = " ".join(f"-c enable_{way}=off" for way in ways)
    with postgres.fresh() as url:
        world = World.build(
            make_url(url).update_query_dict({"options": without}).render_as_string(hide_password=False)
        )
        for _ in range(3):
            await world.create()
        claimed = await world.parts.outbox.claim(1)
        standing = [row["attempts"] for row in await world.rows(outbox_messages)]
        await world.close()

    assert len(claimed) == 1
    assert sorted(standing) == [0, 0, 1]


async def test_a_message_that_was_sent_by_a_worker_that_died_then_is_sent_again(
    database_url: str, receiver: Receiver
) -> None:
    """`kill -9` after the receiver has it, and before the worker can know."""
    world = World.build(database_url)
    await world.pay()
    await world.close()
    workers: list[asyncio.subprocess.Process] = []

    def kill_at_the_first(_message: Received) -> Answer | None:
        if len(receiver.received) == 1:
            workers[0].send_signal(signal.SIGKILL)
        return None

    receiver.decide = kill_at_the_first
    environment = {
        "PATH": os.environ["PATH"],
        "PAYMENT_DATABASE_URL": database_url,
        "STRIPE_SECRET_KEY": "sk_test_nobody",
        "STRIPE_API_BASE": "http://127.0.0.1:1",
        "OUTBOX_URL": receiver.url,
        "OUTBOX_SECRET": SECRET,
        "OUTBOX_TIMEOUT_SECONDS": "1",
        "OUTBOX_LEASE_SECONDS": "2",
    }
    command = (sys.executable, "-m", "payment_subgraph.worker")
    quiet = asyncio.subprocess.DEVNULL
    for _ in range(2):
        worker = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT, stderr=quiet)
        workers.append(worker)
        if len(workers) == 1:
            assert await worker.wait() == -signal.SIGKILL
    await asyncio.wait_for(receiver.until("payment.succeeded"), 60)
    workers[1].terminate()
    await workers[1].wait()

    assert receiver.received[0].id == receiver.received[1].id
    # If it had to wait too long for an answer, it has said more of it twice.
    assert [name for name, _ in itertools.groupby(receiver.types)] == ["payment.created", "payment.succeeded"]
    for message in receiver.received:
        message.verify()


async def test_messages_are_listed_by_pages_states_types_and_payments(
    world: World, receiver: Receiver
) -> None:
    first, second = (await world.pay())["id"], (await world.pay())["id"]
    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)
    await world.create()

    seen, after, more = [], None, True
    while more:
        page = (await world.ask(LIST, KEEPER, first=2, after=after))["data"]["outboxMessages"]
        seen += [one["id"] for one in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]

    assert len(seen) == len(set(seen)) == 5
    assert seen == [one["id"] for one in await listed(world, first=50)]
    times = [one["createdAt"] for one in await listed(world)]
    assert times == sorted(times, reverse=True)
    assert {one["paymentId"] for one in await listed(world, state=["DELIVERED"])} == {first, second}
    assert [one["type"] for one in await listed(world, state=["PENDING"])] == ["payment.created"]
    assert len(await listed(world, type="payment.succeeded")) == 2
    assert len(await listed(world, paymentId=first)) == 2
    assert await listed(world, state=["DEAD", "SKIPPED"]) == []


@pytest.mark.parametrize(("person", "code"), [(None, "UNAUTHENTICATED"), (STAFF, "FORBIDDEN")])
async def test_the_outbox_is_for_those_who_manage_webhooks(
    small_world: World, person: Person | None, code: str
) -> None:
    await small_world.create()
    (message,) = await listed(small_world)

    seen = await small_world.ask(LIST, person)
    replayed = await small_world.ask(REPLAY, person, id=message["id"])

    assert (seen["data"], replayed["data"]) == ({"outboxMessages": None}, {"replayOutboxMessage": None})
    for answer in (seen, replayed):
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


async def test_an_unknown_message_is_not_found(small_world: World) -> None:
    answer = await small_world.ask(REPLAY, KEEPER, id="trn_none_1")

    member = answer["data"]["replayOutboxMessage"]
    assert (member["__typename"], member["message"]) == ("NotFoundError", "There is no such outbox message.")


# What operators do to many messages.


async def operate(world: World, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "PAYMENT_DATABASE_URL": world.settings.database.url}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "payment_subgraph",
        *arguments,
        env=environment,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_a_receiver_that_lost_its_data_is_told_again(world: World, receiver: Receiver) -> None:
    await world.pay()
    world.clock.turn(hours=1)
    since = world.clock().isoformat()
    world.clock.turn(seconds=1)
    lost = (await world.pay())["id"]
    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)
        delivered = list(receiver.received)
        said = await operate(world, "replay-outbox", "--since", since)
        await deliver_all(delivery)

    assert said == "2 messages are to be sent again.\n"
    again = receiver.received[len(delivered) :]
    assert {one.content["data"]["payment"]["id"] for one in again} == {lost}
    assert [(one.id, one.body) for one in again] == [
        (one.id, one.body) for one in delivered if one.content["data"]["payment"]["id"] == lost
    ]


async def test_what_is_not_wanted_is_skipped(world: World, receiver: Receiver) -> None:
    await world.pay()
    world.clock.turn(seconds=1)
    said = await operate(world, "skip-outbox", "--before", world.clock().isoformat())
    later = (await world.pay())["id"]
    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)

    assert said == "2 messages will not be sent.\n"
    assert {one.content["data"]["payment"]["id"] for one in receiver.received} == {later}
    assert await states(world) == {"SKIPPED": 2, "DELIVERED": 2}


async def test_only_what_is_done_with_is_pruned_and_the_timeline_stays(
    world: World, receiver: Receiver
) -> None:
    await world.pay()
    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)
    await world.create()
    world.clock.turn(seconds=1)

    said = await operate(world, "prune-outbox", "--before", world.clock().isoformat())

    assert said == "2 messages are deleted.\n"
    assert await states(world) == {"PENDING": 1}
    assert await world.count(payment_transitions) == 3


# Laws of the schedule.


def test_the_schedule_spans_days_and_its_waits_differ() -> None:
    patience = DeliveryPatience()
    now = datetime(2026, 11, 28, tzinfo=UTC)

    waits = [patience.next_try(attempt, now, lambda: 0.0) - now for attempt in range(1, 10)]
    latest = [patience.next_try(attempt, now, lambda: 1.0) - now for attempt in range(1, 10)]

    assert waits == list(patience.back_off)
    assert sum(waits, timedelta(0)) > timedelta(days=3)
    assert all(late == 1.2 * wait for late, wait in zip(latest, waits, strict=True))
    assert not patience.given_up(9)
    assert patience.given_up(10)


async def test_those_that_wait_are_found_without_looking_at_the_others(world: World) -> None:
    await world.pay()
    (known, _) = await world.rows(outbox_messages)
    delivered = [{**known, "id": f"trn_{number}", "state": "DELIVERED"} for number in range(3000)]
    async with world.parts.database.writing() as connection:
        await connection.execute(insert(outbox_messages), delivered)
        await connection.execute(text("ANALYZE outbox_messages"))
        dialect = connection.dialect
        literal = {"literal_binds": True}
        query = str(_due(world.clock()).limit(10).compile(dialect=dialect, compile_kwargs=literal))
        explain = "EXPLAIN" if dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = [str(row) for row in await connection.execute(text(f"{explain} {query}"))]
        dead = select(outbox_messages.c.id).where(*_conditions(OutboxFilter(frozenset({OutboxState.DEAD}))))
        newest = dead.order_by(outbox_messages.c.created_at.desc(), outbox_messages.c.id.desc()).limit(21)
        query = str(newest.compile(dialect=dialect, compile_kwargs=literal))
        of_dead = [str(row) for row in await connection.execute(text(f"{explain} {query}"))]

    assert any("ix_outbox_messages_dead" in line for line in of_dead)
    assert any("ix_outbox_messages_due" in line for line in plan)
    assert not any("Seq Scan" in line or "SCAN " in line for line in plan)


async def test_a_declined_attempt_and_the_one_after_it_are_told(world: World, receiver: Receiver) -> None:
    payment = (await world.create())["payment"]
    world.wire.faults = [Fault.DECLINED]
    await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")
    await world.mutate(
        "confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa_chargeDeclined"
    )
    await world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")

    async with delivering(world, receiver) as delivery:
        await deliver_all(delivery)

    assert receiver.types[0] == "payment.created"
    assert receiver.types[-1] == "payment.succeeded"
    assert "payment.attempt_failed" in receiver.types
