"""Callers over HTTP: real tokens, one application, one cache of operations and plans."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, KeySet

from gateway.app import App, create_app
from gateway.settings import Settings, TokenSettings
from tests.contract.access_tokens import Issuer
from tests.gateway.clinic import clinic
from tests.gateway.test_websocket_session import connected
from tests.gateway.testbed import Federation, unhurried

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
ISSUER = Issuer("http://issuer.test", "the-api", ECKey.generate_key("P-256", auto_kid=True))
SETTINGS = unhurried(tokens=TokenSettings("http://issuer.test/jwks", ISSUER.issuer, ISSUER.audience))
QUERY = '{ patient(id: "1") { name diagnosis } doctor { salary } audit }'
PUBLIC = '{ patient(id: "1") { name } }'


class Network(httpx.AsyncBaseTransport):
    """The subgraphs, and the issuer's key set."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self.keys: Callable[[], httpx.Response] = lambda: httpx.Response(
            200, json=KeySet([ISSUER.key]).as_dict(private=False)
        )
        self.key_fetches = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "issuer.test":
            return await self.federation.handle_async_request(request)
        self.key_fetches += 1
        return self.keys()


class Server:
    """The application with its cache, for as many requests as a test wants."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.federation = clinic()
        self.network = Network(self.federation)
        self.app: App = create_app(self.federation.supergraph, settings, self.network)

    async def ask(self, query: str, *tokens: str, accept: str = GRAPHQL) -> tuple[int, Any]:
        headers = [("accept", accept), *(("authorization", f"Bearer {token}") for token in tokens)]
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            response = await client.post("/graphql", json={"query": query}, headers=headers)
        return response.status_code, response.json()

    def forwarded(self) -> list[str | None]:
        """The Authorization headers that `people` got."""
        return [each.get("authorization") for each in self.federation.subgraphs["people"].headers]


def codes(body: Any) -> set[str]:
    return {each["extensions"]["code"] for each in body["errors"]}


def test_callers_take_turns_with_one_operation_and_none_sees_what_another_may() -> None:
    server = Server()
    who = {
        "nobody": ((), (None, None, None)),
        "visitor": ((ISSUER.token(sub="v", scope=""),), ("flu", None, None)),
        "auditor": ((ISSUER.token(sub="a", scope="audit"),), ("flu", None, ["x"])),
        "payroll": ((ISSUER.token(sub="p", scope="", policies=["payroll"]),), ("flu", 9, None)),
        "everything": ((ISSUER.token(sub="e", scope="audit", policies=["payroll"]),), ("flu", 9, ["x"])),
    }

    async def in_turns() -> None:
        for one, other in itertools.permutations(who, 2):
            for name in (one, other):
                tokens, (diagnosis, salary, audit) = who[name]
                status, body = await server.ask(QUERY, *tokens)
                assert status == 200
                assert body["data"] == {
                    "patient": {"name": "Ann", "diagnosis": diagnosis},
                    "doctor": {"salary": salary},
                    "audit": audit,
                }, name
                assert ("errors" in body) == (name != "everything")

    asyncio.run(in_turns())
    assert server.network.key_fetches == 1


def test_callers_at_the_same_time_are_not_mixed_up() -> None:
    server = Server()
    tokens = [(), (ISSUER.token(),), (ISSUER.token(sub="c", policies=["payroll"]),)] * 10

    async def at_once() -> list[tuple[int, Any]]:
        return await asyncio.gather(*(server.ask(QUERY, *each) for each in tokens))

    seen = [body["data"]["doctor"]["salary"] for _, body in asyncio.run(at_once())]

    assert seen == [None, None, 9] * 10


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 401), (JSON, 200)])
def test_a_token_that_is_not_valid_refuses_the_whole_request(accept: str, status: int) -> None:
    server = Server()
    stale = ISSUER.token(exp=int(time.time()) - 60)

    answered = asyncio.run(server.ask(QUERY, stale, accept=accept))

    assert answered[0] == status
    assert codes(answered[1]) == {"UNAUTHENTICATED"}
    assert "data" not in answered[1]
    assert server.federation.request_count() == 0


def test_who_asks_for_nothing_protected_is_not_asked_who_they_are() -> None:
    """A stale token keeps nobody from logging in again: that is for the subgraph to judge."""
    server = Server()

    answered = asyncio.run(server.ask(PUBLIC, "stale"))

    assert answered == (200, {"data": {"patient": {"name": "Ann"}}})
    assert server.forwarded() == ["Bearer stale"]
    assert server.network.key_fetches == 0


def test_two_tokens_are_one_too_many() -> None:
    server = Server()

    status, body = asyncio.run(server.ask(QUERY, ISSUER.token(), ISSUER.token(scope="audit")))

    assert status == 400
    assert codes(body) == {"BAD_REQUEST"}


def test_without_the_issuers_keys_protected_operations_are_refused_for_now() -> None:
    server = Server()
    server.network.keys = lambda: httpx.Response(503)

    protected = asyncio.run(server.ask(QUERY, ISSUER.token()))
    anonymous = asyncio.run(server.ask(QUERY))

    assert protected[0] == 503
    assert codes(protected[1]) == {"SUBGRAPH_UNAVAILABLE"}
    assert anonymous[1]["data"]["patient"] == {"name": "Ann", "diagnosis": None}


def test_without_an_issuer_everybody_is_anonymous_and_headers_go_on_as_before() -> None:
    server = Server(unhurried())

    status, body = asyncio.run(server.ask(QUERY, ISSUER.token(scope="audit", policies=["payroll"])))

    assert status == 200
    assert body["data"] == {
        "patient": {"name": "Ann", "diagnosis": None},
        "doctor": {"salary": None},
        "audit": None,
    }
    assert codes(body) == {"UNAUTHORIZED_FIELD_OR_TYPE"}
    assert server.forwarded()[0].startswith("Bearer ey")  # type: ignore[union-attr]


def test_the_token_is_checked_even_if_it_does_not_go_down() -> None:
    server = Server(unhurried(tokens=SETTINGS.tokens, forwarded_headers=frozenset()))

    _, body = asyncio.run(server.ask('{ patient(id: "1") { diagnosis } }', ISSUER.token()))

    assert body == {"data": {"patient": {"diagnosis": "flu"}}}
    assert server.forwarded() == [None]


def test_a_get_is_judged_alike() -> None:
    server = Server()

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            return await client.get("/graphql", params={"query": QUERY})

    assert json.loads(asyncio.run(get()).content)["data"]["audit"] is None


# --- WebSockets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forwarded", [frozenset({"authorization"}), frozenset[str]()])
@pytest.mark.parametrize("by", ["handshake", "initialisation", "the later one"])
def test_a_websocket_is_its_callers_whoever_else_has_asked_the_same(
    forwarded: frozenset[str], by: str
) -> None:
    server = Server(replace(SETTINGS, forwarded_headers=forwarded))
    visitor, auditor = (f"Bearer {ISSUER.token(sub=scope, scope=scope)}" for scope in ("v", "audit"))
    payload, headers = {
        "handshake": (None, {"authorization": auditor}),
        "initialisation": ({"Authorization": auditor}, {}),
        "the later one": ({"authorization": auditor}, {"authorization": visitor}),
    }[by]

    async def story() -> None:
        async with connected(server.app) as nobody, connected(server.app, payload, **headers) as somebody:
            for client, audit in ((nobody, None), (somebody, ["x"]), (nobody, None)):
                client.subscribe("a", "{ audit }")
                assert (await client.hears())["payload"]["data"] == {"audit": audit}
                assert (await client.hears())["type"] == "complete"

    asyncio.run(story())


def test_an_operation_with_a_token_that_is_not_valid_is_an_error_in_a_websocket() -> None:
    server = Server()
    stale = ISSUER.token(exp=int(time.time()) - 60)

    async def story() -> None:
        async with connected(server.app, {"authorization": f"Bearer {stale}"}) as client:
            client.subscribe("a", QUERY)
            refused = await client.hears()
            assert (refused["type"], codes({"errors": refused["payload"]})) == ("error", {"UNAUTHENTICATED"})

    asyncio.run(story())
