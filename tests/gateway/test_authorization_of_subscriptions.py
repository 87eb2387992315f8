"""Subscriptions obey the same rules, for as long as they are open."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, KeySet

from gateway.app import App, create_app
from gateway.errors import Unauthenticated
from gateway.operations.callers import Callers
from gateway.settings import Settings, TokenSettings
from gateway.supergraph.authorization import Caller
from tests.contract.access_tokens import Issuer
from tests.gateway.auction import END, Auction, bid, scripted
from tests.gateway.clinic import denied
from tests.gateway.protection import protecting
from tests.gateway.test_websocket_session import connected
from tests.gateway.testbed import changed, unhurried


class Until:
    """A caller whose token is good so many times."""

    def __init__(self, times: int) -> None:
        self._left = times

    async def identify(self, authorization: tuple[bytes, ...]) -> Caller:  # noqa: ARG002 — whoever it is
        self._left -= 1
        if self._left < 0:
            raise Unauthenticated("The access token is not valid or has expired.")
        return Caller(is_authenticated=True)


def auction(*steps: Any, callers: Callers | None = None, **demands: str) -> Auction:
    at = {name.replace("__", "."): demand for name, demand in demands.items()}
    with changed(protecting(at)):
        return Auction(scripted(*steps), callers=callers)


def test_a_denied_subscription_is_never_opened() -> None:
    federation = auction(bid(1), END, Subscription__bidPlaced="authenticated")

    (answer,) = federation.all_answers("subscription { bidPlaced { amount } }")

    assert answer["data"] is None
    assert denied(answer) == [["bidPlaced"]]
    assert federation.subscribed == []


def test_a_denied_field_is_null_in_each_event_and_sent_with_none() -> None:
    federation = auction(bid(1), bid(2), END, Person__city="authenticated")

    answers = federation.all_answers("subscription { bidPlaced { amount bidder { name city } } }")

    assert [each["data"] for each in answers] == [
        {"bidPlaced": {"amount": amount, "bidder": {"name": "Ann", "city": None}}} for amount in (1, 2)
    ]
    assert [denied(each) for each in answers] == [[["bidPlaced", "bidder", "city"]]] * 2
    assert ("Person", "city") not in federation.resolved()


def test_a_subscription_ends_when_the_token_does() -> None:
    federation = auction(bid(1), bid(2), bid(3), END, callers=Until(3), Person__city="authenticated")

    *good, last = federation.all_answers("subscription { bidPlaced { bidder { city } } }")

    assert [each["data"] for each in good] == [{"bidPlaced": {"bidder": {"city": "Bonn"}}}] * 2
    assert last["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in last
    assert federation.is_over.is_set()


def test_one_that_demands_nothing_needs_no_token() -> None:
    federation = auction(bid(1), bid(2), END, callers=Until(0), Person__city="authenticated")

    answers = federation.all_answers("subscription { bidPlaced { bidder { name } } }")

    assert len(answers) == 2
    assert "errors" not in answers[0]


# --- over a WebSocket -------------------------------------------------------------------------------------------------

ISSUER = Issuer("http://issuer.test", "the-api", ECKey.generate_key("P-256", auto_kid=True))
SETTINGS = unhurried(tokens=TokenSettings("http://issuer.test/jwks", ISSUER.issuer, ISSUER.audience))
CITY = "subscription { bidPlaced { bidder { city } } }"


class Network(httpx.AsyncBaseTransport):
    """The subgraphs, and the issuer's key set."""

    def __init__(self, federation: Auction) -> None:
        self._federation = federation

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "issuer.test":
            return httpx.Response(200, json=KeySet([ISSUER.key]).as_dict(private=False))
        return await self._federation.handle_async_request(request)


def app_of(federation: Auction, settings: Settings = SETTINGS) -> App:
    return create_app(federation.supergraph, settings, Network(federation))


def city_told(app: App, payload: Any = None, **headers: str) -> Any:
    """What a client that connects so hears first of an operation."""

    async def story() -> Any:
        async with connected(app, payload, **headers) as socket:
            socket.subscribe("a", CITY)
            return await socket.hears()

    return asyncio.run(story())


def bids() -> Auction:
    return auction(bid(1), END, Person__city="authenticated")


@pytest.mark.parametrize("forwarded", [frozenset(), frozenset({"authorization"})])
@pytest.mark.parametrize("place", ["the handshake", "the payload"])
def test_a_token_counts_wherever_a_websocket_brings_it(place: str, forwarded: frozenset[str]) -> None:
    settings = replace(SETTINGS, forwarded_headers=forwarded)
    federation, token = bids(), f"Bearer {ISSUER.token()}"

    if place == "the handshake":
        message = city_told(app_of(federation, settings), authorization=token)
    else:
        message = city_told(app_of(federation, settings), {"Authorization": token})

    assert message["payload"] == {"data": {"bidPlaced": {"bidder": {"city": "Bonn"}}}}
    sent_on = [each.headers.get("authorization") for each in federation.subscribed]
    assert sent_on == [token if forwarded else None]


def test_without_a_token_a_websocket_is_anonymous() -> None:
    message = city_told(app_of(bids()))

    assert message["payload"]["data"] == {"bidPlaced": {"bidder": {"city": None}}}
    assert denied(message["payload"]) == [["bidPlaced", "bidder", "city"]]


def test_a_token_in_the_payload_stands_for_the_one_of_the_handshake() -> None:
    good, bad = f"Bearer {ISSUER.token()}", "Bearer bad"

    message = city_told(app_of(bids()), {"authorization": bad}, authorization=good)

    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_page_of_another_site_brings_no_token_that_the_browser_added() -> None:
    settings = replace(SETTINGS, cors_origins=frozenset({"https://shop.example"}))
    token = f"Bearer {ISSUER.token()}"

    message = city_told(app_of(bids(), settings), origin="https://shop.example", authorization=token)

    assert message["payload"]["data"] == {"bidPlaced": {"bidder": {"city": None}}}
