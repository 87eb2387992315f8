"""Work beside other requests, done in turns so short that they hardly wait for them."""

import time
from typing import Any

from graphql import ASTValidationRule

TURN_S = 0.001
REST_S = 0.001


class ShortTurns(ASTValidationRule):
    """Forbids nothing: rests now and then while the rules beside it walk over a document.

    A thread that only computes keeps Python's lock for 5 ms whenever another wants it, and a small request wants it
    some twenty times: after each answer of the database, and each reading or writing of a socket.
    """

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._ends = time.perf_counter() + TURN_S

    def enter(self, *_: Any) -> None:
        if time.perf_counter() > self._ends:
            time.sleep(REST_S)
            self._ends = time.perf_counter() + TURN_S
