"""Keeping what lives long out of the garbage collector's way."""

import gc

COLLECT_AFTER = (700, 10, 50)
"""Python's own numbers but for the last: full collections, in which nobody is answered, come a fifth as often. Requests
leave few circles behind."""


def set_apart() -> None:
    """Take everything that is there now for something that stays.

    A supergraph is some hundred thousand objects. Looking through them all for garbage, as Python would do now and
    then, takes longer than most requests; once is enough, and again when another supergraph has taken over.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
