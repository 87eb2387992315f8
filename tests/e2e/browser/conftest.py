"""One Chromium for all tests here; each test gets a tab of its own, in a browser that has forgotten the one before."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from tests.e2e.browser.auction import Auction, running_auction
from tests.e2e.browser.chromium import BrowserMissingError, Installation, find_installation, running_chromium
from tests.e2e.browser.graphiql_page import GraphiqlPage
from tests.e2e.browser.mailed_link_page import MailedLinkPage
from tests.e2e.browser.passkeys_page import PasskeysPage
from tests.e2e.browser.tab import WAIT_S
from tests.e2e.running_system import RunningSystem


@pytest.fixture(scope="session")
def installation() -> Installation:
    try:
        return find_installation()
    except BrowserMissingError as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def chromium(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    with running_chromium(installation, tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def page(chromium: WebDriver, system: RunningSystem) -> Iterator[GraphiqlPage]:
    """The GraphiQL page, not opened yet, as on a first visit."""
    with visit(chromium, system.gateway_url) as page:
        yield page


@pytest.fixture(scope="session")
def auction() -> Iterator[Auction]:
    with running_auction() as auction:
        yield auction


@pytest.fixture
def auction_page(chromium: WebDriver, auction: Auction) -> Iterator[GraphiqlPage]:
    """That of a gateway with another supergraph."""
    with visit(chromium, auction.gateway_url) as page:
        yield page


@pytest.fixture
def mailed_page(chromium: WebDriver, system: RunningSystem) -> Iterator[MailedLinkPage]:
    """A page that mails link to, not opened yet."""
    with tab(chromium, system.gateway_url):
        yield MailedLinkPage(chromium, system.gateway_url)


@pytest.fixture
def passkeys_page(chromium: WebDriver, system: RunningSystem) -> Iterator[PasskeysPage]:
    """Where passkeys are added and removed, not opened yet."""
    with tab(chromium, system.named_gateway_url):
        yield PasskeysPage(chromium, system.named_gateway_url)


@contextmanager
def visit(chromium: WebDriver, gateway_url: str) -> Iterator[GraphiqlPage]:
    with tab(chromium, gateway_url):
        yield GraphiqlPage(chromium, gateway_url)


@contextmanager
def tab(chromium: WebDriver, gateway_url: str) -> Iterator[None]:
    before = chromium.current_window_handle
    # A new tab has a sessionStorage of its own; the rest is the origin's and has to be emptied.
    chromium.switch_to.new_window("tab")
    chromium.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": gateway_url, "storageTypes": "all"})
    for log in ("browser", "performance"):
        chromium.get_log(log)
    opened = chromium.current_window_handle
    yield
    # Chromium forgets to close a tab that is on its way to another page.
    chromium.get("about:blank")
    chromium.switch_to.window(before)
    # WebDriver's own `close` gives up after 20 seconds.
    chromium.execute_cdp_cmd("Target.closeTarget", {"targetId": opened})
    WebDriverWait(chromium, WAIT_S).until(lambda _: opened not in chromium.window_handles)
