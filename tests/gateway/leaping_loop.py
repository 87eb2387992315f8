"""An event loop whose clock a test moves on: a time limit is reached when the test says so, on however slow a machine."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leapt_s = 0.0
        super().__init__()

    def time(self) -> float:
        return super().time() + self._leapt_s

    def leap(self, seconds: float) -> None:
        self._leapt_s += seconds


def run_leaping(story: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, and in *story* the time can be moved on."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(story)


def leap(seconds: float) -> None:
    """So much later it is from here on."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    loop.leap(seconds)
