"""An erased person: told by the user service, forgotten here, while the books stay and money still moves."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update
from standardwebhooks import Webhook

from payment_subgraph.operation import OperationState
from payment_subgraph.payment import PaymentStatus
from payment_subgraph.stripe_objects import provider_event
from payment_subgraph.tables import (
    erased_owners,
    ledger_entries,
    metadata,
    payment_operations,
    payments,
    provider_events,
    refunds,
)
from tests.payment_subgraph.method_desk import kept, save_card, set_up
from tests.payment_subgraph.receiver import OTHER_SECRET, SECRET
from tests.payment_subgraph.running_fake_stripe import FakeStripe, PatientHttp
from tests.payment_subgraph.world import ADA, CAUSE, GRACE, STAFF, World

pytestmark = pytest.mark.anyio

DESCRIPTION = "A cradle for Annabella Byron"
NOTE = "Mrs Lovelace phoned: +4915112345678"
RETURN_URL = "https://shop.example/thanks?for=ada.lovelace%40example.com"
ADDRESS = "192.0.2.77"
METADATA = [{"key": "ship_to", "value": "12 St James's Square, Lovelace"}]
TRACES = [
    "cradle",
    "annabella",
    "lovelace",
    "+4915112345678",
    "st james",
    ADDRESS,
    "billing_details",
    "ada@home",
]


@pytest.fixture
async def shop(database_url: str, fake_stripe: FakeStripe) -> AsyncIterator[World]:
    fake_stripe.tell("reset")
    fake_stripe.mend()
    made = World.build(
        database_url,
        PatientHttp(),
        STRIPE_API_BASE=fake_stripe.base,
        USER_EVENTS_SECRET=f"{SECRET},{OTHER_SECRET}",
    )
    yield made
    await made.close()


def erasure(user_id: str = ADA.id, kind: str = "user.erased") -> str:
    return json.dumps({"type": kind, "timestamp": "2026-11-29T12:00:00Z", "data": {"user": {"id": user_id}}})


async def tell(world: World, body: str, secret: str = SECRET, **changed: str) -> httpx.Response:
    at = world.clock()
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("evt_1", at, body),
    }
    return await world.http.post("/events/users", content=body, headers=headers | changed)


async def forget(world: World) -> None:
    """Told, and looked through until nothing more is to be done."""
    assert (await tell(world, erasure())).status_code == 200
    await world.work()
    world.clock.turn(hours=1, minutes=1)
    await world.work()


async def everything(world: World) -> str:
    """Every column of every table, as one text."""
    async with world.parts.database.reading() as connection:
        names = sorted(metadata.tables)
        rows = [(await connection.execute(text(f"SELECT * FROM {name}"))).all() for name in names]  # noqa: S608
    return str([[tuple(row) for row in table] for table in rows]).lower()


async def traces(world: World) -> list[str]:
    stored = await everything(world)
    return [trace for trace in TRACES if trace in stored]


async def live_a_life(world: World, fake: FakeStripe) -> dict[str, Any]:
    """Ada keeps a card, and leaves texts wherever one can; gives the payment of which something was paid back."""
    await save_card(world, fake)
    said = {"description": DESCRIPTION, "metadata": METADATA, "returnUrl": RETURN_URL}
    paid = await world.pay(**said, idempotencyKey="ada@home-1")
    await world.mutate(
        "refundPayment", STAFF, paymentId=paid["id"], amount={"amount": "2.00", "currency": "EUR"}, note=NOTE
    )
    open_one = await world.create(**said, idempotencyKey="ada@home-2")
    await world.mutate(
        "cancelPayment", paymentId=open_one["payment"]["id"], reason=NOTE, idempotencyKey="ada@home-3"
    )
    for event in fake.events():
        told = event["data"]["object"]
        told["billing_details"] = {"name": "Ada Lovelace", "address": {"line1": "12 St James's Square"}}
        told["client_ip"] = ADDRESS
        await world.deliver(event)
    await world.work()
    return paid


# ---------- what is left ----------


async def test_nothing_personal_is_left_and_the_books_are_as_they_were(
    shop: World, fake_stripe: FakeStripe
) -> None:
    paid = await live_a_life(shop, fake_stripe)
    books, before = await shop.rows(ledger_entries), await shop.payment(paid["id"])
    assert set(await traces(shop)) >= {
        "cradle",
        "annabella",
        "lovelace",
        "+4915112345678",
        "st james",
        "ada@home",
    }

    await forget(shop)

    assert await traces(shop) == []
    assert await shop.rows(ledger_entries) == books
    after = await shop.payment(paid["id"])
    assert (after["description"], after["metadata"]) == (None, [])
    same = ("id", "status", "amount", "financialStatus", "reference")
    assert {name: after[name] for name in same if name in after} == {
        name: before[name] for name in same if name in before
    }
    assert await kept(shop) == []
    assert fake_stripe.listed("customers") == []


async def test_others_keep_what_is_theirs(shop: World, fake_stripe: FakeStripe) -> None:
    await live_a_life(shop, fake_stripe)
    other = await shop.mutate(
        "createPayment", GRACE, amount={"amount": "5.00", "currency": "EUR"}, description="Grace's own"
    )
    await save_card(shop, fake_stripe, GRACE)

    await forget(shop)

    assert (await shop.payment(other["payment"]["id"]))["description"] == "Grace's own"
    assert len(await kept(shop, GRACE)) == 1


async def test_a_fault_with_one_keeps_no_other_from_being_forgotten(
    shop: World, fake_stripe: FakeStripe, caplog: pytest.LogCaptureFixture
) -> None:
    """A row of hers cannot be read; as soon as it can, she is forgotten too."""
    await live_a_life(shop, fake_stripe)
    await shop.mutate(
        "createPayment", GRACE, amount={"amount": "5.00", "currency": "EUR"}, description="Grace's own"
    )
    [details] = await details_of_cards(shop)
    await set_details_of_cards(shop, '{"of": "a release to come"}')
    await tell(shop, erasure(ADA.id))
    await tell(shop, erasure(GRACE.id))

    await shop.work()
    stored = await everything(shop)

    assert f"erased owner {ADA.id} could not be forgotten yet" in caplog.text
    assert DESCRIPTION.lower() in stored
    assert "grace's own" not in stored
    await set_details_of_cards(shop, details)
    shop.clock.turn(hours=1, minutes=1)
    await shop.work()
    assert await traces(shop) == []


async def details_of_cards(world: World) -> list[str]:
    async with world.parts.database.reading() as connection:
        rows = await connection.execute(text("SELECT CAST(details AS TEXT) FROM saved_payment_methods"))
        return [row[0] for row in rows]


async def set_details_of_cards(world: World, details: str) -> None:
    async with world.parts.database.writing() as connection:
        value = ":details" if connection.dialect.name == "sqlite" else "CAST(:details AS json)"
        statement = text(f"UPDATE saved_payment_methods SET details = {value}")  # noqa: S608 - ours
        await connection.execute(statement, {"details": details})


async def test_what_comes_later_about_the_payments_is_worked_on(shop: World, fake_stripe: FakeStripe) -> None:
    """Money moves on: staff pay back, Stripe tells, and the rows still follow from the log."""
    paid = await live_a_life(shop, fake_stripe)
    await forget(shop)

    refunded = await shop.mutate(
        "refundPayment", STAFF, paymentId=paid["id"], amount={"amount": "8.00", "currency": "EUR"}
    )
    for event in fake_stripe.events():
        await shop.deliver(event)
    await shop.work()

    assert refunded["__typename"] == "RefundSuccess"
    assert (await shop.payment(paid["id"]))["financialStatus"] == "REFUNDED"
    assert [row["amount_minor"] for row in await shop.rows(refunds)] == [200, 800]
    assert await traces(shop) == []


async def test_an_open_payment_is_left_open(shop: World, fake_stripe: FakeStripe) -> None:
    opened = await shop.create(description=DESCRIPTION)
    payment_id = opened["payment"]["id"]

    await forget(shop)

    async with shop.parts.repository.reading() as rows:
        payment = await rows.payment(payment_id)
    assert payment is not None
    assert (payment.status, payment.description) == (PaymentStatus.REQUIRES_PAYMENT_METHOD, None)
    assert (await shop.mutate("cancelPayment", STAFF, paymentId=payment_id))["__typename"] == "PaymentSuccess"


async def test_a_reading_under_way_does_not_write_the_old_texts_back(
    shop: World, fake_stripe: FakeStripe
) -> None:
    opened = await shop.create(description=DESCRIPTION)
    async with shop.parts.repository.reading() as rows:
        read_before = await rows.payment(opened["payment"]["id"])
    assert read_before is not None

    await shop.parts.erased_owners.clear(ADA.id, shop.clock())

    async with shop.parts.repository.writing() as rows:
        assert await rows.change_payment(read_before, read_before, CAUSE, shop.clock()) is None


async def test_more_payments_than_one_batch(shop: World, fake_stripe: FakeStripe) -> None:
    opened = await shop.create(description=DESCRIPTION)
    async with shop.parts.database.writing() as connection:
        columns = ", ".join(
            column.name for column in payments.columns if column.name not in {"id", "provider_payment_id"}
        )
        for number in range(250):
            copy = (
                f"INSERT INTO payments (id, {columns}) SELECT :new, {columns} FROM payments WHERE id = :old"  # noqa: S608
            )
            await connection.execute(
                text(copy),
                {"new": f"pay_{number:03}", "old": opened["payment"]["id"]},
            )

    await shop.parts.erased_owners.clear(ADA.id, shop.clock())

    assert await shop.count(payments, payments.c.description.is_not(None)) == 0
    assert await shop.count(payments) == 251


# ---------- until nobody can act for them ----------


async def test_what_is_done_with_a_token_that_still_lasts_is_forgotten_too(
    shop: World, fake_stripe: FakeStripe
) -> None:
    assert (await tell(shop, erasure())).status_code == 200
    await shop.work()
    await shop.create(description=DESCRIPTION, metadata=METADATA)
    await set_up(shop)
    assert await traces(shop) == ["cradle", "annabella", "lovelace", "st james"]

    shop.clock.turn(hours=1, minutes=1)
    await shop.work()

    assert await traces(shop) == []
    assert fake_stripe.listed("customers") == []
    assert [row["due_at"] for row in await shop.rows(erased_owners)] == [None]


async def test_a_key_still_keeps_from_paying_twice_while_a_token_lasts(
    shop: World, fake_stripe: FakeStripe
) -> None:
    first = await shop.mutate(
        "createPayment", amount={"amount": "5.00", "currency": "EUR"}, idempotencyKey="again"
    )
    assert (await tell(shop, erasure())).status_code == 200
    await shop.work()

    again = await shop.mutate(
        "createPayment", amount={"amount": "5.00", "currency": "EUR"}, idempotencyKey="again"
    )

    assert again["payment"]["id"] == first["payment"]["id"]
    assert len(fake_stripe.listed("payment_intents")) == 1


async def test_what_is_still_to_be_sent_stays_until_it_is_resolved(
    shop: World, fake_stripe: FakeStripe
) -> None:
    await shop.create(returnUrl=RETURN_URL, paymentMethodId="pm_card_visa", confirm=True)
    owners, now = shop.parts.erased_owners, shop.clock()

    seen = []
    for resolved_at, state in ((None, "UNKNOWN"), (now, "SUCCEEDED")):
        async with shop.parts.database.writing() as connection:
            change = update(payment_operations).values(resolved_at=resolved_at, state=OperationState(state))
            await connection.execute(change)
        await owners.clear(ADA.id, now)
        await owners.forget_keys(ADA.id)
        (row,) = await shop.rows(payment_operations)
        seen.append(
            (await owners.has_open_operations(ADA.id), row["params"].get("return_url"), row["client_key"])
        )

    assert seen == [(True, RETURN_URL, "key-0"), (False, None, row["id"])]


# ---------- the door ----------


async def test_an_erasure_is_stored_once_however_often_it_is_told(shop: World) -> None:
    answers = [(await tell(shop, erasure(), secret)).status_code for secret in (SECRET, OTHER_SECRET, SECRET)]

    assert answers == [200, 200, 200]
    assert [row["owner_id"] for row in await shop.rows(erased_owners)] == [ADA.id]


async def test_a_signature_is_judged_by_the_specification(shop: World) -> None:
    """Made by hand here, so that the library and the service cannot err alike."""
    body, at = erasure(), str(int(shop.clock().timestamp()))
    key = b64decode(SECRET.removeprefix("whsec_"))
    made = b64encode(hmac.new(key, f"evt_1.{at}.{body}".encode(), hashlib.sha256).digest()).decode()

    good = await tell(
        shop, body, **{"webhook-timestamp": at, "webhook-signature": f"v1,bm90IG91cnM= v1,{made}"}
    )
    other_version = await tell(shop, body, **{"webhook-timestamp": at, "webhook-signature": f"v2,{made}"})

    assert (good.status_code, other_version.status_code) == (200, 400)


STRANGERS = "whsec_" + b64encode(b"x" * 32).decode()
REFUSED: dict[str, dict[str, Any]] = {
    "a stranger's": {"secret": STRANGERS},
    "no signature": {"webhook-signature": ""},
    "no id": {"webhook-id": ""},
    "another id": {"webhook-id": "evt_2"},
    "no time": {"webhook-timestamp": ""},
    "a time that is none": {"webhook-timestamp": "-1"},
    "an endless time": {"webhook-timestamp": "9" * 400},
    "an old time": {"webhook-timestamp": "1700000000"},
}


@pytest.mark.parametrize("case", REFUSED)
async def test_who_is_not_the_user_service_erases_nobody(shop: World, case: str) -> None:
    answer = await tell(shop, erasure(), **REFUSED[case])

    assert answer.status_code == 400
    assert await shop.rows(erased_owners) == []


@pytest.mark.parametrize("ahead", [-301, 301])
async def test_what_was_signed_at_another_time_is_refused(shop: World, ahead: int) -> None:
    body, here = erasure(), shop.clock()
    shop.clock.turn(seconds=ahead)
    signed = shop.clock()
    headers = {
        "webhook-timestamp": str(int(signed.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_1", signed, body),
    }
    shop.clock.turn(seconds=-ahead)

    assert here <= shop.clock()
    assert (await tell(shop, body, **headers)).status_code == 400


async def test_a_changed_body_is_refused(shop: World) -> None:
    body, at = erasure(), shop.clock()
    signature = Webhook(SECRET).sign("evt_1", at, body)

    answer = await tell(shop, erasure(GRACE.id), **{"webhook-signature": signature})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        "[" * 9_000,
        '{"type": "user.erased"}',
        erasure("") + "",
        erasure("x" * 65),
        '{"type": "user.erased", "data": {"user": {"id": 7}}}',
        erasure("usr_\x00"),
    ],
)
async def test_a_body_that_names_nobody_is_refused(shop: World, body: str) -> None:
    assert (await tell(shop, body)).status_code == 400
    assert await shop.rows(erased_owners) == []


async def test_an_event_of_another_type_is_ignored(shop: World) -> None:
    assert (await tell(shop, erasure(kind="user.renamed"))).status_code == 200
    assert await shop.rows(erased_owners) == []


async def test_a_body_that_is_too_large_is_refused(shop: World) -> None:
    assert (await tell(shop, " " * 16_385)).status_code == 413


async def test_without_a_secret_the_door_is_shut(small_world: World) -> None:
    assert (await tell(small_world, erasure())).status_code == 404


async def test_what_cannot_be_stored_is_not_taken(shop: World) -> None:
    async with shop.parts.database.writing() as connection:
        await connection.execute(text("ALTER TABLE erased_owners RENAME TO erased_owners_elsewhere"))

    assert (await tell(shop, erasure())).status_code == 503

    async with shop.parts.database.writing() as connection:
        await connection.execute(text("ALTER TABLE erased_owners_elsewhere RENAME TO erased_owners"))
    assert (await tell(shop, erasure())).status_code == 200


# ---------- events ----------


async def test_of_an_event_only_what_is_read_is_kept(shop: World, fake_stripe: FakeStripe) -> None:
    await save_card(shop, fake_stripe)
    await shop.pay()

    for event in fake_stripe.events():
        read = provider_event(event)
        assert provider_event(read.payload) == read
    assert await shop.count(provider_events) > 0
    assert "4242" not in str([row["payload"] for row in await shop.rows(provider_events)])
