"""What a test asks of kept payment methods: Stripe is the fake, as it runs."""

from typing import Any

from tests.payment_subgraph.running_fake_stripe import FakeStripe
from tests.payment_subgraph.world import ADA, Person, World

_METHODS = "id type brand last4 expMonth expYear isDefault reusable"
_ERRORS = "... on Error { code message } ... on PaymentProviderError { retryable }"
_SET_UP = f"""mutation($userId: ID) {{ setupPaymentMethod(userId: $userId) {{ __typename
  ... on SetupSuccess {{ clientSecret }} ... on RateLimitedError {{ retryAfterSeconds }} {_ERRORS} }} }}"""
_CHANGE = f"""mutation($id: ID!) {{ %s(id: $id) {{ __typename
  ... on PaymentMethodSuccess {{ paymentMethods {{ {_METHODS} }} }} ... on NotFoundError {{ id }} {_ERRORS} }} }}"""
_OF_USERS = f"""query($r: [_Any!]!) {{ _entities(representations: $r) {{
  ... on User {{ id paymentMethods {{ {_METHODS} }} }} }} }}"""


async def asked(world: World, mutation: str, person: Person, **variables: Any) -> dict[str, Any]:
    answer = await world.ask(mutation, person, **variables)
    assert "errors" not in answer, answer
    (member,) = answer["data"].values()
    found: dict[str, Any] = member
    return found


async def set_up(world: World, person: Person = ADA, **variables: Any) -> dict[str, Any]:
    return await asked(world, _SET_UP, person, **variables)


async def set_default(world: World, method_id: str, person: Person = ADA) -> dict[str, Any]:
    return await asked(world, _CHANGE % "setDefaultPaymentMethod", person, id=method_id)


async def remove(world: World, method_id: str, person: Person = ADA) -> dict[str, Any]:
    return await asked(world, _CHANGE % "removePaymentMethod", person, id=method_id)


async def of_users(world: World, person: Person, *users: str) -> dict[str, Any]:
    """The whole answer to what these users keep."""
    return await world.ask(_OF_USERS, person, r=[{"__typename": "User", "id": one} for one in users])


async def kept(world: World, person: Person = ADA) -> list[dict[str, Any]]:
    answer = await of_users(world, person, person.id)
    assert "errors" not in answer, answer
    methods: list[dict[str, Any]] = answer["data"]["_entities"][0]["paymentMethods"]
    return methods


async def deliver_all(world: World, fake: FakeStripe) -> None:
    """Every event that Stripe has had, and the worker's work on them."""
    for event in fake.events():
        await world.deliver(event)
    await world.work()


async def save_card(
    world: World, fake: FakeStripe, person: Person = ADA, card: str = "pm_card_visa"
) -> dict[str, Any]:
    """The method that is kept when its events have come: the newest of the person's."""
    secret = (await set_up(world, person))["clientSecret"]
    fake.give_card(secret, card)
    await deliver_all(world, fake)
    return (await kept(world, person))[-1]


async def provider_id(world: World, method_id: str) -> str:
    async with world.parts.saved_methods.repository.reading() as rows:
        found = await rows.method(method_id)
    assert found is not None
    return found.provider_method_id
