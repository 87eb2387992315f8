"""Links in mails, followed in a browser: what they do, what they say when they are dead, and where their token goes."""

import json
import uuid
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.browser.mailed_link_page import MailedLinkPage
from tests.e2e.browser.network import complaints, requests_made
from tests.e2e.client import LOGIN, PASSWORD, REGISTER, Client
from tests.e2e.mails import mailed_link, mailed_links
from tests.e2e.running_system import RunningSystem

NEW_PASSWORD = "battery-staple-two"
VERIFIED = "{ me { emailVerified } }"
CREATE = """mutation ($input: CreateUserInput!) { createUser(input: $input) { __typename } }"""
ASK_FOR_RESET = "mutation ($email: EmailAddress!) { requestPasswordReset(email: $email) { __typename } }"
ASK_FOR_CHANGE = """mutation ($new: EmailAddress!, $password: String!) {
  requestEmailChange(newEmail: $new, currentPassword: $password) { __typename } }"""
ASK_FOR_EXPORT = "mutation { requestDataExport { __typename } }"
CONFIRM, SET, SEND = "Confirm the address", "Set the password", "Send me a new mail"
DEAD = "This link does not work any more"


@pytest.fixture
def email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def register(anonymous: Client, email: str) -> None:
    done = anonymous.get(REGISTER, input={"email": email, "password": PASSWORD})["registerUser"]
    assert done["__typename"] == "RegisterUserSuccess"


def login_with(anonymous: Client, email: str, password: str) -> str:
    kind: str = anonymous.get(LOGIN, input={"email": email, "password": password})["login"]["__typename"]
    return kind


def set_password(page: MailedLinkPage, password: str) -> None:
    page.fill_in(new_password=password, new_password_again=password)
    page.press(SET)


