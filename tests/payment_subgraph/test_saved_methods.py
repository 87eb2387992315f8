"""Payment methods that are kept: set up, listed, chosen, removed, forgotten."""

import asyncio

import pytest

from payment_subgraph.customer_tables import customer_operations, customers, saved_payment_methods
from payment_subgraph.customers import SETUPS_AN_HOUR
from tests.payment_subgraph.method_desk import (
    deliver_all,
    kept,
    of_users,
    provider_id,
    remove,
    save_card,
    set_default,
    set_up,
)
from tests.payment_subgraph.running_fake_stripe import FakeStripe
from tests.payment_subgraph.world import ADA, GRACE, HELPDESK, STAFF, Person, Statements, World

pytestmark = pytest.mark.anyio


async def test_a_card_given_to_a_setup_is_kept(shop: World, fake_stripe: FakeStripe) -> None:
    method = await save_card(shop, fake_stripe)

    assert method == {
        "id": method["id"],
        "type": "CARD",
        "brand": "visa",
        "last4": "4242",
        "expMonth": 12,
        "expYear": 2034,
        "isDefault": True,
        "reusable": True,
    }
    assert method["id"].startswith("mth_")
    assert await kept(shop, GRACE) == []


async def test_stripe_is_told_our_ids_and_nothing_personal(shop: World, fake_stripe: FakeStripe) -> None:
    await save_card(shop, fake_stripe)

    (customer,), (setup,) = fake_stripe.listed("customers"), fake_stripe.listed("setup_intents")
    (row,), (made, set_it_up) = await shop.rows(customers), await shop.rows(customer_operations)
    assert customer["metadata"] == {"customer_id": row["id"], "user_id": ADA.id, "env": "development"}
    assert [customer[name] for name in ("email", "name", "phone", "address", "description")] == [None] * 5
    ours = {"customer_id": row["id"], "operation_id": set_it_up["id"], "env": "development"}
    assert (setup["metadata"], setup["usage"]) == (ours, "off_session")
    assert {made["kind"], set_it_up["kind"]} == {"CREATE", "SETUP"}


async def test_asking_again_gives_the_open_setup_again(shop: World, fake_stripe: FakeStripe) -> None:
    first, second = await set_up(shop), await set_up(shop)
    fake_stripe.give_card(first["clientSecret"])
    third = await set_up(shop)

    assert first == second
    assert third["clientSecret"] != first["clientSecret"]
    assert len(fake_stripe.listed("setup_intents")) == 2
    assert len(await kept(shop)) == 1  # seen on the way, without a webhook


async def test_first_uses_at_once_make_one_customer_and_one_setup(
    shop: World, fake_stripe: FakeStripe
) -> None:
    answers = await asyncio.gather(*(set_up(shop) for _ in range(8)))

    assert {answer["__typename"] for answer in answers} == {"SetupSuccess"}
    assert len({answer["clientSecret"] for answer in answers}) == 1
    assert len(fake_stripe.listed("customers")) == len(fake_stripe.listed("setup_intents")) == 1


async def test_each_owner_has_a_customer_of_their_own(shop: World, fake_stripe: FakeStripe) -> None:
    await save_card(shop, fake_stripe, ADA)
    await save_card(shop, fake_stripe, GRACE, "pm_card_mastercard")

    assert [one["brand"] for one in await kept(shop, ADA)] == ["visa"]
    assert [one["brand"] for one in await kept(shop, GRACE)] == ["mastercard"]
    assert len(fake_stripe.listed("customers")) == 2


async def test_nobody_begins_setups_without_end(shop: World, fake_stripe: FakeStripe) -> None:
    for _ in range(SETUPS_AN_HOUR):
        fake_stripe.give_card((await set_up(shop))["clientSecret"])

    refused, others = await set_up(shop), await set_up(shop, GRACE)
    shop.clock.turn(hours=1)
    later = await set_up(shop)

    assert (refused["__typename"], refused["code"]) == ("RateLimitedError", "RATE_LIMITED")
    assert 3500 < refused["retryAfterSeconds"] <= 3600
    assert (others["__typename"], later["__typename"]) == ("SetupSuccess", "SetupSuccess")


