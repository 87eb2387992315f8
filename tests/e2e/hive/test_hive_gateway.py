"""The composed supergraph runs unchanged on Hive Gateway, and gives the same answers there as on our gateway."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, lexicographic_sort_schema, print_type

from launcher.settings import ROOT
from tests.e2e.client import CREATE_PAYMENT, LOGIN, ONE_QUERY, PASSWORD, REFUND_PAYMENT, Client
from tests.e2e.hive.conftest import SUPERGRAPH
from tests.e2e.hive.history import History, made_history
from tests.e2e.hive.hive_gateway import with_urls
from tests.gateway.random_operations import operations

FRONTEND_QUERY = ROOT / "frontend" / "src" / "graphiql" / "operations" / "me-and-my-payments.graphql"

QUERIES = {
    "the one query": ONE_QUERY,
    "the query of GraphiQL's first tab": FRONTEND_QUERY.read_text(),
    "one subgraph only": "{ me { id email roles status } }",
    "the same field under two names, in another order": """{
        me { last: payments(last: 1) { nodes { id } } name: email first: payments(first: 1) { nodes { id status } } } }""",
    "from users to payments, by id": """query ($user: ID!) { user(id: $user) { email
        payments(first: 10, orderBy: {field: CREATED_AT, direction: ASC}) { totalCount
          nodes { status lastError { code declineCode } } pageInfo { hasNextPage hasPreviousPage } } } }""",
    "from payments to users": """query ($refunded: ID!) { payment(id: $refunded) {
        amount { amount amountMinor currency } user { id email displayName } } }""",
    "from payments to users and back": """query ($refunded: ID!) { payment(id: $refunded) {
        user { email payments(first: 5) { nodes { id user { email } } } } } }""",
    "a page of everybody's payments with their owners": """query ($user: ID!) {
        payments(first: 20, filter: {userId: $user}) { nodes { id user { email } } pageInfo { hasNextPage } } }""",
    "a page of users with their payments": """{
        users(first: 5, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { id payments(first: 2) { nodes { id } } } } }""",
    "fragments on the entity in both subgraphs": """query ($refunded: ID!) { me { ...Owner } payment(id: $refunded) { user { ...Owner } } }
        fragment Owner on User { __typename email payments(first: 1) { nodes { ...Short } } }
        fragment Short on Payment { id ... on Payment { financialStatus } }""",
    "fields taken in and left out": """query ($yes: Boolean = true, $no: Boolean = false) {
        me { email @include(if: $yes) firstName @skip(if: $yes) payments(first: 1) @include(if: $no) { nodes { id } } } }""",
    "somebody else's payment": "query ($of_another: ID!) { payment(id: $of_another) { id status user { email } } }",
    "a payment that never was": '{ payment(id: "pay_01jzzzzzzzzzzzzzzzzzzzzzzz") { id } }',
    "two root fields, one of them refused": """query ($refunded: ID!) {
        payment(id: $refunded) { status } users(first: 1) { nodes { id } } }""",
    "nothing but what is refused": "{ me { email } users { nodes { id } } }",
    "what exists nowhere": "{ me { nonsense } }",
    "an operation with a syntax error": "{ me { email }",
}


RANDOM_OPERATIONS = 25
"""For each caller."""
TRIED = 1000
"""To find as many of which nothing is denied to the caller."""


@dataclass(frozen=True)
class Answer:
    """What has to be equal: the data, and of each error the place and the kind, whose wording is each gateway's own."""

    data: dict[str, Any] | None
    errors: frozenset[tuple[str, str | None]]


def asked(client: Client, query: str, **variables: Any) -> Answer:
    whole = client.ask(query, **variables)
    errors = frozenset(
        (".".join(map(str, error.get("path", ()))), error.get("extensions", {}).get("code"))
        for error in whole.get("errors", ())
    )
    return Answer(whole.get("data"), errors)


@pytest.fixture(scope="module")
def history(our_url: str) -> History:
    return made_history(our_url)