def test_who_registers_confirms_the_address_by_the_mailed_link(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    register(anonymous, email)
    customer = anonymous.logged_in(email)
    before = customer.get(VERIFIED)

    mailed_page.open(mailed_link(system, email))
    opened = customer.get(VERIFIED)
    mailed_page.press(CONFIRM)
    mailed_page.wait_for_heading("Your address is confirmed")

    assert before == opened == {"me": {"emailVerified": False}}
    assert customer.get(VERIFIED) == {"me": {"emailVerified": True}}
    assert complaints(mailed_page.driver) == []


def test_the_token_goes_into_the_mutation_and_nowhere_else(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    register(anonymous, email)
    link = mailed_link(system, email)
    token = link.partition("#token=")[2]

    mailed_page.open(link)
    mailed_page.press(CONFIRM)
    mailed_page.wait_for_heading("Your address is confirmed")

    requests = requests_made(mailed_page.driver)
    assert [request.url for request in requests if token in request.body] == [f"{system.gateway_url}/graphql"]
    assert [request.url for request in requests if token in f"{request.url} {request.headers}"] == []
    assert token not in mailed_page.driver.current_url
    assert [log for log in (system.data_dir / "logs").iterdir() if token in log.read_text()] == []


def test_after_a_reload_the_page_still_says_what_was_done(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    register(anonymous, email)
    mailed_page.open(mailed_link(system, email))
    mailed_page.press(CONFIRM)
    mailed_page.wait_for_heading("Your address is confirmed")

    mailed_page.driver.refresh()

    mailed_page.wait_for_heading("Your address is confirmed")


def test_who_forgot_the_password_sets_another_one_and_the_old_one_is_gone(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    register(anonymous, email)
    customer, link = anonymous.logged_in(email), mailed_link(system, email)

    mailed_page.open_without_link("reset-password")
    mailed_page.fill_in(**{"e-mail_address": email})
    mailed_page.press(SEND)
    mailed_page.wait_for_heading("Look into your mail")
    mailed_page.open(mailed_link(system, email, already_seen=1))
    set_password(mailed_page, NEW_PASSWORD)
    mailed_page.wait_for_heading("Your new password is set")

    assert login_with(anonymous, email, PASSWORD) == "InvalidCredentialsError"
    assert login_with(anonymous, email, NEW_PASSWORD) == "LoginSuccess"
    assert customer.ask("{ me { id } }")["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert [each.partition("#")[0] for each in mailed_links(system, email)] == [
        f"{system.gateway_url}/account/{page}" for page in ("verify-email", "reset-password")
    ]
    assert link != mailed_links(system, email)[-1]


def test_what_is_wrong_with_a_password_stands_beside_its_field(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    register(anonymous, email)
    anonymous.get(ASK_FOR_RESET, email=email)
    mailed_page.open(mailed_link(system, email, already_seen=1))
    [hint] = mailed_page.descriptions("New password")

    mailed_page.fill_in(new_password="short", new_password_again="shorter")
    mailed_page.press(SET)
    mailed_page.wait_for(lambda: mailed_page.descriptions("New password again"))
    differing = (mailed_page.descriptions("New password again"), mailed_page.focused)
    set_password(mailed_page, "short")
    mailed_page.wait_for(lambda: len(mailed_page.descriptions("New password")) > 1)
    too_short = (mailed_page.descriptions("New password"), mailed_page.focused)
    set_password(mailed_page, NEW_PASSWORD)

    assert differing == (["This is not the same password."], "New password again")
    assert too_short == ([hint, hint], "New password")  # the hint has said so before
    mailed_page.wait_for_heading("Your new password is set")


def test_a_used_link_says_so_and_another_mail_can_be_asked_for(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    register(anonymous, email)
    anonymous.get(ASK_FOR_RESET, email=email)
    link = mailed_link(system, email, already_seen=1)
    for _ in range(2):
        mailed_page.open(link)
        mailed_page.wait_for_heading("Set a new password")
        set_password(mailed_page, NEW_PASSWORD)
        mailed_page.wait_for(lambda: mailed_page.heading != "Set a new password")
    heading, focused = mailed_page.heading, mailed_page.focused

    mailed_page.fill_in(**{"e-mail_address": email})
    mailed_page.field("E-mail address").send_keys(Keys.ENTER)
    mailed_page.wait_for_heading("Look into your mail")
    mailed_page.open(mailed_link(system, email, already_seen=2))
    set_password(mailed_page, PASSWORD)
    mailed_page.wait_for_heading("Your new password is set")

    assert (heading, focused) == (DEAD, DEAD)
    assert login_with(anonymous, email, PASSWORD) == "LoginSuccess"


def test_who_is_invited_chooses_the_first_password(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    anonymous.logged_in("admin@example.com").get(CREATE, input={"email": email})

    mailed_page.open(mailed_link(system, email))
    heading = mailed_page.heading
    set_password(mailed_page, NEW_PASSWORD)
    mailed_page.wait_for_heading("Your account is ready")

    assert heading == "Set the password of your account"
    assert login_with(anonymous, email, NEW_PASSWORD) == "LoginSuccess"


def test_who_owns_an_address_that_somebody_else_registered_claims_the_account(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    for _ in range(2):
        register(anonymous, email)

    mailed_page.open(mailed_link(system, email, already_seen=1))
    heading = mailed_page.heading
    set_password(mailed_page, NEW_PASSWORD)
    mailed_page.wait_for_heading("The account is yours")

    assert heading == "Make the account of your address yours"
    assert login_with(anonymous, email, PASSWORD) == "InvalidCredentialsError"
    assert login_with(anonymous, email, NEW_PASSWORD) == "LoginSuccess"


def test_another_address_takes_a_login_and_the_link_that_was_mailed_there(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    new = f"new-{email}"
    register(anonymous, email)
    customer = anonymous.logged_in(email)
    customer.get(ASK_FOR_CHANGE, new=new, password=PASSWORD)

    mailed_page.open(mailed_link(system, new))
    mailed_page.fill_in(**{"e-mail": email}, password="wrong-horse-demo")
    mailed_page.press("Log in and confirm")
    refusal = mailed_page.wait_for(mailed_page.refusal)
    mailed_page.fill_in(password=PASSWORD)
    mailed_page.press("Log in and confirm")
    mailed_page.wait_for_heading("Your e-mail address is changed")

    assert "password" in refusal
    assert login_with(anonymous, email, PASSWORD) == "InvalidCredentialsError"
    sessions = anonymous.logged_in(new).get("{ me { email sessions { current } } }")["me"]
    assert sessions == {"email": new, "sessions": [{"current": True}]}  # the page has left none
    assert mailed_page.driver.get_cookies() == []


def test_the_link_to_another_address_is_of_no_use_to_another_account(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    new = f"new-{email}"
    register(anonymous, email)
    anonymous.logged_in(email).get(ASK_FOR_CHANGE, new=new, password=PASSWORD)

    mailed_page.open(mailed_link(system, new))
    mailed_page.fill_in(**{"e-mail": "grace@example.com"}, password=PASSWORD)
    mailed_page.press("Log in and confirm")
    mailed_page.wait_for_heading("This link does not work")

    assert login_with(anonymous, email, PASSWORD) == "LoginSuccess"
    assert login_with(anonymous, "grace@example.com", PASSWORD) == "LoginSuccess"


def test_the_copy_of_ones_data_is_downloaded_by_the_mailed_link_and_a_login(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str, tmp_path: Path
) -> None:
    register(anonymous, email)
    customer = anonymous.logged_in(email)
    customer.get(ASK_FOR_EXPORT)
    mailed_page.keep_downloads_in(tmp_path)

    mailed_page.open(mailed_link(system, email, already_seen=1))
    heading = mailed_page.heading
    mailed_page.fill_in(**{"e-mail": email}, password=PASSWORD)
    mailed_page.press("Log in and fetch it")
    mailed_page.wait_for_heading("Here is the copy of your data")
    mailed_page.link("Save the file").click()
    (document,) = mailed_page.wait_for(lambda: list(tmp_path.glob("*.json")))

    assert heading == "Download the copy of your data"
    assert json.loads(document.read_text())["profile"]["email"] == email
    assert complaints(mailed_page.driver) == []
    sessions = customer.get("{ me { sessions { current } } }")["me"]["sessions"]
    assert sessions == [{"current": True}]  # the page has left none


def test_who_has_no_copy_is_told_so(mailed_page: MailedLinkPage, anonymous: Client, email: str) -> None:
    register(anonymous, email)

    mailed_page.open_without_link("download-data")
    mailed_page.fill_in(**{"e-mail": email}, password=PASSWORD)
    mailed_page.press("Log in and fetch it")

    mailed_page.wait_for_heading("There is nothing to download")


def test_who_asks_for_too_many_mails_is_told_how_long_to_wait(
    mailed_page: MailedLinkPage, anonymous: Client, email: str
) -> None:
    for _ in range(5):
        anonymous.get(ASK_FOR_RESET, email=email)

    mailed_page.open_without_link("reset-password")
    mailed_page.fill_in(**{"e-mail_address": email})
    mailed_page.press(SEND)

    assert mailed_page.alert().endswith(" minutes.")
    assert mailed_page.heading == "Forgot your password?"


def test_an_address_that_is_none_is_named(mailed_page: MailedLinkPage) -> None:
    mailed_page.open_without_link("verify-email")
    mailed_page.fill_in(**{"e-mail_address": "ada@localhost"})  # which the browser takes for one
    mailed_page.press(SEND)

    assert mailed_page.wait_for(lambda: mailed_page.descriptions("E-mail address"))
    assert mailed_page.focused == "E-mail address"


def test_a_second_link_opened_in_the_same_tab_is_another_link(
    mailed_page: MailedLinkPage, system: RunningSystem, anonymous: Client, email: str
) -> None:
    register(anonymous, email)
    link = mailed_link(system, email)
    mailed_page.open(link[:-1])  # not copied whole
    mailed_page.press(CONFIRM)
    mailed_page.wait_for_heading(DEAD)

    mailed_page.open(link)
    mailed_page.wait_for_heading("Confirm your e-mail address")
    mailed_page.press(CONFIRM)

    mailed_page.wait_for_heading("Your address is confirmed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name",
    ["verify-email", "reset-password", "accept-invitation", "claim-account", "confirm-email-change"],
)
def test_a_page_fits_a_small_phone_by_day_and_by_night(
    mailed_page: MailedLinkPage, name: str, scheme: str
) -> None:
    mailed_page.resize(360, 640)
    mailed_page.prefer_color_scheme(scheme)
    mailed_page.open(f"{mailed_page.origin}/account/{name}#token=abc")

    assert mailed_page.overhang() <= 0
    assert mailed_page.shade("main") == scheme
