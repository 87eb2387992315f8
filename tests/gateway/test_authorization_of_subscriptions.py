"""Subscriptions obey the same rules, for as long as they are open."""

from typing import Any

from gateway.authorization import Caller
from gateway.errors import Unauthenticated
from tests.gateway.auction import END, Auction, bid, scripted
from tests.gateway.clinic import denied
from tests.gateway.protection import protecting
from tests.gateway.testbed import changed


class Until:
    """A caller whose token is good so many times."""

    def __init__(self, times: int) -> None:
        self._left = times

    async def identify(self, authorization: tuple[bytes, ...]) -> Caller:  # noqa: ARG002 — whoever it is
        self._left -= 1
        if self._left < 0:
            raise Unauthenticated("The access token is not valid or has expired.")
        return Caller(is_authenticated=True)


def auction(*steps: Any, callers: Until | None = None, **demands: str) -> Auction:
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
