"""Paying with a method that is kept, and keeping the one that pays."""

from typing import Any

import pytest

from payment_subgraph.customer_tables import customers
from tests.payment_subgraph.method_desk import deliver_all, kept, provider_id, remove, save_card, set_up
from tests.payment_subgraph.running_fake_stripe import FakeStripe
from tests.payment_subgraph.world import ADA, GRACE, HELPDESK, World

pytestmark = pytest.mark.anyio

BANK_ASKS = "pm_card_threeDSecure2Required"


async def save_card_at_the_bank(shop: World, fake: FakeStripe) -> dict[str, Any]:
    """A kept card whose bank wants to hear from its holder each time."""
    setup = fake.give_card((await set_up(shop))["clientSecret"], BANK_ASKS)
    fake.tell(f"setup_intents/{setup['id']}/complete_3ds")
    await deliver_all(shop, fake)
    return (await kept(shop))[-1]


def no_such_method(member: dict[str, Any]) -> bool:
    flaws = [(flaw["path"], flaw["code"]) for flaw in member.get("fields", [])]
    return flaws == [(["input", "paymentMethodId"], "UNKNOWN_PAYMENT_METHOD")]


@pytest.mark.parametrize("named", ["ours", "the provider's"])
async def test_a_kept_method_pays_again_and_again(shop: World, fake_stripe: FakeStripe, named: str) -> None:
    method = await save_card(shop, fake_stripe)
    name = method["id"] if named == "ours" else await provider_id(shop, method["id"])

    first = await shop.create(paymentMethodId=name, confirm=True)
    second = await shop.create("5.00", paymentMethodId=name, confirm=True)

    assert [one["payment"]["status"] for one in (first, second)] == ["SUCCEEDED"] * 2
    assert first["payment"]["paymentMethod"] == method
    (customer,) = fake_stripe.listed("customers")
    assert {one["customer"] for one in fake_stripe.listed("payment_intents")} == {customer["id"]}


async def test_a_payment_that_was_made_before_is_confirmed_with_it(
    shop: World, fake_stripe: FakeStripe
) -> None:
    payment = (await shop.create())["payment"]
    method = await save_card(shop, fake_stripe)

    member = await shop.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId=method["id"])

    assert (member["__typename"], member["payment"]["status"]) == ("PaymentSuccess", "SUCCEEDED")
    assert member["payment"]["paymentMethod"] == method


@pytest.mark.parametrize("kind", ["lose_answer", "lose_request"])
async def test_a_confirmation_with_it_whose_answer_is_lost_pays_once(
    shop: World, fake_stripe: FakeStripe, kind: str
) -> None:
    payment = (await shop.create())["payment"]
    method = await save_card(shop, fake_stripe)
    fake_stripe.fault(kind, "/v1/payment_intents/*", count=3)
    member = await shop.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId=method["id"])

    fake_stripe.mend()
    shop.clock.turn(minutes=2)
    await shop.work()

    assert member["__typename"] == "OperationPending"
    assert (await shop.payment(payment["id"]))["status"] == "SUCCEEDED"
    assert len(fake_stripe.listed("charges")) == 1


@pytest.mark.parametrize("named", ["ours", "the provider's", "removed", "none"])
async def test_what_is_not_the_payers_is_unknown(shop: World, fake_stripe: FakeStripe, named: str) -> None:
    method = await save_card(shop, fake_stripe)
    payment = (await shop.create(person=GRACE))["payment"]
    foreign = {"ours": method["id"], "the provider's": await provider_id(shop, method["id"])}
    payer = ADA if named == "removed" else GRACE
    if named == "removed":
        await remove(shop, method["id"])
        payment = (await shop.create())["payment"]
    name = foreign.get(named, method["id"] if named == "removed" else "mth_none")
    before = await shop.all_rows()

    created = await shop.create(person=payer, paymentMethodId=name, confirm=True)
    confirmed = await shop.mutate("confirmPayment", payer, paymentId=payment["id"], paymentMethodId=name)

    assert no_such_method(created)
    assert no_such_method(confirmed)
    assert await shop.all_rows() == before
    assert fake_stripe.listed("charges") == []


async def test_a_foreign_method_that_we_have_not_heard_of_is_unknown_too(
    shop: World, fake_stripe: FakeStripe
) -> None:
    fake_stripe.give_card((await set_up(shop))["clientSecret"])
    (foreign,) = fake_stripe.listed("payment_methods")

    assert no_such_method(await shop.create(person=GRACE, paymentMethodId=foreign["id"], confirm=True))


async def test_a_replay_is_answered_after_the_method_was_removed(
    shop: World, fake_stripe: FakeStripe
) -> None:
    method = await save_card(shop, fake_stripe)
    given = {"paymentMethodId": method["id"], "confirm": True, "idempotencyKey": "k"}
    first = await shop.create(**given)
    await remove(shop, method["id"])

    second = await shop.create(**given)

    assert second["replayed"]
    assert second["payment"]["id"] == first["payment"]["id"]
    # What it looked like when it paid stays with the payment.
    assert second["payment"]["paymentMethod"] == method | {"isDefault": False, "reusable": False}


