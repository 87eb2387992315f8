"""The GraphiQL page as a user meets it: a box, a form, an editor, an answer."""

import json
from typing import Any

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.e2e.browser.tab import Tab

# GraphiQL puts Monaco there. A model holds an editor's whole text, of which the page shows only the lines in sight.
MODEL = "__MONACO.editor.getModels().find(model => model.uri.path.endsWith(arguments[0]))"
RUN, STOP = "button[aria-label^='Execute query']", "button[aria-label^='Stop query']"
OPERATION, VARIABLES, RESPONSE = "operation.graphql", "variables.json", "response.json"


class GraphiqlPage(Tab):
    """One visit of /graphiql; opening it waits until the editors are there."""

    def open(self) -> "GraphiqlPage":
        self.driver.get(f"{self.origin}/graphiql")
        self.wait_for(self._editors_are_there)
        return self

    def reload(self) -> None:
        self.driver.refresh()
        self.wait_for(self._editors_are_there)

    def _editors_are_there(self) -> bool:
        return bool(self._run(f"return !!globalThis.__MONACO && !!{MODEL}", RESPONSE))

    # The authorization bar

    @property
    def token(self) -> str:
        return self._box().get_attribute("value") or ""

    @property
    def status(self) -> str:
        """The sentence beside the box: who is logged in, and until when."""
        return self.driver.find_element(By.CSS_SELECTOR, ".authorization-bar output").text

    def paste_token(self, text: str) -> None:
        self._box().click()
        self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def remove_token(self) -> None:
        self.button("Remove").click()

    def log_in(self, email: str, password: str) -> None:
        """Fill in the form and send it; the outcome has to be waited for."""
        for name, value in (("email", email), ("password", password)):
            field = self.driver.find_element(By.NAME, name)
            field.clear()
            field.send_keys(value)
        self.driver.find_element(By.NAME, "password").send_keys(Keys.ENTER)

    def enter_code(self, code: str) -> None:
        """What the form asks for after the password, once it does."""
        field = self.wait_for(lambda: self.driver.find_element(By.NAME, "code"))
        field.clear()
        field.send_keys(code, Keys.ENTER)

    def alert(self) -> str:
        """The text of the alert, once there is one."""
        return self.wait_for(lambda: self.driver.find_element(By.CSS_SELECTOR, "[role=alert]").text)

    def _box(self) -> WebElement:
        label = self.driver.find_element(By.XPATH, "//label[normalize-space()='Authorization']")
        return self.driver.find_element(By.ID, label.get_attribute("for") or "")

    # The editors

    @property
    def operation(self) -> str:
        return str(self._run(f"return {MODEL}.getValue()", OPERATION))

    def write_operation(self, text: str) -> None:
        """Replace the operation. It must have a new name: GraphiQL sends the name it last read, and shows it in the tab."""
        name = text.split()[1]
        self._run(f"{MODEL}.setValue(arguments[1])", OPERATION, text)
        self.wait_for(lambda: self.tabs()[self._active_tab()] == name)

    def write_variables(self, variables: dict[str, Any]) -> None:
        self._run(f"{MODEL}.setValue(arguments[1])", VARIABLES, json.dumps(variables))

    @property
    def variables(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self._run(f"return {MODEL}.getValue()", VARIABLES))
        return shown

    def squiggles(self) -> list[str]:
        """What the variables editor has underlined, and finds wrong with it."""
        markers = f"__MONACO.editor.getModelMarkers({{resource: {MODEL}.uri}})"
        return list(self._run(f"return {markers}.map(marker => marker.message)", VARIABLES))

    def run(self) -> dict[str, Any]:
        """Press the run button and give the answer shown."""
        self.start()
        answer = self.wait_for(self.response)
        assert answer
        return answer

    def start(self) -> None:
        """Press the run button. What was shown before is gone."""
        self._run(f"{MODEL}.setValue('')", RESPONSE)
        self.driver.find_element(By.CSS_SELECTOR, RUN).click()

    def stop(self) -> None:
        """Press the button again, which stops what runs."""
        self.driver.find_element(By.CSS_SELECTOR, STOP).click()

    def is_running(self) -> bool:
        return bool(self.driver.find_elements(By.CSS_SELECTOR, STOP))

    def response_text(self) -> str:
        return str(self._run(f"return {MODEL}.getValue()", RESPONSE))

    def response(self) -> dict[str, Any] | None:
        """What is shown; None while it is nothing."""
        text = self.response_text()
        answer: dict[str, Any] | None = json.loads(text) if text else None
        return answer

    def ask(self, operation: str, **variables: Any) -> dict[str, Any]:
        self.write_operation(operation)
        self.write_variables(variables)
        return self.run()

    def event_count(self) -> str:
        """The line below the answer of a subscription; empty if there is none."""
        return "".join(each.text for each in self.driver.find_elements(By.CSS_SELECTOR, ".events"))

    def columns(self) -> int:
        """How many characters of a line the operation editor shows."""
        editor = f"__MONACO.editor.getEditors().find(each => each.getModel() === {MODEL})"
        return int(self._run(f"return {editor}.getLayoutInfo().viewportColumn", OPERATION))

    # The rest

    def authenticate(self, redirect_url: str) -> None:
        """Be the payer whom the bank asks at *redirect_url*: agree, and wait until the way back ends here."""
        self.driver.get(redirect_url)
        self.button("Complete").click()
        self.wait_for(lambda: self.driver.current_url.startswith(f"{self.origin}/"))
        self.wait_for(self._editors_are_there)

    def tabs(self) -> list[str]:
        return [tab.text for tab in self._tabs()]

    def go_to_tab(self, name: str) -> None:
        next(tab for tab in self._tabs() if tab.text == name).click()
        self.wait_for(lambda: self.tabs()[self._active_tab()] == name and name in self.operation)

    def _tabs(self) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, "[role=tab]")

    def _active_tab(self) -> int:
        return [tab.get_attribute("aria-selected") for tab in self._tabs()].index("true")

    def has_schema(self) -> bool:
        """Whether the introspection that begins with the page has been answered: until then the button waits, too."""
        return self._refetch_button().is_enabled()

    def refetch_schema(self) -> None:
        self._refetch_button().click()

    def _refetch_button(self) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, "button[aria-label^='Re-fetch GraphQL schema']")

    def documented_types(self) -> list[str]:
        """The names that the open documentation links to; none while the schema is on its way."""
        links = self.driver.find_elements(By.CSS_SELECTOR, ".graphiql-plugin a")
        return [link.text for link in links]

    def tick(self, field: str) -> None:
        """Click a field of the open explorer."""
        self.wait_for(lambda: self.driver.find_elements(By.CSS_SELECTOR, f"[data-field-name='{field}']"))[
            0
        ].click()

    def place(self, selector: str) -> dict[str, float]:
        """Where an element is in the window: top, bottom, width."""
        rectangle = "document.querySelector(arguments[0]).getBoundingClientRect().toJSON()"
        return dict(self._run(f"return {rectangle}", selector))

    def shades(self) -> set[str]:
        """What the backgrounds of bar and editor are: "light" or "dark"."""
        parts = (".authorization-bar", ".graphiql-container")
        return {self.shade(part) for part in parts}

    def button(self, label: str) -> WebElement:
        """The button with that text or, where it shows a picture only, that name."""
        return self.driver.find_element(
            By.XPATH, f"//button[normalize-space()='{label}' or @aria-label='{label}']"
        )
