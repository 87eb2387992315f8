"""An app sends somebody's browser to the page that asks for consent, and gets what they allow."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import Credential, VirtualAuthenticatorOptions

from tests.contract.passkey_device import PasskeyDevice
from tests.e2e.browser.conftest import tab
from tests.e2e.browser.mailed_link_page import MailedLinkPage
from tests.e2e.browser.network import complaints
from tests.e2e.client import Client, new_customer
from tests.e2e.mails import confirmed_customer
from tests.e2e.oauth_programs import App, running_app
from tests.e2e.passkeys import added_passkey
from tests.e2e.running_system import RunningSystem

PASSWORD = "a-long-enough-password"  # of new customers
ALLOW, REFUSE, USE_PASSKEY = "Log in and allow", "Do not allow", "Allow with a passkey"
CODE = "Code from your authenticator app, if you have one, or a recovery code"
MINE = "{ me { email payments(first: 5) { nodes { id } } } }"
SESSIONS = "{ me { sessions { id appName } } }"
REVOKE = "mutation ($id: ID!) { revokeSession(id: $id) { __typename } }"
PAY = 'mutation { cancelPayment(input: {paymentId: "pay_x", idempotencyKey: "k"}) { __typename } }'


@pytest.fixture(scope="module")
def app(system: RunningSystem) -> Iterator[App]:
    with running_app(system, "profile:read", "payments:read", "payments:write") as app:
        yield app


@pytest.fixture
def consent_page(chromium: WebDriver, system: RunningSystem) -> Iterator[MailedLinkPage]:
    with tab(chromium, system.users_url):
        yield MailedLinkPage(chromium, system.users_url)


def log_in(page: MailedLinkPage, email: str, password: str = PASSWORD) -> None:
    page.field("E-mail address").clear()
    page.field("E-mail address").send_keys(email)
    page.field("Password").send_keys(password)
    page.press(ALLOW)


def test_what_is_allowed_works_through_the_gateway_until_it_is_ended(
    consent_page: MailedLinkPage, app: App, anonymous: Client
) -> None:
    email, customer = new_customer(anonymous.url)
    consent_page.open(app.address("profile:read payments:read"))
    shown = consent_page.driver.find_element(By.TAG_NAME, "main").text

    log_in(consent_page, email)
    back = app.returned.get(timeout=60)
    tokens = app.redeem(back["code"])
    budget = Client(anonymous.url, tokens["access_token"])

    assert "Budget" in shown
    assert "see your payments" in shown
    assert "pay and cancel" not in shown
    assert back["state"] == "a-state"
    assert tokens["scope"] == "payments:read profile:read"
    assert budget.get(MINE) == {"me": {"email": email, "payments": {"nodes": []}}}
    assert budget.ask(PAY)["errors"][0]["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
    [session] = [one for one in customer.get(SESSIONS)["me"]["sessions"] if one["appName"]]
    assert session["appName"] == "Budget"
    customer.get(REVOKE, id=session["id"])
    refreshed = app.ask("token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed["error"] == "invalid_grant"
    assert budget.ask(MINE)["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_wrong_password_is_told_and_can_be_put_right(
    consent_page: MailedLinkPage, app: App, anonymous: Client
) -> None:
    email, _ = new_customer(anonymous.url)
    consent_page.open(app.address("profile:read"))

    log_in(consent_page, email, "wrong")
    told = consent_page.alert()
    log_in(consent_page, email)

    assert told == "The e-mail address or the password is wrong."
    assert "code" in app.returned.get(timeout=60)


def test_a_passkey_does_for_a_code(consent_page: MailedLinkPage, app: App, system: RunningSystem) -> None:
    email, customer = confirmed_customer(system)
    device, _recovery_codes = added_passkey(customer, consent_page.origin)
    consent_page.open(by_name(app.address("profile:read")))
    with passkey_in(consent_page.driver, device, by=False):
        log_in(consent_page, email)
        consent_page.wait_for(lambda: consent_page.fields(CODE))
        focused = consent_page.focused
        consent_page.press(USE_PASSKEY)
        told = consent_page.wait_for(consent_page.alert)
    with passkey_in(consent_page.driver, device):
        consent_page.press(USE_PASSKEY)
        back = app.returned.get(timeout=60)

    assert focused == USE_PASSKEY
    assert told.startswith("No passkey was used")
    assert set(app.redeem(back["code"])) >= {"access_token", "refresh_token"}
    assert complaints(consent_page.driver) == []


def test_where_there_are_no_passkeys_a_code_is_asked_for(
    consent_page: MailedLinkPage, app: App, system: RunningSystem
) -> None:
    email, customer = confirmed_customer(system)
    added_passkey(customer, consent_page.origin)
    consent_page.open(app.address("profile:read"))

    log_in(consent_page, email)
    consent_page.wait_for(lambda: consent_page.fields(CODE))
    consent_page.press(USE_PASSKEY)

    told = consent_page.wait_for(consent_page.alert)
    assert told.startswith(
        f"Passkeys are not for this address: open the page at {by_name(consent_page.origin)},"
    )


def by_name(address: str) -> str:
    """Browsers have no passkeys for addresses of numbers."""
    return address.replace("127.0.0.1", "localhost", 1)


@contextmanager
def passkey_in(driver: WebDriver, device: PasskeyDevice, *, by: bool = True) -> Iterator[None]:
    """*device*, built into the browser. *by*: whether its owner is, who is verified by it."""
    options = VirtualAuthenticatorOptions(
        transport=VirtualAuthenticatorOptions.Transport.INTERNAL,
        has_resident_key=True,
        has_user_verification=True,
        is_user_verified=by,
    )
    driver.add_virtual_authenticator(options)
    owner = base64.urlsafe_b64decode(f"{device.user_handle}==")
    driver.add_credential(
        Credential.create_resident_credential(device.credential_id, "localhost", owner, device.pkcs8, 0)
    )
    try:
        yield
    finally:
        driver.remove_virtual_authenticator()


def test_who_refuses_types_nothing(consent_page: MailedLinkPage, app: App) -> None:
    consent_page.open(app.address("profile:read"))

    consent_page.press(REFUSE)

    assert app.returned.get(timeout=60)["error"] == "access_denied"


def test_the_page_fits_a_telephone_and_the_night(consent_page: MailedLinkPage, app: App) -> None:
    consent_page.resize(360, 740)
    consent_page.prefer_color_scheme("dark")
    consent_page.open(app.address("profile:read payments:read payments:write"))
    dark, overhang = consent_page.shade("main"), consent_page.overhang()
    consent_page.prefer_color_scheme("light")

    assert (dark, consent_page.shade("main")) == ("dark", "light")
    assert overhang <= 0
    assert consent_page.focused == "E-mail address"
    assert complaints(consent_page.driver) == []
