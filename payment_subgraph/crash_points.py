"""Places where the process may die, for the fault rig: each step of the crash-safe flow has one. Off unless armed."""

import os
import random
import signal
from enum import StrEnum


class CrashPoint(StrEnum):
    """Named after the steps of `operations.py`; W are a webhook's, O the outbox's."""

    T1_WRITTEN = "T1 written, not committed"
    T1_COMMITTED = "T1 committed"
    T2_CLAIMED = "T2 claimed"
    T3_ANSWERED = "T3 answered"
    T4_WRITTEN = "T4 written, not committed"
    T4_COMMITTED = "T4 committed"
    W0_VERIFIED = "W0 verified, not stored"
    W1_STORED = "W1 stored, not acknowledged"
    W2_CLAIMED = "W2 claimed, not applied"
    W3_APPLIED = "W3 applied, not settled"
    O1_CLAIMED = "O1 outbox claimed, not sent"
    O2_SENT = "O2 outbox sent, not marked"
    O3_MARKED = "O3 outbox marked"


_chance = 0.0


def arm(chance: float) -> None:
    """From here on the process dies at each point with this *chance*, 0 to 1."""
    global _chance  # noqa: PLW0603 - one process, one life
    _chance = chance


def crash_point(point: CrashPoint) -> None:
    """Return, or never: as by `kill -9`, after a line on stderr that says where."""
    if _chance and random.random() < _chance:  # noqa: S311 - nothing is kept secret by it
        os.write(2, f"CRASH {point}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)