async def test_a_declined_card_leaves_the_setup_open_for_another(
    shop: World, fake_stripe: FakeStripe
) -> None:
    secret = (await set_up(shop))["clientSecret"]
    declined = fake_stripe.give_card(secret, "pm_card_visa_chargeDeclined")
    await deliver_all(shop, fake_stripe)

    again = (await set_up(shop))["clientSecret"]
    fake_stripe.give_card(again, "pm_card_visa")
    await deliver_all(shop, fake_stripe)

    assert declined["error"]["code"] == "card_declined"
    assert again == secret
    assert len(await kept(shop)) == 1


# The default.


async def test_the_first_method_is_the_default_until_another_is_chosen(
    shop: World, fake_stripe: FakeStripe
) -> None:
    first = await save_card(shop, fake_stripe)
    second = await save_card(shop, fake_stripe, card="pm_card_mastercard")

    chosen = await set_default(shop, second["id"])
    again = await set_default(shop, second["id"])

    assert (first["isDefault"], second["isDefault"]) == (True, False)
    assert [one["isDefault"] for one in chosen["paymentMethods"]] == [False, True]
    assert again == chosen
    await deliver_all(shop, fake_stripe)
    assert await kept(shop) == chosen["paymentMethods"]


async def test_a_removed_default_passes_it_on(shop: World, fake_stripe: FakeStripe) -> None:
    first = await save_card(shop, fake_stripe)
    second = await save_card(shop, fake_stripe, card="pm_card_mastercard")

    left = await remove(shop, first["id"])
    none = await remove(shop, second["id"])

    assert left["paymentMethods"] == [second | {"isDefault": True}]
    assert none["paymentMethods"] == []
    assert fake_stripe.listed("payment_methods") == []
    third = await save_card(shop, fake_stripe, card="pm_card_amex")
    assert third["isDefault"]


# Removing.


async def test_removing_may_be_repeated(shop: World, fake_stripe: FakeStripe) -> None:
    method = await save_card(shop, fake_stripe)

    first, second = await remove(shop, method["id"]), await remove(shop, method["id"])
    as_default = await set_default(shop, method["id"])

    assert first == second == {"__typename": "PaymentMethodSuccess", "paymentMethods": []}
    assert as_default["__typename"] == "NotFoundError"
    (row,) = await shop.rows(saved_payment_methods)
    assert row["details"] is None


async def test_removing_at_once_removes_once(shop: World, fake_stripe: FakeStripe) -> None:
    method = await save_card(shop, fake_stripe)

    answers = await asyncio.gather(*(remove(shop, method["id"]) for _ in range(5)))

    assert answers == [{"__typename": "PaymentMethodSuccess", "paymentMethods": []}] * 5
    assert [event["type"] for event in fake_stripe.events()].count("payment_method.detached") == 1


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer", "status_500", "429"])
async def test_a_removal_without_an_answer_goes_on(shop: World, fake_stripe: FakeStripe, kind: str) -> None:
    method = await save_card(shop, fake_stripe)
    fake_stripe.fault(kind, "/v1/payment_methods/*", count=3)
    first = await remove(shop, method["id"])
    used = await shop.create(paymentMethodId=method["id"], confirm=True)

    fake_stripe.mend()
    shop.clock.turn(minutes=2)
    await shop.work()

    assert (first["__typename"], first["retryable"]) == ("PaymentProviderError", True)
    assert used["__typename"] == "ValidationError"
    assert fake_stripe.listed("payment_methods") == []
    assert await kept(shop) == []
    assert (await remove(shop, method["id"]))["__typename"] == "PaymentMethodSuccess"


@pytest.mark.parametrize("change", [set_default, remove])
async def test_an_unknown_method_and_a_foreign_one_look_alike(
    shop: World, fake_stripe: FakeStripe, change: type
) -> None:
    method = await save_card(shop, fake_stripe)
    by_provider = await provider_id(shop, method["id"])

    for wanted in (method["id"], by_provider, "mth_none"):
        assert await change(shop, wanted, GRACE) == {
            "__typename": "NotFoundError",
            "code": "NOT_FOUND",
            "message": "There is no such payment method.",
            "id": wanted,
        }
    assert await kept(shop) == [method]


# Rights.


