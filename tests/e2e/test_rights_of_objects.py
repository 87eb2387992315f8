"""What of one customer's objects each caller is shown: below the root, by `_entities` and by subscriptions."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import websocket

from tests.contract.rights import ENTITIES, RULES
from tests.e2e.rights_callers import Caller
from tests.e2e.rights_documents import WAYS
from tests.e2e.rights_estate import Estate
from tests.e2e.rights_selections import Everything, client_secrets, guarded_below, leaves, schema_of
from tests.e2e.running_system import RunningSystem

REFUSALS = {"UNAUTHORIZED_FIELD_OR_TYPE", "FORBIDDEN", "UNAUTHENTICATED"}
SEEN_BY = {
    "User": "Query.user",
    "Payment": "Query.payment",
    "Refund": "Query.refund",
    "Dispute": "Query.payment",
}
BELOW_THE_ROOT = {each for each in RULES if not each.startswith(("Query.", "Mutation.", "Subscription."))}
OF_USERS = {"User.passkeys", "User.sessions"}
UNKNOWN = "usr_00000000000000000000000000"
ENTITIES_OF = [(entity, subgraph) for entity, subgraphs in ENTITIES.items() for subgraph in subgraphs]


@dataclass
class Shown:
    """What one caller was shown at one place."""

    caller: Caller
    place: str
    fields: set[str] = field(default_factory=set)
    secrets: int = 0
    wrong: list[str] = field(default_factory=list)

    def look_at(self, entity: str, way: str, value: Any) -> None:
        """*value*: what stands where the object was asked for."""
        self.look_below(way, value)
        if (value is not None) != self.may_see(entity):
            self.wrong.append(f"{entity} for {self.caller.name} by {self.place}, {way}: {value}")

    def look_below(self, way: str, value: Any) -> None:
        for guarded, held in guarded_below(value):
            if held is not None:
                self.fields.add(guarded)
                if not self.caller.may_touch_the_estate(guarded):
                    self.wrong.append(f"{self.caller.name} was shown {guarded} by {self.place}, {way}")
        self.secrets += len(list(client_secrets(value)))

    def may_see(self, entity: str) -> bool:
        if entity == "User" and self.place == "payments":
            return self.caller.scopes is not None or self.caller.token is None  # a stub: see below
        return self.caller.may_touch_the_estate(SEEN_BY[entity])

    def missing(self) -> set[str]:
        """What the caller may have, but was not shown in any way."""
        of_place = {"users": OF_USERS, "payments": BELOW_THE_ROOT - OF_USERS}
        there = of_place.get(self.place, BELOW_THE_ROOT)
        return {each for each in there if self.caller.may_touch_the_estate(each)} - self.fields


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60, trust_env=False) as client:
        yield client


def ask(http: httpx.Client, url: str, caller: Caller, document: str, **variables: Any) -> dict[str, Any]:
    body = {"query": document, "variables": variables}
    answer: dict[str, Any] = http.post(f"{url}/graphql", json=body, headers=caller.headers).json()
    return answer


def codes(answer: dict[str, Any]) -> set[str]:
    return {each["extensions"]["code"] for each in answer.get("errors", ())}


def in_the_way(way: str, type_name: str, selection: str) -> tuple[str, str]:
    """The selection, and what has to stand beside the operation."""
    return (
        ("{ ...it }", f"fragment it on {type_name} {selection}")
        if way == "named fragment"
        else (selection, "")
    )


def judged(seen: list[Shown]) -> None:
    wrong = [each for shown in seen for each in shown.wrong]
    missing = {(shown.caller.name, shown.place): shown.missing() for shown in seen if shown.missing()}
    assert not wrong, "\n".join(wrong)
    assert not missing
    assert {shown.caller.name for shown in seen if shown.secrets} == {
        shown.caller.name for shown in seen if shown.caller.is_owner
    }


def test_the_gateway_shows_of_objects_what_the_table_says(
    own_system: RunningSystem, http: httpx.Client, estate: Estate, callers: list[Caller]
) -> None:
    seen = []
    for caller in callers:
        shown = Shown(caller, "the gateway")
        for entity in ("User", "Payment", "Refund"):
            for way in WAYS:
                selection, beside = in_the_way(way, entity, Everything(schema_of("api"), way).of(entity))
                document = (
                    f'{{ it: {entity.lower()}(id: "{estate.ids[entity.lower()]}") {selection} }} {beside}'
                )
                answer = ask(http, own_system.gateway_url, caller, document)
                assert codes(answer) <= REFUSALS, answer
                shown.look_at(entity, way, (answer.get("data") or {}).get("it"))
        if caller.is_owner:
            for way in WAYS:
                shown.look_below(way, myself(http, own_system, caller, way))
        seen.append(shown)

    judged(seen)


def myself(http: httpx.Client, system: RunningSystem, caller: Caller, way: str) -> Any:
    """Not looked for by the id: who has let an app in is `me` to it, whether it may see the profile or not."""
    selection, beside = in_the_way(way, "User", Everything(schema_of("api"), way).of("User", "Query"))
    answer = ask(http, system.gateway_url, caller, f"{{ it: me {selection} }} {beside}")
    assert codes(answer) <= REFUSALS, answer
    assert answer["data"]["it"]
    return answer["data"]["it"]


def test_each_subgraph_shows_of_entities_what_the_table_says(
    own_system: RunningSystem, http: httpx.Client, estate: Estate, callers: list[Caller]
) -> None:
    seen = []
    for subgraph in ("users", "payments"):
        for caller in callers:
            shown = Shown(caller, subgraph)
            for entity, where in ENTITIES_OF:
                if where == subgraph:
                    for way in WAYS:
                        answer = ask_for_entities(
                            http, own_system, subgraph, caller, entity, way, [key(entity, estate)]
                        )
                        assert codes(answer) <= REFUSALS, answer
                        [value] = entities_in(answer)
                        if (entity, subgraph) == ("User", "payments") and value is not None:
                            _, *others = leaves(value)
                            assert bool(others) == caller.may_touch_the_estate("User.payments"), (
                                caller.name,
                                others,
                            )
                        shown.look_at(entity, way, value)
            seen.append(shown)

    judged(seen)


def key(entity: str, estate: Estate) -> dict[str, Any]:
    return {"__typename": entity, "id": estate.ids[entity.lower()]}


def ask_for_entities(  # noqa: PLR0917 - who asks whom for what
    http: httpx.Client,
    system: RunningSystem,
    subgraph: str,
    caller: Caller,
    entity: str,
    way: str,
    given: list[Any],
) -> dict[str, Any]:
    selection, beside = in_the_way(way, entity, Everything(schema_of(subgraph), way).of(entity))
    document = f"query ($r: [_Any!]!) {{ it: _entities(representations: $r) {{ ... on {entity} {selection} }} }} {beside}"
    return ask(http, getattr(system, f"{subgraph}_url"), caller, document, r=given)


def entities_in(answer: dict[str, Any]) -> list[Any]:
    found: list[Any] = (answer.get("data") or {}).get("it") or [None]
    return found


@pytest.mark.parametrize(("entity", "subgraph"), ENTITIES_OF)
def test_another_s_key_is_as_good_as_none(  # noqa: PLR0917 - fixtures
    own_system: RunningSystem,
    http: httpx.Client,
    estate: Estate,
    callers: list[Caller],
    entity: str,
    subgraph: str,
) -> None:
    """Whoever may not see the object cannot tell from the answer whether there is one."""
    seen_by = "User.payments" if (entity, subgraph) == ("User", "payments") else SEEN_BY[entity]
    strangers = [each for each in callers if not each.may_touch_the_estate(seen_by)]
    for caller in strangers:
        real, made_up = (
            without_ids(
                ask_for_entities(http, own_system, subgraph, caller, entity, "plain", [each]), each["id"]
            )
            for each in (key(entity, estate), key(entity, estate) | {"id": UNKNOWN})
        )

        assert real == made_up, caller.name
    assert len(strangers) >= 4


def without_ids(answer: dict[str, Any], id_: str) -> str:
    return re.sub(r'"requestId": "[^"]*"', "", json.dumps(answer)).replace(id_, "ID")


@pytest.mark.parametrize(("entity", "subgraph"), ENTITIES_OF)
def test_a_wrong_representation_shows_nothing_and_costs_only_itself(  # noqa: PLR0917 - fixtures
    own_system: RunningSystem,
    http: httpx.Client,
    estate: Estate,
    callers: list[Caller],
    entity: str,
    subgraph: str,
) -> None:
    good = key(entity, estate)
    others = [each for each in ("User", "Payment", "Refund", "Dispute", "Session", "Query") if each != entity]
    wrong: list[Any] = [
        {"__typename": entity},
        {"id": good["id"]},
        {},
        good["id"],
        *({"__typename": entity, "id": id_} for id_ in (None, 1, True, [good["id"]], {"id": good["id"]})),
        *(
            {"__typename": each, "id": good["id"]}
            for each in (*others, "__Schema", "", None, [entity])
            if subgraph not in ENTITIES.get(str(each), ())
        ),
    ]
    for caller in callers:
        alone = entities_in(ask_for_entities(http, own_system, subgraph, caller, entity, "plain", [good]))
        answer = ask_for_entities(http, own_system, subgraph, caller, entity, "plain", [*wrong, good])
        paths = {
            each["path"][1] for each in answer["errors"] if each["extensions"]["code"] == "BAD_USER_INPUT"
        }

        if "data" in answer:
            assert answer["data"]["it"] == [None] * len(wrong) + alone, caller.name
            assert paths == set(range(len(wrong))), caller.name
        else:
            assert codes(answer) == {"UNAUTHENTICATED"}


@pytest.mark.parametrize(("entity", "subgraph"), ENTITIES_OF)
def test_what_else_stands_in_a_representation_is_not_believed(  # noqa: PLR0917 - fixtures
    own_system: RunningSystem,
    http: httpx.Client,
    estate: Estate,
    callers: list[Caller],
    entity: str,
    subgraph: str,
) -> None:
    good = key(entity, estate)
    forged = {
        "email": "forged@example.com",
        "roles": ["ADMIN"],
        "status": "FORGED",
        "ownerId": UNKNOWN,
        "owner_id": UNKNOWN,
    }
    nested = {
        "payment": {"__typename": "Payment", "id": "pay_forged"},
        "user": {"__typename": "User", "id": UNKNOWN},
    }
    for caller in callers:
        plain, with_more = (
            without_ids(
                ask_for_entities(http, own_system, subgraph, caller, entity, "plain", [each]), good["id"]
            )
            for each in (good, good | forged | nested)
        )

        assert plain == with_more, caller.name


def test_the_gateway_has_no_entities_to_ask_for(
    own_system: RunningSystem, http: httpx.Client, estate: Estate, callers: list[Caller]
) -> None:
    document = "query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
    for caller in callers:
        answer = ask(http, own_system.gateway_url, caller, document, r=[key("User", estate)])

        assert "data" not in answer
        assert codes(answer) == {"GRAPHQL_VALIDATION_FAILED"}


# --- subscriptions --------------------------------------------------------------------------------------------------


def watch(schema: str, estate: Estate) -> dict[str, Any]:
    selection = Everything(schema_of(schema)).of("Payment")
    return {"query": f'subscription {{ paymentUpdated(paymentId: "{estate.ids["payment"]}") {selection} }}'}


def first_event(http: httpx.Client, url: str, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"accept": "text/event-stream"} | caller.headers
    with http.stream("POST", f"{url}/graphql", json=body, headers=headers) as response:
        if not response.headers["content-type"].startswith("text/event-stream"):
            return dict(json.loads(response.read()))
        told = (line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data: {"))
        first: dict[str, Any] = json.loads(next(told))
        return first


def first_message(url: str, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """What is said of the subscription; a connection that is closed is a refusal of its own."""
    opening = {"type": "connection_init", "payload": caller.headers}
    address = f"{url.replace('http:', 'ws:')}/graphql"
    with closing(
        websocket.create_connection(address, timeout=60, subprotocols=["graphql-transport-ws"])
    ) as connection:
        connection.send(json.dumps(opening))
        assert json.loads(connection.recv())["type"] == "connection_ack"
        connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": body}))
        message = json.loads(connection.recv())
    return {"errors": message["payload"]} if message["type"] == "error" else dict(message["payload"])


def test_a_subscription_shows_what_the_table_says(
    own_system: RunningSystem, http: httpx.Client, estate: Estate, callers: list[Caller]
) -> None:
    seen, whole, direct = [], watch("api", estate), watch("payments", estate)
    for caller in callers:
        by_events, by_socket = Shown(caller, "the gateway"), Shown(caller, "the gateway's WebSocket")
        at_the_subgraph = Shown(caller, "payments")
        answers = [
            (by_events, first_event(http, own_system.gateway_url, caller, whole)),
            (by_socket, first_message(own_system.gateway_url, caller, whole)),
            (at_the_subgraph, first_event(http, own_system.payments_url, caller, direct)),
        ]
        for shown, answer in answers:
            payment = (answer.get("data") or {}).get("paymentUpdated")
            shown.look_at("Payment", "subscription", payment)
            expected = (
                REFUSALS if not caller.may_ask("Subscription.paymentUpdated") else REFUSALS | {"NOT_FOUND"}
            )
            assert codes(answer) <= expected, answer
            assert codes(answer) or payment is not None
            seen.append(shown)

    assert not [each for shown in seen for each in shown.wrong]
    assert not {(shown.caller.name, shown.place): shown.missing() for shown in seen if shown.missing()}
