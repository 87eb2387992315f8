"""syncPayment: what the provider has, at once."""

import asyncio
from typing import Any

import pytest

from payment_subgraph.tables import observations
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import ADA, FRAGMENTS, HELPDESK, Person, World

pytestmark = pytest.mark.anyio

SYNC = f"""mutation($id: ID!) {{ syncPayment(id: $id) {{ __typename
  ... on Error {{ message code }} ... on NotFoundError {{ id }}
  ... on PaymentProviderError {{ retryable }} ... on SyncSuccess {{ payment {{ ...P }} }} }} }} {FRAGMENTS}"""


async def sync(world: World, payment_id: str, person: Person = HELPDESK) -> dict[str, Any]:
    answer = await world.ask(SYNC, person, id=payment_id)
    assert "errors" not in answer, answer
    member: dict[str, Any] = answer["data"]["syncPayment"]
    return member


async def test_what_no_webhook_has_told_is_read_at_once(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.succeed("pi_1")

    member = await sync(world, payment["id"])

    assert member["__typename"] == "SyncSuccess"
    assert member["payment"]["status"] == "SUCCEEDED"
    assert await world.payment(payment["id"], HELPDESK) == member["payment"]
    latest = (await world.rows(observations))[-1]
    assert (latest["source"], latest["cause_id"]) == ("SYNC", HELPDESK.id)


async def test_a_refund_made_in_the_dashboard_is_read_too(world: World) -> None:
    payment = await world.pay("10.00")
    world.wire.add_refund("pi_1", 400)

    member = await sync(world, payment["id"])

    assert member["payment"]["amountRefunded"]["amount"] == "4.00"
    assert [one["amount"]["amount"] for one in member["payment"]["refunds"]["nodes"]] == ["4.00"]


async def test_an_authorization_that_expired_is_canceled(world: World) -> None:
    payment = await world.authorize()
    world.wire.expire("pi_1")

    member = await sync(world, payment["id"])

    assert (member["payment"]["status"], member["payment"]["availableActions"]) == ("CANCELED", [])


async def test_nothing_is_sent_and_nothing_new_writes_nothing(world: World) -> None:
    payment = await world.pay()
    before, posts = await world.all_rows(), len(world.wire.posts)

    member = await sync(world, payment["id"])

    assert member["payment"]["version"] == payment["version"]
    assert await world.all_rows() == before
    assert len(world.wire.posts) == posts


async def test_a_payment_whose_creation_was_not_answered_is_looked_for(world: World) -> None:
    world.wire.faults = [Fault.DONE_BUT_500]
    payment = (await world.create(confirm=True, paymentMethodId="pm_card_visa"))["payment"]
    posts = len(world.wire.posts)

    member = await sync(world, payment["id"])
    await world.work()

    assert (payment["status"], member["payment"]["status"]) == ("CREATED", "SUCCEEDED")
    assert (await world.payment(payment["id"]))["pendingOperations"] == []
    assert len(world.wire.posts) == posts


async def test_a_payment_that_was_given_up_is_found_if_it_exists_after_all(world: World) -> None:
    world.wire.faults = [Fault.STORED_500]
    payment = (await world.create(confirm=True, paymentMethodId="pm_card_visa"))["payment"]
    for _ in range(3):
        world.clock.turn(minutes=10)
        await world.work()
    given_up = await sync(world, payment["id"])
    world.wire.finish_late(world.wire.posts[0])

    member = await sync(world, payment["id"])

    assert (given_up["payment"]["status"], member["payment"]["status"]) == ("FAILED", "SUCCEEDED")


async def test_a_provider_that_is_down_changes_nothing(world: World) -> None:
    payment = (await world.create())["payment"]
    before = await world.all_rows()
    world.wire.down = True

    member = await sync(world, payment["id"])

    assert (member["__typename"], member["retryable"]) == ("PaymentProviderError", True)
    assert member["message"] == "The payment provider could not be asked."
    assert await world.all_rows() == before


async def test_a_payment_that_the_provider_does_not_know_is_no_use_asking_again(world: World) -> None:
    payment = (await world.create())["payment"]
    world.wire.intents.clear()

    member = await sync(world, payment["id"])

    assert (member["__typename"], member["retryable"]) == ("PaymentProviderError", False)


async def test_a_provider_that_does_not_answer_is_not_waited_for_longer_than_allowed(sqlite_url: str) -> None:
    world, hasty = World.build(sqlite_url), World.build(sqlite_url, OPERATION_ANSWER_SECONDS="0.2")
    world.wire.faults = [Fault.STORED_500]
    payment = (await world.create())["payment"]
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    hasty.wire.overtake_list = hang
    member = await sync(hasty, payment["id"])
    for each in (world, hasty):
        await each.close()

    assert (member["__typename"], member["retryable"]) == ("PaymentProviderError", True)


async def test_what_contradicts_us_freezes_the_payment(world: World) -> None:
    payment = await world.pay()
    world.wire.intents["pi_1"]["status"] = "requires_payment_method"

    member = await sync(world, payment["id"])

    assert (member["payment"]["status"], member["payment"]["availableActions"]) == ("SUCCEEDED", [])


async def test_an_unknown_payment_is_not_found(small_world: World) -> None:
    member = await sync(small_world, "pay_none")

    assert (member["__typename"], member["id"]) == ("NotFoundError", "pay_none")


async def test_syncing_is_for_staff_even_of_ones_own_payment(small_world: World) -> None:
    payment = (await small_world.create())["payment"]
    calls = len(small_world.wire.calls)

    answer = await small_world.ask(SYNC, ADA, id=payment["id"])

    assert answer["data"] == {"syncPayment": None}
    assert answer["errors"][0]["extensions"]["requiredScopes"] == [["payments:write:any"]]
    assert len(small_world.wire.calls) == calls
