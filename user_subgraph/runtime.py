"""How Python, and the C library below it, are set for a server whose threads take turns."""

import ctypes
import gc
import sys
from contextlib import suppress

# A thread that only computes gives Python's lock away after this time when another wants it, which a small request does
# some twenty times: after each answer of the database, and each reading or writing of a socket.
SWITCH_S = 0.001
_M_ARENA_MAX = -8  # of <malloc.h>


def settle() -> None:
    """To be called once, when everything is loaded and no thread has begun."""
    sys.setswitchinterval(SWITCH_S)
    _share_one_heap()
    # What is here by now stays: without this, each full collection looks at all of it again, for a tenth of a second.
    gc.collect()
    gc.freeze()


def _share_one_heap() -> None:
    """Else glibc gives each thread a heap of its own, and what one has freed no other uses again: 20 MB more."""
    with suppress(AttributeError):  # other C libraries have no such thing, and do no such thing
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
