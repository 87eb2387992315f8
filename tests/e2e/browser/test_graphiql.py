import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.e2e.browser.graphiql_page import GraphiqlPage
from tests.e2e.browser.network import Request, complaints, requests_made
from tests.e2e.mails import confirmed_customer
from tests.e2e.running_system import RunningSystem
from tests.e2e.test_second_factor import PASSWORD as NEW_PASSWORD
from tests.e2e.test_second_factor import enabled

ADA, PASSWORD = "ada@example.com", "correct-horse-demo"

WHO = "query Who { me { email } }"
LOG_IN = "mutation ($input: LoginInput!) { login(input: $input) { ... on LoginSuccess { tokens { accessToken } } } }"


@pytest.fixture
def adas_token(system: RunningSystem) -> str:
    body = {"query": LOG_IN, "variables": {"input": {"email": ADA, "password": PASSWORD}}}
    answer = httpx.post(f"{system.gateway_url}/graphql", json=body, trust_env=False, timeout=60).json()
    token: str = answer["data"]["login"]["tokens"]["accessToken"]
    return token


def assert_nobody(answer: dict[str, Any]) -> None:
    assert answer["data"] == {"me": None}
    [error] = answer["errors"]
    assert error["path"] == ["me"]
    assert error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"


def graphql_requests(page: GraphiqlPage) -> list[Request]:
    return [request for request in requests_made(page.driver) if request.url == f"{page.origin}/graphql"]


def requests_until(page: GraphiqlPage, wanted: str) -> list[Request]:
    """All requests up to one whose address contains *wanted*."""
    requests: list[Request] = []

    def is_made() -> bool:
        requests.extend(requests_made(page.driver))
        return any(wanted in request.url for request in requests)

    page.wait_for(is_made)
    return requests


def test_the_page_needs_nothing_but_its_own_server_and_has_nothing_to_complain_about(
    page: GraphiqlPage,
) -> None:
    page.open()
    page.run()

    requests = requests_until(page, "graphql.worker")  # what checks the query while it is written comes last
    assert [request.url for request in requests if not request.url.startswith(f"{page.origin}/")] == []
    assert complaints(page.driver) == []


def test_what_the_page_loads_travels_compressed(page: GraphiqlPage) -> None:
    page.open()

    sizes = page.driver.execute_script(
        "return performance.getEntriesByType('resource').filter(each => each.name.endsWith('.js'))"
        ".map(each => [each.encodedBodySize, each.decodedBodySize])"
    )

    sent, unpacked = (sum(each) for each in zip(*sizes, strict=True))
    assert 0 < sent < unpacked / 3


def test_its_policy_lets_no_script_reach_another_server(page: GraphiqlPage) -> None:
    page.open()

    refused = page.driver.execute_async_script(
        "const done = arguments[0]; fetch('http://127.0.0.1:9/').then(() => done(''), error => done(error.message))"
    )

    assert refused
    assert any("Content Security Policy" in complaint for complaint in complaints(page.driver))


def test_the_first_query_runs_before_anyone_logs_in(page: GraphiqlPage) -> None:
    page.open()

    assert page.status == "Anonymous"
    assert_nobody(page.run())


def test_the_login_form_fills_the_box_and_the_token_goes_with_the_next_query(page: GraphiqlPage) -> None:
    page.open()

    page.log_in(ADA, PASSWORD)
    page.wait_for(lambda: page.token)

    assert page.status.startswith(f"{ADA}, until ")
    assert page.ask(WHO) == {"data": {"me": {"email": ADA}}}


def test_a_wrong_password_shows_the_refusal_and_leaves_the_box_empty(page: GraphiqlPage) -> None:
    page.open()

    page.log_in(ADA, "wrong-horse-demo")

    assert "password" in page.alert()
    assert page.token == ""


