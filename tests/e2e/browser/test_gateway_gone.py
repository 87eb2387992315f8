"""What GraphiQL says when its gateway ends."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.e2e.browser.auction import Auction, Program, running_gateway
from tests.e2e.browser.conftest import visit
from tests.e2e.browser.graphiql_page import GraphiqlPage


@pytest.fixture
def gateway(auction: Auction) -> Iterator[tuple[Program, str]]:
    """One more, that can be ended."""
    with running_gateway(SUBGRAPH_URL_LOTS=auction.lots_url) as gateway:
        yield gateway


@pytest.fixture
def page(chromium: WebDriver, gateway: tuple[Program, str]) -> Iterator[GraphiqlPage]:
    with visit(chromium, gateway[1]) as page:
        yield page.open()


def only_error(page: GraphiqlPage) -> str:
    page.wait_for(lambda: "errors" in page.response_text() and not page.is_running())
    answer = page.response()
    assert answer
    [error] = answer["errors"]
    assert list(error) == ["message"]
    return str(error["message"])


@pytest.mark.parametrize(
    "operation", ['query Lot { lot(id: "l1") { title } }', "subscription Left { secondsLeft }"]
)
def test_a_gateway_that_is_gone_is_named_with_its_address(
    page: GraphiqlPage, gateway: tuple[Program, str], operation: str
) -> None:
    page.write_operation(operation)
    program, url = gateway
    program.stop()

    page.start()

    assert only_error(page) == f"The gateway does not answer. Is it running at {url}? Once it is, try again."


def test_a_subscription_that_breaks_off_says_so(
    page: GraphiqlPage, gateway: tuple[Program, str], auction: Auction
) -> None:
    page.write_operation("subscription Bids { bidPlaced { amount } }")
    page.start()
    auction.lots.waits_until_it_says("opened by")

    gateway[0].stop()

    assert "before the subscription was complete" in only_error(page)
