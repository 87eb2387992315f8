"""What nobody may see, whichever door they come through."""

import json
import re

import pytest

from tests.e2e.client import ONE_QUERY, Client, new_customer
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.running_system import RunningSystem

ENTITIES = """query ($who: [_Any!]!) { _entities(representations: $who) { ... on User { %s } } }"""
ENTITY_FIELDS = {"users": "id email status", "payments": "id payments { nodes { id amount { amount } } }"}
PAYMENT = "query ($id: ID!) { payment(id: $id) { id status amount { amount } } }"


@pytest.fixture
def payer(anonymous: Client) -> tuple[str, Client]:
    email, customer = new_customer(anonymous.url)
    customer.pay()
    return email, customer


def without_request_ids(answer: dict[str, object], user_id: str) -> str:
    """The answer as text, less what differs from request to request and from question to question."""
    return re.sub(r'"requestId": "[^"]*"', "", json.dumps(answer)).replace(user_id, "USER")


def codes(answer: dict[str, object]) -> set[str]:
    errors = answer.get("errors", [])
    assert isinstance(errors, list)
    return {error["extensions"]["code"] for error in errors}


def test_anonymous_callers_get_nothing(anonymous: Client, payer: tuple[str, Client]) -> None:
    answer = anonymous.ask(ONE_QUERY)

    assert answer["data"] == {"me": None}
    assert codes(answer) == {"UNAUTHORIZED_FIELD_OR_TYPE"}


def test_an_invalid_token_is_refused_by_its_name(anonymous: Client) -> None:
    answer = Client(anonymous.url, "not.a.token").ask(ONE_QUERY)

    assert "data" not in answer
    assert codes(answer) == {"UNAUTHENTICATED"}


def test_other_users_see_neither_the_user_nor_the_payment(payer: tuple[str, Client], grace: Client) -> None:
    owner = payer[1].get("{ me { id payments { nodes { id } } } }")["me"]

    user = grace.ask("query ($id: ID!) { user(id: $id) { email payments { nodes { id } } } }", id=owner["id"])
    payment = grace.ask(PAYMENT, id=owner["payments"]["nodes"][0]["id"])

    assert user["data"] == {"user": None}
    assert payment["data"] == {"payment": None}


@pytest.mark.parametrize("subgraph", ["users", "payments"])
def test_who_reaches_a_subgraph_directly_learns_nothing(
    system: RunningSystem, payer: tuple[str, Client], grace: Client, subgraph: str
) -> None:
    email, customer = payer
    owner = customer.get("{ me { id payments { nodes { id } } } }")["me"]
    url = f"{getattr(system, f'{subgraph}_url')}/graphql"
    query, who = ENTITIES % ENTITY_FIELDS[subgraph], [{"__typename": "User", "id": owner["id"]}]

    for stranger in (Client(url), Client(url, grace.token)):
        answer = json.dumps(stranger.ask(query, who=who))
        assert email not in answer
        assert owner["payments"]["nodes"][0]["id"] not in answer
        assert "10.00" not in answer


def test_a_stranger_cannot_tell_an_existing_user_from_none(
    system: RunningSystem, payer: tuple[str, Client], grace: Client
) -> None:
    owner_id = payer[1].get("{ me { id } }")["me"]["id"]
    nobody_id = "usr_00000000000000000000000000"
    for subgraph in ("users", "payments"):
        client = Client(f"{getattr(system, f'{subgraph}_url')}/graphql", grace.token)
        query = ENTITIES % ENTITY_FIELDS[subgraph]

        existing = client.ask(query, who=[{"__typename": "User", "id": owner_id}])
        missing = client.ask(query, who=[{"__typename": "User", "id": nobody_id}])

        assert without_request_ids(existing, owner_id) == without_request_ids(missing, nobody_id)


