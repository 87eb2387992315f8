"""A login lasts as long as somebody has it open, and ends in all tabs at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.e2e.browser.conftest import visit
from tests.e2e.browser.graphiql_page import GraphiqlPage
from tests.e2e.running_system import running_system

ADA, PASSWORD = "ada@example.com", "correct-horse-demo"
WHO = "query Who { me { email } }"


@pytest.fixture
def hasty_page(chromium: WebDriver, tmp_path: Path) -> Iterator[GraphiqlPage]:
    """Of a system whose tokens last eight seconds."""
    with (
        running_system(tmp_path, environment={"ACCESS_TOKEN_TTL_S": "8"}) as system,
        visit(chromium, system.gateway_url) as page,
    ):
        yield page


def test_a_token_is_renewed_before_it_ends_without_a_reload(hasty_page: GraphiqlPage) -> None:
    hasty_page.open()
    hasty_page.log_in(ADA, PASSWORD)
    tokens = [hasty_page.wait_for(lambda: hasty_page.token)]

    for _ in range(2):
        tokens.append(hasty_page.wait_for(lambda: hasty_page.token != tokens[-1] and hasty_page.token))

    assert len(set(tokens)) == 3
    assert hasty_page.ask(WHO) == {"data": {"me": {"email": ADA}}}


def test_a_logout_in_one_tab_is_seen_in_the_other(page: GraphiqlPage) -> None:
    page.open()
    page.log_in(ADA, PASSWORD)
    page.wait_for(lambda: page.token)
    first, others = page.driver.current_window_handle, set(page.driver.window_handles)
    page.driver.execute_script("window.open('/graphiql')")  # which takes along whose login it was
    [second] = set(page.driver.window_handles) - others

    page.driver.switch_to.window(second)
    page.wait_for(lambda: page.driver.find_elements("css selector", ".authorization-bar"))
    page.wait_for(lambda: page.token)
    page.button("Log out").click()
    page.wait_for(lambda: page.status == "Anonymous")
    page.driver.close()
    page.driver.switch_to.window(first)

    page.wait_for(lambda: page.status == "Anonymous")
    assert page.token == ""