CALLERS: dict[str, Callable[[History], Client]] = {
    "anonymous": lambda history: replace(history.customer, token=None),
    "customer": lambda history: history.customer,
    "finance": lambda history: history.staff,
}
DIFFERENT = {("anonymous", "fragments on the entity in both subgraphs")}
"""Hive Gateway puts what is denied inside a fragment at the root of the answer."""
ALIKE = sorted({(caller, query) for caller in CALLERS for query in QUERIES} - DIFFERENT)


def variables_of(query: str, history: History) -> dict[str, str]:
    known = {"user": history.customer_id, "refunded": history.refunded, "of_another": history.of_another}
    return {name: value for name, value in known.items() if f"${name}:" in query}


@pytest.mark.parametrize(("caller", "name"), ALIKE)
def test_both_gateways_answer_alike(history: History, hive_url: str, caller: str, name: str) -> None:
    ours, query = CALLERS[caller](history), QUERIES[name]
    variables = variables_of(query, history)

    assert asked(replace(ours, url=hive_url), query, **variables) == asked(ours, query, **variables)


@pytest.mark.parametrize(("caller", "name"), sorted(DIFFERENT))
def test_what_hive_misplaces_is_in_its_place_in_ours(history: History, caller: str, name: str) -> None:
    answer = asked(CALLERS[caller](history), QUERIES[name], **variables_of(QUERIES[name], history))

    assert answer == Answer(
        {"me": None, "payment": None},
        frozenset({("me", "UNAUTHORIZED_FIELD_OR_TYPE"), ("payment", "UNAUTHORIZED_FIELD_OR_TYPE")}),
    )


@pytest.mark.parametrize(
    "name", ["the one query", "one subgraph only", "two root fields, one of them refused"]
)
def test_a_bad_token_refuses_the_whole_request_in_both(history: History, hive_url: str, name: str) -> None:
    bad, query = replace(history.customer, token="not.a.token"), QUERIES[name]
    variables = variables_of(query, history)

    assert asked(bad, query, **variables) == Answer(None, frozenset({("", "UNAUTHENTICATED")}))
    assert asked(replace(bad, url=hive_url), query, **variables).data is None


@pytest.mark.parametrize("name", ["customer", "finance"])
def test_both_gateways_answer_alike_whatever_is_asked(history: History, hive_url: str, name: str) -> None:
    """Without aliases: an alias that is the name of another field makes Hive send what a subgraph refuses.

    Without what is denied, so not for anonymous callers: Hive misplaces that where it stands in fragments or below null.
    """
    caller = CALLERS[name](history)
    introspection = caller.get(get_introspection_query())
    schema = build_client_schema(introspection)  # type: ignore[arg-type]

    compared = 0
    for operation in operations(schema, seed=1, count=TRIED, may_mutate=False, may_alias=False):
        ours = asked(caller, operation.query, **operation.variables)
        hives = asked(replace(caller, url=hive_url), operation.query, **operation.variables)
        if is_denied(ours) or is_denied(hives):
            continue

        assert timeless(hives) == timeless(ours), operation
        compared += 1
        if compared == RANDOM_OPERATIONS:
            return
    raise AssertionError(f"only {compared} operations of {TRIED} could be compared")


def is_denied(answer: Answer) -> bool:
    return any(code == "UNAUTHORIZED_FIELD_OR_TYPE" for _, code in answer.errors)


def timeless(answer: Answer) -> Answer:
    """Without what differs from one moment to the next."""

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: cut(inner) for name, inner in value.items() if name != "checkedAt"}
        return [cut(inner) for inner in value] if isinstance(value, list) else value

    return replace(answer, data=cut(answer.data))


def test_the_customer_sees_in_both_what_they_paid(history: History, hive_url: str) -> None:
    for url in (history.customer.url, hive_url):
        nodes = replace(history.customer, url=url).get(ONE_QUERY)["me"]["payments"]["nodes"]

        assert {node["id"]: node["financialStatus"] for node in nodes} == {
            history.refunded: "PARTIALLY_REFUNDED",
            history.declined: "UNPAID",
        }


