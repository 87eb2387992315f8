"""Passkeys in a browser: added, used with a password and without one, removed; and what is said where that fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.browser.graphiql_page import GraphiqlPage
from tests.e2e.browser.mailed_link_page import MailedLinkPage
from tests.e2e.browser.network import complaints
from tests.e2e.browser.passkeys_page import CODES, LIST, LOGIN, PasskeysPage, device
from tests.e2e.browser.test_mailed_links import ASK_FOR_CHANGE
from tests.e2e.client import LOGIN as LOGIN_MUTATION
from tests.e2e.client import Client, eventually, new_customer
from tests.e2e.mails import confirm_address, confirmed_customer, mailed_link
from tests.e2e.running_system import RunningSystem
from tests.e2e.test_second_factor import PASSWORD

WHO = "query Who { me { email } }"
MINE = "{ me { mfaEnabled passkeys { name } } }"
REMOVED = "“Laptop” is removed. Your second factor is off: your password alone logs you in."
END_ALL_SESSIONS = "mutation { logout(scope: ALL_SESSIONS) { revokedSessions } }"
MOVE = "mutation ($id: ID!, $new: EmailAddress!) { updateUser(id: $id, input: {email: $new}) { __typename } }"
SESSIONS = "{ me { sessions { current } } }"


@pytest.fixture
def passkeys(passkeys_page: PasskeysPage) -> Iterator[PasskeysPage]:
    """The page in the browser of somebody who has a device."""
    with device(passkeys_page.driver):
        yield passkeys_page


@pytest.fixture
def customer(system: RunningSystem) -> tuple[str, Client]:
    return confirmed_customer(system)


def graphiql(page: PasskeysPage) -> GraphiqlPage:
    """GraphiQL in the same tab, with the same device."""
    return GraphiqlPage(page.driver, page.origin).open()


@contextmanager
def permissions(page: PasskeysPage, *names: str) -> Iterator[None]:
    """What the browser lets the page do besides the usual."""
    granted = {"permissions": list(names), "origin": page.origin}
    page.driver.execute_cdp_cmd("Browser.grantPermissions", granted)
    yield
    page.driver.execute_cdp_cmd("Browser.resetPermissions", {})


@contextmanager
def cut_off(page: PasskeysPage) -> Iterator[None]:
    """The browser has no network in the block."""
    page.driver.execute_cdp_cmd("Network.enable", {})
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **network})
    try:
        yield
    finally:
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **network})


def result_of_password(anonymous: Client, email: str) -> str:
    kind: str = anonymous.get(LOGIN_MUTATION, input={"email": email, "password": PASSWORD})["login"][
        "__typename"
    ]
    return kind


def test_the_first_passkey_comes_with_recovery_codes_and_turns_the_second_factor_on(
    passkeys: PasskeysPage, anonymous: Client, customer: tuple[str, Client]
) -> None:
    email, _ = customer
    passkeys.log_in(email, PASSWORD)
    passkeys.wait_for_heading(LIST)
    before = (passkeys.listed(), result_of_password(anonymous, email))
    suggested = passkeys.field("Name").get_attribute("value")

    passkeys.add("Laptop")
    passkeys.wait_for_heading(CODES)
    codes = passkeys.codes()
    passkeys.press("I have kept them")
    passkeys.wait_for_heading(LIST)

    assert before == ([], "LoginSuccess")
    assert suggested == "Chrome on Linux"
    assert len(set(codes)) == 10
    [(name, times)] = passkeys.listed()
    assert name == "Laptop"
    assert times.startswith("Added ")
    assert times.endswith(", not used yet")
    assert result_of_password(anonymous, email) == "MfaRequiredError"
    assert complaints(passkeys.driver) == []


def test_who_has_not_confirmed_the_address_does_so_first(
    passkeys: PasskeysPage, system: RunningSystem, anonymous: Client
) -> None:
    email, _ = new_customer(anonymous.url)
    passkeys.log_in(email, PASSWORD)
    passkeys.wait_for_heading(LIST)
    offered = passkeys.buttons()

    passkeys.press("I have confirmed it")
    not_yet = passkeys.told()
    passkeys.press("Send me a new mail")
    passkeys.wait_for(lambda: passkeys.told() != not_yet)
    sent = passkeys.told()
    confirm_address(system, email, already_seen=1)
    passkeys.press("I have confirmed it")
    passkeys.wait_for(lambda: passkeys.told() != sent)
    confirmed = passkeys.told()
    passkeys.add("Laptop")
    passkeys.wait_for_heading(CODES)

    assert offered == ["Send me a new mail", "I have confirmed it", "Done"]
    assert not_yet.startswith("Your address is not confirmed yet")
    assert sent == f"A mail to {email} is on its way."
    assert confirmed == "Your address is confirmed."
    assert complaints(passkeys.driver) == []


def test_who_asks_while_nobody_answers_asks_again(
    passkeys: PasskeysPage, system: RunningSystem, anonymous: Client
) -> None:
    email, _ = new_customer(anonymous.url)
    passkeys.log_in(email, PASSWORD)
    passkeys.wait_for_heading(LIST)

    with cut_off(passkeys):
        passkeys.press("I have confirmed it")
        no_answer = passkeys.told()
    confirm_address(system, email)
    passkeys.press("I have confirmed it")
    passkeys.wait_for(lambda: passkeys.told() != no_answer)

    assert no_answer == "This cannot be done right now. Try again in a minute."
    assert passkeys.told() == "Your address is confirmed."


def test_who_is_given_another_address_meanwhile_confirms_that_one(
    passkeys: PasskeysPage, system: RunningSystem, anonymous: Client, customer: tuple[str, Client]
) -> None:
    email, client = customer
    new, user_id = f"new-{email}", client.get("{ me { id } }")["me"]["id"]
    passkeys.log_in(email, PASSWORD)
    passkeys.wait_for_heading(LIST)
    anonymous.logged_in("admin@example.com").get(MOVE, id=user_id, new=new)

    passkeys.add("Laptop")
    passkeys.wait_for(lambda: "Send me a new mail" in passkeys.buttons())
    refused = passkeys.told()
    passkeys.press("Send me a new mail")
    confirm_address(system, new)
    passkeys.press("I have confirmed it")
    passkeys.wait_for(lambda: passkeys.fields("Name"))
    passkeys.add("Laptop")

    passkeys.wait_for_heading(CODES)
    assert refused == "Nothing was added: your address is not confirmed any more."


def test_the_recovery_codes_can_be_copied_and_one_of_them_logs_in(
    passkeys: PasskeysPage, customer: tuple[str, Client]
) -> None:
    email, _ = customer
    passkeys.log_in(email, PASSWORD)
    passkeys.add("Laptop")
    passkeys.wait_for_heading(CODES)
    codes = passkeys.codes()

    with permissions(passkeys):
        passkeys.press("Copy the codes")
        not_let = passkeys.told()
    with permissions(passkeys, "clipboardSanitizedWrite", "clipboardReadWrite"):
        passkeys.press("Copy the codes")
        passkeys.wait_for(lambda: passkeys.told() != not_let)
        told = passkeys.told()
        copied = passkeys.driver.execute_script("return navigator.clipboard.readText()")
    page = graphiql(passkeys)
    page.log_in(email, PASSWORD)
    page.enter_code(codes[0])
    page.wait_for(lambda: page.token)

    assert not_let.startswith("The browser does not let this page copy: ")
    assert told == "They are copied."
    assert copied.split("\n") == codes
    assert page.ask(WHO) == {"data": {"me": {"email": email}}}


def test_a_passkey_logs_in_alone(passkeys: PasskeysPage, customer: tuple[str, Client]) -> None:
    email, _ = customer
    passkeys.add_first(email, PASSWORD, "Laptop")
    page = graphiql(passkeys)

    page.button("Log in with a passkey").click()
    page.wait_for(lambda: page.token)

    assert page.status.startswith(f"{email}, until ")
    assert page.ask(WHO) == {"data": {"me": {"email": email}}}
    page.reload()
    assert page.wait_for(lambda: page.status.startswith(f"{email}, until "))


def test_a_passkey_is_the_second_factor_after_a_password(
    passkeys: PasskeysPage, customer: tuple[str, Client]
) -> None:
    email, _ = customer
    passkeys.add_first(email, PASSWORD, "Laptop")
    page = graphiql(passkeys)

    page.log_in(email, PASSWORD)
    button = page.wait_for(lambda: page.button("Use a passkey"))
    focused = page.driver.switch_to.active_element
    hint = page.driver.find_element(By.CSS_SELECTOR, ".login-form .hint").text
    assert focused == button
    button.click()
    page.wait_for(lambda: page.token)

    assert hint == "Use a passkey, or enter one of your recovery codes."
    assert page.ask(WHO) == {"data": {"me": {"email": email}}}


def test_a_passkey_alone_is_the_login_that_another_address_takes(
    passkeys: PasskeysPage, system: RunningSystem, customer: tuple[str, Client]
) -> None:
    email, client = customer
    new = f"new-{email}"
    client.get(ASK_FOR_CHANGE, new=new, password=PASSWORD)
    passkeys.add_first(email, PASSWORD, "Laptop")

    passkeys.open(mailed_link(system, new).replace(system.gateway_url, system.named_gateway_url))
    passkeys.press("Log in with a passkey")
    passkeys.wait_for_heading("Your e-mail address is changed")

    page = graphiql(passkeys)
    page.button("Log in with a passkey").click()
    page.wait_for(lambda: page.token)
    assert page.status.startswith(f"{new}, until ")


def test_a_device_that_does_not_recognize_who_holds_it_is_told_and_can_be_tried_again(
    passkeys: PasskeysPage, customer: tuple[str, Client]
) -> None:
    email, client = customer
    passkeys.log_in(email, PASSWORD)
    passkeys.driver.set_user_verified(False)
    passkeys.add("Laptop")
    not_made = passkeys.alert()
    stored = client.get(MINE)["me"]
    passkeys.driver.set_user_verified(True)
    passkeys.add("Laptop")
    passkeys.wait_for_heading(CODES)

    page = graphiql(passkeys)
    passkeys.driver.set_user_verified(False)
    page.button("Log in with a passkey").click()
    alone = page.alert()
    page.log_in(email, PASSWORD)
    page.wait_for(lambda: page.button("Use a passkey")).click()
    after_the_password = page.alert()
    passkeys.driver.set_user_verified(True)
    page.button("Use a passkey").click()
    page.wait_for(lambda: page.token)

    assert not_made == "No passkey was made: the device did not recognize you, or the dialog was closed."
    assert stored == {"mfaEnabled": False, "passkeys": []}
    assert alone == after_the_password
    assert alone.startswith("No passkey was used: ")
    assert page.ask(WHO) == {"data": {"me": {"email": email}}}


def test_a_passkey_that_is_removed_from_the_account_logs_in_no_more(
    passkeys: PasskeysPage, anonymous: Client, customer: tuple[str, Client]
) -> None:
    email, _ = customer
    passkeys.add_first(email, PASSWORD, "Laptop")
    passkeys.press("Add a passkey")  # which the login that is open is not good for any more
    passkeys.log_in_by_passkey()
    [(_, times)] = passkeys.listed()

    passkeys.press("Remove")
    passkeys.press("Keep it")
    kept = passkeys.listed()
    passkeys.press("Remove")
    passkeys.press("Remove it")
    passkeys.wait_for(lambda: not passkeys.listed())

    assert "last used" in times
    assert len(kept) == 1
    assert passkeys.told() == REMOVED
    assert result_of_password(anonymous, email) == "LoginSuccess"
    page = graphiql(passkeys)
    page.button("Log in with a passkey").click()
    assert page.alert()
    assert page.token == ""


def test_a_device_that_has_a_passkey_of_the_account_makes_no_second_one(
    passkeys: PasskeysPage, customer: tuple[str, Client]
) -> None:
    email, _ = customer
    passkeys.add_first(email, PASSWORD, "Laptop")
    passkeys.add("Laptop 2")
    passkeys.wait_for_heading(LOGIN)
    why = passkeys.alert()
    passkeys.log_in_by_passkey()

    passkeys.add("Laptop 2")

    assert why.startswith("Log in again for this")
    assert passkeys.alert() == "No passkey was made: this device has one for your account already."
    assert [name for name, _ in passkeys.listed()] == ["Laptop"]


def test_a_login_that_has_ended_elsewhere_is_asked_for_again(
    passkeys_page: PasskeysPage, customer: tuple[str, Client]
) -> None:
    email, client = customer
    passkeys_page.log_in(email, PASSWORD)
    passkeys_page.wait_for_heading(LIST)
    client.get(END_ALL_SESSIONS)

    passkeys_page.press("Add a passkey")
    passkeys_page.wait_for_heading(LOGIN)

    assert passkeys_page.alert() == "Your login has ended. Log in again."
    assert passkeys_page.focused == LOGIN


def test_a_browser_without_passkeys_shows_and_removes_them(
    passkeys: PasskeysPage, customer: tuple[str, Client]
) -> None:
    email, _ = customer
    codes = passkeys.add_first(email, PASSWORD, "Laptop")
    old = {"source": "delete window.PublicKeyCredential"}
    passkeys.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", old)

    passkeys.log_in(email, PASSWORD)
    [code] = passkeys.wait_for(lambda: passkeys.fields("Code"))
    code.send_keys(codes[0], Keys.ENTER)
    passkeys.wait_for_heading(LIST)
    buttons = passkeys.buttons()
    passkeys.press("Remove")
    passkeys.press("Remove it")
    passkeys.wait_for(lambda: not passkeys.listed())

    assert buttons == ["Remove", "Done"]


def press_done(page: PasskeysPage) -> None:
    page.press("Done")
    page.wait_for_heading("You are logged out")


def leave(page: PasskeysPage) -> None:
    page.driver.get("about:blank")


@pytest.mark.parametrize("end", [press_done, leave])
def test_the_login_ends_with_the_visit(
    passkeys_page: PasskeysPage, customer: tuple[str, Client], end: Callable[[PasskeysPage], None]
) -> None:
    email, client = customer
    passkeys_page.log_in(email, PASSWORD)
    passkeys_page.wait_for_heading(LIST)
    meanwhile = client.get(SESSIONS)["me"]["sessions"]

    end(passkeys_page)

    assert len(meanwhile) == 2
    assert eventually(lambda: client.get(SESSIONS)["me"]["sessions"], lambda sessions: len(sessions) == 1)
    assert passkeys_page.driver.get_cookies() == []


def test_at_an_address_without_a_name_the_page_leads_to_one_that_has_it(
    mailed_page: MailedLinkPage, system: RunningSystem
) -> None:
    mailed_page.open_without_link("passkeys")

    [link] = mailed_page.driver.find_elements(By.TAG_NAME, "a")
    link.click()
    mailed_page.wait_for_heading(LOGIN)
    assert mailed_page.driver.current_url == f"{system.named_gateway_url}/account/passkeys"
    assert mailed_page.button("Log in with a passkey")


def test_at_an_address_without_a_name_a_login_takes_codes_and_leads_to_one_that_has_it(
    passkeys: PasskeysPage, system: RunningSystem, customer: tuple[str, Client]
) -> None:
    email, _ = customer
    codes = passkeys.add_first(email, PASSWORD, "Laptop")
    page = GraphiqlPage(passkeys.driver, system.gateway_url).open()

    buttons = [button.text for button in page.driver.find_elements(By.CSS_SELECTOR, ".login-form button")]
    page.log_in(email, PASSWORD)
    page.enter_code(codes[0])
    page.wait_for(lambda: page.token)
    page.button("Log in…").click()
    page.driver.find_element(By.LINK_TEXT, system.named_gateway_url.removeprefix("http://")).click()
    page.wait_for(lambda: page.button("Log in with a passkey"))

    assert buttons == ["Log in"]
    assert page.driver.current_url == f"{system.named_gateway_url}/graphiql"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_small_phone_by_day_and_by_night(
    passkeys: PasskeysPage, customer: tuple[str, Client], scheme: str
) -> None:
    email, _ = customer
    passkeys.resize(360, 640)
    passkeys.prefer_color_scheme(scheme)
    overhangs = []

    passkeys.log_in(email, PASSWORD)
    passkeys.add("A device with a name as long as such a name may be, andwithallthatbelongstoitinoneword")
    passkeys.wait_for_heading(CODES)
    overhangs.append(passkeys.overhang())
    passkeys.press("I have kept them")
    passkeys.wait_for_heading(LIST)
    overhangs.append(passkeys.overhang())
    passkeys.press("Remove")
    overhangs.append(passkeys.overhang())

    assert max(overhangs) <= 0
    assert passkeys.shade("main") == scheme
