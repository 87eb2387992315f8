"""Subscriptions in GraphiQL: of an auction, with a subgraph that streams bids, since the system itself has none yet."""

import os
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from launcher.settings import ROOT
from tests.e2e.browser.graphiql_page import GraphiqlPage
from tests.e2e.browser.network import requests_made

PYTHON = ROOT / "gateway" / ".venv" / "bin" / "python"
SUPERGRAPH = ROOT / "tests" / "gateway" / "supergraphs" / "subscriptions.graphql"
WAIT_S = 30

BIDS = "subscription Bids { bidPlaced { amount lot { title } } }"


class Program:
    """A program of ours that says on standard output or error what happens."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        command = [str(PYTHON), "-m", *arguments]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip
        assert self._process.stdout
        self._said: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, args=[self._process.stdout])
        self._listener.start()

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            self._said.put(line)

    def waits_until_it_says(self, pattern: str) -> str:
        while True:
            if found := re.search(pattern, self._said.get(timeout=WAIT_S)):
                return found[0]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        assert self._process.stdout
        self._process.stdout.close()


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Program]:
    program = Program(*arguments, **environment)
    try:
        yield program
    finally:
        program.stop()


@dataclass
class Auction:
    lots: Program
    gateway_url: str

    def bid(self, amount: int) -> None:
        mutation = f'mutation {{ bid(lot: "l1", amount: {amount}) {{ amount }} }}'
        httpx.post(
            f"{self.gateway_url}/graphql", json={"query": mutation}, trust_env=False
        ).raise_for_status()


@pytest.fixture(scope="module")
def auction() -> Iterator[Auction]:
    address = r"http://127\.0\.0\.1:\d+"
    with running("tests.gateway.strawberry_lots") as lots:
        url = lots.waits_until_it_says(address)
        arguments = ("gateway", "--supergraph", str(SUPERGRAPH), "--port", "0")
        with running(*arguments, SUBGRAPH_URL_LOTS=f"{url}/graphql", GATEWAY_KEEP_ALIVE_S="0.2") as gateway:
            yield Auction(lots, gateway.waits_until_it_says(address))


@pytest.fixture
def page(chromium: WebDriver, auction: Auction) -> Iterator[GraphiqlPage]:
    before = chromium.current_window_handle
    chromium.switch_to.new_window("tab")
    yield GraphiqlPage(chromium, auction.gateway_url)
    chromium.close()
    chromium.switch_to.window(before)


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
