"""Subscriptions in GraphiQL: of an auction, where each event comes when the test says so."""

from typing import Any

import pytest

from tests.e2e.browser.auction import Auction
from tests.e2e.browser.graphiql_page import GraphiqlPage
from tests.e2e.browser.network import requests_made

BIDS = "subscription Bids { bidPlaced { amount lot { title } } }"


@pytest.fixture
def page(auction_page: GraphiqlPage) -> GraphiqlPage:
    return auction_page


def bid_of(amount: int) -> dict[str, Any]:
    return {"data": {"bidPlaced": {"amount": amount, "lot": {"title": "Vase"}}}}


def test_each_event_is_shown_with_the_boxs_token_sent_until_the_end(
    page: GraphiqlPage, auction: Auction
) -> None:
    page.open()
    page.paste_token("ann")
    page.write_operation(BIDS)
    page.start()
    auction.lots.waits_until_it_says("opened by Bearer ann")

    for amount in (10, 20, 30):
        auction.bid(amount)
        page.wait_for(lambda: page.response() == bid_of(amount))  # noqa: B023 — called at once
    assert page.is_running()
    auction.bid(0)
    page.wait_for(lambda: not page.is_running())

    assert page.response() == bid_of(30)


def test_the_events_are_counted(page: GraphiqlPage, auction: Auction) -> None:
    page.open()
    assert page.event_count() == ""
    page.write_operation(BIDS)
    page.start()
    auction.lots.waits_until_it_says("opened by")
    page.wait_for(lambda: page.event_count() == "Bids: no event")

    for count in ("1 event", "2 events"):
        auction.bid(10)
        page.wait_for(lambda: page.event_count().startswith(f"Bids: {count}, the last at "))  # noqa: B023 — called at once
    page.stop()
    auction.lots.waits_until_it_says("closed")
    page.wait_for(lambda: page.event_count().endswith("; ended"))

    assert page.ask('query Lot { lot(id: "l1") { title } }') == {"data": {"lot": {"title": "Vase"}}}
    assert page.event_count() == ""


def test_the_stop_button_hangs_up_also_while_nothing_comes(page: GraphiqlPage, auction: Auction) -> None:
    page.open()
    page.write_operation(BIDS)
    page.start()
    auction.lots.waits_until_it_says("opened by")

    page.stop()

    auction.lots.waits_until_it_says("closed")
    assert not page.is_running()


def test_reloading_the_page_hangs_up(page: GraphiqlPage, auction: Auction) -> None:
    page.open()
    page.write_operation(BIDS)
    page.start()
    auction.lots.waits_until_it_says("opened by")

    page.reload()

    auction.lots.waits_until_it_says("closed")


def test_what_is_wrong_with_a_subscription_is_shown(page: GraphiqlPage) -> None:
    requests_made(page.driver)  # what other pages asked for before
    page.open()
    page.write_operation("subscription Two { secondsLeft lotOnSale { title } }")
    page.start()

    page.wait_for(lambda: page.response_text() and not page.is_running())

    [error] = page.response()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert [each.url for each in requests_made(page.driver) if not each.url.startswith(page.origin)] == []
