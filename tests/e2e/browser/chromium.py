"""A headless Chromium driven through ChromeDriver, both as the machine has them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

HOW_TO_GET_ONE = (
    "These tests drive a real browser, and no {missing} was found. On Debian or Ubuntu: "
    "`apt-get install chromium chromium-driver`. Elsewhere, name the programs in CHROMIUM and CHROMEDRIVER."
)

# The last four keep Chromium from calling its maker at every start: the tests need no internet, nor should it seem so.
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # Chromium's own sandbox refuses to work for root, which containers run as
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--window-size=1400,1000",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)


class BrowserMissingError(Exception):
    """`missing` is neither on PATH nor named by its variable."""

    def __init__(self, missing: str) -> None:
        super().__init__(HOW_TO_GET_ONE.format(missing=missing))


@dataclass(frozen=True)
class Installation:
    browser: str
    driver: str


def find_installation() -> Installation:
    """Where Chromium and its driver are; raises BrowserMissingError."""
    return Installation(
        browser=_find("CHROMIUM", "chromium", "chromium-browser", "google-chrome"),
        driver=_find("CHROMEDRIVER", "chromedriver"),
    )


def _find(variable: str, *names: str) -> str:
    for candidate in filter(None, (os.environ.get(variable), *names)):
        if found := shutil.which(candidate):
            return found
    raise BrowserMissingError(names[0])


@contextmanager
def running_chromium(installation: Installation, profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser that knows nothing yet: *profile* is an empty folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = installation.browser
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chromium = webdriver.Chrome(options=options, service=Service(installation.driver))
    try:
        yield chromium
    finally:
        chromium.quit()