async def test_a_payment_on_its_way_survives_the_removal_of_its_method(
    shop: World, fake_stripe: FakeStripe
) -> None:
    method = await save_card(shop, fake_stripe)
    fake_stripe.fault("lose_answer", "/v1/payment_intents", count=3)
    pending = await shop.create(paymentMethodId=method["id"], confirm=True)
    await remove(shop, method["id"])

    fake_stripe.mend()
    shop.clock.turn(minutes=2)
    await shop.work()

    assert pending["__typename"] == "OperationPending"
    assert (await shop.payment(pending["payment"]["id"]))["status"] == "SUCCEEDED"
    assert len(fake_stripe.listed("charges")) == 1


# With and without the payer.


async def test_staff_charges_a_kept_card_without_its_holder(shop: World, fake_stripe: FakeStripe) -> None:
    method = await save_card(shop, fake_stripe)

    member = await shop.create(person=HELPDESK, userId=ADA.id, paymentMethodId=method["id"], confirm=True)

    assert member["payment"]["status"] == "SUCCEEDED"
    assert member["payment"]["user"]["id"] == ADA.id


@pytest.mark.parametrize("how", ["create", "confirm", "confirm what is attached"])
async def test_without_its_holder_a_bank_that_asks_declines(
    shop: World, fake_stripe: FakeStripe, how: str
) -> None:
    method = await save_card_at_the_bank(shop, fake_stripe)
    if how == "create":
        member = await shop.create(person=HELPDESK, userId=ADA.id, paymentMethodId=method["id"], confirm=True)
    else:
        attached = {"paymentMethodId": method["id"]} if how == "confirm what is attached" else {}
        named = {} if attached else {"paymentMethodId": method["id"]}
        payment = (await shop.create(**attached))["payment"]
        member = await shop.mutate("confirmPayment", HELPDESK, paymentId=payment["id"], **named)

    assert member["__typename"] == "PaymentDeclinedError"
    assert member["message"] == "The bank wants the payer to authenticate."
    assert (member["declineCode"], member["retryable"]) == ("authentication_required", True)
    assert member["payment"]["status"] == "REQUIRES_PAYMENT_METHOD"
    again = await shop.mutate(
        "confirmPayment",
        paymentId=member["payment"]["id"],
        paymentMethodId=method["id"],
        returnUrl="https://shop.example/back",
    )
    assert again["payment"]["status"] == "REQUIRES_ACTION"


# Keeping what pays.


async def test_the_method_that_pays_is_kept_if_that_is_wanted(shop: World, fake_stripe: FakeStripe) -> None:
    saving = await shop.create(paymentMethodId="pm_card_visa", confirm=True, savePaymentMethod=True)
    await shop.create(paymentMethodId="pm_card_mastercard", confirm=True)
    await deliver_all(shop, fake_stripe)

    (method,) = await kept(shop)
    assert (method["brand"], method["isDefault"]) == ("visa", True)
    assert (await shop.payment(saving["payment"]["id"]))["paymentMethod"]["id"] == method["id"]
    again = await shop.create(paymentMethodId=method["id"], confirm=True, savePaymentMethod=True)
    assert again["payment"]["status"] == "SUCCEEDED"
    await deliver_all(shop, fake_stripe)
    assert await kept(shop) == [method]


async def test_the_worker_finds_what_a_payment_kept_without_any_webhook(
    shop: World, fake_stripe: FakeStripe
) -> None:
    await shop.create(paymentMethodId="pm_card_visa", confirm=True, savePaymentMethod=True)
    assert await kept(shop) == []

    shop.clock.turn(seconds=6)
    await shop.parts.saved_methods.work()

    assert len(await kept(shop)) == 1


async def test_without_a_customer_nothing_is_charged_and_the_same_key_goes_on(
    shop: World, fake_stripe: FakeStripe
) -> None:
    given = {
        "paymentMethodId": "pm_card_visa",
        "confirm": True,
        "savePaymentMethod": True,
        "idempotencyKey": "k",
    }
    fake_stripe.fault("lose_answer", "/v1/customers", count=3)
    refused = await shop.create(**given)
    nothing = await shop.all_rows()

    fake_stripe.mend()
    shop.clock.turn(minutes=1)
    paid = await shop.create(**given)
    replayed = await shop.create(**given)

    assert (refused["__typename"], refused["retryable"]) == ("PaymentProviderError", True)
    assert set(nothing.values()) == {0}
    assert (paid["__typename"], paid["replayed"], replayed["replayed"]) == ("PaymentSuccess", False, True)
    assert await shop.count(customers) == len(fake_stripe.listed("customers")) == 1
