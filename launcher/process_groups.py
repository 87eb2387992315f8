"""Every process we start leads a group of its own: Ctrl-C reaches only us, and we end each with its children."""

import ctypes
import os
import signal
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to the whole group of the process *leader*; a group that is gone is fine."""
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return


def end_with_us() -> None:
    """Called in a new process: lets the kernel kill it when we are killed and can no longer end it (Linux only)."""
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
