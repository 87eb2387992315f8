"""A page that mails link to, as its reader meets it: a heading, perhaps fields, a button."""

from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.e2e.browser.tab import Tab


class MailedLinkPage(Tab):
    def open(self, link: str) -> None:
        self.driver.get(link)
        self.wait_for(lambda: self.heading)

    def open_without_link(self, name: str) -> None:
        self.open(f"{self.origin}/account/{name}")

    @property
    def heading(self) -> str:
        return "".join(each.text for each in self.driver.find_elements(By.TAG_NAME, "h1"))

    @property
    def focused(self) -> str:
        """The name of what has the focus."""
        return self.driver.switch_to.active_element.accessible_name

    def wait_for_heading(self, heading: str) -> None:
        self.wait_for(lambda: self.heading == heading)

    def field(self, label: str) -> WebElement:
        """By the name that a screen reader says."""
        [found] = self.fields(label)
        return found

    def fields(self, label: str) -> list[WebElement]:
        """Those of that name: none, or one."""
        inputs = self.driver.find_elements(By.TAG_NAME, "input")
        return [each for each in inputs if each.accessible_name == label]

    def fill_in(self, **texts: str) -> None:
        """Fields by their labels, with `_` for a space."""
        for label, text in texts.items():
            field = self.field(label.replace("_", " ").capitalize())
            field.clear()
            field.send_keys(text)

    def button(self, text: str) -> WebElement:
        return self.driver.find_element(By.XPATH, f"//button[normalize-space()='{text}']")

    def press(self, button: str) -> None:
        self.button(button).click()

    def link(self, text: str) -> WebElement:
        return self.driver.find_element(By.LINK_TEXT, text)

    def keep_downloads_in(self, folder: Path) -> None:
        behavior = {"behavior": "allow", "downloadPath": str(folder)}
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)

    def descriptions(self, label: str) -> list[str]:
        """What a screen reader says of a field besides its name: hint and problem."""
        ids = (self.field(label).get_attribute("aria-describedby") or "").split()
        return [self.driver.find_element(By.ID, each).text for each in ids]

    def alert(self) -> str:
        return self.wait_for(lambda: self.driver.find_element(By.CSS_SELECTOR, "[role=alert]").text)

    def refusal(self) -> str:
        """What the login says, if anything."""
        return "".join(each.text for each in self.driver.find_elements(By.CSS_SELECTOR, ".refusal"))

    def overhang(self) -> int:
        """How many pixels of the page are to the right of the window."""
        return int(self._run("return document.documentElement.scrollWidth - innerWidth"))
