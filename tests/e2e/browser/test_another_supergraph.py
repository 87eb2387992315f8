"""GraphiQL of a gateway that serves another API than the payments."""

from selenium.webdriver.common.by import By

from tests.e2e.browser.graphiql_page import GraphiqlPage
from tests.e2e.browser.network import requests_made


def logo(page: GraphiqlPage) -> str:
    return page.driver.find_element(By.CSS_SELECTOR, ".graphiql-logo").text


def login_forms(page: GraphiqlPage) -> int:
    return len(page.driver.find_elements(By.CSS_SELECTOR, ".login-form"))


def test_nothing_of_the_payments_is_on_the_page(auction_page: GraphiqlPage) -> None:
    page = auction_page.open()

    assert (page.driver.title, logo(page)) == ("GraphiQL · GraphQL API", "GraphQL API")
    assert page.tabs() == ["<untitled>"]
    assert page.run() == {"data": {"__typename": "Query"}}
    assert login_forms(page) == 0
    assert page.status == "Anonymous"


def test_the_payments_have_their_name_and_the_login_form(page: GraphiqlPage) -> None:
    page.open()

    assert (page.driver.title, logo(page)) == ("GraphiQL · Payments API", "Payments API")
    assert login_forms(page) == 1


def test_the_schema_is_asked_for_once(auction_page: GraphiqlPage) -> None:
    page = auction_page.open()
    page.wait_for(page.has_schema)

    asked = [each for each in requests_made(page.driver) if "IntrospectionQuery" in each.body]

    assert len(asked) == 1
