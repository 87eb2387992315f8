"""Who sees what: scopes at the field, ownership in the resolver, the same behind `_entities`."""

from typing import Any

import pytest

from tests.payment_subgraph.world import ADA, CUSTOMER, FINANCE, GRACE, HELPDESK, STAFF, Person, World

pytestmark = pytest.mark.anyio

ENTITIES = """query($r: [_Any!]!) { _entities(representations: $r) {
  __typename ... on User { id payments { nodes { id } } } ... on Payment { id status } ... on Refund { id } } }"""
NO_SCOPES = Person("usr_ada", "profile:read")
READ_ONLY = Person("usr_ada", "payments:read")
MACHINE = Person("cli_1", FINANCE, client_id="cli_1")
NARROW_MACHINE = Person("cli_1", CUSTOMER, client_id="cli_1")
CREATE = """mutation($i: CreatePaymentInput!) { createPayment(input: $i) { __typename
  ... on PaymentSuccess { payment { id } } ... on ValidationError { fields { path code } } } }"""


def codes(answer: dict[str, Any]) -> list[tuple[Any, str]]:
    return [(error.get("path"), error["extensions"]["code"]) for error in answer["errors"]]


@pytest.mark.parametrize(
    ("person", "code"), [(None, "UNAUTHENTICATED"), (NO_SCOPES, "FORBIDDEN")], ids=["anonymous", "no scope"]
)
@pytest.mark.parametrize(
    "field", ["payment(id: $id) { id }", "refund(id: $id) { id }", "payments { nodes { id } }"]
)
async def test_without_the_scope_a_query_is_null_with_an_error(
    small_world: World, person: Person | None, code: str, field: str
) -> None:
    payment = await small_world.pay()
    declared = "($id: ID!)" if "$id" in field else ""

    answer = await small_world.ask(f"query{declared} {{ found: {field} }}", person, id=payment["id"])

    assert answer["data"] == {"found": None}
    assert codes(answer) == [(["found"], code)]
    assert answer["errors"][0]["extensions"]["requestId"]


@pytest.mark.parametrize(
    ("person", "code"), [(None, "UNAUTHENTICATED"), (READ_ONLY, "FORBIDDEN")], ids=["anonymous", "reader"]
)
@pytest.mark.parametrize(
    "name", ["createPayment", "confirmPayment", "capturePayment", "cancelPayment", "refundPayment"]
)
async def test_without_the_scope_no_mutation_changes_anything(
    small_world: World, person: Person | None, code: str, name: str
) -> None:
    payment = await small_world.pay()
    before, calls = await small_world.all_rows(), len(small_world.wire.calls)
    given = {"idempotencyKey": "k", "paymentId": payment["id"]}
    if name == "createPayment":
        given = {"idempotencyKey": "k", "amount": {"amount": "1.00", "currency": "EUR"}}  # type: ignore[dict-item]
    kind = name[0].upper() + name[1:]

    query = f"mutation($i: {kind}Input!) {{ {name}(input: $i) {{ __typename }} }}"
    answer = await small_world.ask(query, person, i=given)

    assert answer["data"] == {name: None}
    assert codes(answer) == [([name], code)]
    assert await small_world.all_rows() == before
    assert len(small_world.wire.calls) == calls


async def test_paying_for_another_needs_more_than_ones_own_scope(small_world: World) -> None:
    money = {"amount": "1.00", "currency": "EUR"}
    given = {"idempotencyKey": "k", "amount": money, "userId": GRACE.id}

    query = "mutation($i: CreatePaymentInput!) { createPayment(input: $i) { __typename } }"
    answer = await small_world.ask(query, ADA, i=given)

    assert answer["data"] == {"createPayment": None}
    assert answer["errors"][0]["extensions"]["requiredScopes"] == [["payments:write:any"]]
    assert (await small_world.all_rows())["payments"] == 0


async def test_a_machine_pays_for_a_user_whom_it_names(world: World) -> None:
    given = {"idempotencyKey": "k", "amount": {"amount": "1.00", "currency": "EUR"}}

    unnamed = await world.ask(CREATE, MACHINE, i=given)
    unable = await world.ask(CREATE, NARROW_MACHINE, i=given)
    set_up = await world.ask("mutation { setupPaymentMethod { __typename } }", MACHINE)
    before = await world.all_rows()
    named = await world.ask(CREATE, MACHINE, i=given | {"userId": ADA.id})
    payment_id = named["data"]["createPayment"]["payment"]["id"]
    mine = await world.ask("query($id: ID!) { payment(id: $id) { user { id } } }", ADA, id=payment_id)

    assert unnamed["data"]["createPayment"]["fields"] == [{"path": ["input", "userId"], "code": "REQUIRED"}]
    assert codes(unable) == [(["createPayment"], "FORBIDDEN")]
    assert codes(set_up) == [(["setupPaymentMethod"], "BAD_USER_INPUT")]
    assert before["payments"] == before["payment_operations"] == 0
    assert mine["data"]["payment"]["user"] == {"id": ADA.id}


