"""How a forged token is to be refused: in our own words, and without a trace of it."""

import json
import re
from typing import Any

_FROM_THE_TOKEN = re.compile(r"[\w-]{12,}")
_FROM_ITS_CONTENT = ("attacker", "usr_", "ses_1", "kid", "exp", "Traceback")


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