def test_the_form_asks_for_the_second_factor(page: GraphiqlPage, system: RunningSystem) -> None:
    email, customer = confirmed_customer(system)
    authenticator, _ = enabled(customer)
    page.open()

    page.log_in(email, NEW_PASSWORD)
    page.enter_code("000000")
    refusal = page.alert()
    page.enter_code(authenticator.new_code())
    page.wait_for(lambda: page.token)

    assert refusal == "The code is wrong, or it was used before."
    assert page.ask(WHO) == {"data": {"me": {"email": email}}}


def test_the_form_logs_in_although_a_stale_token_is_in_the_box(page: GraphiqlPage, adas_token: str) -> None:
    page.open()
    page.paste_token("stale." + adas_token.split(".", 1)[1])

    page.log_in(ADA, PASSWORD)
    page.wait_for(lambda: ADA in page.status)

    assert page.ask(WHO) == {"data": {"me": {"email": ADA}}}


@pytest.mark.parametrize("as_copied", [str, "Bearer {}".format, 'Authorization: "Bearer {}"'.format])
def test_a_token_can_be_pasted(page: GraphiqlPage, adas_token: str, as_copied: Callable[[str], str]) -> None:
    page.open()

    page.paste_token(as_copied(adas_token))

    assert page.status.startswith("usr_")
    assert page.ask(WHO) == {"data": {"me": {"email": ADA}}}


def test_what_cannot_be_a_token_is_not_sent(page: GraphiqlPage) -> None:
    page.open()

    page.paste_token("my tökén")

    assert page.status.startswith("Not sent")
    assert_nobody(page.ask(WHO))


@pytest.mark.parametrize("damaged", [slice(1, None), slice(None, -1), slice(0, 20)])
def test_a_token_that_was_not_copied_whole_is_told_from_a_good_one(
    page: GraphiqlPage, adas_token: str, damaged: slice
) -> None:
    page.open()

    page.paste_token(adas_token[damaged])

    assert page.status.startswith("This is no access token")


def test_removing_the_token_logs_out(page: GraphiqlPage, adas_token: str) -> None:
    page.open()
    page.paste_token(adas_token)
    assert page.ask(WHO) == {"data": {"me": {"email": ADA}}}

    page.remove_token()

    assert page.token == ""
    assert_nobody(page.run())


def test_a_token_outlives_a_reload_but_is_not_written_to_the_disk(
    page: GraphiqlPage, adas_token: str
) -> None:
    page.open()
    page.paste_token(adas_token)

    page.reload()

    assert page.token == adas_token
    assert adas_token not in page.driver.execute_script("return JSON.stringify(localStorage)")


