"""Listens to everything a test's own process logs, and to the errors it answers.

A conftest.py that imports `no_secret_is_logged` has it for each of its tests; `secrets_of_errors` is asked where answers pass.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.told_secrets import findings_in, refuse, secrets_in

QUIET = (
    # The services keep these to warnings, and in tests they also speak of the tests' own requests.
    "httpx",
    "httpcore",
    "stripe",
    "alembic",
    "sqlalchemy",
    "aiosqlite",
    "asyncio",
    "uvicorn.access",
    "mail.log",  # of aiosmtpd, the mail server that tests hand mails to
)
"""Loggers that are heard from warnings on."""


class Listener(logging.Handler):
    """Looks at each record as a log would have it, tracebacks included."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING or not record.name.startswith(QUIET):
            self.findings += findings_in(f"log of {record.name}", self.format(record))


@pytest.fixture(autouse=True)
def no_secret_is_logged() -> Iterator[None]:
    """Added anew for each test: a test that calls a command's main() sets logging up, which takes handlers away."""
    listener, root = Listener(), logging.getLogger()
    root.addHandler(listener)
    level = root.level
    root.setLevel(logging.INFO)
    yield
    root.setLevel(level)
    root.removeHandler(listener)
    refuse(listener.findings)


def secrets_of_errors(request: str, answer: Any) -> list[str]:
    """Findings in `errors` and in each `message` of *answer*; what *request* itself said may come back to its sender."""
    whole = answer if isinstance(answer, dict) else {}
    errors = json.dumps(whole.get("errors"), ensure_ascii=False)
    return [
        f"an error that was answered: {secret.kind}"
        for text in (errors, *_messages(whole.get("data")))
        for secret in secrets_in(text)
        if secret.text not in request
    ]


def _messages(node: Any) -> Iterator[str]:
    """Every text under `message`, however deep."""
    if isinstance(node, list):
        for one in node:
            yield from _messages(one)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "message" and isinstance(value, str):
                yield value
            yield from _messages(value)