def test_both_gateways_show_the_same_api(our_url: str, hive_url: str) -> None:
    def types(url: str) -> dict[str, str]:
        introspection = Client(url).get(get_introspection_query())
        schema = lexicographic_sort_schema(build_client_schema(introspection))  # type: ignore[arg-type]
        # Two underscores: introspection's own, and requiresScopes__Scope, which Hive does not take out.
        return {name: print_type(type_) for name, type_ in schema.type_map.items() if "__" not in name}

    assert types(hive_url) == types(our_url)


@pytest.mark.parametrize("password", [PASSWORD, "wrong-horse-demo"])
def test_a_login_ends_alike_in_both(our_url: str, hive_url: str, password: str) -> None:
    given = {"email": "ada@example.com", "password": password}
    ours, hives = (Client(url).get(LOGIN, input=given)["login"] for url in (our_url, hive_url))

    assert hives["__typename"] == ours["__typename"]
    assert hives.get("code") == ours.get("code")
    assert hives.get("user") == ours.get("user")


def test_a_payment_made_in_one_is_the_same_payment_in_the_other(history: History, hive_url: str) -> None:
    key = uuid.uuid4().hex

    made = replace(history.customer, url=hive_url).pay(idempotencyKey=key)
    again = history.customer.pay(idempotencyKey=key)

    assert made["__typename"] == again["__typename"] == "PaymentSuccess"
    assert (made["replayed"], again["replayed"]) == (False, True)
    assert made["payment"]["id"] == again["payment"]["id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": {"amount": "0", "currency": "EUR"}},
        {"amount": {"amount": "1.001", "currency": "EUR"}},
        {"amount": {"amount": "1.00", "currency": "XXX"}},
        {"idempotencyKey": ""},
    ],
)
def test_a_wrong_payment_is_refused_alike(history: History, hive_url: str, wrong: dict[str, Any]) -> None:
    payment = {"idempotencyKey": uuid.uuid4().hex, "amount": {"amount": "1.00", "currency": "EUR"}} | wrong

    ours = asked(history.customer, CREATE_PAYMENT, input=payment)

    assert asked(replace(history.customer, url=hive_url), CREATE_PAYMENT, input=payment) == ours


@pytest.mark.parametrize(
    "wrong", [{"amount": "ten"}, {"idempotencyKey": None}, {"confirm": "yes"}, {"color": 1}]
)
def test_a_value_of_a_wrong_type_reaches_nobody_through_either(
    history: History, hive_url: str, wrong: dict[str, Any]
) -> None:
    payment = {"idempotencyKey": uuid.uuid4().hex, "amount": {"amount": "1.00", "currency": "EUR"}} | wrong

    ours, hives = (
        asked(replace(history.customer, url=url), CREATE_PAYMENT, input=payment)
        for url in (history.customer.url, hive_url)
    )

    assert ours == Answer(None, frozenset({("", "BAD_USER_INPUT")}))
    assert hives == Answer(None, frozenset({("", None)}))  # Hive Gateway gives these errors no code


def test_a_refund_beyond_what_is_left_is_refused_alike(history: History, hive_url: str) -> None:
    refund = {"paymentId": history.refunded, "amount": {"amount": "5.01", "currency": "EUR"}}

    ours, hives = (
        asked(
            replace(history.staff, url=url),
            REFUND_PAYMENT,
            input=refund | {"idempotencyKey": uuid.uuid4().hex},
        )
        for url in (history.staff.url, hive_url)
    )

    assert ours.data is not None
    assert ours.data["refundPayment"]["__typename"] == "RefundExceedsAvailableError"
    assert hives == ours


def test_only_addresses_change_in_the_supergraph_that_hive_gets() -> None:
    committed = SUPERGRAPH.read_text()
    addresses = {"users": "http://127.0.0.1:8001/graphql", "payments": "http://127.0.0.1:8002/graphql"}
    elsewhere = {"users": "http://users.example/", "payments": "http://payments.example/"}

    moved = with_urls(committed, elsewhere)

    assert all(moved.count(f'"{url}"') == 1 for url in elsewhere.values())
    assert with_urls(moved, addresses) == committed