async def test_nothing_belongs_to_a_machine(world: World) -> None:
    """Not even what somebody was let pay under its id: an own right is of no use to it."""
    given = {"idempotencyKey": "k", "amount": {"amount": "1.00", "currency": "EUR"}, "userId": MACHINE.id}
    made = (await world.ask(CREATE, STAFF, i=given))["data"]["createPayment"]["payment"]
    query = "query($id: ID!) { payment(id: $id) { id } }"

    assert await world.ask(query, NARROW_MACHINE, id=made["id"]) == {"data": {"payment": None}}
    assert await world.ask(query, MACHINE, id=made["id"]) == {"data": {"payment": {"id": made["id"]}}}


async def test_an_app_acts_for_the_user_whose_token_it_has(world: World) -> None:
    payment = await world.pay()
    query = "query($id: ID!) { payment(id: $id) { id } }"

    by_app = await world.ask(query, Person(ADA.id, ADA.scope, client_id="cli_app"), id=payment["id"])

    assert by_app == {"data": {"payment": {"id": payment["id"]}}}


async def test_a_foreign_payment_is_as_unknown_as_none(world: World) -> None:
    payment = await world.pay()
    query = "query($id: ID!) { payment(id: $id) { id } }"

    foreign = await world.ask(query, GRACE, id=payment["id"])
    unknown = await world.ask(query, GRACE, id="pay_none")
    own = await world.ask(query, ADA, id=payment["id"])
    staff = await world.ask(query, HELPDESK, id=payment["id"])

    assert foreign == unknown == {"data": {"payment": None}}
    assert own == staff == {"data": {"payment": {"id": payment["id"]}}}


async def test_a_foreign_refund_is_as_unknown_as_none(world: World) -> None:
    payment = await world.pay()
    refund = (await world.mutate("refundPayment", STAFF, paymentId=payment["id"]))["refund"]
    query = "query($id: ID!) { refund(id: $id) { id payment { id } } }"

    assert (await world.ask(query, GRACE, id=refund["id"])) == {"data": {"refund": None}}
    assert (await world.ask(query, ADA, id=refund["id"]))["data"]["refund"]["payment"] == {
        "id": payment["id"]
    }


async def test_the_provider_id_is_for_staff(small_world: World) -> None:
    payment = await small_world.pay()
    query = "query($id: ID!) { payment(id: $id) { id providerPaymentId } }"

    own = await small_world.ask(query, ADA, id=payment["id"])
    staff = await small_world.ask(query, STAFF, id=payment["id"])

    assert own["data"] == {"payment": {"id": payment["id"], "providerPaymentId": None}}
    assert codes(own) == [(["payment", "providerPaymentId"], "FORBIDDEN")]
    assert staff["data"]["payment"]["providerPaymentId"] == "pi_1"


async def test_the_client_secret_is_only_for_the_payer_while_it_is_of_use(small_world: World) -> None:
    payment = (await small_world.create())["payment"]
    query = "query($id: ID!) { payment(id: $id) { nextAction { type clientSecret } } }"

    own = await small_world.ask(query, ADA, id=payment["id"])
    staff = await small_world.ask(query, STAFF, id=payment["id"])
    await small_world.mutate("confirmPayment", paymentId=payment["id"], paymentMethodId="pm_card_visa")
    paid = await small_world.ask(query, ADA, id=payment["id"])

    assert own["data"]["payment"]["nextAction"]["clientSecret"] == "pi_1_secret_wire"
    assert staff["data"]["payment"]["nextAction"]["clientSecret"] is None
    assert paid["data"]["payment"]["nextAction"] is None


