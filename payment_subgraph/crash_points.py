"""Places where the process may die, for the fault rig: each step of the crash-safe flow has one. Off unless armed."""

import os
import random
import signal
from collections.abc import Callable
from enum import StrEnum


class CrashPoint(StrEnum):
    """Named after the steps of `operations.py`; W are a webhook's, B the reading of missed events, O the outbox's."""

    T1_WRITTEN = "T1 written, not committed"
    T1_COMMITTED = "T1 committed"
    T2_CLAIMED = "T2 claimed, not sent"
    T3_ANSWERED = "T3 answered"
    T3_UNANSWERED = "T3 refused, or without a clear answer"
    T4_WRITTEN = "T4 written, not committed"
    T4_COMMITTED = "T4 committed"
    T4_REJECTED = "T4 rejected, not committed"
    READ = "read again, not written"
    W0_VERIFIED = "W0 verified, not stored"
    W1_STORED = "W1 stored, not acknowledged"
    W2_CLAIMED = "W2 claimed, not applied"
    W3_APPLIED = "W3 applied, not settled"
    B_STORED = "B missed events stored, cursor not moved"
    O1_CLAIMED = "O1 outbox claimed, not sent"
    O2_SENT = "O2 outbox sent, not marked"
    O3_MARKED = "O3 outbox marked"


Reached = Callable[[CrashPoint, str], None]
"""Called at each point, with what is under way there: a kind of operation, or why a payment is read again."""

_reached: Reached | None = None


def watch(reached: Reached | None) -> None:
    """From here on *reached* is called at each point; None ends that."""
    global _reached  # noqa: PLW0603 - one process, one life
    _reached = reached


def arm(chance: float) -> None:
    """From here on the process dies at each point with this *chance*, 0 to 1: as by `kill -9`, saying where."""

    def die(point: CrashPoint, under_way: str) -> None:
        if random.random() < chance:  # noqa: S311 - nothing is kept secret by it
            os.write(2, f"CRASH {point}|{under_way}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    watch(die if chance else None)


def crash_point(point: CrashPoint, under_way: str = "") -> None:
    """Return, or never."""
    if _reached is not None:
        _reached(point, under_way)
