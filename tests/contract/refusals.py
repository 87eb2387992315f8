"""How a forged token is to be refused: quickly, in our own words, and without a trace of it."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LONGEST_S = 0.5
"""Far more than it takes, and far less than work that grows with the token would."""
_FROM_THE_TOKEN = re.compile(r"[\w-]{12,}")
_FROM_ITS_CONTENT = ("attacker", "usr_", "ses_1", "kid", "exp", "Traceback")


@contextmanager
def soon() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST_S


def assert_refused(answer: dict[str, Any], *, messages: set[str], authorization: str, log: str) -> None:
    """*answer*: the body. *messages*: what the service says of a token that is not valid. *log*: all it wrote."""
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["message"] in messages
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    written = log + json.dumps(answer)
    for piece in set(_FROM_THE_TOKEN.findall(authorization)):
        assert piece not in written
    for word in _FROM_ITS_CONTENT:
        assert word not in log