def test_of_a_payer_whom_one_may_not_see_there_is_the_id_and_what_may_be_null(
    payer: tuple[str, Client], finance: Client
) -> None:
    owner = payer[1].get("{ me { id payments { nodes { id } } } }")["me"]
    payment_id = owner["payments"]["nodes"][0]["id"]
    user = "query ($id: ID!) { payment(id: $id) { status user { %s } } }"

    shown = finance.ask(user % "id email", id=payment_id)
    demanded = finance.ask(user % "id email status", id=payment_id)

    assert shown == {"data": {"payment": {"status": "SUCCEEDED", "user": {"id": owner["id"], "email": None}}}}
    assert demanded["data"] == {"payment": {"status": "SUCCEEDED", "user": None}}
    assert codes(demanded) == {"NOT_FOUND"}
    assert [error["path"] for error in demanded["errors"]] == [["payment", "user", "status"]]


def test_customers_may_not_refund_nor_list(ada: Client) -> None:
    payment_id = ada.get("{ me { payments(first: 1) { nodes { id } } } }")["me"]["payments"]["nodes"][0]["id"]
    refund = ada.ask(
        'mutation ($id: ID!) { refundPayment(input: {idempotencyKey: "k", paymentId: $id}) { __typename } }',
        id=payment_id,
    )
    listed = ada.ask("{ users { nodes { email } } payments { nodes { id } } }")

    assert refund["data"] == {"refundPayment": None}
    assert refund["errors"][0]["extensions"]["requiredScopes"] == [["refunds:write"]]
    assert listed["data"] == {"users": None, "payments": None}
    assert codes(refund) | codes(listed) == {"UNAUTHORIZED_FIELD_OR_TYPE"}


def test_what_nobody_may_have_is_not_even_asked_for(
    anonymous: Client, grace: Client, users_proxy: RecordingProxy, payments_proxy: RecordingProxy
) -> None:
    grace.get("{ me { id } }")
    users_proxy.requests.clear()
    payments_proxy.requests.clear()

    nobody = anonymous.ask("{ me { email } users { nodes { id } } payment(id: 1) { id } }")
    asked_of_nobody = [*users_proxy.requests, *payments_proxy.requests]
    customer = grace.ask("{ me { email } users { nodes { id } } payments { nodes { id } } }")

    assert nobody["data"] == {"me": None, "users": None, "payment": None}
    assert asked_of_nobody == []
    assert customer["data"] == {"me": {"email": "grace@example.com"}, "users": None, "payments": None}
    assert payments_proxy.requests == []
    assert len(users_proxy.requests) == 1
    assert b"users" not in users_proxy.requests[0]


def test_one_operation_gives_each_caller_their_own(
    anonymous: Client, ada: Client, finance: Client, payer: tuple[str, Client]
) -> None:
    payment_id = payer[1].get("{ me { payments { nodes { id } } } }")["me"]["payments"]["nodes"][0]["id"]
    query = "query ($id: ID!) { me { email } payment(id: $id) { id providerPaymentId } users(first: 1) { totalCount } }"
    for _ in range(2):
        nobody, payer_of_it, other, staff = (
            each.ask(query, id=payment_id) for each in (anonymous, payer[1], ada, finance)
        )

        assert nobody["data"] == {"me": None, "payment": None, "users": None}
        assert payer_of_it["data"]["me"]["email"] == payer[0]
        assert payer_of_it["data"]["payment"] == {"id": payment_id, "providerPaymentId": None}
        assert payer_of_it["data"]["users"] is None
        assert other["data"] == {"me": {"email": "ada@example.com"}, "payment": None, "users": None}
        assert staff["data"]["payment"]["providerPaymentId"].startswith("pi_")


def test_a_stale_token_keeps_nobody_from_logging_in_again(anonymous: Client) -> None:
    stale = Client(anonymous.url, "not.a.token")

    assert stale.logged_in("ada@example.com").get("{ me { email } }") == {"me": {"email": "ada@example.com"}}