async def test_entities_show_a_user_only_their_own(world: World) -> None:
    payment = await world.pay()
    refund = (await world.mutate("refundPayment", STAFF, paymentId=payment["id"]))["refund"]
    asked = [
        {"__typename": "User", "id": ADA.id},
        {"__typename": "Payment", "id": payment["id"]},
        {"__typename": "Refund", "id": refund["id"]},
        {"__typename": "User", "id": GRACE.id},
    ]

    own = await world.ask(ENTITIES, ADA, r=asked)
    foreign = await world.ask(ENTITIES, GRACE, r=asked)

    assert [one and one["id"] for one in own["data"]["_entities"]] == [
        ADA.id,
        payment["id"],
        refund["id"],
        GRACE.id,
    ]
    assert own["data"]["_entities"][0]["payments"]["nodes"] == [{"id": payment["id"]}]
    assert codes(own) == [(["_entities", 3, "payments"], "FORBIDDEN")]
    assert foreign["data"]["_entities"][0]["payments"] is None
    assert foreign["data"]["_entities"][1:3] == [None, None]
    assert foreign["data"]["_entities"][3]["payments"] == {"nodes": []}
    assert codes(foreign) == [(["_entities", 0, "payments"], "FORBIDDEN")]


async def test_entities_tell_the_anonymous_nothing(world: World) -> None:
    payment = await world.pay()
    known = [{"__typename": "User", "id": ADA.id}, {"__typename": "Payment", "id": payment["id"]}]
    unknown = [{"__typename": "User", "id": "usr_none"}, {"__typename": "Payment", "id": "pay_none"}]

    seen = await world.ask(ENTITIES, None, r=known)
    blind = await world.ask(ENTITIES, None, r=unknown)

    assert seen["data"]["_entities"][0]["payments"] is None
    assert seen["data"]["_entities"][1] is None
    assert {code for _, code in codes(seen)} == {"UNAUTHENTICATED"}
    assert sorted(map(str, codes(seen))) == sorted(map(str, codes(blind)))


async def test_whether_a_user_exists_is_not_told(world: World) -> None:
    await world.pay()

    known = await world.ask(ENTITIES, GRACE, r=[{"__typename": "User", "id": ADA.id}])
    unknown = await world.ask(ENTITIES, GRACE, r=[{"__typename": "User", "id": "usr_none"}])

    for answer in (known, unknown):
        assert answer["data"]["_entities"][0]["payments"] is None
        assert answer["errors"][0]["message"] == "The access token lacks a scope for this."


@pytest.mark.parametrize(
    "bad",
    [
        {"__typename": "Money", "id": "x"},
        {"__typename": "Nonsense", "id": "x"},
        {"__typename": "User"},
        {"__typename": "User", "id": 7},
        {"__typename": ["User"], "id": "x"},
        {"id": "x"},
        "User",
        7,
        [],
    ],
)
async def test_a_bad_representation_costs_only_its_slot(small_world: World, bad: object) -> None:
    payment = await small_world.pay()
    good = {"__typename": "Payment", "id": payment["id"]}

    answer = await small_world.ask(ENTITIES, ADA, r=[good, bad, good])

    assert [one and one["id"] for one in answer["data"]["_entities"]] == [payment["id"], None, payment["id"]]
    assert codes(answer) == [(["_entities", 1], "BAD_USER_INPUT")]


async def test_more_than_a_hundred_representations_are_refused(small_world: World) -> None:
    r = [{"__typename": "Payment", "id": f"pay_{number}"} for number in range(101)]

    answer = await small_world.ask(
        "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }", ADA, r=r
    )

    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["QUERY_TOO_COMPLEX"]


async def test_a_hundred_representations_are_the_most_under_however_many_aliases(small_world: World) -> None:
    query = """query ($r: [_Any!]!) {
      a: _entities(representations: $r) { __typename } b: _entities(representations: $r) { __typename } }"""

    fifty, more = [
        await small_world.ask(query, ADA, r=[{"__typename": "User", "id": "usr_ada"}] * count)
        for count in (50, 51)
    ]

    assert "errors" not in fifty
    assert codes(more) == [(["b"], "QUERY_TOO_COMPLEX")]


async def test_an_entity_echoes_nothing_that_was_sent(small_world: World) -> None:
    payment = await small_world.pay()
    forged = {"__typename": "Payment", "id": payment["id"], "status": "CANCELED", "row": {}, "info": 1}

    answer = await small_world.ask(ENTITIES, ADA, r=[forged])

    assert answer["data"]["_entities"][0]["status"] == "SUCCEEDED"


async def test_staff_without_the_any_scope_is_a_user_like_others(small_world: World) -> None:
    payment = await small_world.pay()
    refunder = Person(
        "usr_refunder", FINANCE.replace("payments:read:any", "").replace("payments:write:any", "")
    )

    answer = await small_world.ask("query($id: ID!) { payment(id: $id) { id } }", refunder, id=payment["id"])

    assert answer == {"data": {"payment": None}}
