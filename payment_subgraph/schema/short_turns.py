"""Work beside the event loop, done in turns so short that the loop hardly waits for them."""

import time
from typing import Any, Final

from graphql import ASTValidationRule

_TURN_S: Final = 0.001
_REST_S: Final = 0.001


class Rests:
    """A rest of a millisecond after each millisecond of work, for who asks often enough.

    A thread that only computes keeps Python's lock for 5 ms whenever somebody else wants it, and a small request wants
    it some forty times: after each answer of the database, and each reading or writing of a socket.
    """

    def __init__(self) -> None:
        self._ends = time.perf_counter() + _TURN_S

    def rest(self) -> None:
        if time.perf_counter() > self._ends:
            time.sleep(_REST_S)
            self._ends = time.perf_counter() + _TURN_S


class ShortTurns(ASTValidationRule):
    """Forbids nothing: rests now and then while the rules beside it walk over a document."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._rests = Rests()

    def enter(self, *_: Any) -> None:
        self._rests.rest()
