"""What the browser wrote down: the requests it made, and what its console complained about."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from selenium.webdriver.chrome.webdriver import WebDriver


@dataclass(frozen=True)
class Request:
    url: str
    headers: dict[str, str]
    """Names in lower case."""
    body: str


def requests_made(driver: WebDriver) -> list[Request]:
    """The requests to any server since this was asked last, those of workers among them, in their order."""
    sent = (event["request"] for event in _events(driver, "Network.requestWillBeSent"))
    return [_request(request) for request in sent if request["url"].startswith(("http", "ws"))]


def complaints(driver: WebDriver) -> list[str]:
    """The console's warnings and errors since this was asked last: failed requests and policy breaches too."""
    return [
        entry["message"] for entry in driver.get_log("browser") if entry["level"] in {"WARNING", "SEVERE"}
    ]


def _events(driver: WebDriver, method: str) -> Iterator[dict[str, Any]]:
    for entry in driver.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        if event["method"] == method:
            yield event["params"]


def _request(request: dict[str, Any]) -> Request:
    headers = {name.lower(): value for name, value in request["headers"].items()}
    return Request(request["url"], headers, request.get("postData", ""))
