"""How Python, and the C library below it, are set for a server whose threads take turns."""

import ctypes
import gc
import resource
import sys
from contextlib import suppress
from typing import Final

# A thread that only computes gives Python's lock away after this time when another wants it, which a small request does
# some ten times: after each answer of the database, and each reading or writing of a socket.
SWITCH_S: Final = 0.001
# Of Python's own 700, 10, 10 the last: full collections, which keep everybody waiting, come a fifth as often.
COLLECT_AFTER: Final = (700, 10, 50)
_M_ARENA_MAX: Final = -8  # of <malloc.h>


def settle() -> None:
    """To be called once, when everything is loaded and no thread has begun."""
    sys.setswitchinterval(SWITCH_S)
    _share_one_heap()
    _raise_open_files()
    # What is here by now stays: without this, each full collection looks at all of it again, for a fifth of a second.
    gc.collect()
    gc.freeze()
    # What comes later leaves few circles behind, and a full collection finds them when it comes.
    gc.set_threshold(*COLLECT_AFTER)


def _share_one_heap() -> None:
    """Else glibc gives each thread a heap of its own, and what one has freed no other uses again: 20 MB more."""
    with suppress(AttributeError):  # other C libraries have no such thing, and do no such thing
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _raise_open_files() -> None:
    """As many as we may: each client has a connection, and one that watches a payment keeps it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems name a limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