async def test_staff_sees_and_manages_everybodys(shop: World, fake_stripe: FakeStripe) -> None:
    secret = (await set_up(shop, HELPDESK, userId=ADA.id))["clientSecret"]
    fake_stripe.give_card(secret)
    await deliver_all(shop, fake_stripe)

    seen = (await of_users(shop, HELPDESK, ADA.id))["data"]["_entities"][0]["paymentMethods"]
    removed = await remove(shop, seen[0]["id"], HELPDESK)

    assert seen == [seen[0]]
    assert await kept(shop, HELPDESK) == []
    assert removed["paymentMethods"] == []


async def test_customers_see_and_manage_only_their_own(shop: World, fake_stripe: FakeStripe) -> None:
    await save_card(shop, fake_stripe)

    seen = await of_users(shop, GRACE, ADA.id)
    begun = await shop.ask(
        "mutation($u: ID) { setupPaymentMethod(userId: $u) { __typename } }", GRACE, u=ADA.id
    )
    reader = Person(ADA.id, "payments:read")
    unable = await shop.ask("mutation { setupPaymentMethod { __typename } }", reader)

    assert seen["data"]["_entities"][0]["paymentMethods"] is None
    for answer in (seen, begun, unable):
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert len(fake_stripe.listed("setup_intents")) == 1


async def test_the_methods_of_a_hundred_users_cost_as_many_statements_as_those_of_one(
    shop: World, fake_stripe: FakeStripe
) -> None:
    people = [Person(f"usr_{number}", ADA.scope) for number in range(12)]
    for person in people:
        fake_stripe.give_card((await set_up(shop, person))["clientSecret"])
    await deliver_all(shop, fake_stripe)

    counts = []
    for size in (1, 12, 100):
        with Statements(shop.parts.database) as counted:
            answer = await of_users(shop, STAFF, *(f"usr_{number}" for number in range(size)))
        found = [len(user["paymentMethods"]) for user in answer["data"]["_entities"]]
        assert found == [1] * min(size, 12) + [0] * (size - min(size, 12))
        counts.append(len(counted.texts))

    assert counts == [1, 1, 1]


# Forgetting an owner.


async def test_a_forgotten_owner_keeps_nothing_anywhere(shop: World, fake_stripe: FakeStripe) -> None:
    method = await save_card(shop, fake_stripe)
    await save_card(shop, fake_stripe, GRACE)

    await shop.parts.saved_methods.forget_owner(ADA.id)
    await shop.parts.saved_methods.forget_owner(ADA.id)
    await shop.parts.saved_methods.forget_owner("usr_nobody")

    assert (await kept(shop), len(await kept(shop, GRACE))) == ([], 1)
    assert len(fake_stripe.listed("customers")) == 1
    assert (await set_default(shop, method["id"]))["__typename"] == "NotFoundError"
    looks = {row["owner_id"]: row["details"] for row in await shop.rows(saved_payment_methods)}
    assert (looks[ADA.id], looks[GRACE.id] is not None) == (None, True)


async def test_forgetting_goes_on_when_stripe_is_back(shop: World, fake_stripe: FakeStripe) -> None:
    await save_card(shop, fake_stripe)
    fake_stripe.fault("lose_request", "/v1/customers/*", count=9, method="*")

    await shop.parts.saved_methods.forget_owner(ADA.id)
    assert await kept(shop) == []
    fake_stripe.mend()
    shop.clock.turn(minutes=2)
    await shop.work()

    assert fake_stripe.listed("customers") == []
    (row,) = await shop.rows(customers)
    assert (row["to_delete"], row["reread_at"]) == (False, None)


async def test_an_owner_forgotten_while_their_customer_is_made_is_forgotten_there_too(
    shop: World, fake_stripe: FakeStripe
) -> None:
    fake_stripe.fault("lose_answer", "/v1/customers", count=3)
    await set_up(shop)
    await shop.parts.saved_methods.forget_owner(ADA.id)
    assert len(fake_stripe.listed("customers")) == 1

    for _ in range(3):
        shop.clock.turn(minutes=2)
        await shop.work()

    assert fake_stripe.listed("customers") == []
    assert [row["to_delete"] for row in await shop.rows(customers)] == [False]