def test_a_login_outlives_a_reload_and_no_script_can_read_what_it_goes_on_by(page: GraphiqlPage) -> None:
    page.open()
    page.log_in(ADA, PASSWORD)
    first = page.wait_for(lambda: page.token)

    page.reload()

    second = page.wait_for(lambda: page.token)
    assert page.status.startswith(f"{ADA}, until ")
    assert page.ask(WHO) == {"data": {"me": {"email": ADA}}}
    stored = page.driver.execute_script(
        "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    assert [each for each in (first, second, "refresh_token") if each in stored] == []


def test_logging_out_outlives_a_reload_too(page: GraphiqlPage) -> None:
    page.open()
    page.log_in(ADA, PASSWORD)
    page.wait_for(lambda: page.token)

    page.button("Log out").click()
    page.wait_for(lambda: page.status == "Anonymous")
    page.reload()

    assert (page.token, page.status) == ("", "Anonymous")
    assert_nobody(page.run())


def test_the_schema_is_asked_for_with_the_token_too(page: GraphiqlPage, adas_token: str) -> None:
    page.open()
    page.wait_for(page.has_schema)
    page.paste_token(adas_token)
    graphql_requests(page)

    page.refetch_schema()

    [introspection] = page.wait_for(lambda: graphql_requests(page))
    assert "IntrospectionQuery" in json.loads(introspection.body)["query"]
    assert introspection.headers["authorization"] == f"Bearer {adas_token}"


def test_the_documentation_shows_the_schema(page: GraphiqlPage) -> None:
    page.open()

    page.button("Show Documentation Explorer").click()

    types = page.wait_for(page.documented_types)
    assert {"Query", "Mutation", "User", "Payment"} <= set(types)


def test_ticking_a_field_in_the_explorer_puts_it_into_the_query(page: GraphiqlPage) -> None:
    page.open()
    page.write_operation(WHO)

    page.button("Show GraphiQL Explorer").click()
    page.tick("firstName")

    page.wait_for(lambda: "firstName" in page.operation)
    assert " ".join(page.operation.split()) == "query Who { me { email firstName } }"


def test_the_tabs_lead_from_a_login_to_a_payment_and_its_list(page: GraphiqlPage) -> None:
    page.open()
    assert page.tabs() == ["MeAndMyPayments", "LogIn", "Pay", "Refund", "Watch"]

    page.go_to_tab("LogIn")
    page.paste_token(page.run()["data"]["login"]["tokens"]["accessToken"])
    page.go_to_tab("Pay")
    paid = page.run()["data"]["createPayment"]
    page.go_to_tab("MeAndMyPayments")
    mine = page.run()["data"]["me"]

    assert paid["__typename"] == "PaymentSuccess"
    assert paid["payment"]["status"] == "SUCCEEDED"
    assert mine["email"] == ADA
    assert paid["payment"]["id"] in [payment["id"] for payment in mine["payments"]["nodes"]]


@pytest.mark.parametrize("tab", ["LogIn", "Pay", "Refund", "Watch"])
def test_the_editor_finds_nothing_wrong_with_the_variables_of(page: GraphiqlPage, tab: str) -> None:
    page.open()
    page.wait_for(page.has_schema)
    page.go_to_tab(tab)
    as_given = page.variables

    page.write_variables({})
    page.wait_for(page.squiggles)  # so it does check, which begins some time after the schema is there
    page.write_variables(as_given)

    page.wait_for(lambda: not page.squiggles())


def test_a_payer_whose_bank_asks_first_comes_back_to_the_page(page: GraphiqlPage, adas_token: str) -> None:
    page.open()
    page.paste_token(adas_token)
    page.go_to_tab("Pay")
    payment = page.variables["input"]

    page.write_variables({"input": payment | {"paymentMethodId": "pm_card_authenticationRequired"}})
    asked = page.run()["data"]["createPayment"]["payment"]
    assert asked["status"] == "REQUIRES_ACTION"
    page.authenticate(asked["nextAction"]["redirectUrl"])

    assert page.driver.current_url.startswith(payment["returnUrl"])


def test_the_comments_of_the_tabs_can_be_read_in_a_small_window(page: GraphiqlPage) -> None:
    page.resize(1280, 800)
    page.open()

    for tab in page.tabs():
        page.go_to_tab(tab)
        comments = [line for line in page.operation.split("\n") if line.startswith("#")]
        assert comments
        assert max(map(len, comments)) <= page.columns(), tab


def test_on_a_phone_everything_lies_one_below_the_other(page: GraphiqlPage) -> None:
    page.resize(420, 800)
    page.open()

    page.run()

    parts = (".authorization-bar", ".graphiql-sidebar", ".graphiql-query-editor", ".graphiql-response")
    places = [page.place(part) for part in parts]
    assert all(place["width"] > 350 for place in places)
    for above, below in pairwise(places):
        assert above["bottom"] <= below["top"]
    assert page.columns() > 30


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bar_and_editor_are_as_dark_as_the_system(page: GraphiqlPage, scheme: str) -> None:
    page.prefer_color_scheme(scheme)
    page.open()

    assert page.shades() == {scheme}


@pytest.mark.parametrize(("system_has", "theme"), [("dark", "light"), ("light", "dark")])
def test_bar_and_editor_follow_the_theme_chosen_in_the_settings(
    page: GraphiqlPage, system_has: str, theme: str
) -> None:
    page.prefer_color_scheme(system_has)
    page.open()

    page.button("Open settings dialog").click()
    page.wait_for(lambda: page.button(theme.title())).click()

    assert page.shades() == {theme}
