"""The page of an account's passkeys, and the device that they are on."""

from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from tests.e2e.browser.mailed_link_page import MailedLinkPage

LOGIN, LIST, CODES = "Log in to see your passkeys", "Your passkeys", "Keep your recovery codes"


@contextmanager
def device(driver: WebDriver) -> Iterator[None]:
    """In the tab that is open: keeps passkeys, and recognizes whoever holds it, unless `driver` is told otherwise."""
    options = VirtualAuthenticatorOptions(
        protocol=VirtualAuthenticatorOptions.Protocol.CTAP2,
        transport=VirtualAuthenticatorOptions.Transport.INTERNAL,
        has_resident_key=True,
        has_user_verification=True,
        is_user_verified=True,
    )
    driver.add_virtual_authenticator(options)
    yield
    driver.remove_virtual_authenticator()


class PasskeysPage(MailedLinkPage):
    def log_in(self, email: str, password: str) -> None:
        """Open the page and log in, by password alone; what comes then has to be waited for."""
        self.open_without_link("passkeys")
        self.fill_in(**{"e-mail": email}, password=password)
        self.press("Log in")

    def log_in_by_passkey(self) -> None:
        self.wait_for_heading(LOGIN)
        self.press("Log in with a passkey")
        self.wait_for_heading(LIST)

    def add(self, name: str) -> None:
        self.wait_for_heading(LIST)
        self.fill_in(name=name)
        self.press("Add a passkey")

    def add_first(self, email: str, password: str, name: str) -> list[str]:
        """From opening the page until the list is there again; gives the recovery codes."""
        self.log_in(email, password)
        self.add(name)
        self.wait_for_heading(CODES)
        codes = self.codes()
        self.press("I have kept them")
        self.wait_for_heading(LIST)
        return codes

    def codes(self) -> list[str]:
        return [each.text for each in self.driver.find_elements(By.TAG_NAME, "code")]

    def listed(self) -> list[tuple[str, str]]:
        """Of each passkey its name, and what is said of its time."""
        items = self.driver.find_elements(By.CSS_SELECTOR, ".passkeys li")
        return [
            (item.find_element(By.TAG_NAME, "strong").text, item.find_element(By.CLASS_NAME, "hint").text)
            for item in items
        ]

    def buttons(self) -> list[str]:
        return [button.text for button in self.driver.find_elements(By.TAG_NAME, "button")]

    def told(self) -> str:
        """What the page says that it has done."""
        return self.wait_for(lambda: self.driver.find_element(By.CSS_SELECTOR, "[role=status]").text)
