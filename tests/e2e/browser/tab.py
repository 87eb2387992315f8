"""A tab of the browser: what any page of it can be asked, and how it looks."""

from collections.abc import Callable
from typing import Any, TypeVar

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

T = TypeVar("T")

WAIT_S = 60

# From 0, black, to 1, white: the first background that is not transparent, from the element outwards.
# A canvas turns any color that CSS knows into red, green and blue.
BRIGHTNESS = """
let element = document.querySelector(arguments[0]);
const clear = "rgba(0, 0, 0, 0)";
while (getComputedStyle(element).backgroundColor === clear) element = element.parentElement;
const context = document.createElement("canvas").getContext("2d");
context.fillStyle = getComputedStyle(element).backgroundColor;
context.fillRect(0, 0, 1, 1);
const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
return (red + green + blue) / (3 * 255);
"""


class Tab:
    """*gateway_url*: where its page comes from."""

    def __init__(self, driver: WebDriver, gateway_url: str) -> None:
        self.driver = driver
        self.origin = gateway_url

    def prefer_color_scheme(self, scheme: str) -> None:
        """Do as a system set to "light" or "dark" would; for this tab only."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def resize(self, width: int, height: int) -> None:
        """For this tab only."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def shade(self, selector: str) -> str:
        """What an element's background is: "light" or "dark"."""
        return "light" if self._run(BRIGHTNESS, selector) > 0.5 else "dark"

    def wait_for(self, condition: Callable[[], T]) -> T:
        """The first true value of *condition*; what is replaced meanwhile, an element or the whole page, is asked for again."""
        waiting = WebDriverWait(self.driver, WAIT_S, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: _unless_detached(condition))

    def _run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)


def _unless_detached(look: Callable[[], T]) -> T | None:
    """ChromeDriver has no class of its own for a page that goes away while it is looked at."""
    try:
        return look()
    except WebDriverException as error:
        if "detached" not in str(error.msg):
            raise
        return None
